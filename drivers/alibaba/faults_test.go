package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/sim"
	"github.com/yunqiao/yunqiao/drivers/alibaba/sim/simtest"
	"github.com/yunqiao/yunqiao/drivers/drivertest"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

const accountID = "ali-test"

// rig is the driver's program with an account of a simulated cloud.
type rig struct {
	*testing.T
	cloud       *simtest.Cloud
	process     *drivertest.Process
	settings    map[string]string
	credentials map[string]string
}

func newRig(t *testing.T, opts sim.Options) *rig {
	t.Helper()
	cloud := simtest.Start(t, opts)
	process, err := drivertest.StartProcess(program, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(process.Close)
	r := &rig{T: t, cloud: cloud, process: process}
	r.settings, r.credentials = settings(cloud)
	return r
}

func (r *rig) openAccount() error {
	_, err := driverv1.NewDriverServiceClient(r.process.Conn()).OpenAccount(r.Context(), &driverv1.OpenAccountRequest{
		AccountId: accountID, Settings: r.settings, Credentials: r.credentials,
	})
	return err
}

func (r *rig) mustOpen() {
	r.Helper()
	if err := r.openAccount(); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) faults(f sim.Faults) {
	r.Helper()
	if err := r.cloud.SetFaults(f); err != nil {
		r.Fatal(err)
	}
}

// as is the context of a gateway's call.
func (r *rig) as(requestID string, attempt int) context.Context {
	return sdk.WithCall(r.Context(), sdk.Call{RequestID: requestID, AccountID: accountID, Attempt: attempt})
}

func (r *rig) vms() computev1.VmServiceClient { return computev1.NewVmServiceClient(r.process.Conn()) }

// site makes what a VM needs.
func (r *rig) site() *computev1.CreateVmRequest {
	r.Helper()
	conn := r.process.Conn()
	zones, err := computev1.NewZoneServiceClient(conn).ListZones(r.as("zones", 1), &computev1.ListZonesRequest{})
	r.must(err)
	flavors, err := computev1.NewFlavorServiceClient(conn).ListFlavors(r.as("flavors", 1), &computev1.ListFlavorsRequest{})
	r.must(err)
	images, err := storagev1.NewImageServiceClient(conn).ListImages(r.as("images", 1), &storagev1.ListImagesRequest{})
	r.must(err)
	networks, subnets := networkv1.NewNetworkServiceClient(conn), networkv1.NewSubnetServiceClient(conn)
	network, err := networks.CreateNetwork(r.as("network", 1), &networkv1.CreateNetworkRequest{Name: "site", Cidr: "10.0.0.0/16"})
	r.must(err)
	r.eventually(func() bool {
		got, err := networks.GetNetwork(r.as("get", 1), &networkv1.GetNetworkRequest{Id: network.GetId()})
		return err == nil && got.GetNetwork().GetState() == networkv1.NetworkState_NETWORK_STATE_AVAILABLE
	})
	subnet, err := subnets.CreateSubnet(r.as("subnet", 1), &networkv1.CreateSubnetRequest{
		Name: "site", NetworkId: network.GetId(), Cidr: "10.0.0.0/20", ZoneId: zones.GetZones()[0].GetId(),
	})
	r.must(err)
	r.eventually(func() bool {
		got, err := subnets.GetSubnet(r.as("get", 1), &networkv1.GetSubnetRequest{Id: subnet.GetId()})
		return err == nil && got.GetSubnet().GetState() == networkv1.SubnetState_SUBNET_STATE_AVAILABLE
	})
	group, err := networkv1.NewSecurityGroupServiceClient(conn).CreateSecurityGroup(r.as("group", 1),
		&networkv1.CreateSecurityGroupRequest{Name: "site", NetworkId: network.GetId()})
	r.must(err)
	at := slices.IndexFunc(flavors.GetFlavors(), func(f *computev1.Flavor) bool { return f.GetSellable() })
	if at < 0 {
		r.Fatal("nothing is on sale")
	}
	return &computev1.CreateVmRequest{
		ImageId: images.GetImages()[0].GetId(), FlavorId: flavors.GetFlavors()[at].GetId(),
		Nics: []*computev1.NicSpec{{SubnetId: subnet.GetId()}}, SecurityGroupIds: []string{group.GetId()},
	}
}

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *rig) eventually(done func() bool) {
	r.Helper()
	for range 400 {
		if done() {
			return
		}
		select {
		case <-r.Context().Done():
			r.Fatal(r.Context().Err())
		case <-time.After(25 * time.Millisecond):
		}
	}
	r.Fatal("not within its time")
}

// create makes count VMs in parallel, each under a request id of its own, and
// returns the errors.
func (r *rig) create(base *computev1.CreateVmRequest, count, attempt int, timeout time.Duration) []error {
	r.Helper()
	errs := make([]error, count)
	var wg sync.WaitGroup
	for i := range count {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(r.as(fmt.Sprintf("vm-%d", i), attempt), timeout)
			defer cancel()
			_, errs[i] = r.vms().CreateVm(ctx, &computev1.CreateVmRequest{
				Name: fmt.Sprintf("vm-%d", i), ImageId: base.GetImageId(), FlavorId: base.GetFlavorId(),
				Nics: base.GetNics(), SecurityGroupIds: base.GetSecurityGroupIds(),
			})
		})
	}
	wg.Wait()
	return errs
}

// madeOnce fails the test unless there is exactly one VM of each name.
func (r *rig) madeOnce(count int) {
	r.Helper()
	made := map[string]int{}
	for token, first := "", true; first || token != ""; first = false {
		page, err := r.vms().ListVms(r.as("list", 1), &computev1.ListVmsRequest{PageSize: 100, PageToken: token})
		r.must(err)
		for _, vm := range page.GetVms() {
			made[vm.GetName()]++
		}
		token = page.GetNextPageToken()
	}
	for i := range count {
		if n := made[fmt.Sprintf("vm-%d", i)]; n != 1 {
			r.Errorf("vm-%d was made %d times", i, n)
		}
	}
	if len(made) != count {
		r.Errorf("%d names, want %d", len(made), count)
	}
}

// TestFiftyCreatesUnderThrottling makes 50 VMs at once in a cloud that takes ten
// a second.
func TestFiftyCreatesUnderThrottling(t *testing.T) {
	t.Parallel()
	r := newRig(t, sim.Options{})
	r.mustOpen()
	base := r.site()
	r.faults(sim.Faults{Rates: map[string]int{"Ecs.RunInstances": 10}})
	for i, err := range r.create(base, 50, 1, time.Minute) {
		if err != nil {
			t.Errorf("vm-%d: %v", i, err)
		}
	}
	r.madeOnce(50)
	_, err := driverv1.NewDriverServiceClient(r.process.Conn()).Probe(t.Context(), &driverv1.ProbeRequest{AccountId: accountID})
	r.must(err)
	r.eventually(func() bool { return strings.Contains(r.process.Log(), "the cloud throttles") })
	if calls := r.cloud.Stats().Calls["Ecs.RunInstances"]; calls <= 50 {
		t.Errorf("%d calls: nothing was throttled", calls)
	}
}

// TestKillInMidCreate kills the driver while 20 creates are at the cloud, and
// repeats them in the next process.
func TestKillInMidCreate(t *testing.T) {
	t.Parallel()
	r := newRig(t, sim.Options{})
	r.mustOpen()
	base := r.site()
	r.faults(sim.Faults{Rules: []sim.Rule{{Action: "Ecs.RunInstances", Effect: sim.EffectWait, WaitMS: 400}}})
	done := make(chan []error)
	go func() { done <- r.create(base, 20, 1, time.Minute) }()
	r.eventually(func() bool { return r.cloud.Stats().Calls["Ecs.RunInstances"] >= 10 })
	r.must(r.process.Crash(t.Context()))
	failed := 0
	for _, err := range <-done {
		if err != nil {
			failed++
		}
	}
	if failed == 0 {
		t.Error("the kill came too late to matter")
	}
	r.faults(sim.Faults{})
	r.mustOpen()
	for i, err := range r.create(base, 20, 2, time.Minute) {
		if err != nil {
			t.Errorf("repeat of vm-%d: %v", i, err)
		}
	}
	r.madeOnce(20)
}

// TestLostAnswers lets the cloud do every second create without answering.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	r := newRig(t, sim.Options{})
	r.mustOpen()
	base := r.site()
	r.faults(sim.Faults{Rules: []sim.Rule{{Action: "Ecs.RunInstances", Every: 2, Effect: sim.EffectLose}}})
	r.create(base, 10, 1, time.Minute)
	r.faults(sim.Faults{})
	for i, err := range r.create(base, 10, 2, time.Minute) {
		if err != nil {
			t.Errorf("repeat of vm-%d: %v", i, err)
		}
	}
	r.madeOnce(10)
}

// pages lists VMs ten by ten until an error.
func (r *rig) pages() (count int, err error) {
	for token, first := "", true; first || token != ""; first = false {
		page, err := r.vms().ListVms(r.as("list", 1), &computev1.ListVmsRequest{PageSize: 10, PageToken: token})
		if err != nil {
			return count, err
		}
		count += len(page.GetVms())
		token = page.GetNextPageToken()
	}
	return count, nil
}

// TestSecondPageFails is repeated within the call if the cloud recovers, and told
// if it does not.
func TestSecondPageFails(t *testing.T) {
	t.Parallel()
	r := newRig(t, sim.Options{})
	r.mustOpen()
	for _, err := range r.create(r.site(), 25, 1, time.Minute) {
		r.must(err)
	}
	failing := sim.Rule{Action: "Ecs.DescribeInstances", Skip: 1, Times: 1, Effect: sim.EffectError, Code: "InternalError", Status: 500}
	r.faults(sim.Faults{Rules: []sim.Rule{failing}})
	if count, err := r.pages(); count != 25 || err != nil {
		t.Errorf("one failure: %d VMs, %v", count, err)
	}
	failing.Times = 0
	r.faults(sim.Faults{Rules: []sim.Rule{failing}})
	if count, err := r.pages(); count != 10 || sdk.ReasonOf(err) != apiv1.Reason_REASON_CLOUD_ERROR {
		t.Errorf("every call fails: %d VMs, %v", count, err)
	}
}

// TestTokenExpiresInMidList renews the credentials of a role; a token that was given
// cannot be renewed.
func TestTokenExpiresInMidList(t *testing.T) {
	t.Parallel()
	r := newRig(t, sim.Options{})
	r.mustOpen()
	for _, err := range r.create(r.site(), 25, 1, time.Minute) {
		r.must(err)
	}
	expire := func() {
		r.faults(sim.Faults{Rules: []sim.Rule{{
			Action: "Ecs.DescribeInstances", Skip: 1, Times: 1, Effect: sim.EffectError, Code: "InvalidSecurityToken.Expired", Status: 400,
		}}})
	}
	expire()
	if count, err := r.pages(); count != 10 || sdk.ReasonOf(err) != apiv1.Reason_REASON_ACCOUNT_UNAUTHENTICATED {
		t.Errorf("of a key: %d VMs, %v", count, err)
	}
	r.settings["role_arn"] = r.role()
	r.mustOpen()
	assumed := r.cloud.Stats().Calls["Sts.AssumeRole"]
	expire()
	if count, err := r.pages(); count != 25 || err != nil {
		t.Errorf("of a role: %d VMs, %v", count, err)
	}
	if got := r.cloud.Stats().Calls["Sts.AssumeRole"] - assumed; got != 1 {
		t.Errorf("the role was taken on %d times more, want 1", got)
	}
}

// role makes a role that the account may take on.
func (r *rig) role() string {
	r.Helper()
	host := r.settings["endpoint"]
	client := api.NewClient(api.Endpoints{Region: r.cloud.Region, Scheme: "http", All: host}, api.Static(api.Credential{
		AccessKeyID: r.cloud.Account.AccessKeyID, AccessKeySecret: sdk.Secret(r.cloud.Account.AccessKeySecret),
	}), http.DefaultTransport)
	var out struct{ Role struct{ Arn string } }
	r.must(client.Call(r.Context(), api.RAM, "CreateRole", api.Params{}.Set("RoleName", "yunqiao").JSON("AssumeRolePolicyDocument", map[string]any{
		"Version": "1", "Statement": []any{map[string]any{
			"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": map[string]any{"RAM": []string{"acs:ram::" + r.cloud.Account.UID + ":root"}},
		}},
	}), &out))
	return out.Role.Arn
}

// TestSecretsAreNowhere breaks every log-in there is, and looks for the secret and
// for signatures in the driver's log and answers.
func TestSecretsAreNowhere(t *testing.T) {
	t.Parallel()
	r := newRig(t, sim.Options{})
	r.mustOpen()
	good := r.settings["endpoint"]
	const canary = "canary-6f1c2ad9"
	for name, tc := range map[string]struct {
		change func()
		reason apiv1.Reason
	}{
		"wrong secret": {func() { r.credentials["access_key_secret"] = canary }, apiv1.Reason_REASON_ACCOUNT_UNAUTHENTICATED},
		"unknown key":  {func() { r.settings["access_key_id"] = "LTAI" + canary }, apiv1.Reason_REASON_ACCOUNT_UNAUTHENTICATED},
		"wrong token":  {func() { r.credentials["security_token"] = canary }, apiv1.Reason_REASON_ACCOUNT_UNAUTHENTICATED},
		"nobody there": {func() { r.settings["endpoint"] = "127.0.0.1:1" }, apiv1.Reason_REASON_CLOUD_UNAVAILABLE},
		"not trusted": {func() {
			r.settings["endpoint"], r.settings["scheme"] = strings.TrimPrefix(r.cloud.TLSURL, "https://"), "https"
		}, apiv1.Reason_REASON_CLOUD_UNAVAILABLE},
		"no such role":   {func() { r.settings["role_arn"] = "acs:ram::1:role/none" }, apiv1.Reason_REASON_ACCOUNT_UNAUTHENTICATED},
		"bad region":     {func() { r.settings["region"] = "Hangzhou" }, apiv1.Reason_REASON_PARAMETER_REJECTED},
		"unknown option": {func() { r.settings["acces_key_id"] = "x" }, apiv1.Reason_REASON_PARAMETER_REJECTED},
	} {
		r.settings, r.credentials = settings(r.cloud)
		r.settings["endpoint"] = good
		tc.change()
		err := r.openAccount()
		if got := sdk.ReasonOf(err); got != tc.reason {
			t.Errorf("%s: %v (%s)", name, err, sdk.FaultText(err))
		}
		r.holdsNoSecret(name+": answer", fmt.Sprint(err, sdk.InfoOf(err), sdk.FaultText(err)), canary)
	}
	r.holdsNoSecret("log", r.process.Log(), canary)
	if !strings.Contains(r.process.Log(), "call failed") {
		t.Error("the log was not seen")
	}
}

func (r *rig) holdsNoSecret(where, text, canary string) {
	r.Helper()
	for _, secret := range []string{canary, r.cloud.Account.AccessKeySecret, "Signature=", "SignatureNonce"} {
		if strings.Contains(text, secret) {
			r.Errorf("%s holds %q:\n%s", where, secret, text)
		}
	}
}

// TestPrivateAuthority speaks HTTPS with a certificate of the settings' authority.
func TestPrivateAuthority(t *testing.T) {
	t.Parallel()
	r := newRig(t, sim.Options{RequireTLS: true})
	r.settings["endpoint"], r.settings["ca_file"] = strings.TrimPrefix(r.cloud.TLSURL, "https://"), r.cloud.CAFile
	delete(r.settings, "scheme")
	r.mustOpen()
}
