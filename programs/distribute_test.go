package programs

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	programv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/program/v1"
	"github.com/yunqiao/yunqiao/programs/gyt345"
)

// recordingCDN writes down what it is asked for.
type recordingCDN struct {
	mu     sync.Mutex
	broken bool
	asked  []string
}

func (r *recordingCDN) Name() string { return "edge" }

func (r *recordingCDN) note(what ...string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.broken {
		return errors.New("out of order")
	}
	r.asked = append(r.asked, what...)
	return nil
}

func (r *recordingCDN) all(what string, urls []string) error {
	for _, u := range urls {
		if err := r.note(what + " " + u); err != nil {
			return err
		}
	}
	return nil
}

func (r *recordingCDN) Purge(_ context.Context, urls []string) error { return r.all("purge", urls) }
func (r *recordingCDN) Prefetch(_ context.Context, urls []string) error {
	return r.all("prefetch", urls)
}
func (r *recordingCDN) Redirect(_ context.Context, urls []string, to string) error {
	for _, u := range urls {
		if err := r.note("redirect " + u + " " + to); err != nil {
			return err
		}
	}
	return nil
}

func (r *recordingCDN) Locate(_ context.Context, url string) ([]string, error) {
	return []string{"node"}, r.note("locate " + url)
}

func (r *recordingCDN) set(broken bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.broken = broken
}

// taken gives what was asked for since the last time.
func (r *recordingCDN) taken() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.asked
	r.asked = nil
	return out
}

// TestDistribute lets a CDN follow what goes on and off by messages, also after it was
// out of order.
func TestDistribute(t *testing.T) {
	network := &recordingCDN{}
	each(t, Options{CDNs: []Network{{CDN: network, Prefetch: true}}}, func(t *testing.T, r *rig) {
		network.set(false)
		network.taken()
		r.send(t, gyt345.ProgramAdd, "", 0, program("before", "online", ""))
		follow := func(want ...string) {
			t.Helper()
			if err := r.follow(t.Context(), r.opts.CDNs[0]); err != nil {
				t.Fatal(err)
			}
			if got := network.taken(); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		follow() // it is new, and begins at the end
		r.send(t, gyt345.ProgramAdd, "", 0, program("p", "online", ""))
		r.send(t, gyt345.ProgramAdd, "", 0, program("q", "offline", ""))
		r.send(t, gyt345.SeriesAdd, "", 0, series("s", "online", ""))
		follow("prefetch https://cdn.example/p.m3u8")
		r.send(t, gyt345.ProgramUpdate, "", 0, program("p", "online", `,"summary":"new"`))
		follow()
		moved := `{"programId":"p","title":"t","category":"c","definition":"HD","status":"online","playInfos":[{"videoId":"v","definition":"HD","playUrl":"https://cdn.example/new.m3u8"}]}`
		r.send(t, gyt345.ProgramUpdate, "", 0, moved)
		follow("purge https://cdn.example/p.m3u8", "prefetch https://cdn.example/new.m3u8")
		network.set(true)
		r.send(t, gyt345.ProgramOffline, "", 0, `{"programIds":["p","before","unknown"]}`)
		for range 2 {
			if err := r.follow(t.Context(), r.opts.CDNs[0]); err == nil {
				t.Error("a CDN out of order: got no error")
			}
		}
		network.set(false)
		follow("purge https://cdn.example/new.m3u8", "purge https://cdn.example/before.m3u8")
		follow()
		located, err := (&programServer{Module: r.Module}).LocateProgram(t.Context(), &programv1.LocateProgramRequest{Id: recordKey(KindProgram, r.group, "p")})
		if err != nil || len(located.GetLocations()) != 1 || !slices.Equal(located.GetLocations()[0].GetNodes(), []string{"node"}) {
			t.Errorf("locate: got %v, %v", located, err)
		}
	})
}

// TestDistributeLoop runs the loop itself until it ends.
func TestDistributeLoop(t *testing.T) {
	network := &recordingCDN{}
	each(t, Options{CDNs: []Network{{CDN: network}}}, func(t *testing.T, r *rig) {
		network.taken()
		r.send(t, gyt345.ProgramAdd, "", 0, program("p", "online", ""))
		if err := r.follow(t.Context(), r.opts.CDNs[0]); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var work sync.WaitGroup
		work.Go(func() {
			if err := r.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		r.send(t, gyt345.ProgramDelete, "", 0, `{"programId":"p"}`)
		for deadline := time.Now().Add(time.Minute); ; {
			if got := network.taken(); slices.Equal(got, []string{"purge https://cdn.example/p.m3u8"}) {
				break
			} else if len(got) > 0 || time.Now().After(deadline) {
				t.Errorf("got %q", got)
				break
			}
			select {
			case <-t.Context().Done():
			case <-time.After(20 * time.Millisecond):
			}
		}
		stop()
		work.Wait()
	})
}

// TestRedirect sends requests of what an emergency took off to a notice until it is
// lifted; what another emergency still holds stays there.
func TestRedirect(t *testing.T) {
	network := &recordingCDN{}
	each(t, Options{CDNs: []Network{{CDN: network, Notice: "https://tv.example/notice.m3u8"}}}, func(t *testing.T, r *rig) {
		network.set(false)
		network.taken()
		server := &emergencyServer{Module: r.Module}
		newPlatform(t, r)
		for _, id := range []string{"p1", "p2"} {
			r.send(t, gyt345.ProgramAdd, "", 0, program(id, "online", ""))
		}
		deliver := func(want ...string) {
			t.Helper()
			if err := r.deliverDue(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := network.taken(); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		state := func(id string) programv1.DeliveryState {
			t.Helper()
			got, err := server.GetEmergency(t.Context(), &programv1.GetEmergencyRequest{Id: id})
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range got.GetEmergency().GetDeliveries() {
				if d.GetTarget() == "CDN-LIFT:edge" {
					return d.GetState()
				}
			}
			return programv1.DeliveryState_DELIVERY_STATE_UNSPECIFIED
		}
		both := r.takeOff(t, programv1.RecordKind_RECORD_KIND_PROGRAM, "p1", "p2")
		deliver("purge https://cdn.example/p1.m3u8", "purge https://cdn.example/p2.m3u8",
			"redirect https://cdn.example/p1.m3u8 https://tv.example/notice.m3u8", "redirect https://cdn.example/p2.m3u8 https://tv.example/notice.m3u8")
		one := r.takeOff(t, programv1.RecordKind_RECORD_KIND_PROGRAM, "p1")
		deliver("purge https://cdn.example/p1.m3u8", "redirect https://cdn.example/p1.m3u8 https://tv.example/notice.m3u8")
		if _, err := server.LiftEmergency(t.Context(), &programv1.LiftEmergencyRequest{Id: both}); err != nil {
			t.Fatal(err)
		}
		network.set(true)
		deliver()
		if got := state(both); got != programv1.DeliveryState_DELIVERY_STATE_PENDING {
			t.Errorf("a CDN out of order: got %s", got)
		}
		network.set(false)
		r.clock.add(2 * time.Minute)
		deliver("purge https://cdn.example/p2.m3u8")
		if got := state(both); got != programv1.DeliveryState_DELIVERY_STATE_CONFIRMED {
			t.Errorf("after it: got %s", got)
		}
		if _, err := server.LiftEmergency(t.Context(), &programv1.LiftEmergencyRequest{Id: one}); err != nil {
			t.Fatal(err)
		}
		deliver("purge https://cdn.example/p1.m3u8")
	})
}

// TestRedirectsAndMessages: a CDN that follows late leaves a newer redirect alone, and
// what comes back by a message has none.
func TestRedirectsAndMessages(t *testing.T) {
	network := &recordingCDN{}
	each(t, Options{CDNs: []Network{{CDN: network, Notice: "https://tv.example/notice.m3u8"}}}, func(t *testing.T, r *rig) {
		network.taken()
		follow := func(want ...string) {
			t.Helper()
			if err := r.follow(t.Context(), r.opts.CDNs[0]); err != nil {
				t.Fatal(err)
			}
			if got := network.taken(); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		follow()
		r.send(t, gyt345.SeriesAdd, "", 0, series("s", "online", `,"seriesPrograms":[{"programId":"p","seriesId":"s","title":"t","programType":"正片","seq":1,"status":"online"}]`))
		r.send(t, gyt345.ProgramAdd, "", 0, program("p", "online", ""))
		follow("purge https://cdn.example/p.m3u8")
		r.send(t, gyt345.ProgramOffline, "", 0, `{"programIds":["p"]}`)
		r.send(t, gyt345.ProgramAdd, "", 0, program("p", "online", ""))
		r.takeOff(t, programv1.RecordKind_RECORD_KIND_SERIES, "s")
		follow() // the offline and the return are older than the emergency
		r.send(t, gyt345.SeriesUpdate, "", 0, series("s", "online", `,"seriesPrograms":[]`))
		follow() // it has left the series, but not the emergency
		r.send(t, gyt345.ProgramAdd, "", 0, program("q", "online", ""))
		r.send(t, gyt345.SeriesUpdate, "", 0, series("s", "online", listing("s", "q")))
		follow("purge https://cdn.example/q.m3u8", "redirect https://cdn.example/q.m3u8 https://tv.example/notice.m3u8")
		r.send(t, gyt345.SeriesUpdate, "", 0, series("s", "online", `,"seriesPrograms":[]`))
		follow("purge https://cdn.example/q.m3u8") // it came later, and is online again
	})
}
