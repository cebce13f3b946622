package programs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/internal/inproc"
	"github.com/yunqiao/yunqiao/monitor"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
	programv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/program/v1"
	"github.com/yunqiao/yunqiao/programs/gyt345"
)

// origin serves play URLs, and can lose them or hang.
type origin struct {
	*httptest.Server
	lost  atomic.Bool
	asked chan struct{} // has something once a URL was asked for
	mu    sync.Mutex
	paths map[string]bool // asked for
}

// newOrigin makes one; what it answers with is kept back until hold is closed.
func newOrigin(t *testing.T, hold <-chan struct{}) *origin {
	t.Helper()
	o := &origin{asked: make(chan struct{}, 1), paths: map[string]bool{}}
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.mu.Lock()
		o.paths[r.URL.Path] = true
		o.mu.Unlock()
		select {
		case o.asked <- struct{}{}:
		default:
		}
		select {
		case <-hold:
		case <-r.Context().Done():
		}
		if o.lost.Load() {
			w.WriteHeader(http.StatusNotFound)
		}
		text := "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\n0.ts\n#EXT-X-ENDLIST\n"
		if strings.HasSuffix(r.URL.Path, ".ts") {
			text = strings.Repeat("G"+strings.Repeat("\xff", 187), 20) // packets of a transport stream
		}
		_, _ = w.Write([]byte(text)) // a client that has gone is no error
	}))
	t.Cleanup(o.Close)
	return o
}

func ready() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// add puts a program with so many play URLs of this origin online.
func (o *origin) add(t *testing.T, r *rig, id string, urls int) {
	t.Helper()
	plays := make([]string, urls)
	for i := range plays {
		plays[i] = fmt.Sprintf(`{"videoId":"v%d","definition":"HD","playUrl":"%s/%s-%d"}`, i, o.URL, id, i)
	}
	r.send(t, gyt345.ProgramAdd, "", 0, fmt.Sprintf(`{"programId":%q,"title":"集","category":"c","definition":"HD","status":"online","playInfos":[%s]}`, id, strings.Join(plays, ",")))
}

// eventually asks until something is so. The machine may be slow: only a minute without
// it is a failure.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); {
		if time.Now().After(deadline) {
			t.Fatalf("it did not come to this: %s", what)
		}
		select {
		case <-t.Context().Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// TestWatchHasAnEnd: a program with any number of play URLs is probed at the first few.
func TestWatchHasAnEnd(t *testing.T) {
	each(t, Options{ProbePrivate: true, ProbeInterval: time.Minute}, func(t *testing.T, r *rig) {
		o := newOrigin(t, ready())
		o.lost.Store(true)
		o.add(t, r, "p", 10*watchURLs)
		if err := errors.Join(r.index.catchUp(t.Context()), r.watch(t.Context())); err != nil {
			t.Fatal(err)
		}
		if len(o.paths) != watchURLs {
			t.Errorf("asked for %d, want %d", len(o.paths), watchURLs)
		}
	})
}

// oneTenant lets one organization call.
type oneTenant string

func (o oneTenant) Caller(context.Context) monitor.Caller {
	return monitor.Caller{UserID: "u", TenantID: string(o)}
}
func (o oneTenant) Tenants(string) []string { return []string{string(o)} }

// alarms runs the module of alarms beside, and gives what is active.
func (r *rig) alarms(t *testing.T) func() []*monitorv1.Alarm {
	t.Helper()
	if err := r.store.Migrate(t.Context(), monitor.Migrations()); err != nil {
		t.Fatal(err)
	}
	m := monitor.New(slog.New(slog.DiscardHandler), r.store, r.box, oneTenant(r.opts.Tenant), monitor.Options{FactsEvery: 10 * time.Millisecond})
	conn := inproc.New()
	m.Register(conn)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	var work sync.WaitGroup
	work.Go(func() {
		if err := m.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { stop(); work.Wait() })
	return func() []*monitorv1.Alarm {
		t.Helper()
		answer, err := monitorv1.NewAlarmServiceClient(conn).ListAlarms(t.Context(), &monitorv1.ListAlarmsRequest{Active: true})
		if err != nil {
			t.Fatal(err)
		}
		return answer.GetAlarms()
	}
}

// TestPlayAlarm: a program that breaks is an alarm until it plays again, goes off, or is
// not watched any more.
func TestPlayAlarm(t *testing.T) {
	o := newOrigin(t, ready())
	each(t, Options{ProbePrivate: true, ProbeInterval: time.Minute, Tenant: "t1"}, func(t *testing.T, r *rig) {
		o.lost.Store(false)
		active := r.alarms(t)
		id := recordKey(KindProgram, r.group, "p")
		round := func() {
			t.Helper()
			for range 2 { // one is at the end of the programs
				if err := errors.Join(r.index.catchUp(t.Context()), r.watch(t.Context())); err != nil {
					t.Fatal(err)
				}
			}
			r.clock.add(2 * time.Minute)
		}
		breaks := func() {
			t.Helper()
			o.lost.Store(true)
			round()
			eventually(t, "the alarm is raised", func() bool { return len(active()) == 1 })
			o.lost.Store(false)
		}
		cleared := func(why string) {
			t.Helper()
			eventually(t, why, func() bool { return len(active()) == 0 })
		}
		o.add(t, r, "p", 1)
		round()
		breaks()
		a := active()[0]
		if a.GetName() != "ProgramPlayBroken" || a.GetObjectId() != id || a.GetTenantId() != "t1" || a.GetSeverity() != monitorv1.Severity_SEVERITY_MAJOR ||
			a.GetExpiresAt() != nil || !strings.Contains(a.GetDescription(), "status 404") {
			t.Errorf("got %v", a)
		}
		round()
		cleared("it plays again")
		breaks()
		r.send(t, gyt345.ProgramOffline, "", 0, `{"programIds":["p"]}`)
		round()
		cleared("it went off")
		o.add(t, r, "p", 1)
		breaks()
		r.opts.ProbeInterval = 0
		round()
		cleared("nobody watches")
		got, err := (&programServer{Module: r.Module}).GetProgram(t.Context(), &programv1.GetProgramRequest{Id: id})
		if err != nil || got.GetProgram().GetWatch() != nil {
			t.Errorf("what is not watched has a result: %v, %v", got.GetProgram().GetWatch(), err)
		}
	})
}
