package memcloud

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"
)

func TestVMLife(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := t.Context()
	_, subnet := r.newSubnet("10.0.0.0/24")
	created := must[*computev1.CreateVmResponse](t)(r.vm.CreateVm(ctx, vmRequest(subnet)))
	state := func(want computev1.VmState) {
		t.Helper()
		if got := r.getVM(created.GetId()).GetState(); got != want {
			t.Fatalf("state is %v, want %v", got, want)
		}
	}
	state(computev1.VmState_VM_STATE_CREATING)
	r.clock.pass(vmCreateDelay - time.Millisecond)
	state(computev1.VmState_VM_STATE_CREATING)
	r.clock.pass(time.Millisecond)
	state(computev1.VmState_VM_STATE_RUNNING)
	vm := r.getVM(created.GetId())
	if vm.GetHostName() != "web-1" || vm.GetVcpus() != 1 || vm.GetMemoryMib() != 512 || len(vm.GetNics()) != 1 {
		t.Fatalf("VM is %v", vm)
	}
	if got := vm.GetNics()[0].GetPrivateIpAddresses(); !slices.Equal(got, []string{"10.0.0.2"}) {
		t.Errorf("addresses are %v", got)
	}

	refused[*computev1.ResetVmPasswordResponse](r, apiv1.Reason_REASON_NOT_FOUND)(r.vm.ResetVmPassword(ctx, &computev1.ResetVmPasswordRequest{Id: "vm-no", Password: "x"}))
	must[*computev1.StopVmResponse](t)(r.vm.StopVm(ctx, &computev1.StopVmRequest{Id: vm.GetId()}))
	state(computev1.VmState_VM_STATE_STOPPING)
	refused[*computev1.StartVmResponse](r, apiv1.Reason_REASON_RESOURCE_BUSY)(r.vm.StartVm(ctx, &computev1.StartVmRequest{Id: vm.GetId()}))
	r.settle()
	state(computev1.VmState_VM_STATE_STOPPED)
	refused[*computev1.RebootVmResponse](r, apiv1.Reason_REASON_INVALID_STATE)(r.vm.RebootVm(ctx, &computev1.RebootVmRequest{Id: vm.GetId()}))
	if got := must[*computev1.StopVmResponse](t)(r.vm.StopVm(ctx, &computev1.StopVmRequest{Id: vm.GetId()})).GetState(); got != computev1.VmState_VM_STATE_STOPPED {
		t.Errorf("stopping again: %v", got)
	}
	must[*computev1.StartVmResponse](t)(r.vm.StartVm(ctx, &computev1.StartVmRequest{Id: vm.GetId()}))
	r.settle()
	must[*computev1.RebootVmResponse](t)(r.vm.RebootVm(ctx, &computev1.RebootVmRequest{Id: vm.GetId()}))
	state(computev1.VmState_VM_STATE_REBOOTING)
	r.settle()
	state(computev1.VmState_VM_STATE_RUNNING)
	must[*computev1.UpdateVmResponse](t)(r.vm.UpdateVm(ctx, &computev1.UpdateVmRequest{Id: vm.GetId(), Description: proto.String("d"),
		Tags: &apiv1.StringMap{Entries: map[string]string{"a": "b"}}}))
	if got := r.getVM(vm.GetId()); got.GetDescription() != "d" || got.GetName() != "Web-1" || got.GetTags()["a"] != "b" {
		t.Errorf("after update: %v", got)
	}

	must[*computev1.DeleteVmResponse](t)(r.vm.DeleteVm(ctx, &computev1.DeleteVmRequest{Id: vm.GetId()}))
	state(computev1.VmState_VM_STATE_DELETING)
	r.settle()
	refused[*computev1.GetVmResponse](r, apiv1.Reason_REASON_NOT_FOUND)(r.vm.GetVm(ctx, &computev1.GetVmRequest{Id: vm.GetId()}))
	refused[*networkv1.GetNicResponse](r, apiv1.Reason_REASON_NOT_FOUND)(r.nic.GetNic(ctx, &networkv1.GetNicRequest{Id: vm.GetNics()[0].GetNicId()}))
	gone := must[*computev1.DeleteVmResponse](t)(r.vm.DeleteVm(ctx, &computev1.DeleteVmRequest{Id: vm.GetId()}))
	if gone.GetState() != computev1.VmState_VM_STATE_DELETED {
		t.Errorf("deleting what is gone: %v", gone)
	}
}

func TestVMKeepsWhatItDidNotMake(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := t.Context()
	_, subnet := r.newSubnet("10.0.0.0/24")
	nic := must[*networkv1.CreateNicResponse](t)(r.nic.CreateNic(ctx, &networkv1.CreateNicRequest{Name: "own", SubnetId: subnet}))
	r.settle()
	req := vmRequest(subnet)
	req.Nics = append(req.Nics, &computev1.NicSpec{NicId: nic.GetId()})
	req.BootDisk = &computev1.BootDisk{SizeGib: 4}
	req.DataDisks = []*computev1.DataDisk{{SizeGib: 7}, {SizeGib: 8, DeleteWithVm: proto.Bool(true)}}
	vm := r.newVM(req)
	if len(vm.GetDiskIds()) != 3 || len(vm.GetNics()) != 2 {
		t.Fatalf("VM is %v", vm)
	}
	refused[*networkv1.DeleteNicResponse](r, apiv1.Reason_REASON_IN_USE)(r.nic.DeleteNic(ctx, &networkv1.DeleteNicRequest{Id: nic.GetId()}))
	refused[*computev1.CreateVmResponse](r, apiv1.Reason_REASON_IN_USE)(r.vm.CreateVm(ctx, &computev1.CreateVmRequest{
		Name: "second", ImageId: "img-cirros", FlavorId: "m1.tiny", Nics: []*computev1.NicSpec{{NicId: nic.GetId()}}}))
	must[*computev1.DeleteVmResponse](t)(r.vm.DeleteVm(ctx, &computev1.DeleteVmRequest{Id: vm.GetId()}))
	r.settle()
	if got := r.getNIC(nic.GetId()); got.GetState() != networkv1.NicState_NIC_STATE_AVAILABLE || got.GetVmId() != "" {
		t.Errorf("own NIC is %v", got)
	}
	for i, want := range []apiv1.Reason{apiv1.Reason_REASON_NOT_FOUND, apiv1.Reason_REASON_UNSPECIFIED, apiv1.Reason_REASON_NOT_FOUND} {
		refused[*storagev1.GetDiskResponse](r, want)(r.disk.GetDisk(ctx, &storagev1.GetDiskRequest{Id: vm.GetDiskIds()[i]}))
	}
	if got := r.getDisk(vm.GetDiskIds()[1]); got.GetState() != storagev1.DiskState_DISK_STATE_AVAILABLE || len(got.GetAttachments()) != 0 {
		t.Errorf("kept disk is %v", got)
	}
}

func TestVMRefusals(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, subnet := r.newSubnet("10.0.0.0/29")
	for name, tc := range map[string]struct {
		change func(*computev1.CreateVmRequest)
		want   apiv1.Reason
		field  string
	}{
		"image":   {func(q *computev1.CreateVmRequest) { q.ImageId = "no" }, apiv1.Reason_REASON_REFERENCE_NOT_FOUND, "image_id"},
		"flavor":  {func(q *computev1.CreateVmRequest) { q.FlavorId = "no" }, apiv1.Reason_REASON_REFERENCE_NOT_FOUND, "flavor_id"},
		"small":   {func(q *computev1.CreateVmRequest) { q.ImageId = "img-windows-2022" }, apiv1.Reason_REASON_REFERENCE_MISMATCH, "flavor_id"},
		"retired": {func(q *computev1.CreateVmRequest) { q.FlavorId = "m0.retired" }, apiv1.Reason_REASON_OUT_OF_STOCK, "flavor_id"},
		"subnet":  {func(q *computev1.CreateVmRequest) { q.Nics[0].SubnetId = "no" }, apiv1.Reason_REASON_REFERENCE_NOT_FOUND, "nics[0].subnet_id"},
		"group":   {func(q *computev1.CreateVmRequest) { q.SecurityGroupIds = []string{"no"} }, apiv1.Reason_REASON_REFERENCE_NOT_FOUND, "security_group_ids"},
		"key":     {func(q *computev1.CreateVmRequest) { q.KeyPairId = "no" }, apiv1.Reason_REASON_REFERENCE_NOT_FOUND, "key_pair_id"},
		"zone":    {func(q *computev1.CreateVmRequest) { q.ZoneId = "no" }, apiv1.Reason_REASON_PARAMETER_REJECTED, "zone_id"},
		"disk": {func(q *computev1.CreateVmRequest) {
			q.ImageId, q.FlavorId = "img-debian-12", "m1.small"
			q.BootDisk = &computev1.BootDisk{SizeGib: 1}
		}, apiv1.Reason_REASON_PARAMETER_REJECTED, "boot_disk.size_gib"},
		"type": {func(q *computev1.CreateVmRequest) {
			q.DataDisks = []*computev1.DataDisk{{SizeGib: 1, DiskTypeId: "no"}}
		}, apiv1.Reason_REASON_REFERENCE_NOT_FOUND, "data_disks[0].disk_type_id"},
		"foreign": {func(q *computev1.CreateVmRequest) { q.Nics[0].PrivateIpAddress = "10.9.0.1" }, apiv1.Reason_REASON_PARAMETER_REJECTED, "nics[0].private_ip_address"},
	} {
		req := vmRequest(subnet)
		tc.change(req)
		_, err := r.vm.CreateVm(t.Context(), req)
		if sdk.ReasonOf(err) != tc.want || sdk.InfoOf(err)["field"] != tc.field {
			t.Errorf("%s: got %v %v, want %v at %s", name, sdk.ReasonOf(err), sdk.InfoOf(err), tc.want, tc.field)
		}
	}
	if n := len(must[*networkv1.ListNicsResponse](t)(r.nic.ListNics(t.Context(), &networkv1.ListNicsRequest{})).GetNics()); n != 0 {
		t.Errorf("refused creates left %d NICs", n)
	}
	for range 5 {
		r.newVM(vmRequest(subnet))
	}
	refused[*computev1.CreateVmResponse](r, apiv1.Reason_REASON_OUT_OF_STOCK)(r.vm.CreateVm(t.Context(), vmRequest(subnet)))
}

func TestResizeSteps(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := t.Context()
	_, subnet := r.newSubnet("10.0.0.0/24")
	vm := r.newVM(vmRequest(subnet))
	resize := func(step, undo string, restart bool) (string, error) {
		ctx := ctx
		if step != "" {
			ctx = metadata.AppendToOutgoingContext(ctx, "next-step", step)
		}
		if undo != "" {
			ctx = metadata.AppendToOutgoingContext(ctx, "undo", undo)
		}
		var trailer metadata.MD
		_, err := r.vm.ResizeVm(ctx, &computev1.ResizeVmRequest{Id: vm.GetId(), FlavorId: "m1.small", AllowRestart: restart}, grpc.Trailer(&trailer))
		return sdk.TrailerFrom(trailer).NextStep, err
	}
	expect := func(wantStep string, wantState computev1.VmState, wantFlavor string) func(string, error) {
		return func(step string, err error) {
			t.Helper()
			if err != nil || step != wantStep {
				t.Fatalf("got step %q, %v; want %q", step, err, wantStep)
			}
			if got := r.getVM(vm.GetId()); got.GetState() != wantState || got.GetFlavorId() != wantFlavor {
				t.Fatalf("VM is %v %s", got.GetState(), got.GetFlavorId())
			}
		}
	}
	if _, err := resize("", "", false); sdk.ReasonOf(err) != apiv1.Reason_REASON_INVALID_STATE {
		t.Fatalf("running VM without allow_restart: %v", err)
	}
	expect("confirm", computev1.VmState_VM_STATE_RESIZING, "m1.tiny")(resize("", "", true))
	expect("confirm", computev1.VmState_VM_STATE_RESIZING, "m1.tiny")(resize("confirm", "", true)) // too early
	r.settle()
	expect("confirm", computev1.VmState_VM_STATE_RESIZING, "m1.small")(resize("", "", true)) // the first answer was lost
	expect("", computev1.VmState_VM_STATE_RUNNING, "m1.small")(resize("confirm", "", true))
	expect("", computev1.VmState_VM_STATE_RUNNING, "m1.small")(resize("confirm", "", true)) // repeated

	must[*computev1.ResizeVmResponse](t)(r.vm.ResizeVm(ctx, &computev1.ResizeVmRequest{Id: vm.GetId(), FlavorId: "m1.large", AllowRestart: true}))
	if _, err := resize("", "1", true); sdk.ReasonOf(err) != apiv1.Reason_REASON_RESOURCE_BUSY {
		t.Fatalf("undo while moving: %v", err)
	}
	r.settle()
	expect("", computev1.VmState_VM_STATE_RUNNING, "m1.small")(resize("", "1", true))
}

func TestSecurityGroupsOfVM(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := t.Context()
	_, subnet := r.newSubnet("10.0.0.0/24")
	a, b := r.newGroup(), r.newGroup()
	req := vmRequest(subnet)
	req.Nics = append(req.Nics, &computev1.NicSpec{SubnetId: subnet})
	req.SecurityGroupIds = []string{a}
	vm := r.newVM(req)
	if !slices.Equal(vm.GetSecurityGroupIds(), []string{a}) {
		t.Fatalf("groups are %v", vm.GetSecurityGroupIds())
	}
	second := vm.GetNics()[1].GetNicId()
	must[*computev1.SetVmSecurityGroupsResponse](t)(r.vm.SetVmSecurityGroups(ctx, &computev1.SetVmSecurityGroupsRequest{Id: vm.GetId(), SecurityGroupIds: []string{b}, NicId: second}))
	if got := r.getVM(vm.GetId()).GetSecurityGroupIds(); !slices.Equal(got, []string{a, b}) {
		t.Fatalf("groups are %v", got)
	}
	refused[*networkv1.DeleteSecurityGroupResponse](r, apiv1.Reason_REASON_IN_USE)(r.group.DeleteSecurityGroup(ctx, &networkv1.DeleteSecurityGroupRequest{Id: a}))
	refused[*networkv1.RemoveSecurityGroupMemberResponse](r, apiv1.Reason_REASON_INVALID_STATE)(r.group.RemoveSecurityGroupMember(ctx, &networkv1.RemoveSecurityGroupMemberRequest{Id: b, VmId: vm.GetId()}))
	must[*networkv1.AddSecurityGroupMemberResponse](t)(r.group.AddSecurityGroupMember(ctx, &networkv1.AddSecurityGroupMemberRequest{Id: b, VmId: vm.GetId()}))
	members := must[*networkv1.ListSecurityGroupMembersResponse](t)(r.group.ListSecurityGroupMembers(ctx, &networkv1.ListSecurityGroupMembersRequest{Id: b})).GetMembers()
	if len(members) != 2 || members[0].GetVmId() != vm.GetId() {
		t.Fatalf("members are %v", members)
	}
	must[*networkv1.RemoveSecurityGroupMemberResponse](t)(r.group.RemoveSecurityGroupMember(ctx, &networkv1.RemoveSecurityGroupMemberRequest{Id: a, NicId: vm.GetNics()[0].GetNicId()}))
	must[*networkv1.DeleteSecurityGroupResponse](t)(r.group.DeleteSecurityGroup(ctx, &networkv1.DeleteSecurityGroupRequest{Id: a}))
}
