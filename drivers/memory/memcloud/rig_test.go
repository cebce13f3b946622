package memcloud

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/test/bufconn"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"
)

// clock is a clock that tests move by hand.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)} }

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

// rig is a cloud behind a real gRPC server, with a clock moved by hand.
type rig struct {
	*testing.T
	cloud   *Cloud
	clock   *clock
	file    string
	project string

	vm      computev1.VmServiceClient
	flavor  computev1.FlavorServiceClient
	key     computev1.KeyPairServiceClient
	disk    storagev1.DiskServiceClient
	snap    storagev1.SnapshotServiceClient
	image   storagev1.ImageServiceClient
	network networkv1.NetworkServiceClient
	subnet  networkv1.SubnetServiceClient
	router  networkv1.RouterServiceClient
	nic     networkv1.NicServiceClient
	group   networkv1.SecurityGroupServiceClient
	ip      networkv1.PublicIpServiceClient
	conn    *grpc.ClientConn
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{T: t, clock: newClock(), file: filepath.Join(t.TempDir(), "cloud.db"), project: "p1"}
	r.open()
	return r
}

// open starts the cloud on the rig's file and connects to it.
func (r *rig) open() {
	r.Helper()
	cloud, err := Open(Options{File: r.file, Now: r.clock.now})
	if err != nil {
		r.Fatal(err)
	}
	listener := bufconn.Listen(1 << 20)
	server := NewServer(cloud, slog.New(slog.DiscardHandler))
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	conn, err := grpc.NewClient("passthrough:memcloud",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }),
		grpc.WithUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			return invoke(metadata.AppendToOutgoingContext(ctx, ProjectKey, r.project), method, req, reply, cc, opts...)
		}))
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() {
		_ = conn.Close()
		server.Stop()
		<-served
		_ = cloud.Close()
	})
	r.cloud, r.conn = cloud, conn
	r.vm, r.flavor, r.key = computev1.NewVmServiceClient(conn), computev1.NewFlavorServiceClient(conn), computev1.NewKeyPairServiceClient(conn)
	r.disk, r.snap, r.image = storagev1.NewDiskServiceClient(conn), storagev1.NewSnapshotServiceClient(conn), storagev1.NewImageServiceClient(conn)
	r.network, r.subnet, r.router = networkv1.NewNetworkServiceClient(conn), networkv1.NewSubnetServiceClient(conn), networkv1.NewRouterServiceClient(conn)
	r.nic, r.group, r.ip = networkv1.NewNicServiceClient(conn), networkv1.NewSecurityGroupServiceClient(conn), networkv1.NewPublicIpServiceClient(conn)
}

// settle lets every state come to rest.
func (r *rig) settle() { r.clock.pass(time.Minute) }

// must fails the test on an error.
func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// refused fails the test unless the error has the reason.
func refused[T any](r *rig, want apiv1.Reason) func(T, error) {
	return func(_ T, err error) {
		r.Helper()
		if got := sdk.ReasonOf(err); got != want {
			r.Fatalf("got %v (%v), want %v", got, err, want)
		}
	}
}

// newSubnet makes a network with a subnet, both at rest.
func (r *rig) newSubnet(cidr string) (networkID, subnetID string) {
	r.Helper()
	n := must[*networkv1.CreateNetworkResponse](r.T)(r.network.CreateNetwork(r.Context(), &networkv1.CreateNetworkRequest{Name: "net"}))
	r.settle()
	s := must[*networkv1.CreateSubnetResponse](r.T)(r.subnet.CreateSubnet(r.Context(), &networkv1.CreateSubnetRequest{Name: "sub", NetworkId: n.GetId(), Cidr: cidr}))
	r.settle()
	return n.GetId(), s.GetId()
}

func (r *rig) newGroup() string {
	r.Helper()
	return must[*networkv1.CreateSecurityGroupResponse](r.T)(r.group.CreateSecurityGroup(r.Context(), &networkv1.CreateSecurityGroupRequest{Name: "group"})).GetId()
}

func vmRequest(subnetID string) *computev1.CreateVmRequest {
	return &computev1.CreateVmRequest{
		Name: "Web-1", ImageId: "img-cirros", FlavorId: "m1.tiny",
		Nics: []*computev1.NicSpec{{SubnetId: subnetID}},
	}
}

// newVM makes a VM and waits for it to run.
func (r *rig) newVM(req *computev1.CreateVmRequest) *computev1.Vm {
	r.Helper()
	id := must[*computev1.CreateVmResponse](r.T)(r.vm.CreateVm(r.Context(), req)).GetId()
	r.settle()
	return r.getVM(id)
}

func (r *rig) getVM(id string) *computev1.Vm {
	r.Helper()
	return must[*computev1.GetVmResponse](r.T)(r.vm.GetVm(r.Context(), &computev1.GetVmRequest{Id: id})).GetVm()
}

func (r *rig) getDisk(id string) *storagev1.Disk {
	r.Helper()
	return must[*storagev1.GetDiskResponse](r.T)(r.disk.GetDisk(r.Context(), &storagev1.GetDiskRequest{Id: id})).GetDisk()
}

func (r *rig) getNIC(id string) *networkv1.Nic {
	r.Helper()
	return must[*networkv1.GetNicResponse](r.T)(r.nic.GetNic(r.Context(), &networkv1.GetNicRequest{Id: id})).GetNic()
}
