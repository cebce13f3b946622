package main

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/ports"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// flavors finds the smallest flavor with a local disk and the next bigger one, of those
// that no other test makes and removes.
func (l *live) flavors(t *testing.T) (small, bigger *computev1.Flavor) {
	t.Helper()
	resp := must(t, "flavors", computev1.NewFlavorServiceClient(l.conn).ListFlavors, &computev1.ListFlavorsRequest{PageSize: 500})
	lasting := slices.DeleteFunc(resp.GetFlavors(), func(f *computev1.Flavor) bool { return !strings.HasPrefix(f.GetName(), "m1.") })
	list := slices.SortedFunc(slices.Values(lasting), func(a, b *computev1.Flavor) int { return int(a.GetMemoryMib() - b.GetMemoryMib()) })
	if len(list) < 2 {
		t.Fatalf("flavors: %v", list)
	}
	return list[0], list[1]
}

func TestVMLife(t *testing.T) {
	l := openLive(t)
	small, bigger := l.flavors(t)
	subnet := l.network(t, "10.90.1.0/24")[0]
	group := l.securityGroup(t)
	requestID := "yqtest-" + time.Now().UTC().Format(time.RFC3339Nano)
	create := &computev1.CreateVmRequest{
		Name:             l.prefix,
		Description:      "测试 of the driver",
		Tags:             map[string]string{"team": "news"},
		HostName:         "yqtest",
		ImageId:          l.image(t),
		FlavorId:         small.GetId(),
		SecurityGroupIds: []string{group},
		Nics:             []*computev1.NicSpec{{SubnetId: subnet, PrivateIpAddress: "10.90.1.77"}},
		Password:         "Secret-1234",
		UserData:         []byte("#!/bin/sh\necho hello\n"),
	}
	id := must(t, requestID, l.vms.CreateVm, create).GetId()
	l.remove(t, id)

	again, err := l.vms.CreateVm(sdk.WithCall(t.Context(), sdk.Call{RequestID: requestID, AccountID: liveAccount, Attempt: 2}), create)
	if err != nil || again.GetId() != id {
		t.Fatalf("repeated create: %v, %v; want id %s", again, err, id)
	}

	vm := l.settle(t, id, computev1.VmState_VM_STATE_RUNNING)
	nic := vm.GetNics()[0]
	switch {
	case vm.GetName() != l.prefix, vm.GetDescription() != create.GetDescription(), vm.GetTags()["team"] != "news", len(vm.GetTags()) != 1:
		t.Errorf("names and tags: %v", vm)
	case vm.GetFlavorId() != small.GetId(), vm.GetVcpus() != small.GetVcpus(), vm.GetMemoryMib() != small.GetMemoryMib():
		t.Errorf("flavor: %v", vm)
	case vm.GetImageId() != create.GetImageId(), vm.GetHostName() != "yqtest", vm.GetZoneId() == "", vm.GetRegionId() == "":
		t.Errorf("image, host name, zone, region: %v", vm)
	case nic.GetSubnetId() != subnet, !slices.Equal(nic.GetPrivateIpAddresses(), []string{"10.90.1.77"}), nic.GetMacAddress() == "":
		t.Errorf("nic: %v", nic)
	case !slices.Equal(vm.GetSecurityGroupIds(), []string{group}):
		t.Errorf("security groups: %v, want %s", vm.GetSecurityGroupIds(), group)
	case vm.GetCreatedAt() == nil, vm.GetStartedAt() == nil:
		t.Errorf("times: %v", vm)
	}
	l.lists(t, vm)
	l.changes(t, vm)
	l.extras(t, vm)
	l.stopsAndStarts(t, id)
	l.resizes(t, id, bigger)

	must(t, "delete", l.vms.DeleteVm, &computev1.DeleteVmRequest{Id: id})
	l.gone(t, id)
	must(t, "delete again", l.vms.DeleteVm, &computev1.DeleteVmRequest{Id: id})
}

func (l *live) lists(t *testing.T, vm *computev1.Vm) {
	t.Helper()
	absent := "00000000-0000-4000-8000-000000000000"
	for name, tc := range map[string]struct {
		req     *computev1.ListVmsRequest
		want    int
		missing int
	}{
		"by name":         {&computev1.ListVmsRequest{Name: vm.GetName()}, 1, 0},
		"by part of name": {&computev1.ListVmsRequest{Name: vm.GetName()[1:]}, 0, 0},
		"by tag":          {&computev1.ListVmsRequest{Tag: "team=news", Name: vm.GetName()}, 1, 0},
		"by other tag":    {&computev1.ListVmsRequest{Tag: "team=sport"}, 0, 0},
		"by state":        {&computev1.ListVmsRequest{State: computev1.VmState_VM_STATE_RUNNING, Name: vm.GetName()}, 1, 0},
		"by other state":  {&computev1.ListVmsRequest{State: computev1.VmState_VM_STATE_STOPPED, Name: vm.GetName()}, 0, 0},
		"by zone":         {&computev1.ListVmsRequest{ZoneId: vm.GetZoneId(), Name: vm.GetName()}, 1, 0},
		"by ids":          {&computev1.ListVmsRequest{Ids: []string{vm.GetId(), absent, "../flavors"}}, 1, 2},
	} {
		resp := must(t, "list", l.vms.ListVms, tc.req)
		if len(resp.GetVms()) != tc.want || len(resp.GetMissingIds()) != tc.missing {
			t.Errorf("list %s: %d VMs, missing %v", name, len(resp.GetVms()), resp.GetMissingIds())
		}
	}
	refused(t, apiv1.Reason_REASON_PAGE_TOKEN_INVALID, l.vms.ListVms, &computev1.ListVmsRequest{PageToken: absent})
	refused(t, apiv1.Reason_REASON_NOT_FOUND, l.vms.GetVm, &computev1.GetVmRequest{Id: absent})
}

func (l *live) changes(t *testing.T, vm *computev1.Vm) {
	t.Helper()
	name, description := l.prefix+"-new", ""
	must(t, "update", l.vms.UpdateVm, &computev1.UpdateVmRequest{Id: vm.GetId(), Name: &name, Description: &description,
		Tags: &apiv1.StringMap{Entries: map[string]string{"team": "sport", "floor": "3"}}})
	other := l.securityGroup(t)
	must(t, "groups", l.vms.SetVmSecurityGroups, &computev1.SetVmSecurityGroupsRequest{Id: vm.GetId(), SecurityGroupIds: []string{other}})
	refused(t, apiv1.Reason_REASON_REFERENCE_NOT_FOUND, l.vms.SetVmSecurityGroups,
		&computev1.SetVmSecurityGroupsRequest{Id: vm.GetId(), SecurityGroupIds: []string{"00000000-0000-4000-8000-000000000000"}})
	now := must(t, "get", l.vms.GetVm, &computev1.GetVmRequest{Id: vm.GetId()}).GetVm()
	if now.GetName() != name || now.GetDescription() != "" || now.GetTags()["team"] != "sport" || len(now.GetTags()) != 2 {
		t.Errorf("after update: %v", now)
	}
	if !slices.Equal(now.GetSecurityGroupIds(), []string{other}) {
		t.Errorf("security groups: %v, want %s", now.GetSecurityGroupIds(), other)
	}
	if err := ports.AddGroup(t.Context(), l.session, vm.GetId(), "", vm.GetSecurityGroupIds()[0]); err != nil {
		t.Errorf("add group: %v", err)
	}
	if err := ports.RemoveGroup(t.Context(), l.session, vm.GetId(), "", other); err != nil {
		t.Errorf("remove group: %v", err)
	}
	now = must(t, "get", l.vms.GetVm, &computev1.GetVmRequest{Id: vm.GetId()}).GetVm()
	if !slices.Equal(now.GetSecurityGroupIds(), vm.GetSecurityGroupIds()) {
		t.Errorf("security groups: %v, want %s", now.GetSecurityGroupIds(), vm.GetSecurityGroupIds())
	}
}

func (l *live) extras(t *testing.T, vm *computev1.Vm) {
	t.Helper()
	console := must(t, "console", l.vms.GetVmConsole, &computev1.GetVmConsoleRequest{Id: vm.GetId()})
	if u, err := url.Parse(console.GetUrl()); err != nil || u.Host == "" || console.GetProtocol() != "novnc" {
		t.Errorf("console: %v", console.GetProtocol())
	}
	if out := must(t, "output", l.vms.GetVmConsoleOutput, &computev1.GetVmConsoleOutputRequest{Id: vm.GetId()}); out.GetOutput() == "" {
		t.Error("no console output")
	}
	refused(t, apiv1.Reason_REASON_NOT_FOUND, l.vms.GetVmInitialPassword, &computev1.GetVmInitialPasswordRequest{Id: vm.GetId()})
	must(t, "password", l.vms.ResetVmPassword, &computev1.ResetVmPasswordRequest{Id: vm.GetId(), Password: "Another-1234"})
	quota := must(t, "quota", l.vms.GetComputeQuota, &computev1.GetComputeQuotaRequest{AccountId: liveAccount})
	if len(quota.GetQuotas()) != 4 || quota.GetQuotas()[0].GetUsed() < 1 {
		t.Errorf("quota: %v", quota)
	}
	l.settle(t, vm.GetId(), computev1.VmState_VM_STATE_RUNNING)
	must(t, "reboot-1", l.vms.RebootVm, &computev1.RebootVmRequest{Id: vm.GetId(), Force: true})
	l.settle(t, vm.GetId(), computev1.VmState_VM_STATE_RUNNING)
	repeat := sdk.WithCall(t.Context(), sdk.Call{RequestID: "reboot-1", AccountID: liveAccount, Attempt: 2})
	if _, err := l.vms.RebootVm(repeat, &computev1.RebootVmRequest{Id: vm.GetId(), Force: true}); err != nil {
		t.Errorf("repeated reboot: %v", err)
	}
	if now := must(t, "get", l.vms.GetVm, &computev1.GetVmRequest{Id: vm.GetId()}).GetVm(); now.GetState() != computev1.VmState_VM_STATE_RUNNING {
		t.Errorf("a repeated reboot was done twice: %v", now.GetState())
	}
}

func (l *live) stopsAndStarts(t *testing.T, id string) {
	t.Helper()
	for range 2 { // what is reached already is success
		must(t, "stop", l.vms.StopVm, &computev1.StopVmRequest{Id: id})
		if vm := l.settle(t, id, computev1.VmState_VM_STATE_STOPPED); vm.GetStopMode() != computev1.StopMode_STOP_MODE_KEEP {
			t.Errorf("stop mode: %v", vm.GetStopMode())
		}
	}
	refused(t, apiv1.Reason_REASON_INVALID_STATE, l.vms.RebootVm, &computev1.RebootVmRequest{Id: id})
	refused(t, apiv1.Reason_REASON_INVALID_STATE, l.vms.ResetVmPassword, &computev1.ResetVmPasswordRequest{Id: id, Password: "Another-1234"})
	if err := servers.Lock(t.Context(), l.session.Compute, id).ExtractErr(); err != nil {
		t.Fatal(err)
	}
	if vm := l.settle(t, id, computev1.VmState_VM_STATE_STOPPED); len(vm.GetLockReasons()) != 1 {
		t.Errorf("lock reasons: %v", vm.GetLockReasons())
	}
	refused(t, apiv1.Reason_REASON_RESOURCE_LOCKED, l.vms.StartVm, &computev1.StartVmRequest{Id: id})
	if err := servers.Unlock(t.Context(), l.session.Compute, id).ExtractErr(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		must(t, "start", l.vms.StartVm, &computev1.StartVmRequest{Id: id})
		l.settle(t, id, computev1.VmState_VM_STATE_RUNNING)
	}
	must(t, "shelve", l.vms.StopVm, &computev1.StopVmRequest{Id: id, StopMode: computev1.StopMode_STOP_MODE_RELEASE})
	l.settle(t, id, computev1.VmState_VM_STATE_STOPPED)
	must(t, "unshelve", l.vms.StartVm, &computev1.StartVmRequest{Id: id})
	l.settle(t, id, computev1.VmState_VM_STATE_RUNNING)
	refused(t, apiv1.Reason_REASON_UNSUPPORTED_FEATURE, l.vms.StopVm, &computev1.StopVmRequest{Id: id, Force: true})
}

func (l *live) resizes(t *testing.T, id string, to *computev1.Flavor) {
	t.Helper()
	refused(t, apiv1.Reason_REASON_INVALID_STATE, l.vms.ResizeVm, &computev1.ResizeVmRequest{Id: id, FlavorId: to.GetId()})
	refused(t, apiv1.Reason_REASON_REFERENCE_NOT_FOUND, l.vms.ResizeVm, &computev1.ResizeVmRequest{Id: id, FlavorId: "no-such-flavor", AllowRestart: true})
	must(t, "resize", l.vms.ResizeVm, &computev1.ResizeVmRequest{Id: id, FlavorId: to.GetId(), AllowRestart: true})
	vm := l.settle(t, id, computev1.VmState_VM_STATE_RUNNING)
	if vm.GetFlavorId() != to.GetId() || vm.GetMemoryMib() != to.GetMemoryMib() {
		t.Errorf("after resize: flavor %s, %d MiB", vm.GetFlavorId(), vm.GetMemoryMib())
	}
	l.undoesResize(t, id)
	must(t, "stop", l.vms.StopVm, &computev1.StopVmRequest{Id: id})
	l.settle(t, id, computev1.VmState_VM_STATE_STOPPED)
	other := must(t, "flavors", computev1.NewFlavorServiceClient(l.conn).ListFlavors, &computev1.ListFlavorsRequest{Name: "m1.medium"}).GetFlavors()[0]
	must(t, "resize stopped", l.vms.ResizeVm, &computev1.ResizeVmRequest{Id: id, FlavorId: other.GetId()})
	if vm := l.settle(t, id, computev1.VmState_VM_STATE_STOPPED); vm.GetFlavorId() != other.GetId() {
		t.Errorf("after resize of a stopped VM: flavor %s", vm.GetFlavorId())
	}
	must(t, "resize back", l.vms.ResizeVm, &computev1.ResizeVmRequest{Id: id, FlavorId: to.GetId()})
	l.settle(t, id, computev1.VmState_VM_STATE_STOPPED)
	must(t, "resize again", l.vms.ResizeVm, &computev1.ResizeVmRequest{Id: id, FlavorId: to.GetId(), AllowRestart: true})
}

// undoesResize begins a resize and takes it back.
func (l *live) undoesResize(t *testing.T, id string) {
	t.Helper()
	before := must(t, "get", l.vms.GetVm, &computev1.GetVmRequest{Id: id}).GetVm()
	other := must(t, "flavors", computev1.NewFlavorServiceClient(l.conn).ListFlavors, &computev1.ListFlavorsRequest{Name: "m1.medium"}).GetFlavors()[0]
	req := &computev1.ResizeVmRequest{Id: id, FlavorId: other.GetId(), AllowRestart: true}
	call := sdk.Call{RequestID: "undone", AccountID: liveAccount, Attempt: 1}
	if _, err := l.vms.ResizeVm(sdk.WithCall(t.Context(), call), req); err != nil {
		t.Fatal(err)
	}
	call.Undo = true
	for {
		var trailer metadata.MD
		if _, err := l.vms.ResizeVm(sdk.WithCall(t.Context(), call), req, grpc.Trailer(&trailer)); err != nil {
			t.Fatalf("undo: %v", err)
		}
		if call.NextStep = sdk.TrailerFrom(trailer).NextStep; call.NextStep == "" {
			break
		}
		wait(t, 250*time.Millisecond)
	}
	if vm := l.settle(t, id, computev1.VmState_VM_STATE_RUNNING); vm.GetFlavorId() != before.GetFlavorId() {
		t.Errorf("after undo: flavor %s, want %s", vm.GetFlavorId(), before.GetFlavorId())
	}
}

// gone waits until the VM is not found.
func (l *live) gone(t *testing.T, id string) {
	t.Helper()
	for range 120 {
		_, err := steps(t, "get", l.vms.GetVm, &computev1.GetVmRequest{Id: id})
		if sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND {
			return
		}
		if err != nil {
			t.Fatalf("GetVm: %v", err)
		}
		wait(t, 250*time.Millisecond)
	}
	t.Fatal("VM is still there")
}

// TestVMOfTwoSubnets makes ports by itself and removes them with the VM, whose
// disks are volumes.
func TestVMOfTwoSubnets(t *testing.T) {
	l := openLive(t)
	small, _ := l.flavors(t)
	two := l.network(t, "10.91.1.0/24", "10.91.2.0/24")
	keep := true
	create := &computev1.CreateVmRequest{
		Name:     l.prefix,
		ImageId:  l.image(t),
		FlavorId: small.GetId(),
		Nics:     []*computev1.NicSpec{{SubnetId: two[1]}, {SubnetId: two[0], PrivateIpAddress: "10.91.1.9"}},
		BootDisk: &computev1.BootDisk{},
		DataDisks: []*computev1.DataDisk{
			{SizeGib: 1, DeleteWithVm: &keep},
		},
	}
	// An attempt before made the first port, and then its answer was lost.
	requestID := "yqtest-" + time.Now().UTC().Format(time.RFC3339Nano)
	marker := session.MarkerPrefix + sdk.Token(requestID, "nic0")
	subnet, err := subnets.Get(t.Context(), l.session.Network, two[1]).Extract()
	if err != nil {
		t.Fatal(err)
	}
	port, err := ports.Create(t.Context(), l.session, ports.Spec{NetworkID: subnet.NetworkID, IP: ports.IP{SubnetID: two[1]}, Marker: marker})
	if err != nil {
		t.Fatal(err)
	}
	again := sdk.WithCall(t.Context(), sdk.Call{RequestID: requestID, AccountID: liveAccount, Attempt: 2})
	created, err := l.vms.CreateVm(again, create)
	if err != nil {
		t.Fatal(err)
	}
	id := created.GetId()
	l.remove(t, id)
	vm := l.settle(t, id, computev1.VmState_VM_STATE_RUNNING)
	if vm.GetNics()[0].GetNicId() != port {
		t.Errorf("the port of the first attempt was not used: %v", vm.GetNics())
	}
	if len(vm.GetNics()) != 2 || vm.GetNics()[0].GetSubnetId() != two[1] || vm.GetNics()[1].GetPrivateIpAddresses()[0] != "10.91.1.9" {
		t.Errorf("nics: %v", vm.GetNics())
	}
	if len(vm.GetDiskIds()) != 2 || vm.GetImageId() != create.GetImageId() {
		t.Errorf("disks %v, image %q", vm.GetDiskIds(), vm.GetImageId())
	}
	if got := l.calls(t, func(ctx context.Context, opts ...grpc.CallOption) error {
		_, err := l.vms.ListVms(ctx, &computev1.ListVmsRequest{}, opts...)
		return err
	}); got > 3 {
		t.Errorf("a list took %d calls to the cloud", got)
	}
	if got := l.calls(t, func(ctx context.Context, opts ...grpc.CallOption) error {
		_, err := l.vms.GetVm(ctx, &computev1.GetVmRequest{Id: id}, opts...)
		return err
	}); got > 2 {
		t.Errorf("a get took %d calls to the cloud", got)
	}
	must(t, "delete-"+id, l.vms.DeleteVm, &computev1.DeleteVmRequest{Id: id})
	l.gone(t, id)
	l.portsGone(t, vm)

	create.BootDisk, create.DataDisks = nil, nil
	undone := must(t, requestID+"u", l.vms.CreateVm, create).GetId()
	vm = l.settle(t, undone, computev1.VmState_VM_STATE_RUNNING)
	l.undo(t, requestID+"u", create)
	l.gone(t, undone)
	l.portsGone(t, vm)
}

// undo asks for what the request made to be removed, as the gateway does.
func (l *live) undo(t *testing.T, requestID string, req *computev1.CreateVmRequest) {
	t.Helper()
	call := sdk.Call{RequestID: requestID, AccountID: liveAccount, Attempt: 1, Undo: true}
	for {
		var trailer metadata.MD
		if _, err := l.vms.CreateVm(sdk.WithCall(t.Context(), call), req, grpc.Trailer(&trailer)); err != nil {
			t.Fatalf("undo: %v", err)
		}
		if call.NextStep = sdk.TrailerFrom(trailer).NextStep; call.NextStep == "" {
			return
		}
		wait(t, 250*time.Millisecond)
	}
}

func (l *live) portsGone(t *testing.T, vm *computev1.Vm) {
	t.Helper()
	for _, nic := range vm.GetNics() {
		if left, err := ports.Exists(t.Context(), l.session, nic.GetNicId()); left || err != nil {
			t.Errorf("port %s is left: %v", nic.GetNicId(), err)
		}
	}
}

// calls counts the requests that a call of the driver sends to the cloud.
func (l *live) calls(t *testing.T, rpc func(context.Context, ...grpc.CallOption) error) int {
	t.Helper()
	var trailer metadata.MD
	if err := rpc(sdk.WithCall(t.Context(), sdk.Call{RequestID: "calls", AccountID: liveAccount}), grpc.Trailer(&trailer)); err != nil {
		t.Fatal(err)
	}
	return len(sdk.TrailerFrom(trailer).ProviderRequestIDs)
}

// TestRefusedCreates names what is wrong, and leaves nothing behind.
func TestRefusedCreates(t *testing.T) {
	l := openLive(t)
	small, _ := l.flavors(t)
	two := l.network(t, "10.92.1.0/24", "10.92.2.0/24")
	one := l.network(t, "10.92.3.0/24")[0]
	absent := "00000000-0000-4000-8000-000000000000"
	image := l.image(t)
	good := func(change func(*computev1.CreateVmRequest)) *computev1.CreateVmRequest {
		req := &computev1.CreateVmRequest{Name: l.prefix, ImageId: image, FlavorId: small.GetId(), Nics: []*computev1.NicSpec{{SubnetId: two[0]}}}
		change(req)
		return req
	}
	for name, tc := range map[string]struct {
		want apiv1.Reason
		req  *computev1.CreateVmRequest
	}{
		"flavor":   {apiv1.Reason_REASON_REFERENCE_NOT_FOUND, good(func(r *computev1.CreateVmRequest) { r.FlavorId = "nope" })},
		"image":    {apiv1.Reason_REASON_REFERENCE_NOT_FOUND, good(func(r *computev1.CreateVmRequest) { r.ImageId = absent })},
		"subnet":   {apiv1.Reason_REASON_REFERENCE_NOT_FOUND, good(func(r *computev1.CreateVmRequest) { r.Nics[0].SubnetId = absent })},
		"nic":      {apiv1.Reason_REASON_REFERENCE_NOT_FOUND, good(func(r *computev1.CreateVmRequest) { r.Nics[0] = &computev1.NicSpec{NicId: absent} })},
		"key pair": {apiv1.Reason_REASON_REFERENCE_NOT_FOUND, good(func(r *computev1.CreateVmRequest) { r.KeyPairId = "nope" })},
		"group":    {apiv1.Reason_REASON_REFERENCE_NOT_FOUND, good(func(r *computev1.CreateVmRequest) { r.SecurityGroupIds = []string{absent} })},
		"group of one": {apiv1.Reason_REASON_REFERENCE_NOT_FOUND, good(func(r *computev1.CreateVmRequest) {
			r.SecurityGroupIds, r.Nics[0].SubnetId = []string{absent}, one
		})},
		"disk type": {apiv1.Reason_REASON_REFERENCE_NOT_FOUND, good(func(r *computev1.CreateVmRequest) {
			r.BootDisk = &computev1.BootDisk{DiskTypeId: "nope"}
		})},
		"snapshot": {apiv1.Reason_REASON_REFERENCE_NOT_FOUND, good(func(r *computev1.CreateVmRequest) {
			r.DataDisks = []*computev1.DataDisk{{SizeGib: 1, SnapshotId: absent}}
		})},
		"zone":         {apiv1.Reason_REASON_REFERENCE_NOT_FOUND, good(func(r *computev1.CreateVmRequest) { r.ZoneId = "nope" })},
		"host as zone": {apiv1.Reason_REASON_PARAMETER_REJECTED, good(func(r *computev1.CreateVmRequest) { r.ZoneId = "nova:host" })},
		"address":      {apiv1.Reason_REASON_REFERENCE_MISMATCH, good(func(r *computev1.CreateVmRequest) { r.Nics[0].PrivateIpAddress = "10.99.0.1" })},
		"prepaid": {apiv1.Reason_REASON_UNSUPPORTED_FEATURE, good(func(r *computev1.CreateVmRequest) {
			r.Charge = &apiv1.Charge{Mode: apiv1.ChargeMode_CHARGE_MODE_PREPAID}
		})},
		"snapshot form": {apiv1.Reason_REASON_REFERENCE_NOT_FOUND, good(func(r *computev1.CreateVmRequest) {
			r.DataDisks = []*computev1.DataDisk{{SizeGib: 1, SnapshotId: "../x"}}
		})},
	} {
		t.Run(name, func(t *testing.T) { refused(t, tc.want, l.vms.CreateVm, tc.req) })
	}
}

func TestKeyPairsZonesRegions(t *testing.T) {
	l := openLive(t)
	pairs := computev1.NewKeyPairServiceClient(l.conn)
	name := "yqtest-pair"
	req := &computev1.CreateKeyPairRequest{Name: name, PublicKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEhfmqsPvv3yBBeYrD+rrB2REm1fBrzjqFM5aCuJcrRD x\n"}
	must(t, "pair", pairs.CreateKeyPair, req)
	t.Cleanup(func() {
		ctx := sdk.WithCall(context.WithoutCancel(t.Context()), sdk.Call{RequestID: "x", AccountID: liveAccount})
		_, _ = pairs.DeleteKeyPair(ctx, &computev1.DeleteKeyPairRequest{Id: name})
	})
	if _, err := pairs.CreateKeyPair(sdk.WithCall(t.Context(), sdk.Call{RequestID: "pair", AccountID: liveAccount, Attempt: 2}), req); err != nil {
		t.Errorf("repeated create: %v", err)
	}
	refused(t, apiv1.Reason_REASON_ALREADY_EXISTS, pairs.CreateKeyPair, req)
	refused(t, apiv1.Reason_REASON_PARAMETER_REJECTED, pairs.CreateKeyPair, &computev1.CreateKeyPairRequest{Name: "密钥", PublicKey: req.GetPublicKey()})
	refused(t, apiv1.Reason_REASON_PARAMETER_REJECTED, pairs.CreateKeyPair, &computev1.CreateKeyPairRequest{Name: "yqtest-bad", PublicKey: "ssh-rsa AAAA"})
	refused(t, apiv1.Reason_REASON_NOT_FOUND, pairs.GetKeyPair, &computev1.GetKeyPairRequest{Id: "../servers/快 编"})
	got := must(t, "get", pairs.GetKeyPair, &computev1.GetKeyPairRequest{Id: name}).GetKeyPair()
	if got.GetName() != name || got.GetFingerprint() == "" || got.GetCreatedAt() == nil || got.GetPublicKey()+"\n" != req.GetPublicKey() {
		t.Errorf("key pair: %v", got)
	}
	list := must(t, "list", pairs.ListKeyPairs, &computev1.ListKeyPairsRequest{Ids: []string{name, "absent"}})
	if len(list.GetKeyPairs()) != 1 || len(list.GetMissingIds()) != 1 {
		t.Errorf("list: %v", list)
	}
	must(t, "delete", pairs.DeleteKeyPair, &computev1.DeleteKeyPairRequest{Id: name})
	must(t, "delete", pairs.DeleteKeyPair, &computev1.DeleteKeyPairRequest{Id: name})

	zones := must(t, "zones", computev1.NewZoneServiceClient(l.conn).ListZones, &computev1.ListZonesRequest{})
	if len(zones.GetZones()) == 0 || !slices.Contains(zones.GetZones()[0].GetServices(), "compute") {
		t.Errorf("zones: %v", zones)
	}
	ctx := sdk.WithCall(t.Context(), sdk.Call{AccountID: liveAccount})
	regions, err := computev1.NewRegionServiceClient(l.conn).ListRegions(ctx, &computev1.ListRegionsRequest{}, grpc.WaitForReady(true))
	if err != nil || len(regions.GetRegions()) == 0 || !regions.GetRegions()[0].GetIsCurrent() {
		t.Errorf("regions: %v, %v", regions, err)
	}
}
