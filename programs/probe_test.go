package programs

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	programv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/program/v1"
	"github.com/yunqiao/yunqiao/programs/gyt345"
	"github.com/yunqiao/yunqiao/programs/media/mediatest"
)

func TestProbe(t *testing.T) {
	const master = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=640x360\nsd/list.m3u8\n" +
		"#EXT-X-STREAM-INF:BANDWIDTH=4000000,RESOLUTION=1920x1080\nhd/list.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=6000000,RESOLUTION=1920x1080\nlost.m3u8\n"
	zeros := slices.Concat(mediatest.Box("ftyp", []byte("isomisom")), mediatest.Box("moov", make([]byte, 500)))
	answers := map[string]string{
		"/master.m3u8":  master,
		"/sd/list.m3u8": "#EXTM3U\n#EXTINF:2,\n0.ts\n",
		"/sd/0.ts":      mediatest.Segment(1064),
		"/hd/list.m3u8": "#EXTM3U\n#EXTINF:2,\n0.ts\n",
		"/hd/0.ts":      mediatest.Segment(5320), // 1 MB, 4 Mbit/s
		"/small.m3u8":   "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=4000000,RESOLUTION=1920x1080\nsd/list.m3u8\n",
		"/broken.m3u8":  "#EXTM3U\n#EXTINF:6,\nlost.ts\n",
		"/text.m3u8":    "#EXTM3U\n#EXTINF:6,\npage\n",
		"/locked.m3u8":  "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF:6,\npage\n",
		"/parts.m3u8":   "#EXTM3U\n#EXTINF:2,\n#EXT-X-BYTERANGE:1000096@188\nhd/0.ts\n",
		"/film.mp4":     string(mediatest.Film(1920, 804, 4, 2_000_000)), // 4 Mbit/s
		"/zeros.mp4":    string(zeros),
		"/page":         "<html>",
	}
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, whole := strings.CutPrefix(r.URL.Path, "/whole")
		text, ok := answers[path]
		switch {
		case !ok:
			w.WriteHeader(http.StatusNotFound)
		case whole: // a server that knows no parts
			_, _ = w.Write([]byte(text)) // a client that has gone is no error
		default:
			http.ServeContent(w, r, "", time.Time{}, strings.NewReader(text))
		}
	}))
	t.Cleanup(origin.Close)
	open, closed := (&Module{opts: Options{ProbePrivate: true}}).prober(), (&Module{}).prober()
	for name, tc := range map[string]struct {
		play    playInfo
		format  string
		good    bool
		problem string // a part of one; empty: none
		not     string // what of the metadata is not compared
		kbps    int32
	}{
		"hls":                {playInfo{Definition: "HD", VideoBitrate: "4000", PlayURL: "/master.m3u8"}, "HLS", true, "", "", 4000},
		"bits per second":    {playInfo{Definition: "HD", VideoBitrate: "4000000", PlayURL: "/master.m3u8"}, "HLS", true, "", "", 4000},
		"other variant":      {playInfo{Definition: "SD", VideoBitrate: "800", PlayURL: "/master.m3u8"}, "HLS", true, "", "", 800},
		"best variant":       {playInfo{Definition: "HD", PlayURL: "/master.m3u8"}, "HLS", false, "variant: status 404", "", 6000},
		"no such definition": {playInfo{Definition: "4K", PlayURL: "/small.m3u8"}, "HLS", true, "definition is 4K", "videoBitrate", 4000},
		"less than declared": {playInfo{Definition: "HD", VideoBitrate: "4000", PlayURL: "/small.m3u8"}, "HLS", true, "first segment has 800", "", 4000},
		"other bit rate":     {playInfo{Definition: "HD", VideoBitrate: "400", PlayURL: "/master.m3u8"}, "HLS", true, "videoBitrate is 400", "", 4000},
		"segments":           {playInfo{Definition: "HD", VideoBitrate: "4000", PlayURL: "/hd/list.m3u8"}, "HLS", true, "", "definition", 4000},
		"segments, less":     {playInfo{Definition: "HD", VideoBitrate: "4000", PlayURL: "/sd/list.m3u8"}, "HLS", true, "first segment has 800", "definition", 800},
		"parts":              {playInfo{Definition: "HD", VideoBitrate: "4000", PlayURL: "/parts.m3u8"}, "HLS", true, "", "definition", 4000},
		"lost segment":       {playInfo{Definition: "HD", PlayURL: "/broken.m3u8"}, "HLS", false, "first segment: status 404", "", 0},
		"a page as segment":  {playInfo{Definition: "HD", PlayURL: "/text.m3u8"}, "HLS", false, "neither MPEG-TS nor MP4", "", 0},
		"encrypted":          {playInfo{Definition: "HD", PlayURL: "/locked.m3u8"}, "HLS", true, "", "first segment, definition, videoBitrate", 0},
		"mp4":                {playInfo{Definition: "HD", VideoBitrate: "4000", PlayURL: "/film.mp4"}, "MP4", true, "", "", 4000},
		"mp4, other picture": {playInfo{Definition: "SD", VideoBitrate: "9000", PlayURL: "/film.mp4"}, "MP4", true, "videoBitrate is 9000", "", 4000},
		"mp4 without parts":  {playInfo{Definition: "HD", VideoBitrate: "4000", PlayURL: "/whole/film.mp4"}, "MP4", true, "", "movie box, definition, videoBitrate", 0},
		"mp4 of zeros":       {playInfo{Definition: "HD", PlayURL: "/zeros.mp4"}, "MP4", false, "movie box", "", 0},
		"a page":             {playInfo{Definition: "HD", PlayURL: "/page"}, "unknown", false, "neither", "", 0},
		"nothing":            {playInfo{Definition: "HD", PlayURL: "/nothing"}, "unknown", false, "status 404", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			tc.play.PlayURL = origin.URL + tc.play.PlayURL
			got := open.probe(t.Context(), tc.play)
			problems := strings.Join(got.GetProblems(), "; ")
			if got.GetFormat() != tc.format || got.GetPlayable() != tc.good || (problems == "") != (tc.problem == "") || !strings.Contains(problems, tc.problem) {
				t.Errorf("got %v", got)
			}
			var not []string
			for _, text := range got.GetNotCompared() {
				what, _, _ := strings.Cut(text, ":")
				not = append(not, what)
			}
			if want := tc.kbps; strings.Join(not, ", ") != tc.not || got.GetBitrateKbps() < want || got.GetBitrateKbps() > want+want/100 {
				t.Errorf("got %v; want %d kbit/s, and %q not compared", got, want, tc.not)
			}
		})
	}
	if got := closed.probe(t.Context(), playInfo{PlayURL: origin.URL + "/film.mp4"}); got.GetPlayable() || !strings.Contains(strings.Join(got.GetProblems(), ""), "not public") {
		t.Errorf("a private address: got %v", got)
	}
}

func TestPublicAddresses(t *testing.T) {
	for text, want := range map[string]bool{
		"1.1.1.1": true, "2606:4700::1111": true, "127.0.0.1": false, "10.1.2.3": false, "169.254.169.254": false, "0.1.2.3": false,
		"100.100.100.200": false, "100.128.0.1": true, "198.19.0.1": false, "255.255.255.255": false, "fd00::1": false, "::1": false,
		"::ffff:100.100.100.200": false, "64:ff9b::6464:64c8": false, "2002:6464:64c8::1": false,
	} {
		err := publicOnly("tcp", net.JoinHostPort(text, "80"), nil)
		if got := err == nil; got != want {
			t.Errorf("%s: got %v, want public %v", text, err, want)
		}
	}
}

// TestPlayLink follows links that hold, have ended, were altered, or are of a program
// that went off.
func TestPlayLink(t *testing.T) {
	each(t, Options{}, func(t *testing.T, r *rig) {
		r.send(t, gyt345.ProgramAdd, "", 0, program("p", "online", ""))
		server := &programServer{Module: r.Module}
		id := recordKey(KindProgram, r.group, "p")
		made, err := server.GetProgramPlayLink(t.Context(), &programv1.GetProgramPlayLinkRequest{Id: id, ValidSeconds: 60})
		if err != nil {
			t.Fatal(err)
		}
		follow := func(link string) (int, string) {
			w := httptest.NewRecorder()
			r.mux.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, link, nil))
			return w.Code, w.Header().Get("Location")
		}
		if code, to := follow(made.GetLink()); code != http.StatusFound || to != "https://cdn.example/p.m3u8" {
			t.Errorf("got %d %s", code, to)
		}
		if code, _ := follow(strings.Replace(made.GetLink(), "video=v1", "video=v2", 1)); code != http.StatusForbidden {
			t.Errorf("altered: got %d", code)
		}
		r.clock.add(61 * time.Second)
		if code, _ := follow(made.GetLink()); code != http.StatusForbidden {
			t.Errorf("ended: got %d", code)
		}
		if made, err = server.GetProgramPlayLink(t.Context(), &programv1.GetProgramPlayLinkRequest{Id: id}); err != nil {
			t.Fatal(err)
		}
		r.send(t, gyt345.ProgramOffline, "", 0, `{"programIds":["p"]}`)
		if code, _ := follow(made.GetLink()); code != http.StatusGone {
			t.Errorf("offline: got %d", code)
		}
	})
}

// TestWatch breaks a play URL and mends it: one event each, and the record shows it.
func TestWatch(t *testing.T) {
	var broken atomic.Bool
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if broken.Load() {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = w.Write(mediatest.Film(1920, 1080, 4, 1000)) // a client that has gone is no error
	}))
	t.Cleanup(origin.Close)
	each(t, Options{ProbePrivate: true, ProbeInterval: time.Minute}, func(t *testing.T, r *rig) {
		broken.Store(false)
		r.send(t, gyt345.ProgramAdd, "", 0, strings.ReplaceAll(program("p", "online", ""), "https://cdn.example/p.m3u8", origin.URL+"/p.mp4"))
		r.send(t, gyt345.ProgramAdd, "", 0, program("off", "offline", ""))
		server := &programServer{Module: r.Module}
		round := func(want bool) {
			t.Helper()
			for range 3 { // the interval holds the second and third off
				if err := errors.Join(r.index.catchUp(t.Context()), r.watch(t.Context())); err != nil {
					t.Fatal(err)
				}
			}
			r.clock.add(time.Minute)
			got, err := server.GetProgram(t.Context(), &programv1.GetProgramRequest{Id: recordKey(KindProgram, r.group, "p")})
			if err != nil || got.GetProgram().GetWatch().GetPlayable() != want || (len(got.GetProgram().GetWatch().GetProblems()) == 0) != want {
				t.Errorf("got %v, %v; want playable %v", got.GetProgram().GetWatch(), err, want)
			}
		}
		round(true)
		broken.Store(true)
		round(false)
		round(false)
		broken.Store(false)
		round(true)
		var events []string
		if err := r.store.Write.Table("outbox_events").Order("position").Where("source = ?", "PROBE").Pluck("type", &events).Error; err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(events, []string{EventPlayBroken, EventPlayRestored}) {
			t.Errorf("got events %v", events)
		}
	})
}
