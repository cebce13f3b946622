package memcloud

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

// TestEveryRPC notices an rpc of the contract that the cloud does not have.
func TestEveryRPC(t *testing.T) {
	t.Parallel()
	c, err := contract.Linked()
	if err != nil {
		t.Fatal(err)
	}
	cloud, err := Open(Options{})
	if err != nil {
		t.Fatal(err)
	}
	offered := sdk.Methods(cloud.Register)
	for _, m := range c.Methods {
		if m.Module || !slices.Contains([]string{"compute", "database", "network", "security", "storage"}, m.Service) {
			continue
		}
		if !slices.Contains(offered, m.FullName) {
			t.Errorf("%s is not offered", m.FullName)
			continue
		}
		_, err := cloud.Call(t.Context(), Caller{Project: "p"}, m.Path, m.Input.New().Interface())
		if status.Code(err) == codes.Unimplemented {
			t.Errorf("%s: %v", m.FullName, err)
		}
	}
}

func withToken(ctx context.Context, token string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, ClientTokenKey, token)
}

func TestClientTokens(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := withToken(t.Context(), "t1")
	first := must[*networkv1.CreateNetworkResponse](t)(r.network.CreateNetwork(ctx, &networkv1.CreateNetworkRequest{Name: "n"}))
	again := must[*networkv1.CreateNetworkResponse](t)(r.network.CreateNetwork(ctx, &networkv1.CreateNetworkRequest{Name: "n"}))
	if first.GetId() != again.GetId() {
		t.Errorf("repeat made %s beside %s", again.GetId(), first.GetId())
	}
	refused[*networkv1.CreateNetworkResponse](r, apiv1.Reason_REASON_IDEMPOTENCY_CONFLICT)(r.network.CreateNetwork(ctx, &networkv1.CreateNetworkRequest{Name: "other"}))
	r.project = "p2"
	if other := must[*networkv1.CreateNetworkResponse](t)(r.network.CreateNetwork(ctx, &networkv1.CreateNetworkRequest{Name: "n"})); other.GetId() == first.GetId() {
		t.Error("another project got the same network")
	}
	r.project = "p1"
	if err := r.cloud.Close(); err != nil {
		t.Fatal(err)
	}
	r.open()
	if kept := must[*networkv1.CreateNetworkResponse](t)(r.network.CreateNetwork(ctx, &networkv1.CreateNetworkRequest{Name: "n"})); kept.GetId() != first.GetId() {
		t.Error("the token was forgotten over a restart")
	}
	r.clock.pass(tokenLife + time.Second)
	if late := must[*networkv1.CreateNetworkResponse](t)(r.network.CreateNetwork(ctx, &networkv1.CreateNetworkRequest{Name: "n"})); late.GetId() == first.GetId() {
		t.Error("the token outlived its time")
	}
	if len(r.cloud.tokens) != 1 {
		t.Errorf("%d tokens are kept", len(r.cloud.tokens))
	}
}

func TestConcurrentRepeatsMakeOne(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if _, err := r.network.CreateNetwork(withToken(t.Context(), "same"), &networkv1.CreateNetworkRequest{Name: "n"}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	found := must[*networkv1.ListNetworksResponse](t)(r.network.ListNetworks(t.Context(), &networkv1.ListNetworksRequest{Name: "n"}))
	if len(found.GetNetworks()) != 1 {
		t.Errorf("%d networks", len(found.GetNetworks()))
	}
}

// TestKilled reads the file as it is while the cloud runs, as after a kill.
func TestKilled(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, subnet := r.newSubnet("10.0.0.0/24")
	running := r.newVM(vmRequest(subnet))
	young := must[*computev1.CreateVmResponse](t)(r.vm.CreateVm(t.Context(), vmRequest(subnet))).GetId()
	dying := r.newVM(vmRequest(subnet)).GetId()
	must[*computev1.DeleteVmResponse](t)(r.vm.DeleteVm(t.Context(), &computev1.DeleteVmRequest{Id: dying}))
	r.settle()
	before := must[Dump](t)(r.cloud.Dump(t.Context()))
	content, err := os.ReadFile(r.file)
	if err != nil {
		t.Fatal(err)
	}
	r.file = filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(r.file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	r.open()
	if got := r.getVM(running.GetId()); got.GetState() != computev1.VmState_VM_STATE_RUNNING || got.GetStartedAt() == nil {
		t.Errorf("running VM is %v", got)
	}
	if got := r.getVM(young).GetState(); got != computev1.VmState_VM_STATE_RUNNING {
		t.Errorf("VM made before the kill is %v", got)
	}
	refused[*computev1.GetVmResponse](r, apiv1.Reason_REASON_NOT_FOUND)(r.vm.GetVm(t.Context(), &computev1.GetVmRequest{Id: dying}))
	after := must[Dump](t)(r.cloud.Dump(t.Context()))
	if got, want := dumpText(after), dumpText(before); got != want {
		t.Errorf("after the kill:\n%s\nbefore:\n%s", got, want)
	}
}

func dumpText(d Dump) string {
	var b strings.Builder
	for _, kind := range []string{"compute.vm", "network.nic", "network.network", "network.subnet"} {
		for _, r := range d[kind] {
			fmt.Fprintln(&b, kind, r.Project, r.ID, r.Aux, strings.ReplaceAll(string(r.Resource), " ", ""))
		}
	}
	return b.String()
}

func TestProjectsSeeOnlyTheirOwn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	network, subnet := r.newSubnet("10.0.0.0/24")
	r.project = "p2"
	refused[*networkv1.GetNetworkResponse](r, apiv1.Reason_REASON_NOT_FOUND)(r.network.GetNetwork(t.Context(), &networkv1.GetNetworkRequest{Id: network}))
	refused[*computev1.CreateVmResponse](r, apiv1.Reason_REASON_REFERENCE_NOT_FOUND)(r.vm.CreateVm(t.Context(), vmRequest(subnet)))
	found := must[*networkv1.ListNetworksResponse](t)(r.network.ListNetworks(t.Context(), &networkv1.ListNetworksRequest{})).GetNetworks()
	if len(found) != 1 || !found[0].GetExternal() {
		t.Errorf("p2 sees %v", found)
	}
	refused[*networkv1.DeleteNetworkResponse](r, apiv1.Reason_REASON_CLOUD_PERMISSION_DENIED)(r.network.DeleteNetwork(t.Context(), &networkv1.DeleteNetworkRequest{Id: externalNetworkID}))
}

func TestPagesUnderChange(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := t.Context()
	var want []string
	for i := range 25 {
		id := must[*networkv1.CreateSecurityGroupResponse](t)(r.group.CreateSecurityGroup(ctx, &networkv1.CreateSecurityGroupRequest{Name: fmt.Sprintf("g-%d", i)})).GetId()
		want = append(want, id)
	}
	var got []string
	next := ""
	for {
		p := must[*networkv1.ListSecurityGroupsResponse](t)(r.group.ListSecurityGroups(ctx, &networkv1.ListSecurityGroupsRequest{PageSize: 10, PageToken: next}))
		for _, g := range p.GetSecurityGroups() {
			got = append(got, g.GetId())
		}
		if next = p.GetNextPageToken(); next == "" {
			break
		}
		// The last one seen goes, and new ones come: neither moves the rest.
		must[*networkv1.DeleteSecurityGroupResponse](t)(r.group.DeleteSecurityGroup(ctx, &networkv1.DeleteSecurityGroupRequest{Id: got[len(got)-1]}))
		want = append(want, r.newGroup())
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	refused[*networkv1.ListSecurityGroupsResponse](r, apiv1.Reason_REASON_PAGE_TOKEN_INVALID)(r.group.ListSecurityGroups(ctx, &networkv1.ListSecurityGroupsRequest{PageToken: "x"}))
	batch := must[*networkv1.ListSecurityGroupsResponse](t)(r.group.ListSecurityGroups(ctx, &networkv1.ListSecurityGroupsRequest{Ids: []string{"sg-no", want[0]}}))
	if len(batch.GetSecurityGroups()) != 1 || !slices.Equal(batch.GetMissingIds(), []string{"sg-no"}) {
		t.Errorf("batch is %v", batch)
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, subnet := r.newSubnet("10.0.0.0/24")
	req := vmRequest(subnet)
	req.Tags = map[string]string{"team": "news"}
	tagged := r.newVM(req)
	must[*computev1.CreateVmResponse](t)(r.vm.CreateVm(t.Context(), &computev1.CreateVmRequest{
		Name: "other", ImageId: "img-cirros", FlavorId: "m1.tiny", ZoneId: secondZone, Nics: []*computev1.NicSpec{{SubnetId: subnet}}}))
	for name, tc := range map[string]struct {
		req  *computev1.ListVmsRequest
		want int
	}{
		"all":      {&computev1.ListVmsRequest{}, 2},
		"name":     {&computev1.ListVmsRequest{Name: "other"}, 1},
		"state":    {&computev1.ListVmsRequest{State: computev1.VmState_VM_STATE_CREATING}, 1},
		"zone":     {&computev1.ListVmsRequest{ZoneId: secondZone}, 1},
		"tag":      {&computev1.ListVmsRequest{Tag: "team"}, 1},
		"value":    {&computev1.ListVmsRequest{Tag: "team=news"}, 1},
		"no value": {&computev1.ListVmsRequest{Tag: "team=sport"}, 0},
		"both":     {&computev1.ListVmsRequest{Name: "other", Ids: []string{tagged.GetId()}}, 0},
	} {
		if got := must[*computev1.ListVmsResponse](t)(r.vm.ListVms(t.Context(), tc.req)).GetVms(); len(got) != tc.want {
			t.Errorf("%s: %d VMs, want %d", name, len(got), tc.want)
		}
	}
}

func TestQuotas(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	k := DefaultKnobs()
	k.Quotas = map[string]int32{"compute.vm.vcpus": 2, "network.network.count": 1}
	if err := r.cloud.SetKnobs(k); err != nil {
		t.Fatal(err)
	}
	_, subnet := r.newSubnet("10.0.0.0/24")
	refused[*networkv1.CreateNetworkResponse](r, apiv1.Reason_REASON_QUOTA_EXCEEDED)(r.network.CreateNetwork(t.Context(), &networkv1.CreateNetworkRequest{Name: "n2"}))
	r.newVM(vmRequest(subnet))
	big := vmRequest(subnet)
	big.FlavorId = "m1.medium"
	refused[*computev1.CreateVmResponse](r, apiv1.Reason_REASON_QUOTA_EXCEEDED)(r.vm.CreateVm(t.Context(), big))
	told := must[*computev1.GetComputeQuotaResponse](t)(r.vm.GetComputeQuota(t.Context(), &computev1.GetComputeQuotaRequest{})).GetQuotas()
	for _, q := range told {
		if q.GetName() == "compute.vm.vcpus" && (q.GetLimit() != 2 || q.GetUsed() != 1) {
			t.Errorf("quota is %v", q)
		}
	}
	if len(told) != 6 {
		t.Errorf("%d quotas", len(told))
	}
}

func TestClosedCloudRefuses(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if err := r.cloud.Close(); err != nil {
		t.Fatal(err)
	}
	refused[*computev1.ListVmsResponse](r, apiv1.Reason_REASON_CLOUD_UNAVAILABLE)(r.vm.ListVms(t.Context(), &computev1.ListVmsRequest{}))
	refused[*networkv1.CreateNetworkResponse](r, apiv1.Reason_REASON_CLOUD_UNAVAILABLE)(r.network.CreateNetwork(t.Context(), &networkv1.CreateNetworkRequest{Name: "n"}))
}

func TestInfoOverConnection(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if err := r.cloud.SetKnobs(Knobs{MarkerDelayMillis: 1500, AbsentFeatures: []string{"a.b.c"}}); err != nil {
		t.Fatal(err)
	}
	got := must[Info](t)(AskInfo(t.Context(), grpc.ClientConnInterface(r.conn)))
	want := Info{Region: "mem-region-1", Now: r.clock.now(), RequestTimeout: time.Minute, MarkerDelay: 1500 * time.Millisecond, AbsentFeatures: []string{"a.b.c"}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
