package monitor

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/seal"
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

// Options tunes a Module. The zero value reports to public addresses only.
type Options struct {
	NotifyPrivate bool          // channels may have loopback and private addresses
	MinBackoff    time.Duration // between attempts at a channel; default 1 s
	MaxBackoff    time.Duration // default 1 min
	Now           func() time.Time
}

// Module is the monitor module.
type Module struct {
	log    *slog.Logger
	store  *db.Store
	box    *seal.Box
	access Access
	opts   Options
	queue  chan *batch
	closed chan struct{}

	mu      sync.Mutex
	news    chan struct{}      // closed when there are changes
	status  map[string]*status // of channels
	restart chan struct{}      // channels have changed
}

// New makes a Module; Run must be called, too.
func New(log *slog.Logger, store *db.Store, box *seal.Box, access Access, opts Options) *Module {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.MinBackoff == 0 {
		opts.MinBackoff = time.Second
	}
	if opts.MaxBackoff == 0 {
		opts.MaxBackoff = time.Minute
	}
	return &Module{
		log: log, store: store, box: box, access: access, opts: opts, queue: make(chan *batch, 64), closed: make(chan struct{}),
		news: make(chan struct{}), status: map[string]*status{}, restart: make(chan struct{}, 1),
	}
}

// Register adds the services of table 7.
func (m *Module) Register(r grpc.ServiceRegistrar) {
	monitorv1.RegisterAlarmServiceServer(r, &alarmServer{Module: m})
	monitorv1.RegisterChannelServiceServer(r, &channelServer{Module: m})
}

// Run applies changes, reports them and clears what is over, until the context ends.
func (m *Module) Run(ctx context.Context) error {
	writing, stopWriting := context.WithCancel(context.WithoutCancel(ctx))
	var writer, work sync.WaitGroup
	writer.Go(func() { m.write(writing) })
	work.Go(func() { m.deliver(ctx) })
	work.Go(func() {
		tick := time.NewTicker(sweepPause)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if err := m.sweep(ctx); err != nil && !errors.Is(err, context.Canceled) {
					m.log.LogAttrs(ctx, slog.LevelWarn, "alarms not cleared at their time", slog.String("error", err.Error()))
				}
			case <-ctx.Done():
				return
			}
		}
	})
	work.Wait()
	stopWriting()
	writer.Wait()
	return nil
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
