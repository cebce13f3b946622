package programs

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/programs/gyt345"
)

// TestRequestVectors replays the fixed requests at the module with its store.
func TestRequestVectors(t *testing.T) {
	each(t, Options{}, func(t *testing.T, r *rig) {
		r.addVectorPartner(t)
		var v struct {
			Requests []struct {
				Note, Method, Path, Query, BodyBase64, Receiver string
				Now                                             int64
				Headers                                         map[string]string
				Expect                                          struct {
					HTTP int
					Code string
				}
			}
		}
		raw, err := os.ReadFile("gyt345/testdata/requests.json")
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatal(err)
		}
		for _, c := range v.Requests {
			if c.Receiver != "integrationPlatform" {
				continue
			}
			r.clock.millis.Store(c.Now)
			r.partners.forget()
			body, err := base64.StdEncoding.DecodeString(c.BodyBase64)
			if err != nil {
				t.Fatal(err)
			}
			request := httptest.NewRequestWithContext(t.Context(), c.Method, c.Path+"?"+c.Query, bytes.NewReader(body))
			for name, value := range c.Headers {
				request.Header.Set(name, value)
			}
			w := httptest.NewRecorder()
			r.mux.ServeHTTP(w, request)
			if w.Code != c.Expect.HTTP || !strings.Contains(w.Body.String(), `"`+c.Expect.Code+`"`) {
				t.Errorf("%s: got %d %s, want %d %s", c.Note, w.Code, w.Body, c.Expect.HTTP, c.Expect.Code)
			}
		}
		var kept int64
		if r.store.Write.Model(&messageRow{}).Count(&kept); int(kept) != len(v.Requests)-2 {
			t.Errorf("journal: got %d messages, want %d", kept, len(v.Requests)-2)
		}
	})
}

func TestRules(t *testing.T) {
	each(t, Options{}, func(t *testing.T, r *rig) {
		now := r.clock.millis.Load()
		ok := func(kind gyt345.Type, id string, at int64, data string) {
			t.Helper()
			if code := r.send(t, kind, id, at, data); code != "ok" {
				t.Fatalf("got %s, want ok", code)
			}
		}
		online := func(kind Kind, id string, want bool) {
			t.Helper()
			if got := r.get(t, kind, id); got.Online != want {
				t.Errorf("%s %s: got online %v, want %v (%+v)", kind, id, got.Online, want, got)
			}
		}
		t.Run("a program may come before its series, 101 of an unknown id inserts", func(t *testing.T) {
			ok(gyt345.ProgramUpdate, "", now, program("p1", "online", inSeries("p1", "s1")))
			online(KindProgram, "p1", true)
			ok(gyt345.SeriesUpdate, "", now, series("s1", "online", ""))
			online(KindSeries, "s1", true)
		})
		t.Run("an absent list is unchanged, an empty one empties", func(t *testing.T) {
			count := func(want int64) {
				t.Helper()
				var n int64
				r.store.Write.Model(&relationRow{}).Where("series_key = ?", recordKey(KindSeries, r.group, "s1")).Count(&n)
				if n != want {
					t.Errorf("got %d programs in the list, want %d", n, want)
				}
			}
			count(1)
			ok(gyt345.SeriesUpdate, "", now, series("s1", "online", `,"seriesPrograms":[{"programId":"p1","seriesId":"s1","title":"t","programType":"正片","seq":1,"status":"online"},{"programId":"p2","seriesId":"s1","title":"t","programType":"花絮","seq":"2","status":"online"}]`))
			count(2)
			ok(gyt345.SeriesUpdate, "", now, series("s1", "online", ""))
			count(2)
			ok(gyt345.SeriesUpdate, "", now, series("s1", "online", `,"seriesPrograms":[]`))
			count(0)
		})
		t.Run("offline, then back", func(t *testing.T) {
			ok(gyt345.ProgramOffline, "", now+1, `{"programIds":["p1","unknown"]}`)
			online(KindProgram, "p1", false)
			if row := r.get(t, KindProgram, "unknown"); row.Known || row.MsgTime != now+1 {
				t.Errorf("unknown: got %+v", row)
			}
			ok(gyt345.ProgramAdd, "", now+2, program("p1", "online", ""))
			online(KindProgram, "p1", true)
		})
		t.Run("late messages are answered ok and not applied", func(t *testing.T) {
			ok(gyt345.ProgramUpdate, "", now-1, program("p1", "offline", ""))
			online(KindProgram, "p1", true)
			ok(gyt345.ProgramAdd, "", now, program("unknown", "online", ""))
			online(KindProgram, "unknown", false)
		})
		t.Run("msgId", func(t *testing.T) {
			ok(gyt345.ProgramUpdate, "same", now+3, program("p1", "offline", ""))
			version := r.get(t, KindProgram, "p1").Version
			ok(gyt345.ProgramUpdate, "same", now+3, program("p1", "offline", ""))
			if got := r.get(t, KindProgram, "p1").Version; got != version {
				t.Errorf("retry: got version %d, want %d", got, version)
			}
			if code := r.send(t, gyt345.ProgramUpdate, "same", now+3, program("p1", "online", "")); code != "InvalidParameter" {
				t.Errorf("other content: got %s", code)
			}
			online(KindProgram, "p1", false)
		})
		t.Run("delete hides and keeps, a later add brings back", func(t *testing.T) {
			ok(gyt345.ProgramDelete, "", now+4, `{"programId":"p1"}`)
			if row := r.get(t, KindProgram, "p1"); !row.Deleted || row.Online || row.Title == "" {
				t.Errorf("got %+v", row)
			}
			ok(gyt345.ProgramAdd, "", now+5, program("p1", "online", ""))
			online(KindProgram, "p1", true)
		})
		t.Run("several ids are all or nothing", func(t *testing.T) {
			if code := r.send(t, gyt345.ProgramOffline, "", now+6, `{"programIds":["p1","a,b"]}`); code != "InvalidParameter" {
				t.Errorf("got %s", code)
			}
			online(KindProgram, "p1", true)
		})
	})
}

func TestPartnerRules(t *testing.T) {
	each(t, Options{}, func(t *testing.T, r *rig) {
		server := &partnerServer{Module: r.Module}
		good := func() string {
			r.clock.add(2 * time.Second)
			return r.send(t, gyt345.SeriesAdd, "", 0, series("s", "online", ""))
		}
		if code := good(); code != "ok" {
			t.Fatalf("got %s", code)
		}
		t.Run("rotation", func(t *testing.T) { rotate(t, r, server, good) })
		t.Run("suspension and exit", func(t *testing.T) { leave(t, r, server, good) })
	})
}
