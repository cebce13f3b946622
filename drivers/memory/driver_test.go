package main

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/drivers/memory/memcloud"
	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/drivers/sdk/sdktest"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

// clock is a clock that tests move by hand.
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

// rig is a driver behind a real gRPC server.
type rig struct {
	*testing.T
	clock *clock
	conn  *grpc.ClientConn
	admin driverv1.DriverServiceClient
	net   networkv1.NetworkServiceClient
	vm    computev1.VmServiceClient
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{T: t, clock: &clock{at: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)}}
	d, err := newDriver(memcloud.Options{Now: r.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	r.conn = sdktest.Serve(t, d)
	r.admin, r.net, r.vm = driverv1.NewDriverServiceClient(r.conn), networkv1.NewNetworkServiceClient(r.conn), computev1.NewVmServiceClient(r.conn)
	return r
}

// remoteCloud starts a memcloud server on TCP and gives its address.
func (r *rig) remoteCloud(knobs memcloud.Knobs) string {
	r.Helper()
	cloud, err := memcloud.Open(memcloud.Options{Now: r.clock.now, Knobs: &knobs})
	if err != nil {
		r.Fatal(err)
	}
	var config net.ListenConfig
	listener, err := config.Listen(r.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		r.Fatal(err)
	}
	server := memcloud.NewServer(cloud, slog.New(slog.DiscardHandler))
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	r.Cleanup(func() {
		server.Stop()
		<-served
		_ = cloud.Close()
	})
	return listener.Addr().String()
}

func (r *rig) openAccount(id string, settings map[string]string) *driverv1.AccountCapabilities {
	r.Helper()
	answer, err := r.admin.OpenAccount(r.Context(), &driverv1.OpenAccountRequest{AccountId: id, Settings: settings})
	if err != nil {
		r.Fatal(err)
	}
	return answer.GetCapabilities()
}

// as is the context of a gateway's call.
func (r *rig) as(account, requestID string, attempt int) context.Context {
	return sdk.WithCall(r.Context(), sdk.Call{AccountID: account, RequestID: requestID, Attempt: attempt})
}

func (r *rig) create(ctx context.Context, name string) string {
	r.Helper()
	answer, err := r.net.CreateNetwork(ctx, &networkv1.CreateNetworkRequest{Name: name, Tags: map[string]string{"own": "1"}})
	if err != nil {
		r.Fatal(err)
	}
	if answer.GetId() == "" || answer.GetState() == 0 {
		r.Fatalf("answer is %v", answer)
	}
	return answer.GetId()
}

func (r *rig) named(account, name string) []*networkv1.Network {
	r.Helper()
	answer, err := r.net.ListNetworks(r.as(account, "", 1), &networkv1.ListNetworksRequest{Name: name})
	if err != nil {
		r.Fatal(err)
	}
	return answer.GetNetworks()
}

// ways is every way to reach a cloud, in both token modes.
func (r *rig) ways() map[string]map[string]string {
	without := memcloud.Knobs{}
	return map[string]map[string]string{
		"embedded with tokens":    {settingDataFile: filepath.Join(r.TempDir(), "a.db")},
		"embedded without tokens": {settingDataFile: filepath.Join(r.TempDir(), "b.db"), settingKnobs: `{"client_tokens":false}`},
		"remote with tokens":      {settingEndpoint: r.remoteCloud(memcloud.DefaultKnobs())},
		"remote without tokens":   {settingEndpoint: r.remoteCloud(without)},
	}
}

func TestRepeatedCreateMakesOne(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for name, settings := range r.ways() {
		account := "acc-" + strings.ReplaceAll(name, " ", "-")
		native := r.openAccount(account, settings).GetIdempotency().GetNativeToken()
		if native != strings.HasSuffix(name, "with tokens") {
			t.Errorf("%s: native_token is %v", name, native)
		}
		first := r.create(r.as(account, "req-1", 1), "n")
		if again := r.create(r.as(account, "req-1", 2), "n"); again != first {
			t.Errorf("%s: the repeat made %s beside %s", name, again, first)
		}
		if other := r.create(r.as(account, "req-2", 1), "n"); other == first {
			t.Errorf("%s: another request got the first one's network", name)
		}
		found := r.named(account, "n")
		if len(found) != 2 {
			t.Errorf("%s: %d networks", name, len(found))
		}
		for _, n := range found {
			if len(n.GetTags()) != 1 || n.GetTags()["own"] != "1" {
				t.Errorf("%s: tags shown are %v", name, n.GetTags())
			}
		}
		one, err := r.net.GetNetwork(r.as(account, "", 1), &networkv1.GetNetworkRequest{Id: first})
		if err != nil || len(one.GetNetwork().GetTags()) != 1 {
			t.Errorf("%s: get shows %v, %v", name, one.GetNetwork().GetTags(), err)
		}
	}
}

// TestTwinsAreRemoved has the first attempt take effect after the second looked.
func TestTwinsAreRemoved(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	capabilities := r.openAccount("acc", map[string]string{settingKnobs: `{"client_tokens":false,"marker_delay_ms":2500}`})
	if got := capabilities.GetIdempotency(); got.GetMarkerDelaySeconds() != 3 || got.GetRequestTimeoutSeconds() != 60 {
		t.Errorf("idempotency is %v", got)
	}
	first := r.create(r.as("acc", "req", 1), "n")
	twin := r.create(r.as("acc", "req", 2), "n") // too early: the marker is not found yet
	if first == twin {
		t.Fatal("the marker was found too early")
	}
	r.clock.pass(time.Minute)
	if got := r.create(r.as("acc", "req", 3), "n"); got != first {
		t.Errorf("third attempt answers %s, want %s", got, first)
	}
	r.clock.pass(time.Minute)
	if found := r.named("acc", "n"); len(found) != 1 || found[0].GetId() != first {
		t.Errorf("left are %v", found)
	}
}

func TestNaturalKeys(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.openAccount("acc", map[string]string{settingKnobs: `{"client_tokens":false}`})
	keys := computev1.NewKeyPairServiceClient(r.conn)
	req := &computev1.CreateKeyPairRequest{Name: "k", PublicKey: "ssh-rsa AAAAB3NzaC1yc2E= me"}
	for attempt := 1; attempt <= 2; attempt++ {
		answer, err := keys.CreateKeyPair(r.as("acc", "req", attempt), req)
		if err != nil || answer.GetId() != "k" {
			t.Fatalf("attempt %d: %v, %v", attempt, answer, err)
		}
	}
	if _, err := keys.CreateKeyPair(r.as("acc", "other", 1), req); sdk.ReasonOf(err) != apiv1.Reason_REASON_ALREADY_EXISTS {
		t.Errorf("another request: %v", err)
	}
	other := &computev1.CreateKeyPairRequest{Name: "k", PublicKey: "ssh-rsa AAAAB3NzaC1yc2F= me"}
	if _, err := keys.CreateKeyPair(r.as("acc", "third", 2), other); sdk.ReasonOf(err) != apiv1.Reason_REASON_ALREADY_EXISTS {
		t.Errorf("another key under the name: %v", err)
	}
}

func TestStepsPassThrough(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for name, settings := range r.ways() {
		account := "acc-" + strings.ReplaceAll(name, " ", "-")
		r.openAccount(account, settings)
		network := r.create(r.as(account, "n", 1), "n")
		r.clock.pass(time.Minute)
		subnet, err := networkv1.NewSubnetServiceClient(r.conn).CreateSubnet(r.as(account, "s", 1), &networkv1.CreateSubnetRequest{Name: "s", NetworkId: network, Cidr: "10.0.0.0/24"})
		if err != nil {
			t.Fatal(err)
		}
		r.clock.pass(time.Minute)
		vm, err := r.vm.CreateVm(r.as(account, "v", 1), &computev1.CreateVmRequest{Name: "vm", ImageId: "img-cirros", FlavorId: "m1.tiny",
			Nics: []*computev1.NicSpec{{SubnetId: subnet.GetId()}}})
		if err != nil {
			t.Fatal(err)
		}
		r.clock.pass(time.Minute)
		resize := func(step string) (*computev1.ResizeVmResponse, sdk.Trailer) {
			ctx := sdk.WithCall(t.Context(), sdk.Call{AccountID: account, RequestID: "z", Attempt: 1, NextStep: step})
			var trailer metadata.MD
			answer, err := r.vm.ResizeVm(ctx, &computev1.ResizeVmRequest{Id: vm.GetId(), FlavorId: "m1.small", AllowRestart: true}, grpc.Trailer(&trailer))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			return answer, sdk.TrailerFrom(trailer)
		}
		_, told := resize("")
		if told.NextStep == "" || told.PollAfter != 2*time.Second {
			t.Fatalf("%s: trailer is %+v", name, told)
		}
		r.clock.pass(time.Minute)
		answer, last := resize(told.NextStep)
		if last.NextStep != "" || answer.GetState() != computev1.VmState_VM_STATE_RUNNING {
			t.Errorf("%s: second step: %v, %+v", name, answer, last)
		}
	}
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	file := filepath.Join(t.TempDir(), "shared.db")
	r.openAccount("one", map[string]string{settingDataFile: file, settingProject: "p"})
	r.openAccount("two", map[string]string{settingDataFile: file, settingProject: "p"})
	r.openAccount("three", map[string]string{settingDataFile: file})
	id := r.create(r.as("one", "req", 1), "n")
	if len(r.named("two", "n")) != 1 || len(r.named("three", "n")) != 0 {
		t.Error("projects are mixed up")
	}
	r.openAccount("one", map[string]string{settingDataFile: file, settingProject: "other"})
	if len(r.named("one", "n")) != 0 {
		t.Error("the account kept its former project")
	}
	for _, account := range []string{"one", "two", "three", "three"} {
		if _, err := r.admin.CloseAccount(t.Context(), &driverv1.CloseAccountRequest{AccountId: account}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.net.GetNetwork(r.as("one", "", 1), &networkv1.GetNetworkRequest{Id: id}); sdk.ReasonOf(err) != apiv1.Reason_REASON_ACCOUNT_NOT_FOUND {
		t.Errorf("closed account: %v", err)
	}
	second := newRig(t) // the file is free for another process
	second.openAccount("one", map[string]string{settingDataFile: file, settingProject: "p"})
	if found := second.named("one", "n"); len(found) != 1 || found[0].GetId() != id {
		t.Errorf("after reopening: %v", found)
	}
	probe, err := second.admin.Probe(t.Context(), &driverv1.ProbeRequest{AccountId: "one"})
	if err != nil || probe.GetCloudTime().AsTime() != second.clock.now() || probe.GetCapabilities().GetCloudProject() != "p" {
		t.Errorf("probe: %v, %v", probe, err)
	}
}

func TestBadAccounts(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for name, tc := range map[string]struct {
		settings map[string]string
		want     apiv1.Reason
		field    string
	}{
		"unknown setting": {map[string]string{"url": "x"}, apiv1.Reason_REASON_PARAMETER_REJECTED, "settings.url"},
		"bad knobs":       {map[string]string{settingKnobs: "{"}, apiv1.Reason_REASON_PARAMETER_REJECTED, "settings.knobs"},
		"no such folder":  {map[string]string{settingDataFile: filepath.Join(t.TempDir(), "no", "x.db")}, apiv1.Reason_REASON_CLOUD_UNAVAILABLE, "settings.data_file"},
		"nobody there":    {map[string]string{settingEndpoint: "127.0.0.1:1"}, apiv1.Reason_REASON_CLOUD_UNAVAILABLE, ""},
	} {
		_, err := r.admin.OpenAccount(t.Context(), &driverv1.OpenAccountRequest{AccountId: "acc", Settings: tc.settings})
		if sdk.ReasonOf(err) != tc.want || sdk.InfoOf(err)["field"] != tc.field {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRemoteErrorsKeepTheirReason(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.openAccount("acc", map[string]string{settingEndpoint: r.remoteCloud(memcloud.DefaultKnobs())})
	_, err := r.net.GetNetwork(r.as("acc", "", 1), &networkv1.GetNetworkRequest{Id: "net-no"})
	if sdk.ReasonOf(err) != apiv1.Reason_REASON_NOT_FOUND || sdk.InfoOf(err)["native_id"] != "net-no" {
		t.Errorf("got %v", err)
	}
}

// TestInfo compares what the driver declares with what the contract has.
func TestInfo(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	info, err := r.admin.GetInfo(t.Context(), &driverv1.GetInfoRequest{})
	if err != nil {
		t.Fatal(err)
	}
	linked, err := contract.Linked()
	if err != nil {
		t.Fatal(err)
	}
	declared := map[string]bool{}
	for _, f := range info.GetFeatures() {
		declared[f.GetName()] = true
	}
	// What memcloud's model leaves out on purpose.
	for _, name := range []string{
		"network.router.network_scoped", "network.security_group.network_scoped", "network.subnet.zonal",
		"security.firewall.scope.internet", "security.firewall.scope.nat", "security.firewall.scope.vpc_link",
		"security.firewall.unmanaged", "security.vpn_service.subnets",
	} {
		if declared[name] {
			t.Errorf("%s is declared", name)
		}
		declared[name] = true
	}
	for _, m := range linked.Methods {
		if m.Module || !slices.Contains([]string{"compute", "database", "network", "security", "storage"}, m.Service) {
			continue
		}
		if !slices.Contains(info.GetMethods(), m.FullName) {
			t.Errorf("method %s is not declared", m.FullName)
		}
		for name := range featuresOf(m.Input.Descriptor(), map[protoreflect.FullName]bool{}) {
			if !declared[name] {
				t.Errorf("%s: feature %s is neither declared nor left out", m.FullName, name)
			}
		}
	}
}

func featuresOf(m protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool) map[string]bool {
	found := map[string]bool{}
	if seen[m.FullName()] {
		return found
	}
	seen[m.FullName()] = true
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		if name := contract.FieldRule(f).GetFeature(); name != "" {
			found[name] = true
		}
		if f.Message() != nil && !f.IsMap() {
			for name := range featuresOf(f.Message(), seen) {
				found[name] = true
			}
		}
	}
	return found
}

// TestTraceReachesTheCloud: the cloud is told of which trace a call is.
func TestTraceReachesTheCloud(t *testing.T) {
	t.Parallel()
	seen := make(chan string, 10)
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		for _, value := range metadata.ValueFromIncomingContext(stream.Context(), "traceparent") {
			seen <- value
		}
		return sdk.NewError(apiv1.Reason_REASON_CLOUD_ERROR)
	}))
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		<-served
	})
	const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	ctx := metadata.NewIncomingContext(t.Context(), metadata.Pairs("traceparent", trace))
	conn, err := dial(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = conn.call(ctx, memcloud.Caller{}, networkv1.NetworkService_ListNetworks_FullMethodName, &networkv1.ListNetworksRequest{})
	if sdk.ReasonOf(err) != apiv1.Reason_REASON_CLOUD_ERROR {
		t.Errorf("answered with %v", err)
	}
	if err := conn.close(); err != nil {
		t.Error(err)
	}
	if got := <-seen; got != trace {
		t.Errorf("the cloud saw trace %q", got)
	}
}
