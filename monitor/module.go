package monitor

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/lease"
	"github.com/yunqiao/yunqiao/internal/outward"
	"github.com/yunqiao/yunqiao/internal/seal"
	"github.com/yunqiao/yunqiao/monitor/notify"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

// Caller is who makes a call.
type Caller struct {
	UserID, TenantID string
}

// Access says who calls and what he sees.
type Access interface {
	Caller(ctx context.Context) Caller
	// Tenants lists the organizations that one sees, itself and those below it; nil: all.
	Tenants(tenantID string) []string
}

// Options tunes a Module. The zero value reports to public addresses only, and has no
// rules to look at.
type Options struct {
	NotifyPrivate bool          // channels may have loopback and private addresses
	MinBackoff    time.Duration // between attempts at a channel; default 1 s
	MaxBackoff    time.Duration // default 1 min
	Host          string        // our name in syslog and e-mail
	Facts         Facts         // nil: own events are not looked at
	FactsEvery    time.Duration // default 10 s
	Metrics       Metrics       // nil: metrics are not looked at
	RulesEvery    time.Duration // default 1 min
	Clouds        Clouds        // nil: alarms of clouds are not looked at
	CloudsEvery   time.Duration // default 1 min
	Now           func() time.Time
}

func (o *Options) setDefaults() {
	if o.Now == nil {
		o.Now = time.Now
	}
	for _, d := range []struct {
		to    *time.Duration
		value time.Duration
	}{{&o.MinBackoff, time.Second}, {&o.MaxBackoff, time.Minute}, {&o.FactsEvery, 10 * time.Second}, {&o.RulesEvery, time.Minute}, {&o.CloudsEvery, time.Minute}} {
		if *d.to == 0 {
			*d.to = d.value
		}
	}
}

func (o *Options) notify() notify.Options {
	return notify.Options{Policy: outward.Policy{Private: o.NotifyPrivate, Setting: "monitor.notify_private"}, Host: o.Host, Now: o.Now}
}

// Module is the monitor module.
type Module struct {
	log    *slog.Logger
	store  *db.Store
	leases *lease.Table
	box    *seal.Box
	access Access
	opts   Options

	started time.Time
	queue   chan *batch
	closed  chan struct{}

	factsSince map[string]time.Time // by identity; of checkFacts alone
	eventsHad  map[string]bool      // of readEvents alone
	collecting sync.Mutex           // one collection of metrics at a time
	latest     snapshot

	mu            sync.Mutex
	news          chan struct{}      // closed when there are changes
	status        map[string]*status // of channels
	restart       chan struct{}      // channels have changed
	cloudFailures map[string]int     // in a row, by account
}

// New makes a Module; Run must be called, too.
func New(log *slog.Logger, store *db.Store, box *seal.Box, access Access, opts Options) *Module {
	opts.setDefaults()
	return &Module{
		log: log, store: store, leases: lease.Open(store, leaseTable, 0), box: box, access: access, opts: opts, started: opts.Now().UTC(),
		queue: make(chan *batch, 64), closed: make(chan struct{}), news: make(chan struct{}), status: map[string]*status{}, restart: make(chan struct{}, 1),
		cloudFailures: map[string]int{},
	}
}

// Register adds the services of table 7.
func (m *Module) Register(r grpc.ServiceRegistrar) {
	monitorv1.RegisterAlarmServiceServer(r, &alarmServer{Module: m})
	monitorv1.RegisterChannelServiceServer(r, &channelServer{Module: m})
	monitorv1.RegisterSilenceServiceServer(r, &silenceServer{Module: m})
	monitorv1.RegisterRuleServiceServer(r, &ruleServer{Module: m})
}

// Run applies changes, reports them, clears what is over and looks at rules, until the
// context ends.
func (m *Module) Run(ctx context.Context) error {
	writing, stopWriting := context.WithCancel(context.WithoutCancel(ctx))
	var writer, work sync.WaitGroup
	writer.Go(func() { m.write(writing) })
	work.Go(func() { m.deliver(ctx) })
	work.Go(func() { m.every(ctx, sweepPause, "clear alarms at their time", m.sweep) })
	work.Go(func() { m.every(ctx, time.Hour, "forget old silences", m.forgetSilences) })
	work.Go(func() {
		m.alone(ctx, "events", m.opts.FactsEvery, "read events of other modules", m.readEvents)
	})
	if m.opts.Facts != nil {
		work.Go(func() { m.alone(ctx, "facts", m.opts.FactsEvery, "look at own events", m.checkFacts) })
	}
	if m.opts.Metrics != nil {
		work.Go(func() { m.alone(ctx, "rules", m.opts.RulesEvery, "look at rules", m.checkRules) })
	}
	if m.opts.Clouds != nil {
		work.Go(func() { m.alone(ctx, "clouds", m.opts.CloudsEvery, "read alarms of clouds", m.checkClouds) })
	}
	work.Wait()
	stopWriting()
	writer.Wait()
	return nil
}

// every does something again and again, at once for the first time.
func (m *Module) every(ctx context.Context, pause time.Duration, work string, do func(context.Context) error) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		m.warn(ctx, work, do(ctx))
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// alone does something again and again while no other replica does.
func (m *Module) alone(ctx context.Context, name string, pause time.Duration, work string, do func(context.Context) error) {
	m.every(ctx, pause, work, func(ctx context.Context) error {
		held, release, ok, err := m.leases.Take(ctx, name)
		if err != nil || !ok {
			return err
		}
		defer release()
		m.every(held, pause, work, do)
		return nil
	})
}

// wake tells those who report that there are changes.
func (m *Module) wake() {
	m.mu.Lock()
	defer m.mu.Unlock()
	close(m.news)
	m.news = make(chan struct{})
}

func (m *Module) waiting() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.news
}
