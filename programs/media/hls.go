package media

import (
	"bytes"
	"errors"
	"math"
	"strconv"
	"strings"
)

// Playlist is a master playlist with variants, or a media playlist with a segment.
type Playlist struct {
	Variants []Variant
	First    Segment // URI is empty: there is none
}

// Variant is a stream of a master playlist.
type Variant struct {
	URI           string
	BitsPerSecond int64 // the average, or else the peak; 0: not told
	Width, Height int   // of the picture; 0: not told
}

// Segment is an entry of a media playlist.
type Segment struct {
	URI            string
	Seconds        float64 // 0: not told
	Offset, Length int64   // of the part of what the URI leads to; length 0: all of it
	Encrypted      bool    // as a whole, so that nothing of it can be read
}

const (
	playlistStart = "#EXTM3U"
	maxVariants   = 256
)

// IsPlaylist tells whether a text begins as all playlists do.
func IsPlaylist(text []byte) bool { return bytes.HasPrefix(text, []byte(playlistStart)) }

// ReadPlaylist reads the variants, or the first segment.
func ReadPlaylist(text []byte) (Playlist, error) {
	if !IsPlaylist(text) {
		return Playlist{}, errors.New("not a playlist")
	}
	var p Playlist
	var variant *Variant
	var next Segment
	for raw := range bytes.Lines(text) {
		line := strings.TrimSpace(string(raw))
		name, value, _ := strings.Cut(line, ":")
		switch {
		case name == "#EXT-X-STREAM-INF":
			variant = readVariant(value)
		case name == "#EXTINF":
			next.Seconds = seconds(value)
		case name == "#EXT-X-BYTERANGE":
			next.Offset, next.Length = byteRange(value)
		case name == "#EXT-X-KEY":
			next.Encrypted = attributes(value)["METHOD"] == "AES-128"
		case line == "" || strings.HasPrefix(line, "#"):
		case variant != nil:
			variant.URI = line
			p.Variants = append(p.Variants, *variant)
			variant = nil
			if len(p.Variants) == maxVariants {
				return p, nil
			}
		case len(p.Variants) == 0:
			next.URI = line
			p.First = next
			return p, nil
		}
	}
	if len(p.Variants) == 0 {
		return p, errors.New("the playlist has no entry")
	}
	return p, nil
}

func readVariant(text string) *Variant {
	told := attributes(text)
	v := &Variant{BitsPerSecond: natural(told["AVERAGE-BANDWIDTH"])}
	if v.BitsPerSecond == 0 {
		v.BitsPerSecond = natural(told["BANDWIDTH"])
	}
	if width, height, ok := strings.Cut(told["RESOLUTION"], "x"); ok {
		v.Width, v.Height = int(min(natural(width), math.MaxInt32)), int(min(natural(height), math.MaxInt32))
	}
	return v
}

// attributes reads an attribute list; commas within quotes do not end a value.
func attributes(text string) map[string]string {
	out := map[string]string{}
	for text != "" {
		var name, value string
		if name, text, _ = strings.Cut(text, "="); strings.HasPrefix(text, `"`) {
			value, text, _ = strings.Cut(text[1:], `"`)
			_, text, _ = strings.Cut(text, ",")
		} else {
			value, text, _ = strings.Cut(text, ",")
		}
		out[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
	return out
}

// natural reads a number; 0: it is none.
func natural(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

func seconds(text string) float64 {
	told, _, _ := strings.Cut(text, ",")
	n, err := strconv.ParseFloat(strings.TrimSpace(told), 64)
	if err != nil || !(n > 0 && n < 1<<20) {
		return 0
	}
	return n
}

func byteRange(text string) (offset, length int64) {
	size, at, _ := strings.Cut(strings.TrimSpace(text), "@")
	return natural(at), natural(size)
}
