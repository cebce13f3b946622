package media

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/yunqiao/yunqiao/programs/media/mediatest"
)

func TestReadMovie(t *testing.T) {
	head := mediatest.Box("ftyp", []byte("isom\x00\x00\x00\x01isom"))
	media := mediatest.Box("mdat", bytes.Repeat([]byte{1}, 5000))
	long := slices.Concat([]byte{0, 0, 0, 1}, []byte("mdat"), binary.BigEndian.AppendUint64(nil, 16+300), make([]byte, 300)) // a length of 64 bits
	hd := Movie{Seconds: 90, Width: 1920, Height: 1080, Tracks: 2}
	for name, tc := range map[string]struct {
		file []byte
		want Movie
		err  string
	}{
		"first":            {slices.Concat(head, mediatest.Box("moov", mediatest.MovieHeader(1000, 90000), mediatest.Track(0, 0), mediatest.Track(1920, 1080)), media), hd, ""},
		"behind the media": {slices.Concat(head, media, long, mediatest.Box("moov", mediatest.MovieHeader64(1000, 90000), mediatest.Track(0, 0), mediatest.Track(1920, 1080))), hd, ""},
		"sound only":       {slices.Concat(head, mediatest.Box("moov", mediatest.MovieHeader(1, 5), mediatest.Track(0, 0))), Movie{Seconds: 5, Tracks: 1}, ""},
		"of fragments":     {slices.Concat(head, mediatest.Box("moov", mediatest.MovieHeader(1, 0xffffffff), mediatest.Track(2, 1))), Movie{Width: 2, Height: 1, Tracks: 1}, ""},
		"zeros":            {slices.Concat(head, mediatest.Box("moov", make([]byte, 1000))), Movie{}, errBadMovie.Error()},
		"no track":         {slices.Concat(head, mediatest.Box("moov", mediatest.MovieHeader(1, 5))), Movie{Seconds: 5}, errBadMovie.Error()},
		"no movie":         {slices.Concat(head, media), Movie{}, errNoMovie.Error()},
		"cut off":          {slices.Concat(head, mediatest.Box("moov", mediatest.MovieHeader(1, 5), mediatest.Track(2, 1))[:60]), Movie{}, errBadBox.Error()},
		"empty boxes":      {slices.Concat(head, bytes.Repeat(mediatest.Box("free"), 10_000)), Movie{}, errBadMovie.Error()},
	} {
		got, err := ReadMovie(bytes.NewReader(tc.file), int64(len(tc.file)))
		if got != tc.want || (err == nil) != (tc.err == "") || err != nil && err.Error() != tc.err {
			t.Errorf("%s: got %+v, %v; want %+v, %q", name, got, err, tc.want, tc.err)
		}
	}
}

func TestReadPlaylist(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		want Playlist
		err  string
	}{
		"variants": {"#EXTM3U\r\n#EXT-X-STREAM-INF:CODECS=\"avc1,mp4a\",BANDWIDTH=5000000,AVERAGE-BANDWIDTH=4000000, RESOLUTION=1920x1080\r\nhd.m3u8\r\n" +
			"#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"i.m3u8\"\n#EXT-X-STREAM-INF:BANDWIDTH=900000\nlow.m3u8\n",
			Playlist{Variants: []Variant{{"hd.m3u8", 4_000_000, 1920, 1080}, {"low.m3u8", 900_000, 0, 0}}}, ""},
		"segments":  {"#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:5.5,title\n0.ts\n#EXTINF:6,\n1.ts\n", Playlist{First: Segment{URI: "0.ts", Seconds: 5.5}}, ""},
		"parts":     {"#EXTM3U\n#EXTINF:4,\n#EXT-X-BYTERANGE:1000@200\nall.mp4\n", Playlist{First: Segment{URI: "all.mp4", Seconds: 4, Offset: 200, Length: 1000}}, ""},
		"encrypted": {"#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF:nan,\n0.ts\n", Playlist{First: Segment{URI: "0.ts", Encrypted: true}}, ""},
		"no entry":  {"#EXTM3U\n#EXT-X-ENDLIST\n", Playlist{}, "the playlist has no entry"},
		"a page":    {"<html>", Playlist{}, "not a playlist"},
	} {
		got, err := ReadPlaylist([]byte(tc.text))
		if !slices.Equal(got.Variants, tc.want.Variants) || got.First != tc.want.First || (err == nil) != (tc.err == "") || err != nil && err.Error() != tc.err {
			t.Errorf("%s: got %+v, %v; want %+v, %q", name, got, err, tc.want, tc.err)
		}
	}
}

func TestIsSegment(t *testing.T) {
	ts := "G" + strings.Repeat("x", 187)
	for head, want := range map[string]bool{
		ts: true, ts + ts: true, ts + "x": false, "G...": false, "": false, "<html></html>": false,
		"\x00\x00\x00\x18styp": true, "\x00\x00\x00\x18mess": false, "ID3": true, "\xff\xf1\x50\x80\x00\x1f\xfc\x00": true, strings.Repeat("\x00", 400): false,
	} {
		if got := IsSegment([]byte(head)); got != want {
			t.Errorf("%.12q of %d bytes: got %v, want %v", head, len(head), got, want)
		}
	}
}

// FuzzRead: whatever the bytes, the readers end, and tell of no more than there is.
func FuzzRead(f *testing.F) {
	f.Add([]byte("#EXTM3U\n#EXT-X-STREAM-INF:A=\"b,c\",RESOLUTION=1x1\nv\n#EXTINF:6,\n0.ts\n"))
	f.Add(slices.Concat(mediatest.Box("ftyp", []byte("isom")), mediatest.Box("moov", mediatest.MovieHeader(1, 5), mediatest.Track(0, 0), mediatest.Track(2, 1))))
	f.Add(slices.Concat(mediatest.Box("ftyp", []byte("isom")), mediatest.Box("moov", mediatest.MovieHeader64(1, 5), mediatest.Box("trak", mediatest.Track(2, 1)))))
	f.Fuzz(func(t *testing.T, data []byte) {
		if list, err := ReadPlaylist(data); err == nil && len(list.Variants) == 0 && list.First.URI == "" {
			t.Errorf("a playlist with nothing: %q", data)
		}
		for _, size := range []int64{int64(len(data)), -1} {
			movie, err := ReadMovie(bytes.NewReader(data), size)
			if err == nil && (movie.Tracks == 0 || movie.Seconds < 0 || movie.Width < 0) {
				t.Errorf("got %+v of %q", movie, data)
			}
		}
		IsSegment(data)
	})
}
