package programs

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/seal"
	"github.com/yunqiao/yunqiao/internal/underway"
	programv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/program/v1"
	"github.com/yunqiao/yunqiao/programs/gyt345"
)

// Options tunes a Module. The zero value is ready for production but for Caller.
type Options struct {
	// Caller tells who makes a call; two different callers are needed for an emergency.
	Caller func(ctx context.Context) string
	// Signer signs emergency messages, for a cryptographic device; default: our own key,
	// sealed in the store.
	Signer gyt345.Signer
	// CDNs deliver what the programs' play URLs name.
	CDNs []Network
	// HTTP calls content platforms; default: 10 seconds, no redirects.
	HTTP *http.Client
	// ProbePrivate lets probes of play URLs reach private and loopback addresses.
	ProbePrivate bool
	// ProbeInterval is how often each online program's play URLs are probed; 0: only when
	// it is asked for.
	ProbeInterval time.Duration
	// Tenant is the organization that alarms about programs are of.
	Tenant string
	Now    func() time.Time // default time.Now in UTC
}

// Module is the programme integration of one gateway.
type Module struct {
	log      *slog.Logger
	store    *db.Store
	box      *seal.Box
	opts     Options
	partners *partners
	settler  *settler
	index    *index
	receiver *gyt345.Receiver
	links    []byte // key of play links
	woken    chan struct{}
	underWay *underway.Counter
	watched  string // id of the program that was probed last
	pruned   string // id of the last message of the journal that is old
	// forgotten is when broken programs that are not online were looked for last.
	forgotten time.Time
}

// Open makes the module over a migrated store. Its first start makes our signing key.
func Open(ctx context.Context, log *slog.Logger, store *db.Store, box *seal.Box, opts Options) (*Module, error) {
	if opts.Now == nil {
		opts.Now = func() time.Time { return time.Now().UTC() }
	}
	if opts.Caller == nil {
		opts.Caller = func(context.Context) string { return "" }
	}
	m := &Module{
		log: log, store: store, box: box, opts: opts, links: box.Derive("programs play links"), woken: make(chan struct{}, 1),
		partners: &partners{store: store, box: box, now: opts.Now, buckets: map[string]*bucket{}, connections: connections{kept: map[string]connection{}}},
		settler:  newSettler(log, store, opts.Now),
		underWay: underway.New(deliveriesOnce),
	}
	m.index = &index{store: store, byID: map[string]*entry{}}
	m.receiver = gyt345.NewReceiver(log, m.partners, m.settler, opts.Now)
	s, err := m.partners.load(ctx)
	if err != nil {
		return nil, err
	}
	if s.signing == nil && opts.Signer == nil {
		if err := m.firstPlatformKey(ctx); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Register registers the servers of the module.
func (m *Module) Register(r grpc.ServiceRegistrar) {
	programv1.RegisterPartnerServiceServer(r, &partnerServer{Module: m})
	programv1.RegisterSeriesServiceServer(r, &seriesServer{Module: m})
	programv1.RegisterProgramServiceServer(r, &programServer{Module: m})
	programv1.RegisterEmergencyServiceServer(r, &emergencyServer{Module: m})
	programv1.RegisterChangeServiceServer(r, &changeServer{Module: m})
	programv1.RegisterMessageServiceServer(r, &messageServer{Module: m})
	programv1.RegisterLinkServiceServer(r, &linkServer{Module: m})
}

// Route is an address of the partner interface.
type Route struct {
	Path    string
	Handler http.Handler
}

// Routes are the interfaces of clauses 6.4 to 6.7, each to be served for every method,
// and the play links. All check their callers themselves.
func (m *Module) Routes() []Route {
	var out []Route
	for path, on := range map[string]gyt345.Interface{
		"/gyt345/v1/series": gyt345.InterfaceSeries, "/gyt345/v1/series/offline": gyt345.InterfaceSeriesOffline,
		"/gyt345/v1/program": gyt345.InterfaceProgram, "/gyt345/v1/program/offline": gyt345.InterfaceProgramOffline,
	} {
		out = append(out, Route{path, m.receiver.Handler(on, path)})
	}
	return append(out, Route{PlayPath, http.HandlerFunc(m.play)})
}

// wake makes Run look for deliveries at once.
func (m *Module) wake() {
	select {
	case m.woken <- struct{}{}:
	default:
	}
}

// Run delivers emergencies, keeps CDNs to what is online, watches what is, and prunes
// until the context ends. Nothing of it waits for another.
func (m *Module) Run(ctx context.Context) error {
	var work sync.WaitGroup
	defer m.partners.connections.close()
	defer work.Wait()
	for _, network := range m.opts.CDNs {
		work.Go(func() { m.distribute(ctx, network) })
	}
	work.Go(func() { m.every(ctx, time.Second, nil, m.index.catchUp) })
	work.Go(func() { m.every(ctx, time.Second, nil, m.watch) })
	work.Go(func() { m.every(ctx, time.Hour, nil, m.prune) })
	m.every(ctx, time.Second, m.woken, func(ctx context.Context) error {
		due, err := m.dueDeliveries(ctx)
		for _, d := range due {
			work.Go(func() { m.failed(ctx, m.deliver(ctx, d)) })
		}
		return err
	})
	return nil
}

// every does a part of the work now, and again after each pause or when it is woken,
// until the context ends.
func (m *Module) every(ctx context.Context, pause time.Duration, woken <-chan struct{}, do func(ctx context.Context) error) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		m.failed(ctx, do(ctx))
		select {
		case <-ctx.Done():
			return
		case <-woken:
		case <-tick.C:
		}
	}
}

// failed tells of work in the background that comes again.
func (m *Module) failed(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil {
		m.log.LogAttrs(ctx, slog.LevelError, "programs: background work failed", slog.String("error", err.Error()))
	}
}
