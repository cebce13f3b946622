package programs

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	programv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/program/v1"
	"github.com/yunqiao/yunqiao/programs/gyt345"
)

func TestProbe(t *testing.T) {
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answers := map[string]string{
			"/master.m3u8":  "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=4000000,RESOLUTION=1920x1080\nhd/list.m3u8\n",
			"/hd/list.m3u8": "#EXTM3U\n#EXTINF:6,\n0.ts\n",
			"/hd/0.ts":      "G...",
			"/broken.m3u8":  "#EXTM3U\n#EXTINF:6,\nlost.ts\n",
			"/film.mp4":     "\x00\x00\x00\x18ftypisom....",
			"/page":         "<html>",
		}
		text, ok := answers[r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = w.Write([]byte(text)) // a client that has gone is no error
	}))
	t.Cleanup(origin.Close)
	open, closed := (&Module{opts: Options{ProbePrivate: true}}).prober(), (&Module{}).prober()
	for name, tc := range map[string]struct {
		play    playInfo
		format  string
		good    bool
		problem string // a part of one; empty: none
	}{
		"hls":              {playInfo{Definition: "HD", VideoBitrate: "4000", PlayURL: "/master.m3u8"}, "HLS", true, ""},
		"bits per second":  {playInfo{Definition: "HD", VideoBitrate: "4000000", PlayURL: "/master.m3u8"}, "HLS", true, ""},
		"other definition": {playInfo{Definition: "4K", PlayURL: "/master.m3u8"}, "HLS", true, "definition is 4K"},
		"other bit rate":   {playInfo{Definition: "HD", VideoBitrate: "8000", PlayURL: "/master.m3u8"}, "HLS", true, "videoBitrate is 8000"},
		"lost segment":     {playInfo{Definition: "HD", PlayURL: "/broken.m3u8"}, "HLS", false, "first segment: status 404"},
		"mp4":              {playInfo{Definition: "HD", PlayURL: "/film.mp4"}, "MP4", true, ""},
		"a page":           {playInfo{Definition: "HD", PlayURL: "/page"}, "unknown", false, "neither"},
		"nothing":          {playInfo{Definition: "HD", PlayURL: "/nothing"}, "unknown", false, "status 404"},
	} {
		t.Run(name, func(t *testing.T) {
			tc.play.PlayURL = origin.URL + tc.play.PlayURL
			got := open.probe(t.Context(), tc.play)
			problems := strings.Join(got.GetProblems(), "; ")
			if got.GetFormat() != tc.format || got.GetPlayable() != tc.good || (problems == "") != (tc.problem == "") || !strings.Contains(problems, tc.problem) {
				t.Errorf("got %v", got)
			}
		})
	}
	if got := closed.probe(t.Context(), playInfo{PlayURL: origin.URL + "/film.mp4"}); got.GetPlayable() || !strings.Contains(strings.Join(got.GetProblems(), ""), "not public") {
		t.Errorf("a private address: got %v", got)
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
		_, _ = w.Write([]byte("\x00\x00\x00\x18ftypisom....")) // a client that has gone is no error
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
