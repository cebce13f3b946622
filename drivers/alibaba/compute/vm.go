package compute

import (
	"cmp"
	"context"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// VMs serves cloud.compute.v1.VmService with ECS instances.
type VMs struct {
	computev1.UnimplementedVmServiceServer
	base
}

var _ computev1.VmServiceServer = (*VMs)(nil)

// ListVms reads a page of instances: one call.
func (v *VMs) ListVms(ctx context.Context, req *computev1.ListVmsRequest) (*computev1.ListVmsResponse, error) {
	s, err := v.open(ctx)
	if err != nil {
		return nil, err
	}
	params := api.Params{}.Set("InstanceName", req.GetName()).Set("ZoneId", req.GetZoneId()).
		Set("Status", fromProtoVMState(req.GetState())).Set("ResourceGroupId", s.ResourceGroup)
	page, err := instances().Find(ctx, s, req, params)
	if err != nil {
		return nil, err
	}
	resp := &computev1.ListVmsResponse{NextPageToken: page.Next, MissingIds: page.Missing}
	for i := range page.Items {
		if vm := toProtoVM(&page.Items[i], s.Region); keepsVM(req, vm) {
			resp.Vms = append(resp.Vms, vm)
		}
	}
	return resp, nil
}

// GetVm reads an instance and its disks, and the subnets of further NICs if there
// are any: two or three calls.
func (v *VMs) GetVm(ctx context.Context, req *computev1.GetVmRequest) (*computev1.GetVmResponse, error) {
	s, err := v.open(ctx)
	if err != nil {
		return nil, err
	}
	found, err := instances().Get(ctx, s, req.GetId())
	if sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND && req.GetId() != "" {
		vm, err := takenBack(ctx, s, req.GetId(), err)
		return &computev1.GetVmResponse{Vm: vm}, err
	}
	if err != nil {
		return nil, err
	}
	vm := toProtoVM(found, s.Region)
	if vm.DiskIds, err = diskIDs(ctx, s, req.GetId()); err != nil {
		return nil, err
	}
	if len(vm.GetNics()) > 1 {
		if err := addSubnets(ctx, s, vm); err != nil {
			return nil, err
		}
	}
	return &computev1.GetVmResponse{Vm: vm}, nil
}

type attachedDisk struct {
	DiskID string `json:"DiskId"`
	Type   string
}

// diskIDs reads the disks of an instance, the system disk first.
func diskIDs(ctx context.Context, s *session.Session, instanceID string) ([]string, error) {
	disks := kind.Kind[attachedDisk]{
		Type: "storage.disk", Product: api.ECS, Action: "DescribeDisks", Items: "Disks.Disk", Paging: kind.Tokens,
		MaxPage: 500, MinPage: 10, ID: func(d *attachedDisk) string { return d.DiskID },
	}
	all, err := disks.All(ctx, s, api.Params{}.Set("InstanceId", instanceID))
	if err != nil {
		return nil, err
	}
	var system, data []string
	for _, d := range all {
		if d.Type == "system" {
			system = append(system, d.DiskID)
			continue
		}
		data = append(data, d.DiskID)
	}
	return append(system, data...), nil
}

type placedNIC struct {
	NetworkInterfaceID string `json:"NetworkInterfaceId"`
	VSwitchID          string `json:"VSwitchId"`
	VpcID              string `json:"VpcId"`
}

func placedNICs(ctx context.Context, s *session.Session, instanceID string) ([]placedNIC, error) {
	nics := kind.Kind[placedNIC]{
		Type: typeNIC, Product: api.ECS, Action: "DescribeNetworkInterfaces", Items: "NetworkInterfaceSets.NetworkInterfaceSet",
		Paging: kind.Tokens, MaxPage: 500, MinPage: 10, ID: func(n *placedNIC) string { return n.NetworkInterfaceID },
	}
	return nics.All(ctx, s, api.Params{}.Set("InstanceId", instanceID))
}

// addSubnets fills in where the NICs of a VM are.
func addSubnets(ctx context.Context, s *session.Session, vm *computev1.Vm) error {
	placed, err := placedNICs(ctx, s, vm.GetId())
	if err != nil {
		return err
	}
	for _, p := range placed {
		for _, nic := range vm.GetNics() {
			if nic.GetNicId() == p.NetworkInterfaceID {
				nic.SubnetId = cmp.Or(p.VSwitchID, nic.GetSubnetId())
				nic.NetworkId = cmp.Or(p.VpcID, nic.GetNetworkId())
			}
		}
	}
	return nil
}
