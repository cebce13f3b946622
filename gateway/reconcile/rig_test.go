package reconcile

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/memory/memcloud"
	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/account"
	"github.com/yunqiao/yunqiao/gateway/inventory"
	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/inproc"
	"github.com/yunqiao/yunqiao/internal/outbox"
	"github.com/yunqiao/yunqiao/internal/seal"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	accountv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/account/v1"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

const accountID = "acc"

// clock is moved by hand.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// driver serves a simulated cloud without a wire.
type driver struct {
	driverv1.UnimplementedDriverServiceServer
	cloud *memcloud.Cloud
	own   *inproc.Conn
	// feed, if set, tells changes.
	feed *feed
	// answer, if set, may change what a call gave.
	answer func(path string, reply proto.Message)
}

func newDriver(cloud *memcloud.Cloud) *driver {
	d := &driver{cloud: cloud, own: inproc.New()}
	driverv1.RegisterDriverServiceServer(d.own, d)
	return d
}

func (d *driver) Driver(string) (account.Driver, bool) { return d, true }

func (d *driver) Info() *driverv1.GetInfoResponse {
	return &driverv1.GetInfoResponse{Name: "memory", Methods: d.cloud.Methods()}
}

func (d *driver) Schema() *driverv1.GetAccountSchemaResponse {
	return &driverv1.GetAccountSchemaResponse{}
}

func (d *driver) OpenAccount(context.Context, *driverv1.OpenAccountRequest) (*driverv1.OpenAccountResponse, error) {
	caps := &driverv1.AccountCapabilities{}
	if d.feed != nil {
		caps.ChangeTypes = []string{"compute.vm"}
	}
	return &driverv1.OpenAccountResponse{Capabilities: caps}, nil
}

func (d *driver) Probe(ctx context.Context, _ *driverv1.ProbeRequest) (*driverv1.ProbeResponse, error) {
	_, err := d.cloud.Call(ctx, memcloud.Caller{}, computev1.ZoneService_ListZones_FullMethodName, &computev1.ListZonesRequest{})
	return &driverv1.ProbeResponse{}, err
}

func (d *driver) Invoke(ctx context.Context, path string, args, reply any, opts ...grpc.CallOption) error {
	if strings.HasPrefix(path, "/cloud.driver.v1.") {
		return d.own.Invoke(ctx, path, args, reply, opts...)
	}
	answer, err := d.cloud.Call(ctx, memcloud.Caller{}, path, args.(proto.Message))
	if err != nil {
		return err
	}
	proto.Merge(reply.(proto.Message), answer)
	if d.answer != nil {
		d.answer(path, reply.(proto.Message))
	}
	return nil
}

func (d *driver) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	return d.own.NewStream(ctx, desc, method, opts...)
}

// work is what operations are at.
type work struct{ resources, making map[string]bool }

func (w *work) Busy(context.Context, string) (resources, making map[string]bool, err error) {
	return w.resources, w.making, nil
}

// counts are metrics that a test reads.
type counts struct {
	mu     sync.Mutex
	calls  int
	cycles []string // reasons
}

func (c *counts) Cycle(_ string, _ float64, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cycles = append(c.cycles, reason)
}

func (c *counts) Call(string, string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
}

func (*counts) Change(string, string, int) {}

func (c *counts) cycleCount() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.cycles)
}

// rig is a reconciler over one account of a simulated cloud.
type rig struct {
	testing.TB
	clock      *clock
	cloud      *memcloud.Cloud
	driver     *driver
	store      *db.Store
	accounts   *account.Manager
	inventory  *inventory.Inventory
	work       *work
	metrics    *counts
	reconciler *Reconciler
	subnet     string
}

func newRig(t testing.TB, store *db.Store, opts Options) *rig {
	t.Helper()
	r := &rig{TB: t, store: store, clock: &clock{at: time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC)}, work: &work{}, metrics: &counts{}}
	var err error
	if r.cloud, err = memcloud.Open(memcloud.Options{Now: r.clock.now}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.cloud.Close() })
	r.driver = newDriver(r.cloud)
	err = store.Migrate(t.Context(), account.Migrations(), inventory.Migrations(), outbox.Migrations(), Migrations())
	if err != nil {
		t.Fatal(err)
	}
	box, err := seal.New(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	r.accounts = account.New(log, store, box, r.driver, account.Options{})
	err = r.accounts.Start(t.Context(), []account.Configured{{ID: accountID, Driver: "memory", Kind: accountv1.CloudKind_CLOUD_KIND_PRIVATE}})
	if err != nil {
		t.Fatal(err)
	}
	r.inventory = inventory.New(store)
	opts.Now, opts.Metrics = r.clock.now, r.metrics
	r.reconciler = r.newReconciler(opts)
	return r
}

func (r *rig) newReconciler(opts Options) *Reconciler {
	r.Helper()
	c, err := contract.Linked()
	if err != nil {
		r.Fatal(err)
	}
	reconciler, err := New(slog.New(slog.DiscardHandler), r.store, c, r.accounts.Registry(), r.inventory, r.work, opts)
	if err != nil {
		r.Fatal(err)
	}
	return reconciler
}

// compare runs a cycle and returns the events that it made, oldest first.
func (r *rig) compare() []event {
	r.Helper()
	before := len(r.events())
	r.clock.pass(5 * time.Minute)
	r.reconciler.cycle(r.Context(), accountID)
	return r.events()[before:]
}

// event is an event without what differs from run to run.
type event struct {
	Type     string
	Resource string
	Sequence int32
	Payload  map[string]any
}

func (e event) String() string {
	return fmt.Sprintf("%s %s #%d %v", e.Type, e.Resource, e.Sequence, e.Payload)
}

func (r *rig) events() []event {
	r.Helper()
	var rows []struct {
		Type, ResourceID, Payload, Source string
		Sequence                          int32
	}
	if err := r.store.Read.Table("outbox_events").Order("position").Find(&rows).Error; err != nil {
		r.Fatal(err)
	}
	var events []event
	for _, row := range rows {
		e := event{Type: row.Type, Resource: row.ResourceID, Sequence: row.Sequence}
		if err := json.Unmarshal([]byte(row.Payload), &e.Payload); err != nil {
			r.Fatal(err)
		}
		events = append(events, e)
	}
	return events
}

func (r *rig) vms() computev1.VmServiceClient { return computev1.NewVmServiceClient(r.driver) }

// call is for calls to the cloud behind the gateway's back; all states come to rest.
func call[T proto.Message](r *rig, f func(context.Context) (T, error)) T {
	r.Helper()
	answer, err := f(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	r.clock.pass(time.Minute)
	return answer
}

// newVM makes a VM behind the gateway's back.
func (r *rig) newVM(name string) string {
	r.Helper()
	if r.subnet == "" {
		network := call(r, func(ctx context.Context) (*networkv1.CreateNetworkResponse, error) {
			return networkv1.NewNetworkServiceClient(r.driver).CreateNetwork(ctx, &networkv1.CreateNetworkRequest{Name: "n"})
		})
		r.subnet = call(r, func(ctx context.Context) (*networkv1.CreateSubnetResponse, error) {
			return networkv1.NewSubnetServiceClient(r.driver).CreateSubnet(ctx, &networkv1.CreateSubnetRequest{Name: "s", NetworkId: network.GetId(), Cidr: "10.0.0.0/16"})
		}).GetId()
	}
	return accountID + "." + call(r, func(ctx context.Context) (*computev1.CreateVmResponse, error) {
		return r.vms().CreateVm(ctx, &computev1.CreateVmRequest{
			Name: name, ImageId: "img-cirros", FlavorId: "m1.tiny", Nics: []*computev1.NicSpec{{SubnetId: r.subnet}},
		})
	}).GetId()
}

func native(id string) string { return strings.TrimPrefix(id, accountID+".") }

// fail makes calls of a pattern fail; none: the cloud works again.
func (r *rig) fail(method string, reason apiv1.Reason) {
	r.Helper()
	knobs := memcloud.DefaultKnobs()
	if reason != 0 {
		knobs.Errors = []memcloud.ErrorRule{{Method: method, Reason: sdk.ReasonName(reason)}}
	}
	if err := r.cloud.SetKnobs(knobs); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) source() inventory.Source {
	r.Helper()
	sources, err := r.inventory.Sources(r.Context(), "compute.vm", []string{accountID})
	if err != nil {
		r.Fatal(err)
	}
	return sources[accountID]
}
