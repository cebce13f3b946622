package policy_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

// Each row is a request that must be refused before the cloud is asked to act.
func TestRefusals(t *testing.T) {
	t.Parallel()
	subnet := func(change func(*networkv1.CreateSubnetRequest)) *networkv1.CreateSubnetRequest {
		request := &networkv1.CreateSubnetRequest{Name: "sub", NetworkId: "one.net", Cidr: "10.0.0.0/24"}
		change(request)
		return request
	}
	inline := func(s *networkv1.CreateSubnetRequest) *networkv1.CreateNetworkRequest {
		return &networkv1.CreateNetworkRequest{AccountId: "one", Name: "net", Subnets: []*networkv1.CreateSubnetRequest{s}}
	}
	for name, tc := range map[string]struct {
		features []string
		rpc      string
		request  proto.Message
		reason   apiv1.Reason
		field    string
	}{
		"account is required":      {nil, createVM, &computev1.CreateVmRequest{Name: "a"}, apiv1.Reason_REASON_VALIDATION_FAILED, "account_id"},
		"unknown account":          {nil, createVM, &computev1.CreateVmRequest{AccountId: "none"}, apiv1.Reason_REASON_ACCOUNT_NOT_FOUND, "account_id"},
		"forbidden account":        {nil, createVM, &computev1.CreateVmRequest{AccountId: "forbidden"}, apiv1.Reason_REASON_RESOURCE_FORBIDDEN, ""},
		"unknown account in an id": {nil, getVM, &computev1.GetVmRequest{Id: "none.vm"}, apiv1.Reason_REASON_RESOURCE_FORBIDDEN, "id"},
		"malformed id":             {nil, getVM, &computev1.GetVmRequest{Id: "vm"}, apiv1.Reason_REASON_ID_MALFORMED, "id"},
		"id of another account": {nil, createVM, &computev1.CreateVmRequest{AccountId: "one", ImageId: "two.i"},
			apiv1.Reason_REASON_REFERENCE_MISMATCH, "image_id"},
		"nested id of another account": {nil, createVM, &computev1.CreateVmRequest{AccountId: "one", Nics: []*computev1.NicSpec{{SubnetId: "one.s"}, {SubnetId: "two.s"}}},
			apiv1.Reason_REASON_REFERENCE_MISMATCH, "nics[1].subnet_id"},
		"feature": {nil, createVM, &computev1.CreateVmRequest{AccountId: "one", Name: "a", UserData: []byte("x")},
			apiv1.Reason_REASON_UNSUPPORTED_FEATURE, "user_data"},
		"nested feature": {nil, createVM, &computev1.CreateVmRequest{AccountId: "one", Nics: []*computev1.NicSpec{{SubnetId: "one.s", PrivateIpAddress: "10.0.0.1"}}},
			apiv1.Reason_REASON_UNSUPPORTED_FEATURE, "nics[0].private_ip_address"},
		"feature of a value": {nil, newSubnet, subnet(func(s *networkv1.CreateSubnetRequest) { s.Cidr = "100.64.0.0/24" }),
			apiv1.Reason_REASON_UNSUPPORTED_FEATURE, "cidr"},
		"another feature of a value": {[]string{"network.subnet.shared_space"}, newSubnet, subnet(func(s *networkv1.CreateSubnetRequest) { s.Cidr = "8.8.8.0/24" }),
			apiv1.Reason_REASON_UNSUPPORTED_FEATURE, "cidr"},
		"feature of an enum's value": {nil, newSubnet, subnet(func(s *networkv1.CreateSubnetRequest) { s.IpVersion = apiv1.IpVersion_IP_VERSION_DUAL }),
			apiv1.Reason_REASON_UNSUPPORTED_FEATURE, "ip_version"},
		"required with a feature": {[]string{"network.subnet.zonal"}, newSubnet, subnet(func(*networkv1.CreateSubnetRequest) {}),
			apiv1.Reason_REASON_VALIDATION_FAILED, "zone_id"},
		"required with a feature, inline": {[]string{"network.subnet.zonal"}, newNetwork, inline(subnet(func(s *networkv1.CreateSubnetRequest) { s.NetworkId = "" })),
			apiv1.Reason_REASON_VALIDATION_FAILED, "subnets[0].zone_id"},
		"feature, inline": {nil, newNetwork, inline(subnet(func(s *networkv1.CreateSubnetRequest) { s.NetworkId, s.GatewayIp = "", "10.0.0.1" })),
			apiv1.Reason_REASON_UNSUPPORTED_FEATURE, "subnets[0].gateway_ip"},
		"parent, inline": {nil, newNetwork, inline(subnet(func(*networkv1.CreateSubnetRequest) {})),
			apiv1.Reason_REASON_VALIDATION_FAILED, "subnets[0].network_id"},
		"no parent": {nil, newSubnet, &networkv1.CreateSubnetRequest{Name: "sub"}, apiv1.Reason_REASON_VALIDATION_FAILED, "network_id"},
		"absent reference": {nil, newSubnet, subnet(func(s *networkv1.CreateSubnetRequest) { s.NetworkId = "one.none" }),
			apiv1.Reason_REASON_REFERENCE_NOT_FOUND, "network_id"},
		"reference being made": {nil, newSubnet, subnet(func(s *networkv1.CreateSubnetRequest) { s.NetworkId = "one.new" }),
			apiv1.Reason_REASON_RESOURCE_BUSY, "network_id"},
		"reference in another state": {nil, newSubnet, subnet(func(s *networkv1.CreateSubnetRequest) { s.NetworkId = "one.bad" }),
			apiv1.Reason_REASON_INVALID_STATE, "network_id"},
		"another organization": {nil, createVM, &computev1.CreateVmRequest{AccountId: "one", Name: "a", TenantId: "other"},
			apiv1.Reason_REASON_RESOURCE_FORBIDDEN, ""},
		"rpc that the account lacks": {nil, "cloud.compute.v1.VmService/StartVm", &computev1.StartVmRequest{Id: "one.vm"},
			apiv1.Reason_REASON_UNSUPPORTED_METHOD, "account_id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(d *driver) {
				d.features = tc.features
				d.networks = map[string]networkv1.NetworkState{
					"net": networkv1.NetworkState_NETWORK_STATE_AVAILABLE, "new": networkv1.NetworkState_NETWORK_STATE_PENDING,
					"bad": networkv1.NetworkState_NETWORK_STATE_ERROR,
				}
			})
			_, err := r.do(tc.rpc, tc.request)
			if sdk.ReasonOf(err) != tc.reason {
				t.Fatalf("got %v, want %v", err, tc.reason)
			}
			violations := sdk.ViolationsOf(err)
			if tc.field != "" && (len(violations) == 0 || violations[0].GetField() != tc.field) {
				t.Errorf("got %v, want the field %s", violations, tc.field)
			}
			if len(r.driver.received) != 0 {
				t.Errorf("the driver received %v", r.driver.received)
			}
		})
	}
}

func TestCreateGetDelete(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(d *driver) { d.features = []string{"compute.vm.password"} })
	request := &computev1.CreateVmRequest{AccountId: "one", Name: "web", ImageId: "one.img", TenantId: "t", DeletionProtected: true, GeneratePassword: true}
	before := proto.Clone(request)
	answer := r.must(createVM, request).(*computev1.CreateVmResponse)
	if answer.GetId() != "one.vm-web" || answer.GetState() != computev1.VmState_VM_STATE_RUNNING {
		t.Errorf("got %v", answer)
	}
	if !proto.Equal(before, request) {
		t.Error("the client's message was changed")
	}
	native := lastReceived[*computev1.CreateVmRequest](r.driver)
	if native.GetAccountId() != "" || native.GetTenantId() != "" || native.GetDeletionProtected() || native.GetGeneratePassword() || native.GetImageId() != "img" {
		t.Errorf("driver received %v, want native ids and none of the gateway's fields", native)
	}
	vm := r.must(getVM, &computev1.GetVmRequest{Id: "one.vm-web"}).(*computev1.GetVmResponse).GetVm()
	if vm.GetId() != "one.vm-web" || vm.GetImageId() != "one.img" || vm.GetAccountId() != "one" || vm.GetTenantId() != "t" || vm.GetOwnerId() != "u" ||
		vm.GetManaged() != apiv1.Managed_MANAGED_CREATED || !vm.GetDeletionProtected() || vm.GetObservedAt() == nil {
		t.Errorf("got %v", vm)
	}
	secret := r.must(passwordVM, &computev1.GetVmInitialPasswordRequest{Id: "one.vm-web"}).(*computev1.GetVmInitialPasswordResponse)
	if secret.GetPassword() != native.GetPassword() || secret.GetPassword() == "" {
		t.Errorf("password: got %q, want %q", secret.GetPassword(), native.GetPassword())
	}
	if _, err := r.do(deleteVM, &computev1.DeleteVmRequest{Id: "one.vm-web"}); sdk.ReasonOf(err) != apiv1.Reason_REASON_DELETION_PROTECTED {
		t.Errorf("protected: got %v", err)
	}
	r.must(updateVM, &computev1.UpdateVmRequest{Id: "one.vm-web", DeletionProtected: proto.Bool(false)})
	if got := lastReceived[*computev1.UpdateVmRequest](r.driver); got != nil {
		t.Errorf("the driver received %v; protection is the gateway's", got)
	}
	r.must(deleteVM, &computev1.DeleteVmRequest{Id: "one.vm-web"})
	if _, err := r.do(passwordVM, &computev1.GetVmInitialPasswordRequest{Id: "one.vm-web"}); sdk.ReasonOf(err) != apiv1.Reason_REASON_NOT_FOUND {
		t.Errorf("password of what is gone: got %v", err)
	}
	r.must(deleteVM, &computev1.DeleteVmRequest{Id: "one.vm-web"})
	if _, err := r.do(updateVM, &computev1.UpdateVmRequest{Id: "one.vm-web", DeletionProtected: proto.Bool(true)}); sdk.ReasonOf(err) != apiv1.Reason_REASON_NOT_FOUND {
		t.Errorf("protecting what is gone: got %v", err)
	}
}

func TestUpdateBoth(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.must(createVM, &computev1.CreateVmRequest{AccountId: "one", Name: "web"})
	r.must(updateVM, &computev1.UpdateVmRequest{Id: "one.vm-web", Name: proto.String("new"), DeletionProtected: proto.Bool(true)})
	got := lastReceived[*computev1.UpdateVmRequest](r.driver)
	if got.GetName() != "new" || got.DeletionProtected != nil || got.GetId() != "vm-web" {
		t.Errorf("driver received %v", got)
	}
	if _, err := r.do(deleteVM, &computev1.DeleteVmRequest{Id: "one.vm-web"}); sdk.ReasonOf(err) != apiv1.Reason_REASON_DELETION_PROTECTED {
		t.Errorf("got %v", err)
	}
}

func TestResetPassword(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.must(createVM, &computev1.CreateVmRequest{AccountId: "one", Name: "web"})
	seen := map[string]bool{}
	for _, request := range []*computev1.ResetVmPasswordRequest{
		{Id: "one.vm-web", GeneratePassword: true}, {Id: "one.vm-web", GeneratePassword: true}, {Id: "one.vm-web", Password: "Given-Pass-1"},
	} {
		r.must(resetVM, request)
		sent := lastReceived[*computev1.ResetVmPasswordRequest](r.driver).GetPassword()
		told := r.must(passwordVM, &computev1.GetVmInitialPasswordRequest{Id: "one.vm-web"}).(*computev1.GetVmInitialPasswordResponse).GetPassword()
		if sent == "" || sent != told || seen[sent] {
			t.Errorf("sent %q, told %q, seen %v", sent, told, seen[sent])
		}
		seen[sent] = true
	}
}

// The private key is told once; a repeat of the key's creation does not tell it.
func TestGeneratedKeyPair(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	call := r.call(newKey, &computev1.CreateKeyPairRequest{AccountId: "one", Name: "key", Generate: true})
	call.Options.RequestId = "k"
	answer, err := r.runner.Handle(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey([]byte(answer.(*computev1.CreateKeyPairResponse).GetPrivateKey()))
	if err != nil {
		t.Fatal(err)
	}
	sent := lastReceived[*computev1.CreateKeyPairRequest](r.driver)
	if got := string(ssh.MarshalAuthorizedKey(signer.PublicKey())); got != sent.GetPublicKey() || sent.GetGenerate() {
		t.Errorf("driver received %v, want the public half of what the client got", sent)
	}
	again, err := r.runner.Handle(t.Context(), call)
	if err != nil || again.(*computev1.CreateKeyPairResponse).GetPrivateKey() != "" || again.(*computev1.CreateKeyPairResponse).GetId() != "one.key" {
		t.Errorf("repeat: got %v, %v, want no private key", again, err)
	}
}

// listAll follows the page tokens to the end.
func (r *rig) listAll(request *computev1.ListVmsRequest) (ids []string, last *computev1.ListVmsResponse) {
	r.t.Helper()
	for range 100 {
		last = r.must(listVMs, request).(*computev1.ListVmsResponse)
		if len(last.GetVms()) > int(request.GetPageSize())+1 {
			r.t.Fatalf("page of %d for %d", len(last.GetVms()), request.GetPageSize())
		}
		for _, vm := range last.GetVms() {
			ids = append(ids, vm.GetId())
		}
		if last.GetNextPageToken() == "" {
			slices.Sort(ids)
			return ids, last
		}
		request.PageToken = last.GetNextPageToken()
	}
	r.t.Fatal("the listing has no end")
	return nil, nil
}

func TestListPages(t *testing.T) {
	t.Parallel()
	for name, short := range map[string]bool{"full pages": false, "short pages": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(d *driver) { d.short = short })
			r.fill("one", 23)
			r.fill("two", 4)
			ids, last := r.listAll(&computev1.ListVmsRequest{PageSize: 6})
			if len(ids) != 27 || len(slices.Compact(slices.Clone(ids))) != 27 {
				t.Errorf("got %d ids of 27: %v", len(ids), ids)
			}
			if len(last.GetSources()) == 0 || len(last.GetUnreachable()) != 0 {
				t.Errorf("last page: got %v", last)
			}
			one, _ := r.listAll(&computev1.ListVmsRequest{PageSize: 10, AccountId: []string{"one"}})
			if len(one) != 23 {
				t.Errorf("one account: got %d ids, want 23", len(one))
			}
		})
	}
}

func TestListIDs(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.fill("one", 20)
	r.fill("two", 2)
	want := []string{"one.vm-1", "one.vm-2", "one.vm-3", "one.vm-4", "one.vm-5", "one.vm-19", "two.vm-1"}
	request := &computev1.ListVmsRequest{Ids: append(slices.Clone(want), "one.none", "two.vm-9"), PageSize: 2}
	answer := r.must(listVMs, request).(*computev1.ListVmsResponse)
	var got []string
	for _, vm := range answer.GetVms() {
		got = append(got, vm.GetId())
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) || answer.GetNextPageToken() != "" {
		t.Errorf("got %v, %q, want %v on one page", got, answer.GetNextPageToken(), want)
	}
	if !slices.Equal(answer.GetMissingIds(), []string{"one.none", "two.vm-9"}) {
		t.Errorf("missing: got %v", answer.GetMissingIds())
	}
	_, err := r.do(listVMs, &computev1.ListVmsRequest{Ids: []string{"one.a"}, AccountId: []string{"two"}})
	if sdk.ReasonOf(err) != apiv1.Reason_REASON_REFERENCE_MISMATCH {
		t.Errorf("id of an account that is not asked: got %v", err)
	}
}

func TestListUnreachable(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(d *driver) { d.hang["two"] = make(chan struct{}) })
	r.fill("one", 3)
	r.fill("two", 3)
	begin := time.Now()
	answer := r.must(listVMs, &computev1.ListVmsRequest{}).(*computev1.ListVmsResponse)
	if len(answer.GetVms()) != 3 || len(answer.GetUnreachable()) != 1 {
		t.Fatalf("hanging account: got %v", answer)
	}
	if u := answer.GetUnreachable()[0]; u.GetAccountId() != "two" || u.GetReason() != "CLOUD_TIMEOUT" || u.GetMessage() != "The cloud timed out" {
		t.Errorf("got %v", u)
	}
	if took := time.Since(begin); took > 300*time.Millisecond+10*time.Second {
		t.Errorf("took %s", took)
	}
	close(r.driver.hang["two"])
	r.driver.set(func() { r.driver.fail["two"] = sdk.NewError(apiv1.Reason_REASON_CLOUD_UNAVAILABLE) })
	answer = r.must(listVMs, &computev1.ListVmsRequest{}).(*computev1.ListVmsResponse)
	if len(answer.GetUnreachable()) != 1 || answer.GetUnreachable()[0].GetReason() != "CLOUD_UNAVAILABLE" {
		t.Errorf("failing account: got %v", answer)
	}
	if _, err := r.do(listVMs, &computev1.ListVmsRequest{AccountId: []string{"two"}}); sdk.ReasonOf(err) != apiv1.Reason_REASON_CLOUD_UNAVAILABLE {
		t.Errorf("alone: got %v, want its error", err)
	}
}

func TestPageTokens(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.fill("one", 5)
	first := r.must(listVMs, &computev1.ListVmsRequest{PageSize: 2, AccountId: []string{"one"}}).(*computev1.ListVmsResponse)
	token := first.GetNextPageToken()
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	altered := slices.Clone(raw)
	altered[len(altered)-1] ^= 1
	for name, request := range map[string]*computev1.ListVmsRequest{
		"altered":       {AccountId: []string{"one"}, PageToken: base64.RawURLEncoding.EncodeToString(altered)},
		"cut":           {AccountId: []string{"one"}, PageToken: token[:20]},
		"no base64":     {AccountId: []string{"one"}, PageToken: "%%%"},
		"other filter":  {AccountId: []string{"one"}, PageToken: token, Name: "x"},
		"other account": {AccountId: []string{"two"}, PageToken: token},
	} {
		if _, err := r.do(listVMs, request); sdk.ReasonOf(err) != apiv1.Reason_REASON_PAGE_TOKEN_INVALID {
			t.Errorf("%s: got %v, want PAGE_TOKEN_INVALID", name, err)
		}
	}
	good := &computev1.ListVmsRequest{AccountId: []string{"one"}, PageToken: token, PageSize: 3}
	if next := r.must(listVMs, good).(*computev1.ListVmsResponse); len(next.GetVms()) != 3 {
		t.Errorf("other page size: got %v", next)
	}
	other := r.call(listVMs, good)
	other.Principal = pipeline.Principal{UserID: "x", TenantID: "y"}
	if _, err := r.runner.Handle(t.Context(), other); sdk.ReasonOf(err) != apiv1.Reason_REASON_PAGE_TOKEN_INVALID {
		t.Errorf("another organization: got %v", err)
	}
	r.now = r.now.Add(2 * time.Hour)
	if _, err := r.do(listVMs, good); sdk.ReasonOf(err) != apiv1.Reason_REASON_PAGE_TOKEN_INVALID {
		t.Errorf("after two hours: got %v", err)
	}
}

func TestCachedView(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, name := range []string{"web", "api", "db"} {
		r.must(createVM, &computev1.CreateVmRequest{AccountId: "one", Name: name})
	}
	cached := func(change func(*computev1.ListVmsRequest)) (*computev1.ListVmsResponse, error) {
		request := &computev1.ListVmsRequest{View: apiv1.View_VIEW_CACHED}
		change(request)
		answer, err := r.do(listVMs, request)
		if err != nil {
			return nil, err
		}
		return answer.(*computev1.ListVmsResponse), nil
	}
	answer, err := cached(func(q *computev1.ListVmsRequest) { q.OrderBy, q.PageSize, q.PageNumber = "name desc", 2, 1 })
	if err != nil || answer.GetTotalSize() != 3 || len(answer.GetVms()) != 2 || answer.GetVms()[0].GetName() != "web" || answer.GetVms()[1].GetName() != "db" {
		t.Fatalf("got %v, %v", answer, err)
	}
	vm := answer.GetVms()[0]
	if vm.GetId() != "one.vm-web" || vm.GetState() != computev1.VmState_VM_STATE_RUNNING || vm.GetTenantId() != "t" || vm.GetObservedAt() == nil {
		t.Errorf("got %v", vm)
	}
	if len(answer.GetSources()) != 2 {
		t.Errorf("sources: got %v", answer.GetSources())
	}
	calls := 0
	r.driver.set(func() { calls = r.driver.pages })
	if answer, err = cached(func(q *computev1.ListVmsRequest) { q.NameContains = "b" }); err != nil || len(answer.GetVms()) != 2 || r.driver.pages != calls {
		t.Errorf("filter: got %v, %v; the cloud was asked %d times", answer, err, r.driver.pages-calls)
	}
	for _, change := range []func(*computev1.ListVmsRequest){
		func(q *computev1.ListVmsRequest) { q.Tag = "x" }, func(q *computev1.ListVmsRequest) { q.ZoneId = "x" },
		func(q *computev1.ListVmsRequest) { q.PageToken = "x" }, func(q *computev1.ListVmsRequest) { q.OrderBy = "zone" },
	} {
		if _, err := cached(change); sdk.ReasonOf(err) != apiv1.Reason_REASON_VALIDATION_FAILED {
			t.Errorf("got %v, want VALIDATION_FAILED", err)
		}
	}
}

func TestLanguageOfStates(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.driver.set(func() {
		r.driver.vms["one"] = []*computev1.Vm{{Id: "vm", State: computev1.VmState_VM_STATE_ERROR, StateReason: "OUT_OF_STOCK", StateMessage: "No host."}}
	})
	for language, want := range map[pipeline.Language]string{pipeline.Chinese: "资源不足", pipeline.English: "no capacity"} {
		call := r.call(getVM, &computev1.GetVmRequest{Id: "one.vm"})
		call.Language = language
		answer, err := r.runner.Handle(t.Context(), call)
		if err != nil {
			t.Fatal(err)
		}
		got := answer.(*computev1.GetVmResponse).GetVm().GetStateMessage()
		if !strings.Contains(got, want) || !strings.HasSuffix(got, " (No host.)") {
			t.Errorf("got %q, want %q and the cloud's words", got, want)
		}
	}
}

func BenchmarkGetVM(b *testing.B) {
	r := newRig(b)
	r.fill("one", 1)
	call := r.call(getVM, &computev1.GetVmRequest{Id: "one.vm-0"})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.runner.Handle(b.Context(), call); err != nil {
			b.Fatal(err)
		}
	}
}

// The floor is the same call through the same connection, without the gateway.
func BenchmarkGetVMFloor(b *testing.B) {
	r := newRig(b)
	r.fill("one", 1)
	client := computev1.NewVmServiceClient(r.driver.ClientConnInterface)
	ctx := sdk.WithCall(b.Context(), sdk.Call{AccountID: "one", RequestID: "r"})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.GetVm(ctx, &computev1.GetVmRequest{Id: "vm-0"}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkList100VMs(b *testing.B) {
	r := newRig(b)
	r.fill("one", 100)
	call := r.call(listVMs, &computev1.ListVmsRequest{AccountId: []string{"one"}, PageSize: 100})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.runner.Handle(b.Context(), call); err != nil {
			b.Fatal(err)
		}
	}
}
