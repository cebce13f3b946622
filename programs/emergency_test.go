package programs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/status"

	programv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/program/v1"
	"github.com/yunqiao/yunqiao/programs/cdn"
	"github.com/yunqiao/yunqiao/programs/gyt345"
	"github.com/yunqiao/yunqiao/programs/kit"
)

// brokenCDN is a network that can be out of order.
type brokenCDN struct {
	cdn.CDN
	mu     sync.Mutex
	broken bool
	purged []string
}

func (b *brokenCDN) Name() string { return "edge" }

func (b *brokenCDN) Purge(_ context.Context, urls []string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken {
		return errors.New("out of order")
	}
	b.purged = append(b.purged, urls...)
	return nil
}

// platform is a content platform that can be down.
type platform struct {
	*httptest.Server
	mu   sync.Mutex
	down bool
	told []string // msgId and ids
}

func newPlatform(t *testing.T, r *rig) *platform {
	t.Helper()
	keys, err := (&partnerServer{Module: r.Module}).GetPlatformKey(t.Context(), &programv1.GetPlatformKeyRequest{Id: r.group})
	if err != nil {
		t.Fatal(err)
	}
	p := &platform{}
	memory, err := kit.NewMemory([]kit.Group{{ID: r.group, Secrets: []string{r.secret}, Keys: []string{keys.GetPublicKeys()[0].GetPublicKey()}}},
		func(_ context.Context, in *gyt345.Received) error {
			p.told = append(p.told, in.Message.ID+" "+in.Message.Records()[0])
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	receiver := gyt345.NewReceiver(slog.New(slog.DiscardHandler), memory, memory, r.clock.now)
	mux := http.NewServeMux()
	mux.Handle("/csp/s", receiver.Handler(gyt345.InterfaceEmergencySeriesOffline, "/csp/s"))
	mux.Handle("/csp/p", receiver.Handler(gyt345.InterfaceEmergencyProgramOffline, "/csp/p"))
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.down {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		mux.ServeHTTP(w, request)
	}))
	t.Cleanup(p.Close)
	series, program := p.URL+"/csp/s", p.URL+"/csp/p"
	_, err = (&partnerServer{Module: r.Module}).UpdatePartner(t.Context(), &programv1.UpdatePartnerRequest{Id: r.group, SeriesOfflineUrl: &series, ProgramOfflineUrl: &program})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *platform) set(down bool) { p.mu.Lock(); p.down = down; p.mu.Unlock() }

// TestEmergency takes a series off while its platform is down for an hour and the CDN
// fails: the lock holds at once, the rest is confirmed later, and all can be seen.
func TestEmergency(t *testing.T) {
	network := &brokenCDN{broken: true}
	each(t, Options{CDNs: []Network{{CDN: network}}}, func(t *testing.T, r *rig) {
		network.broken, network.purged = true, nil
		server := &emergencyServer{Module: r.Module}
		p := newPlatform(t, r)
		p.set(true)
		r.send(t, gyt345.SeriesAdd, "", 0, series("s1", "online", `,"seriesPrograms":[{"programId":"p2","seriesId":"s1","title":"t","programType":"花絮","seq":2,"status":"online"}]`))
		r.send(t, gyt345.ProgramAdd, "", 0, program("p1", "online", inSeries("p1", "s1")))
		r.send(t, gyt345.ProgramAdd, "", 0, program("p2", "online", ""))
		r.send(t, gyt345.ProgramAdd, "", 0, program("other", "online", ""))

		created, err := server.CreateEmergency(as(t.Context(), "anna"), &programv1.CreateEmergencyRequest{
			GroupId: r.group, Kind: programv1.RecordKind_RECORD_KIND_SERIES, RecordIds: []string{"s1"}, Reason: "order 7",
		})
		if err != nil {
			t.Fatal(err)
		}
		if !r.get(t, KindProgram, "p1").Online {
			t.Error("off before it was confirmed")
		}
		id := created.GetId()
		if _, err := server.ConfirmEmergency(as(t.Context(), "anna"), &programv1.ConfirmEmergencyRequest{Id: id}); err == nil {
			t.Error("confirmed by who has asked for it: got no error")
		}
		at, err := (&changeServer{Module: r.Module}).GetCursor(t.Context(), &programv1.GetCursorRequest{Id: "all"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := server.ConfirmEmergency(as(t.Context(), "bert"), &programv1.ConfirmEmergencyRequest{Id: id}); err != nil {
			t.Fatal(err)
		}
		feed, err := (&changeServer{Module: r.Module}).ListChanges(t.Context(), &programv1.ListChangesRequest{After: at.GetCursor()})
		if err != nil || len(feed.GetChanges()) != 3 || feed.GetChanges()[0].GetOnline() || feed.GetChanges()[0].GetMetadata() != "" {
			t.Errorf("change feed: got %v, %v", feed, err)
		}
		state := func() map[string]string {
			t.Helper()
			got, err := server.GetEmergency(t.Context(), &programv1.GetEmergencyRequest{Id: id})
			if err != nil {
				t.Fatal(err)
			}
			out := map[string]string{}
			for _, d := range got.GetEmergency().GetDeliveries() {
				out[d.GetTarget()] = d.GetState().String()[len("DELIVERY_STATE_"):]
			}
			return out
		}
		for kind, ids := range map[Kind][]string{KindSeries: {"s1"}, KindProgram: {"p1", "p2"}} {
			for _, name := range ids {
				if row := r.get(t, kind, name); row.Online || !row.Locked || row.Status != "online" {
					t.Errorf("%s: got %+v", name, row)
				}
			}
		}
		if !r.get(t, KindProgram, "other").Online {
			t.Error("a program of another series went off")
		}
		r.clock.add(time.Second)
		if code := r.send(t, gyt345.ProgramUpdate, "", 0, program("p1", "online", inSeries("p1", "s1"))); code != "ok" || r.get(t, KindProgram, "p1").Online {
			t.Errorf("the partner lifted the lock: %s", code)
		}
		attempts := 0
		for range 3600 {
			if err := r.deliverDue(t.Context()); err != nil {
				t.Fatal(err)
			}
			r.clock.add(time.Second)
			if attempts++; attempts == 600 {
				network.mu.Lock()
				network.broken = false
				network.mu.Unlock()
			}
		}
		want := map[string]string{"CONTENT_PLATFORM": "PENDING", "CDN:edge": "CONFIRMED", "TERMINALS": "CONFIRMED"}
		if got := state(); len(got) != 3 || got["CONTENT_PLATFORM"] != want["CONTENT_PLATFORM"] || got["CDN:edge"] != want["CDN:edge"] || got["TERMINALS"] != want["TERMINALS"] {
			t.Errorf("after an hour: got %v, want %v", got, want)
		}
		if !slices.Equal(network.purged, []string{"https://cdn.example/p1.m3u8", "https://cdn.example/p2.m3u8"}) {
			t.Errorf("purged %v", network.purged)
		}
		p.set(false)
		r.clock.add(time.Minute)
		if err := r.deliverDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := state(); got["CONTENT_PLATFORM"] != "CONFIRMED" || !slices.Equal(p.told, []string{id + " s1"}) {
			t.Errorf("the platform is up again: got %v, it was told %v", got, p.told)
		}
		var sent []messageRow
		if err := r.store.Write.Where("outgoing = ?", true).Find(&sent).Error; err != nil {
			t.Fatal(err)
		}
		for _, m := range sent {
			if m.MsgID != id || m.Digest != sent[0].Digest {
				t.Errorf("an attempt with another message: %+v", m)
			}
		}
		t.Logf("%d attempts in an hour and a minute", len(sent))
		if _, err := server.LiftEmergency(as(t.Context(), "anna"), &programv1.LiftEmergencyRequest{Id: id}); err != nil {
			t.Fatal(err)
		}
		for kind, name := range map[Kind]string{KindSeries: "s1", KindProgram: "p1"} {
			if row := r.get(t, kind, name); !row.Online || row.Locked {
				t.Errorf("lifted %s: got %+v", name, row)
			}
		}
	})
}

// TestEmergencyOfUnknown locks what has not come yet.
func TestEmergencyOfUnknown(t *testing.T) {
	each(t, Options{}, func(t *testing.T, r *rig) {
		server := &emergencyServer{Module: r.Module}
		id := r.takeOff(t, programv1.RecordKind_RECORD_KIND_SERIES, "later")
		r.send(t, gyt345.SeriesAdd, "", 0, series("later", "online", ""))
		r.send(t, gyt345.ProgramAdd, "", 0, program("p", "online", inSeries("p", "later")))
		r.send(t, gyt345.ProgramAdd, "", 0, program("q", "online", ""))
		r.send(t, gyt345.SeriesUpdate, "", 0, series("later", "online", `,"seriesPrograms":[{"programId":"q","seriesId":"later","title":"t","programType":"正片","seq":1,"status":"online"}]`))
		if r.get(t, KindSeries, "later").Online {
			t.Error("the series is online")
		}
		if r.get(t, KindProgram, "p").Online {
			t.Error("a program that names the series is online")
		}
		if r.get(t, KindProgram, "q").Online {
			t.Error("a program that the series lists is online")
		}
		if _, err := server.LiftEmergency(as(t.Context(), "bert"), &programv1.LiftEmergencyRequest{Id: id}); err != nil {
			t.Fatal(err)
		}
		if !r.get(t, KindProgram, "q").Online || !r.get(t, KindProgram, "p").Online {
			t.Error("lifting left a program off")
		}
	})
}

// TestEmergencyIDs: blanks around ids and repeats lock what receivers will read; what
// would be another id there is refused by its place.
func TestEmergencyIDs(t *testing.T) {
	each(t, Options{}, func(t *testing.T, r *rig) {
		server := &emergencyServer{Module: r.Module}
		for _, id := range []string{"H1", "H2"} {
			r.send(t, gyt345.ProgramAdd, "", 0, program(id, "online", ""))
		}
		create := func(ids ...string) (*programv1.CreateEmergencyResponse, error) {
			return server.CreateEmergency(as(t.Context(), "anna"), &programv1.CreateEmergencyRequest{
				GroupId: r.group, Kind: programv1.RecordKind_RECORD_KIND_PROGRAM, RecordIds: ids, Reason: "order",
			})
		}
		for _, id := range []string{"", " ", "\t", "a,b", "a，b", "a\u0007b", "a\u0085b", strings.Repeat("集", 129)} {
			_, err := create("H1", id)
			if err == nil {
				t.Errorf("%q: got no error", id)
			} else if details := fmt.Sprint(status.Convert(err).Details()...); !strings.Contains(details, "record_ids[1]") {
				t.Errorf("%q: got %s", id, details)
			}
		}
		made, err := create("H1", " H2\t", "H2", "H3")
		if err != nil || !slices.Equal(made.GetEmergency().GetRecordIds(), []string{"H1", "H2", "H3"}) || !slices.Equal(made.GetEmergency().GetUnknownRecordIds(), []string{"H3"}) {
			t.Fatalf("got %v, %v", made, err)
		}
		if _, err := server.ConfirmEmergency(as(t.Context(), "bert"), &programv1.ConfirmEmergencyRequest{Id: made.GetId()}); err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"H1", "H2"} {
			if row := r.get(t, KindProgram, id); row.Online || !row.Locked {
				t.Errorf("%s: got %+v", id, row)
			}
		}
	})
}
