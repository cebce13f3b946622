package programs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	programv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/program/v1"
	"github.com/yunqiao/yunqiao/programs/gyt345"
)

// deliverDue makes one attempt of every delivery that is due, and waits for all.
func (r *rig) deliverDue(ctx context.Context) error {
	due, err := r.dueDeliveries(ctx)
	var work errgroup.Group
	for _, d := range due {
		work.Go(func() error { return r.deliver(ctx, d) })
	}
	return errors.Join(err, work.Wait())
}

// TestSlowReceiver: while attempts at one receiver are under way, those to another are
// given out, and at the slow one no more than it may have.
func TestSlowReceiver(t *testing.T) {
	each(t, Options{CDNs: []Network{{CDN: &recordingCDN{}}}}, func(t *testing.T, r *rig) {
		p := newPlatform(t, r)
		var cdn []dueDelivery // whose attempts do not end
		for i := range 2 * deliveriesOnce {
			id := fmt.Sprintf("p%d", i)
			emergency := r.takeOff(t, programv1.RecordKind_RECORD_KIND_PROGRAM, id)
			due, err := r.dueDeliveries(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range due {
				if d.row.Target != targetPlatform {
					cdn = append(cdn, d)
				} else if err := r.deliver(t.Context(), d); err != nil {
					t.Fatal(err)
				}
			}
			if !slices.Equal(p.told, []string{emergency + " " + id}) {
				t.Fatalf("emergency %d: the platform was told %v", i, p.told)
			}
			p.told = nil
		}
		if len(cdn) != deliveriesOnce {
			t.Errorf("got %d attempts at the slow receiver, want %d", len(cdn), deliveriesOnce)
		}
		for _, d := range cdn {
			if err := r.deliver(t.Context(), d); err != nil {
				t.Fatal(err)
			}
		}
		if due, err := r.dueDeliveries(t.Context()); err != nil || len(due) != deliveriesOnce {
			t.Errorf("after them: got %d, %v; want the other %d", len(due), err, deliveriesOnce)
		}
	})
}

// TestBlockedDeliveries: however many wait for an older one, what nothing blocks is
// given out.
func TestBlockedDeliveries(t *testing.T) {
	each(t, Options{}, func(t *testing.T, r *rig) {
		p := newPlatform(t, r)
		p.set(true)
		for range 100 {
			r.takeOff(t, programv1.RecordKind_RECORD_KIND_PROGRAM, "same")
		}
		if err := r.deliverDue(t.Context()); err != nil { // fails, and is tried later
			t.Fatal(err)
		}
		p.set(false)
		free := r.takeOff(t, programv1.RecordKind_RECORD_KIND_PROGRAM, "free")
		if err := r.deliverDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(p.told, []string{free + " free"}) {
			t.Errorf("got %v", p.told)
		}
	})
}

// TestLeaseOfManyURLs: an attempt at a CDN has its delivery to itself for as long as so
// many URLs may take, and one that was dropped does nothing.
func TestLeaseOfManyURLs(t *testing.T) {
	network := &recordingCDN{}
	each(t, Options{CDNs: []Network{{CDN: network, Notice: "https://tv.example/notice"}}}, func(t *testing.T, r *rig) {
		network.taken()
		const urls = 1000
		var plays []string
		for i := range urls {
			plays = append(plays, fmt.Sprintf(`{"videoId":"v%d","definition":"HD","playUrl":"https://cdn.example/%d.m3u8"}`, i, i))
		}
		r.send(t, gyt345.ProgramAdd, "", 0, fmt.Sprintf(`{"programId":"p","title":"t","category":"c","definition":"HD","status":"online","playInfos":[%s]}`, strings.Join(plays, ",")))
		emergency := r.takeOff(t, programv1.RecordKind_RECORD_KIND_PROGRAM, "p")
		take := func() *dueDelivery {
			t.Helper()
			due, err := r.dueDeliveries(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for i := range due {
				if due[i].row.Target == "CDN:edge" {
					return &due[i]
				}
			}
			t.Fatal("the CDN has no delivery")
			return nil
		}
		d := take()
		if err := r.attempt(t.Context(), &d.row, d.emergency); err != nil {
			t.Fatal(err)
		}
		if n := len(network.taken()); n != 2*urls {
			t.Errorf("purged and redirected %d", n)
		}
		r.clock.add(deliveryTimeout + urls*deliveryPerURL)
		if again, err := r.dueDeliveries(t.Context()); err != nil || slices.ContainsFunc(again, func(d dueDelivery) bool { return d.row.Target == "CDN:edge" }) {
			t.Errorf("within its time somebody else has it: %v, %v", again, err)
		}
		r.clock.add(deliveryLease)
		d = take()
		if err := r.keep(t.Context(), &d.row, time.Hour); err != nil { // as with very many URLs
			t.Fatal(err)
		}
		if _, err := (&emergencyServer{Module: r.Module}).LiftEmergency(as(t.Context(), "anna"), &programv1.LiftEmergencyRequest{Id: emergency}); err != nil {
			t.Fatal(err)
		}
		var lift deliveryRow
		if err := r.store.Write.Where("emergency_id = ? AND target = ?", emergency, "CDN-LIFT:edge").Take(&lift).Error; err != nil || lift.NextAt < d.row.NextAt {
			t.Errorf("the end of redirects may come before the attempt that is under way: %+v, %v", lift, err)
		}
		r.takeOff(t, programv1.RecordKind_RECORD_KIND_PROGRAM, "p") // the program is locked again
		if err := r.attempt(t.Context(), &d.row, d.emergency); !errors.Is(err, errDropped) || len(network.taken()) > 0 {
			t.Errorf("a dropped delivery was made: %v", err)
		}
	})
}

// TestRunBesideProbes: emergencies are delivered while probes hang.
func TestRunBesideProbes(t *testing.T) {
	each(t, Options{ProbePrivate: true, ProbeInterval: time.Second}, func(t *testing.T, r *rig) {
		o := newOrigin(t, nil) // hangs
		p := newPlatform(t, r)
		for i := range watchOnce { // which hang for minutes
			o.add(t, r, fmt.Sprintf("slow%d", i), watchURLs)
		}
		ctx, stop := context.WithCancel(t.Context())
		var work sync.WaitGroup
		work.Go(func() {
			if err := r.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		defer work.Wait()
		defer stop()
		select {
		case <-o.asked:
		case <-time.After(time.Minute):
			t.Fatal("nothing was probed")
		}
		r.takeOff(t, programv1.RecordKind_RECORD_KIND_PROGRAM, "p")
		eventually(t, "the emergency waits for no probe", func() bool {
			p.mu.Lock()
			defer p.mu.Unlock()
			return len(p.told) == 1
		})
	})
}
