package loadbalancer

import (
	"context"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/ports"
	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// target is the address that a new member stands for: as given, or the first one
// of a NIC, which for a VM is its first NIC. Errors: REFERENCE_NOT_FOUND,
// REFERENCE_MISMATCH of a target without address.
func target(ctx context.Context, account *session.Session, req *networkv1.CreateMemberRequest) (fixedIP, error) {
	switch {
	case req.GetVmId() != "":
		return targetVM(ctx, account, req.GetVmId())
	case req.GetNicId() != "":
		return targetNIC(ctx, account, req.GetNicId())
	default:
		if req.GetSubnetId() != "" {
			if err := session.ReferenceUUID("network.subnet", req.GetSubnetId(), "subnet_id"); err != nil {
				return fixedIP{}, err
			}
		}
		return fixedIP{SubnetID: req.GetSubnetId(), Address: req.GetAddress()}, nil
	}
}

func targetNIC(ctx context.Context, account *session.Session, id string) (fixedIP, error) {
	if err := session.Require(account.Network); err != nil {
		return fixedIP{}, err
	}
	p, err := nics.Get(ctx, rest.For(account, account.Network), id)
	if err != nil {
		return fixedIP{}, rest.AsReference(err, "nic_id")
	}
	if len(p.FixedIPs) == 0 {
		return fixedIP{}, mismatch(nics.Type, id, "nic_id", nil)
	}
	return p.FixedIPs[0], nil
}

func targetVM(ctx context.Context, account *session.Session, id string) (fixedIP, error) {
	if err := session.ReferenceUUID("compute.vm", id, "vm_id"); err != nil {
		return fixedIP{}, err
	}
	byVM, err := ports.OfVMs(ctx, account, []string{id})
	if err != nil {
		return fixedIP{}, err
	}
	for _, p := range byVM[id] {
		if len(p.FixedIPs) > 0 {
			return fixedIP{SubnetID: p.FixedIPs[0].SubnetID, Address: p.FixedIPs[0].Address}, nil
		}
	}
	return fixedIP{}, mismatch("compute.vm", id, "vm_id", nil)
}

// mismatch is the refusal of a reference that does not go together with the rest.
// cause is what the cloud answered, or nil.
func mismatch(resourceType, id, field string, cause error) error {
	return session.As(apiv1.Reason_REASON_REFERENCE_MISMATCH, cause, resourceType, id, sdk.Field(field))
}
