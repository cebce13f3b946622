package policy_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/drivers/sdk/sdktest"
	"github.com/yunqiao/yunqiao/gateway/account"
	"github.com/yunqiao/yunqiao/gateway/inventory"
	"github.com/yunqiao/yunqiao/gateway/operation"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/gateway/policy"
	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/outbox"
	"github.com/yunqiao/yunqiao/internal/rowid"
	"github.com/yunqiao/yunqiao/internal/seal"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	accountv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/account/v1"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// driver serves any number of accounts; each has its VMs.
type driver struct {
	driverv1.UnimplementedDriverServiceServer
	computev1.UnimplementedVmServiceServer
	computev1.UnimplementedKeyPairServiceServer
	networkv1.UnimplementedNetworkServiceServer
	networkv1.UnimplementedSubnetServiceServer
	storagev1.UnimplementedImageServiceServer
	grpc.ClientConnInterface

	features []string
	absent   []string // rpcs that the accounts lack

	mu       sync.Mutex
	vms      map[string][]*computev1.Vm // by account
	received []proto.Message
	fail     map[string]error         // answer of ListVms by account
	hang     map[string]chan struct{} // ListVms waits, by account
	accounts []string                 // none: one and two

	readTimeout time.Duration // default 300ms
	networks    map[string]networkv1.NetworkState
	short       bool // pages are shorter than asked
	pages       int
}

func (d *driver) Register(r grpc.ServiceRegistrar) {
	computev1.RegisterVmServiceServer(r, d)
	computev1.RegisterKeyPairServiceServer(r, d)
	networkv1.RegisterNetworkServiceServer(r, d)
	networkv1.RegisterSubnetServiceServer(r, d)
	storagev1.RegisterImageServiceServer(r, d)
}

func (d *driver) Info() *driverv1.GetInfoResponse {
	info := &driverv1.GetInfoResponse{Name: "fake", Methods: sdk.Methods(d.Register)}
	for _, f := range d.features {
		info.Features = append(info.Features, &driverv1.Feature{Name: f})
	}
	return info
}

func (*driver) Schema() *driverv1.GetAccountSchemaResponse {
	return &driverv1.GetAccountSchemaResponse{}
}

func (d *driver) OpenAccount(context.Context, *driverv1.OpenAccountRequest) (*driverv1.OpenAccountResponse, error) {
	return &driverv1.OpenAccountResponse{Capabilities: &driverv1.AccountCapabilities{
		AbsentMethods: d.absent, Idempotency: &driverv1.Idempotency{NativeToken: true},
	}}, nil
}

func (d *driver) receive(m proto.Message) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.received = append(d.received, m)
}

// set changes what the driver does.
func (d *driver) set(change func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change()
}

// lastReceived is the newest request of a type.
func lastReceived[T proto.Message](d *driver) (found T) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, m := range d.received {
		if typed, ok := m.(T); ok {
			found = typed
		}
	}
	return found
}

func (d *driver) CreateVm(ctx context.Context, request *computev1.CreateVmRequest) (*computev1.CreateVmResponse, error) {
	d.receive(request)
	id := "vm-" + request.GetName()
	d.mu.Lock()
	defer d.mu.Unlock()
	acc := sdk.CallFrom(ctx).AccountID
	d.vms[acc] = append(d.vms[acc], &computev1.Vm{Id: id, Name: request.GetName(), State: computev1.VmState_VM_STATE_RUNNING, ImageId: request.GetImageId()})
	return &computev1.CreateVmResponse{Id: id, State: computev1.VmState_VM_STATE_CREATING}, nil
}

func (d *driver) find(acc, id string) *computev1.Vm {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, vm := range d.vms[acc] {
		if vm.GetId() == id {
			return proto.CloneOf(vm)
		}
	}
	return nil
}

func (d *driver) GetVm(ctx context.Context, request *computev1.GetVmRequest) (*computev1.GetVmResponse, error) {
	if vm := d.find(sdk.CallFrom(ctx).AccountID, request.GetId()); vm != nil {
		return &computev1.GetVmResponse{Vm: vm}, nil
	}
	return nil, sdk.NotFound("compute.vm", request.GetId(), nil)
}

func (d *driver) DeleteVm(ctx context.Context, request *computev1.DeleteVmRequest) (*computev1.DeleteVmResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	acc := sdk.CallFrom(ctx).AccountID
	d.vms[acc] = slices.DeleteFunc(d.vms[acc], func(vm *computev1.Vm) bool { return vm.GetId() == request.GetId() })
	return &computev1.DeleteVmResponse{Id: request.GetId()}, nil
}

func (d *driver) UpdateVm(_ context.Context, request *computev1.UpdateVmRequest) (*computev1.UpdateVmResponse, error) {
	d.receive(request)
	return &computev1.UpdateVmResponse{Id: request.GetId(), State: computev1.VmState_VM_STATE_RUNNING}, nil
}

func (d *driver) ResetVmPassword(_ context.Context, request *computev1.ResetVmPasswordRequest) (*computev1.ResetVmPasswordResponse, error) {
	d.receive(request)
	return &computev1.ResetVmPasswordResponse{Id: request.GetId()}, nil
}

func (d *driver) GetVmInitialPassword(_ context.Context, request *computev1.GetVmInitialPasswordRequest) (*computev1.GetVmInitialPasswordResponse, error) {
	return nil, sdk.NotFound("compute.vm", request.GetId(), nil)
}

// ListVms pages by index; its token is the next index.
func (d *driver) ListVms(ctx context.Context, request *computev1.ListVmsRequest) (*computev1.ListVmsResponse, error) {
	acc := sdk.CallFrom(ctx).AccountID
	d.mu.Lock()
	err, hang := d.fail[acc], d.hang[acc]
	d.mu.Unlock()
	if hang != nil {
		select {
		case <-hang:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if err != nil {
		return nil, err
	}
	d.receive(request)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pages++
	var all []*computev1.Vm
	for _, vm := range d.vms[acc] {
		if len(request.GetIds()) == 0 || slices.Contains(request.GetIds(), vm.GetId()) {
			all = append(all, vm)
		}
	}
	begin, _ := strconv.Atoi(request.GetPageToken())
	size := int(request.GetPageSize())
	if size < 1 {
		return nil, sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field("page_size"))
	}
	if d.short {
		size = 1
	}
	end := min(begin+size, len(all))
	response := &computev1.ListVmsResponse{Vms: all[begin:end]}
	if end < len(all) {
		response.NextPageToken = strconv.Itoa(end)
	}
	return response, nil
}

func (d *driver) CreateKeyPair(_ context.Context, request *computev1.CreateKeyPairRequest) (*computev1.CreateKeyPairResponse, error) {
	d.receive(request)
	return &computev1.CreateKeyPairResponse{Id: request.GetName()}, nil
}

func (d *driver) GetNetwork(_ context.Context, request *networkv1.GetNetworkRequest) (*networkv1.GetNetworkResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	state, ok := d.networks[request.GetId()]
	if !ok {
		return nil, sdk.NotFound("network.network", request.GetId(), nil)
	}
	return &networkv1.GetNetworkResponse{Network: &networkv1.Network{Id: request.GetId(), State: state}}, nil
}

func (d *driver) CreateNetwork(_ context.Context, request *networkv1.CreateNetworkRequest) (*networkv1.CreateNetworkResponse, error) {
	d.receive(request)
	return &networkv1.CreateNetworkResponse{Id: "net", State: networkv1.NetworkState_NETWORK_STATE_AVAILABLE}, nil
}

func (d *driver) CreateSubnet(_ context.Context, request *networkv1.CreateSubnetRequest) (*networkv1.CreateSubnetResponse, error) {
	d.receive(request)
	return &networkv1.CreateSubnetResponse{Id: "sub", State: networkv1.SubnetState_SUBNET_STATE_AVAILABLE}, nil
}

func (d *driver) GetSubnet(_ context.Context, request *networkv1.GetSubnetRequest) (*networkv1.GetSubnetResponse, error) {
	return &networkv1.GetSubnetResponse{Subnet: &networkv1.Subnet{Id: request.GetId(), State: networkv1.SubnetState_SUBNET_STATE_AVAILABLE}}, nil
}

func (d *driver) GetImage(_ context.Context, request *storagev1.GetImageRequest) (*storagev1.GetImageResponse, error) {
	return &storagev1.GetImageResponse{Image: &storagev1.Image{Id: request.GetId(), State: storagev1.ImageState_IMAGE_STATE_AVAILABLE}}, nil
}

// everything is the principal's to use.
type everything struct{}

func (everything) Account(_ pipeline.Principal, id string) error {
	if id == "forbidden" {
		return sdk.NewError(apiv1.Reason_REASON_RESOURCE_FORBIDDEN)
	}
	return nil
}
func (everything) Sees(pipeline.Principal, string) bool { return true }
func (everything) Tenants(pipeline.Principal) []string  { return nil }
func (everything) Owner(p pipeline.Principal, wanted string) (string, error) {
	if wanted != "" && wanted != p.TenantID {
		return "", sdk.NewError(apiv1.Reason_REASON_RESOURCE_FORBIDDEN)
	}
	return p.TenantID, nil
}
func (everything) Quotas(string, string, string) []pipeline.Quota        { return nil }
func (everything) Organization(pipeline.Principal, string, string) error { return nil }
func (everything) User(pipeline.Principal, string, string) error         { return nil }

type drivers map[string]account.Driver

func (d drivers) Driver(name string) (account.Driver, bool) {
	found, ok := d[name]
	return found, ok
}

type rig struct {
	t        testing.TB
	driver   *driver
	contract *contract.Contract
	runner   *policy.Runner
	engine   *operation.Engine
	now      time.Time
}

func newRig(t testing.TB, change ...func(*driver)) *rig {
	t.Helper()
	r := &rig{t: t, now: time.Now(), driver: &driver{
		vms: map[string][]*computev1.Vm{}, fail: map[string]error{}, hang: map[string]chan struct{}{},
		networks: map[string]networkv1.NetworkState{},
	}}
	for _, f := range change {
		f(r.driver)
	}
	r.driver.ClientConnInterface = sdktest.Serve(t, r.driver)
	store, err := db.Open(t.Context(), db.Config{DSN: filepath.Join(t.TempDir(), "a.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	if err := store.Migrate(t.Context(), account.Migrations(), inventory.Migrations(), operation.Migrations(), outbox.Migrations()); err != nil {
		t.Fatal(err)
	}
	box, err := seal.New(bytes.Repeat([]byte{9}, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	if r.contract, err = contract.Linked(); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	manager := account.New(log, store, box, drivers{"fake": r.driver}, account.Options{})
	var configured []account.Configured
	if r.driver.accounts == nil {
		r.driver.accounts = []string{"one", "two"}
	}
	for _, id := range r.driver.accounts {
		configured = append(configured, account.Configured{ID: id, Driver: "fake", Kind: accountv1.CloudKind_CLOUD_KIND_PRIVATE})
	}
	if err := manager.Start(t.Context(), configured); err != nil {
		t.Fatal(err)
	}
	things, passwords := inventory.New(store), inventory.NewPasswords(store, box)
	r.engine = operation.New(context.WithoutCancel(t.Context()), log, store, box, r.contract, manager.Registry(), things, passwords,
		operation.Options{FirstPoll: time.Millisecond, MaxPoll: 10 * time.Millisecond})
	t.Cleanup(r.engine.Close)
	r.runner = policy.New(log, r.contract, manager.Registry(), things, r.engine, passwords, everything{}, policy.Options{
		Pages: box, ReadTimeout: cmp.Or(r.driver.readTimeout, 300*time.Millisecond), Now: func() time.Time { return r.now },
	})
	t.Cleanup(r.runner.Close)
	return r
}

func (r *rig) call(rpc string, request proto.Message) *pipeline.Call {
	r.t.Helper()
	method := r.contract.Method(rpc)
	if method == nil {
		r.t.Fatalf("no rpc %s", rpc)
	}
	return &pipeline.Call{
		Method: method, Request: request, Options: &apiv1.WriteOptions{WaitSeconds: 10}, RequestID: rowid.New(),
		Principal: pipeline.Principal{UserID: "u", TenantID: "t"}, Language: pipeline.English,
	}
}

func (r *rig) do(rpc string, request proto.Message) (proto.Message, error) {
	r.t.Helper()
	return r.runner.Handle(r.t.Context(), r.call(rpc, request))
}

func (r *rig) must(rpc string, request proto.Message) proto.Message {
	r.t.Helper()
	answer, err := r.do(rpc, request)
	if err != nil {
		r.t.Fatalf("%s: %v", rpc, err)
	}
	return answer
}

const (
	createVM   = "cloud.compute.v1.VmService/CreateVm"
	getVM      = "cloud.compute.v1.VmService/GetVm"
	listVMs    = "cloud.compute.v1.VmService/ListVms"
	updateVM   = "cloud.compute.v1.VmService/UpdateVm"
	deleteVM   = "cloud.compute.v1.VmService/DeleteVm"
	resetVM    = "cloud.compute.v1.VmService/ResetVmPassword"
	passwordVM = "cloud.compute.v1.VmService/GetVmInitialPassword"
	newNetwork = "cloud.network.v1.NetworkService/CreateNetwork"
	newSubnet  = "cloud.network.v1.SubnetService/CreateSubnet"
	newKey     = "cloud.compute.v1.KeyPairService/CreateKeyPair"
)

// fill puts VMs into an account, behind the gateway's back.
func (r *rig) fill(acc string, n int) {
	r.driver.mu.Lock()
	defer r.driver.mu.Unlock()
	for i := range n {
		r.driver.vms[acc] = append(r.driver.vms[acc], &computev1.Vm{
			Id: fmt.Sprintf("vm-%d", i), Name: fmt.Sprintf("name-%d", i), State: computev1.VmState_VM_STATE_RUNNING,
		})
	}
}
