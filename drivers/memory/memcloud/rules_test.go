package memcloud

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"
)

func (r *rig) newDisk(size int32) string {
	r.Helper()
	id := must[*storagev1.CreateDiskResponse](r.T)(r.disk.CreateDisk(r.Context(), &storagev1.CreateDiskRequest{Name: "d", SizeGib: size})).GetId()
	r.settle()
	return id
}

func (r *rig) newSnapshot(disk string) string {
	r.Helper()
	id := must[*storagev1.CreateSnapshotResponse](r.T)(r.snap.CreateSnapshot(r.Context(), &storagev1.CreateSnapshotRequest{Name: "s", DiskId: disk})).GetId()
	r.settle()
	return id
}

func TestDisks(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := t.Context()
	_, subnet := r.newSubnet("10.0.0.0/24")
	a, b := r.newVM(vmRequest(subnet)), r.newVM(vmRequest(subnet))
	disk := r.newDisk(5)
	attach := func(vm string) (*storagev1.AttachDiskResponse, error) {
		return r.disk.AttachDisk(ctx, &storagev1.AttachDiskRequest{Id: disk, VmId: vm})
	}
	if got := must[*storagev1.AttachDiskResponse](t)(attach(a.GetId())).GetState(); got != storagev1.DiskState_DISK_STATE_ATTACHING {
		t.Errorf("state is %v", got)
	}
	r.settle()
	must[*storagev1.AttachDiskResponse](t)(attach(a.GetId()))
	refused[*storagev1.AttachDiskResponse](r, apiv1.Reason_REASON_IN_USE)(attach(b.GetId()))
	_, err := r.disk.DeleteDisk(ctx, &storagev1.DeleteDiskRequest{Id: disk})
	if sdk.ReasonOf(err) != apiv1.Reason_REASON_IN_USE || sdk.InfoOf(err)["blockers"] != vms.blocker(a.GetId()) {
		t.Errorf("deleting an attached disk: %v", err)
	}
	if got := r.getDisk(disk); got.GetVmId() != a.GetId() || got.GetAttachments()[0].GetDevice() != "/dev/vda" || !slices.Equal(r.getVM(a.GetId()).GetDiskIds(), []string{disk}) {
		t.Errorf("disk is %v", got)
	}
	refused[*storagev1.ResizeDiskResponse](r, apiv1.Reason_REASON_PARAMETER_REJECTED)(r.disk.ResizeDisk(ctx, &storagev1.ResizeDiskRequest{Id: disk, SizeGib: 4}))
	must[*storagev1.ResizeDiskResponse](t)(r.disk.ResizeDisk(ctx, &storagev1.ResizeDiskRequest{Id: disk, SizeGib: 9}))
	r.settle()
	refused[*storagev1.DetachDiskResponse](r, apiv1.Reason_REASON_REFERENCE_MISMATCH)(r.disk.DetachDisk(ctx, &storagev1.DetachDiskRequest{Id: disk, VmId: b.GetId()}))
	must[*storagev1.DetachDiskResponse](t)(r.disk.DetachDisk(ctx, &storagev1.DetachDiskRequest{Id: disk}))
	r.settle()
	if got := r.getDisk(disk); got.GetState() != storagev1.DiskState_DISK_STATE_AVAILABLE || got.GetSizeGib() != 9 || len(r.getVM(a.GetId()).GetDiskIds()) != 0 {
		t.Errorf("disk is %v", got)
	}
	must[*storagev1.DetachDiskResponse](t)(r.disk.DetachDisk(ctx, &storagev1.DetachDiskRequest{Id: disk}))
}

func TestSystemDiskOfRunningVM(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, subnet := r.newSubnet("10.0.0.0/24")
	req := vmRequest(subnet)
	req.BootDisk = &computev1.BootDisk{}
	vm := r.newVM(req)
	refused[*storagev1.DetachDiskResponse](r, apiv1.Reason_REASON_INVALID_STATE)(r.disk.DetachDisk(t.Context(), &storagev1.DetachDiskRequest{Id: vm.GetDiskIds()[0]}))
}

func TestSnapshots(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := t.Context()
	disk := r.newDisk(5)
	old, latest := r.newSnapshot(disk), r.newSnapshot(disk)
	restore := func(id string) (*storagev1.RestoreSnapshotResponse, error) {
		return r.snap.RestoreSnapshot(ctx, &storagev1.RestoreSnapshotRequest{Id: id, DiskId: disk})
	}
	refused[*storagev1.RestoreSnapshotResponse](r, apiv1.Reason_REASON_INVALID_STATE)(restore(old))
	must[*storagev1.RestoreSnapshotResponse](t)(restore(latest))
	if got := r.getDisk(disk).GetState(); got != storagev1.DiskState_DISK_STATE_RESTORING {
		t.Errorf("disk is %v", got)
	}
	r.settle()
	_, err := r.disk.DeleteDisk(ctx, &storagev1.DeleteDiskRequest{Id: disk})
	if sdk.ReasonOf(err) != apiv1.Reason_REASON_IN_USE || sdk.InfoOf(err)["blockers"] != snapshots.blocker(old)+","+snapshots.blocker(latest) {
		t.Errorf("deleting a disk with snapshots: %v", err)
	}
	refused[*storagev1.CreateDiskResponse](r, apiv1.Reason_REASON_PARAMETER_REJECTED)(r.disk.CreateDisk(ctx, &storagev1.CreateDiskRequest{Name: "c", SizeGib: 1, SourceSnapshotId: old}))
	clone := must[*storagev1.CreateDiskResponse](t)(r.disk.CreateDisk(ctx, &storagev1.CreateDiskRequest{Name: "c", SourceSnapshotId: old}))
	r.settle()
	if got := r.getDisk(clone.GetId()); got.GetSizeGib() != 5 || got.GetSourceSnapshotId() != old {
		t.Errorf("clone is %v", got)
	}
	must[*storagev1.DeleteSnapshotResponse](t)(r.snap.DeleteSnapshot(ctx, &storagev1.DeleteSnapshotRequest{Id: old}))
	must[*storagev1.DeleteDiskResponse](t)(r.disk.DeleteDisk(ctx, &storagev1.DeleteDiskRequest{Id: disk, DeleteSnapshots: true}))
	r.settle()
	refused[*storagev1.GetSnapshotResponse](r, apiv1.Reason_REASON_NOT_FOUND)(r.snap.GetSnapshot(ctx, &storagev1.GetSnapshotRequest{Id: latest}))
	refused[*storagev1.GetDiskResponse](r, apiv1.Reason_REASON_NOT_FOUND)(r.disk.GetDisk(ctx, &storagev1.GetDiskRequest{Id: disk}))
}

func TestRestoreNeedsDetachedDisk(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, subnet := r.newSubnet("10.0.0.0/24")
	req := vmRequest(subnet)
	req.DataDisks = []*computev1.DataDisk{{SizeGib: 3}}
	disk := r.newVM(req).GetDiskIds()[0]
	snap := r.newSnapshot(disk)
	refused[*storagev1.RestoreSnapshotResponse](r, apiv1.Reason_REASON_INVALID_STATE)(r.snap.RestoreSnapshot(t.Context(), &storagev1.RestoreSnapshotRequest{Id: snap}))
}

func TestImages(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := t.Context()
	_, subnet := r.newSubnet("10.0.0.0/24")
	req := vmRequest(subnet)
	req.BootDisk = &computev1.BootDisk{SizeGib: 6}
	vm := r.newVM(req)
	snap := r.newSnapshot(vm.GetDiskIds()[0])
	data := r.newSnapshot(r.newDisk(1))
	refused[*storagev1.CreateImageResponse](r, apiv1.Reason_REASON_REFERENCE_MISMATCH)(r.image.CreateImage(ctx, &storagev1.CreateImageRequest{Name: "i", SnapshotId: data}))
	id := must[*storagev1.CreateImageResponse](t)(r.image.CreateImage(ctx, &storagev1.CreateImageRequest{Name: "i", SnapshotId: snap})).GetId()
	r.settle()
	image := must[*storagev1.GetImageResponse](t)(r.image.GetImage(ctx, &storagev1.GetImageRequest{Id: id})).GetImage()
	if image.GetMinDiskGib() != 6 || image.GetOsName() != "CirrOS" || image.GetOrigin() != storagev1.ImageOrigin_IMAGE_ORIGIN_CUSTOM {
		t.Errorf("image is %v", image)
	}
	refused[*storagev1.DeleteSnapshotResponse](r, apiv1.Reason_REASON_IN_USE)(r.snap.DeleteSnapshot(ctx, &storagev1.DeleteSnapshotRequest{Id: snap}))
	must[*storagev1.DeactivateImageResponse](t)(r.image.DeactivateImage(ctx, &storagev1.DeactivateImageRequest{Id: id}))
	mine := vmRequest(subnet)
	mine.ImageId = id
	_, err := r.vm.CreateVm(ctx, mine)
	if sdk.ReasonOf(err) != apiv1.Reason_REASON_INVALID_STATE || sdk.InfoOf(err)["field"] != "image_id" {
		t.Errorf("VM from a deactivated image: %v", err)
	}
	must[*storagev1.ReactivateImageResponse](t)(r.image.ReactivateImage(ctx, &storagev1.ReactivateImageRequest{Id: id}))
	r.newVM(mine)
	refused[*storagev1.DeleteImageResponse](r, apiv1.Reason_REASON_IN_USE)(r.image.DeleteImage(ctx, &storagev1.DeleteImageRequest{Id: id}))
	must[*storagev1.DeleteImageResponse](t)(r.image.DeleteImage(ctx, &storagev1.DeleteImageRequest{Id: id, Force: true}))
	refused[*storagev1.DeactivateImageResponse](r, apiv1.Reason_REASON_CLOUD_PERMISSION_DENIED)(r.image.DeactivateImage(ctx, &storagev1.DeactivateImageRequest{Id: "img-cirros"}))
	public := must[*storagev1.ListImagesResponse](t)(r.image.ListImages(ctx, &storagev1.ListImagesRequest{Origin: storagev1.ImageOrigin_IMAGE_ORIGIN_PUBLIC})).GetImages()
	if len(public) != 4 {
		t.Errorf("%d public images", len(public))
	}
}

func TestNetworkInUse(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := t.Context()
	network, subnet := r.newSubnet("10.0.0.0/24")
	refused[*networkv1.CreateSubnetResponse](r, apiv1.Reason_REASON_CONFLICTS_WITH_EXISTING)(r.subnet.CreateSubnet(ctx, &networkv1.CreateSubnetRequest{Name: "s", NetworkId: network, Cidr: "10.0.0.128/25"}))
	vm := r.newVM(vmRequest(subnet))
	nic := vm.GetNics()[0].GetNicId()
	for name, call := range map[string]func() error{
		"network": func() error {
			_, err := r.network.DeleteNetwork(ctx, &networkv1.DeleteNetworkRequest{Id: network})
			return err
		},
		"subnet": func() error {
			_, err := r.subnet.DeleteSubnet(ctx, &networkv1.DeleteSubnetRequest{Id: subnet})
			return err
		},
	} {
		if err := call(); sdk.ReasonOf(err) != apiv1.Reason_REASON_IN_USE || sdk.InfoOf(err)["blockers"] != nics.blocker(nic) {
			t.Errorf("%s: %v", name, err)
		}
	}
	must[*computev1.DeleteVmResponse](t)(r.vm.DeleteVm(ctx, &computev1.DeleteVmRequest{Id: vm.GetId()}))
	r.settle()
	must[*networkv1.DeleteNetworkResponse](t)(r.network.DeleteNetwork(ctx, &networkv1.DeleteNetworkRequest{Id: network}))
	r.settle()
	refused[*networkv1.GetSubnetResponse](r, apiv1.Reason_REASON_NOT_FOUND)(r.subnet.GetSubnet(ctx, &networkv1.GetSubnetRequest{Id: subnet}))
}

func TestRouterAndPublicIP(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := t.Context()
	_, subnet := r.newSubnet("10.0.0.0/24")
	vm := r.newVM(vmRequest(subnet))
	nic := vm.GetNics()[0].GetNicId()
	ip := must[*networkv1.CreatePublicIpResponse](t)(r.ip.CreatePublicIp(ctx, &networkv1.CreatePublicIpRequest{Name: "ip"})).GetId()
	r.settle()
	bind := func() (*networkv1.UpdatePublicIpResponse, error) {
		return r.ip.UpdatePublicIp(ctx, &networkv1.UpdatePublicIpRequest{Id: ip, NicId: proto.String(nic)})
	}
	refused[*networkv1.UpdatePublicIpResponse](r, apiv1.Reason_REASON_INVALID_STATE)(bind())

	router := must[*networkv1.CreateRouterResponse](t)(r.router.CreateRouter(ctx, &networkv1.CreateRouterRequest{Name: "r",
		ExternalGateway: &networkv1.ExternalGatewaySpec{NetworkId: externalNetworkID}})).GetId()
	r.settle()
	added := must[*networkv1.AddRouterInterfaceResponse](t)(r.router.AddRouterInterface(ctx, &networkv1.AddRouterInterfaceRequest{Id: router, SubnetId: subnet}))
	again := must[*networkv1.AddRouterInterfaceResponse](t)(r.router.AddRouterInterface(ctx, &networkv1.AddRouterInterfaceRequest{Id: router, SubnetId: subnet}))
	if added.GetNicId() != again.GetNicId() {
		t.Error("the second call made another interface")
	}
	must[*networkv1.UpdatePublicIpResponse](t)(bind())
	must[*networkv1.UpdatePublicIpResponse](t)(bind())
	r.settle()
	got := must[*networkv1.GetPublicIpResponse](t)(r.ip.GetPublicIp(ctx, &networkv1.GetPublicIpRequest{Id: ip})).GetPublicIp()
	if got.GetState() != networkv1.PublicIpState_PUBLIC_IP_STATE_IN_USE || got.GetPrivateIpAddress() != "10.0.0.2" || !strings.HasPrefix(got.GetIpAddress(), "203.0.113.") {
		t.Errorf("public IP is %v", got)
	}
	if shown := r.getVM(vm.GetId()).GetNics()[0].GetPublicIpAddresses(); !slices.Equal(shown, []string{got.GetIpAddress()}) {
		t.Errorf("VM shows %v", shown)
	}

	refused[*networkv1.RemoveRouterInterfaceResponse](r, apiv1.Reason_REASON_IN_USE)(r.router.RemoveRouterInterface(ctx, &networkv1.RemoveRouterInterfaceRequest{Id: router, SubnetId: subnet}))
	refused[*networkv1.DeleteRouterResponse](r, apiv1.Reason_REASON_IN_USE)(r.router.DeleteRouter(ctx, &networkv1.DeleteRouterRequest{Id: router}))
	refused[*networkv1.UpdateRouterResponse](r, apiv1.Reason_REASON_IN_USE)(r.router.UpdateRouter(ctx, &networkv1.UpdateRouterRequest{Id: router, ExternalGateway: &networkv1.ExternalGatewaySpec{}}))

	must[*networkv1.AddRouteResponse](t)(r.router.AddRoute(ctx, &networkv1.AddRouteRequest{Id: router, DestinationCidr: "192.168.0.0/16", NicId: nic}))
	refused[*networkv1.AddRouteResponse](r, apiv1.Reason_REASON_CONFLICTS_WITH_EXISTING)(r.router.AddRoute(ctx, &networkv1.AddRouteRequest{Id: router, DestinationCidr: "192.168.0.0/16", IpAddress: "10.0.0.9"}))
	refused[*networkv1.AddRouteResponse](r, apiv1.Reason_REASON_REFERENCE_MISMATCH)(r.router.AddRoute(ctx, &networkv1.AddRouteRequest{Id: router, DestinationCidr: "172.16.0.0/16", IpAddress: "10.9.0.9"}))
	must[*networkv1.RemoveRouteResponse](t)(r.router.RemoveRoute(ctx, &networkv1.RemoveRouteRequest{Id: router, DestinationCidr: "192.168.0.0/16"}))

	must[*networkv1.UpdatePublicIpResponse](t)(r.ip.UpdatePublicIp(ctx, &networkv1.UpdatePublicIpRequest{Id: ip, Unbind: true}))
	r.settle()
	must[*networkv1.RemoveRouterInterfaceResponse](t)(r.router.RemoveRouterInterface(ctx, &networkv1.RemoveRouterInterfaceRequest{Id: router, SubnetId: subnet}))
	must[*networkv1.DeleteRouterResponse](t)(r.router.DeleteRouter(ctx, &networkv1.DeleteRouterRequest{Id: router}))
	must[*networkv1.DeletePublicIpResponse](t)(r.ip.DeletePublicIp(ctx, &networkv1.DeletePublicIpRequest{Id: ip}))
	r.settle()
	refused[*networkv1.GetRouterResponse](r, apiv1.Reason_REASON_NOT_FOUND)(r.router.GetRouter(ctx, &networkv1.GetRouterRequest{Id: router}))
	refused[*networkv1.GetPublicIpResponse](r, apiv1.Reason_REASON_NOT_FOUND)(r.ip.GetPublicIp(ctx, &networkv1.GetPublicIpRequest{Id: ip}))
}

func TestNICsMove(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := t.Context()
	_, subnet := r.newSubnet("10.0.0.0/24")
	vm := r.newVM(vmRequest(subnet))
	nic := must[*networkv1.CreateNicResponse](t)(r.nic.CreateNic(ctx, &networkv1.CreateNicRequest{Name: "n", SubnetId: subnet, IpAddress: "10.0.0.77", MacAddress: "52:54:00:00:00:01"})).GetId()
	refused[*networkv1.CreateNicResponse](r, apiv1.Reason_REASON_CONFLICTS_WITH_EXISTING)(r.nic.CreateNic(ctx, &networkv1.CreateNicRequest{Name: "n", SubnetId: subnet, IpAddress: "10.0.0.77"}))
	r.settle()
	must[*networkv1.AttachNicResponse](t)(r.nic.AttachNic(ctx, &networkv1.AttachNicRequest{Id: nic, VmId: vm.GetId()}))
	r.settle()
	if got := r.getNIC(nic); got.GetState() != networkv1.NicState_NIC_STATE_IN_USE || got.GetPrimary() || got.GetLinkState() != networkv1.NicLink_NIC_LINK_UP || len(r.getVM(vm.GetId()).GetNics()) != 2 {
		t.Errorf("NIC is %v", got)
	}
	refused[*networkv1.DetachNicResponse](r, apiv1.Reason_REASON_INVALID_STATE)(r.nic.DetachNic(ctx, &networkv1.DetachNicRequest{Id: vm.GetNics()[0].GetNicId()}))
	must[*networkv1.DetachNicResponse](t)(r.nic.DetachNic(ctx, &networkv1.DetachNicRequest{Id: nic}))
	r.settle()
	if got := r.getNIC(nic); got.GetState() != networkv1.NicState_NIC_STATE_AVAILABLE || len(r.getVM(vm.GetId()).GetNics()) != 1 {
		t.Errorf("NIC is %v", got)
	}
}

func TestSecurityGroupRules(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := t.Context()
	web, db := r.newGroup(), r.newGroup()
	get := func(id string) *networkv1.SecurityGroup {
		return must[*networkv1.GetSecurityGroupResponse](t)(r.group.GetSecurityGroup(ctx, &networkv1.GetSecurityGroupRequest{Id: id})).GetSecurityGroup()
	}
	if got := get(web).GetRules(); len(got) != 2 || got[0].GetDirection() != apiv1.Direction_DIRECTION_EGRESS {
		t.Errorf("a new group has %v", got)
	}
	rule := &networkv1.CreateSecurityGroupRuleRequest{
		SecurityGroupId: db, Direction: apiv1.Direction_DIRECTION_INGRESS, Protocol: networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_TCP,
		Ports: &apiv1.PortRange{First: 5432, Last: 5432}, RemoteSecurityGroupId: web,
	}
	first := must[*networkv1.CreateSecurityGroupRuleResponse](t)(r.group.CreateSecurityGroupRule(ctx, rule)).GetId()
	rule.Description = "the same, described"
	if again := must[*networkv1.CreateSecurityGroupRuleResponse](t)(r.group.CreateSecurityGroupRule(ctx, rule)).GetId(); again != first {
		t.Errorf("an equal rule was made twice: %s, %s", first, again)
	}
	_, err := r.group.DeleteSecurityGroup(ctx, &networkv1.DeleteSecurityGroupRequest{Id: web})
	if sdk.ReasonOf(err) != apiv1.Reason_REASON_IN_USE || sdk.InfoOf(err)["blockers"] != rules.blocker(first) {
		t.Errorf("deleting a group that a rule refers to: %v", err)
	}
	listed := must[*networkv1.ListSecurityGroupRulesResponse](t)(r.group.ListSecurityGroupRules(ctx, &networkv1.ListSecurityGroupRulesRequest{
		SecurityGroupId: db, Direction: apiv1.Direction_DIRECTION_INGRESS})).GetRules()
	if len(listed) != 1 || listed[0].GetPorts().GetFirst() != 5432 {
		t.Errorf("rules are %v", listed)
	}
	must[*networkv1.DeleteSecurityGroupRuleResponse](t)(r.group.DeleteSecurityGroupRule(ctx, &networkv1.DeleteSecurityGroupRuleRequest{Id: first}))
	must[*networkv1.DeleteSecurityGroupResponse](t)(r.group.DeleteSecurityGroup(ctx, &networkv1.DeleteSecurityGroupRequest{Id: web}))
}

func TestKeyPairs(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := t.Context()
	req := &computev1.CreateKeyPairRequest{Name: "k", PublicKey: "ssh-rsa AAAAB3NzaC1yc2E= me"}
	must[*computev1.CreateKeyPairResponse](t)(r.key.CreateKeyPair(ctx, req))
	_, err := r.key.CreateKeyPair(ctx, req)
	if sdk.ReasonOf(err) != apiv1.Reason_REASON_ALREADY_EXISTS || sdk.InfoOf(err)["native_id"] != "k" {
		t.Errorf("second: %v", err)
	}
	if got := must[*computev1.GetKeyPairResponse](t)(r.key.GetKeyPair(ctx, &computev1.GetKeyPairRequest{Id: "k"})).GetKeyPair(); len(got.GetFingerprint()) != 47 {
		t.Errorf("fingerprint is %s", got.GetFingerprint())
	}
	must[*computev1.DeleteKeyPairResponse](t)(r.key.DeleteKeyPair(ctx, &computev1.DeleteKeyPairRequest{Id: "k"}))
	must[*computev1.DeleteKeyPairResponse](t)(r.key.DeleteKeyPair(ctx, &computev1.DeleteKeyPairRequest{Id: "k"}))
}
