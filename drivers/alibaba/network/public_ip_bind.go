package network

import (
	"context"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Steps of a request that first has to free an address.
const (
	stepBind    = "bind"
	stepRelease = "release"
)

// target is what an EIP is bound to, as the cloud names it.
type target struct{ kind, id string }

// targetOf names a NIC as the cloud wants it: a primary one by its VM.
func targetOf(v *networkInterface) target {
	if isPrimary(v) {
		return target{boundToVM, v.InstanceID}
	}
	return target{boundToNIC, v.NetworkInterfaceID}
}

// bind binds an address to a NIC: already so is success; bound elsewhere is IN_USE
// unless the request allows to take it away, which is a step of its own.
func bind(ctx context.Context, s *session.Session, req *networkv1.UpdatePublicIpRequest, v *eip) (networkv1.PublicIpState, error) {
	nic, err := nics().Get(ctx, s, req.GetNicId())
	if err != nil {
		return 0, kind.AsReference(err, "nic_id")
	}
	wanted := targetOf(nic)
	switch toProtoPublicIPState(v.Status) {
	case networkv1.PublicIpState_PUBLIC_IP_STATE_AVAILABLE:
		return associate(ctx, s, v, nic, wanted)
	case networkv1.PublicIpState_PUBLIC_IP_STATE_UNBINDING:
		sdk.SetNextStep(ctx, stepBind, pollAfter)
		return networkv1.PublicIpState_PUBLIC_IP_STATE_UNBINDING, nil
	}
	switch {
	case v.InstanceID == wanted.id:
		return toProtoPublicIPState(v.Status), nil
	case !req.GetAllowRebind():
		return 0, sdk.InUse(typePublicIP, v.AllocationID, nil, boundTo(v))
	}
	if _, err := unbind(ctx, s, v); err != nil {
		return 0, err
	}
	sdk.SetNextStep(ctx, stepBind, pollAfter)
	return networkv1.PublicIpState_PUBLIC_IP_STATE_UNBINDING, nil
}

func associate(ctx context.Context, s *session.Session, v *eip, nic *networkInterface, wanted target) (networkv1.PublicIpState, error) {
	params := api.Params{}.Set("AllocationId", v.AllocationID).Set("InstanceId", wanted.id).Set("InstanceType", wanted.kind).
		Once(ctx, "associate")
	err := s.Call(ctx, api.VPC, "AssociateEipAddress", params, nil)
	switch {
	case err == nil:
		return networkv1.PublicIpState_PUBLIC_IP_STATE_BINDING, nil
	case api.HasCode(err, "InvalidAssociation.Duplicated", "BIND_INSTANCE_HAVE_PORTMAP_OR_BIND_EIP", "EIP_CAN_NOT_ASSOCIATE_WITH_PUBLIC_IP",
		"QuotaExceeded.NumberOfEip", "QuotaExceed.MultiBindedEip", "ResourceAlreadyAssociated.IpAddress"):
		blockers := kind.Blockers{}
		blockers.Add(typePublicIP, nic.AssociatedPublicIP.AllocationID)
		return 0, sdk.InUse(typeNIC, nic.NetworkInterfaceID, err, blockers.List()...)
	case api.HasCode(err, "InvalidStatus.EcsStatusNotSupport", "InvalidStatus.EniStatusNotSupport", "IncorrectInstanceStatus", "Eni.Attached"):
		return 0, api.As(apiv1.Reason_REASON_INVALID_STATE, err, typeNIC, nic.NetworkInterfaceID, sdk.Field("nic_id"))
	case api.HasCode(err, "InvalidInstanId.NotFound", "InvalidInstance.NotExist", "InvalidNicOrVm.NotFound", "InvalidParams.NotFound"):
		return 0, api.As(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, err, typeNIC, nic.NetworkInterfaceID, sdk.Field("nic_id"))
	}
	return 0, publicIPs().Refusal(ctx, s, err, v.AllocationID, changingPublicIP)
}

// unbind frees an address; one that is free is success.
func unbind(ctx context.Context, s *session.Session, v *eip) (networkv1.PublicIpState, error) {
	switch state := toProtoPublicIPState(v.Status); state {
	case networkv1.PublicIpState_PUBLIC_IP_STATE_AVAILABLE, networkv1.PublicIpState_PUBLIC_IP_STATE_UNBINDING:
		return state, nil
	}
	params := api.Params{}.Set("AllocationId", v.AllocationID).Set("InstanceId", v.InstanceID).Set("InstanceType", v.InstanceType).
		Once(ctx, "unassociate")
	err := s.Call(ctx, api.VPC, "UnassociateEipAddress", params, nil)
	switch {
	case err == nil:
		return networkv1.PublicIpState_PUBLIC_IP_STATE_UNBINDING, nil
	case api.HasCode(err, "InvalidBindingStatus", "InvalidBindInstance.NotFound"):
		return networkv1.PublicIpState_PUBLIC_IP_STATE_AVAILABLE, nil
	case api.HasCode(err, "InvalidIpStatus.HasBeenUsedBySnatTable", "InvalidIpStatus.HasBeenUsedByForwardEntry", "InvalidStatus.SnatOrDnat", "DependencyViolation.SnatEntry"):
		return 0, sdk.InUse(typePublicIP, v.AllocationID, err, boundTo(v))
	}
	return 0, publicIPs().Refusal(ctx, s, err, v.AllocationID, changingPublicIP)
}

// boundTo names what an address is bound to.
func boundTo(v *eip) string {
	switch v.InstanceType {
	case boundToVM:
		return kind.Blocker(typeVM, v.InstanceID)
	case boundToNIC:
		return kind.Blocker(typeNIC, v.InstanceID)
	case "SlbInstance":
		return kind.Blocker("network.vip", v.InstanceID)
	}
	return kind.Blocker("network.nat_gateway", v.InstanceID)
}

// DeletePublicIp frees an address and then releases it. What it was bound to stays.
func (n *publicIPServer) DeletePublicIp(ctx context.Context, req *networkv1.DeletePublicIpRequest) (*networkv1.DeletePublicIpResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	id := req.GetId()
	gone := &networkv1.DeletePublicIpResponse{Id: id, State: networkv1.PublicIpState_PUBLIC_IP_STATE_DELETED}
	v, err := publicIPs().Get(ctx, s, id)
	switch {
	case sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND:
		return gone, nil
	case err != nil:
		return nil, err
	case strings.EqualFold(v.ChargeType, "PrePaid"):
		return nil, sdk.InvalidState(typePublicIP, id, nil)
	}
	if toProtoPublicIPState(v.Status) != networkv1.PublicIpState_PUBLIC_IP_STATE_AVAILABLE {
		if !changingPublicIP(v) {
			if _, err := unbind(ctx, s, v); err != nil {
				return nil, err
			}
		}
		sdk.SetNextStep(ctx, stepRelease, pollAfter)
		return &networkv1.DeletePublicIpResponse{Id: id, State: networkv1.PublicIpState_PUBLIC_IP_STATE_UNBINDING}, nil
	}
	err = s.Call(ctx, api.VPC, "ReleaseEipAddress", api.Params{}.Set("AllocationId", id), nil)
	switch {
	case err == nil, api.IsGone(err, typePublicIP):
		return gone, nil
	case api.HasCode(err, "Forbidden.ChargeTypeIsPrepaid"):
		return nil, api.As(apiv1.Reason_REASON_INVALID_STATE, err, typePublicIP, id)
	}
	return nil, publicIPs().Refusal(ctx, s, err, id, changingPublicIP)
}
