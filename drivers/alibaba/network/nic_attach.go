package network

import (
	"context"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// AttachNic joins a secondary interface to a VM. There is no token for it, so that
// the interface is read first: what is so already is success.
func (n *nicServer) AttachNic(ctx context.Context, req *networkv1.AttachNicRequest) (*networkv1.AttachNicResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	v, err := nics().Get(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	switch {
	case v.InstanceID == req.GetVmId():
		return &networkv1.AttachNicResponse{Id: req.GetId(), State: toProtoNICState(v.Status)}, nil
	case v.InstanceID != "":
		return nil, nicInUse(ctx, s, req.GetId(), nil)
	case changingNIC(v):
		return nil, sdk.NewError(apiv1.Reason_REASON_RESOURCE_BUSY, sdk.Resource(typeNIC, req.GetId()), sdk.RetryAfter(pollAfter))
	}
	params := api.Params{}.Set("NetworkInterfaceId", req.GetId()).Set("InstanceId", req.GetVmId())
	if err := s.Call(ctx, api.ECS, "AttachNetworkInterface", params, nil); err != nil {
		return nil, explainAttach(err, req.GetId(), req.GetVmId())
	}
	return &networkv1.AttachNicResponse{Id: req.GetId(), State: networkv1.NicState_NIC_STATE_ATTACHING}, nil
}

// DetachNic takes a secondary interface off its VM; it stays.
func (n *nicServer) DetachNic(ctx context.Context, req *networkv1.DetachNicRequest) (*networkv1.DetachNicResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	v, err := nics().Get(ctx, s, req.GetId())
	switch {
	case err != nil:
		return nil, err
	case v.InstanceID == "", toProtoNICState(v.Status) == networkv1.NicState_NIC_STATE_DETACHING:
		return &networkv1.DetachNicResponse{Id: req.GetId(), State: toProtoNICState(v.Status)}, nil
	case req.GetVmId() != "" && req.GetVmId() != v.InstanceID:
		return nil, sdk.NewError(apiv1.Reason_REASON_REFERENCE_MISMATCH, sdk.Resource(typeVM, req.GetVmId()), sdk.Field("vm_id"))
	case isPrimary(v), v.ServiceManaged:
		return nil, sdk.InvalidState(typeNIC, req.GetId(), nil)
	}
	params := api.Params{}.Set("NetworkInterfaceId", req.GetId()).Set("InstanceId", v.InstanceID)
	if err := s.Call(ctx, api.ECS, "DetachNetworkInterface", params, nil); err != nil {
		return nil, explainAttach(err, req.GetId(), v.InstanceID)
	}
	return &networkv1.DetachNicResponse{Id: req.GetId(), State: networkv1.NicState_NIC_STATE_DETACHING}, nil
}

// explainAttach tells what a refusal to join or part a NIC and a VM is about.
func explainAttach(err error, id, vmID string) error {
	switch {
	case api.HasCode(err, "InvalidOperation.AvailabilityZoneMismatch", "InvalidOperation.VpcMismatch", "InvalidEni.NotSameVpc", "InvalidParameter.EniNotBelongEcs"):
		return api.As(apiv1.Reason_REASON_REFERENCE_MISMATCH, err, typeVM, vmID, sdk.Field("vm_id"))
	case api.HasCode(err, "InvalidEcsId.NotFound", "InvalidInstanceId.NotFound", "InvalidInstanceID.Malformed"):
		return api.As(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, err, typeVM, vmID, sdk.Field("vm_id"))
	case api.HasCode(err, "InvalidOperation.InvalidEcsState"):
		return sdk.NewError(apiv1.Reason_REASON_INVALID_STATE, sdk.Resource(typeVM, vmID), sdk.Field("vm_id"), sdk.Cause(err))
	case api.HasCode(err, "InvalidOperation.InvalidEniState", "InvalidOperation.DetachPrimaryEniNotAllowed", "InvalidOperation.InvalidEniType",
		"InvalidOperation.EniServiceManaged", "InvalidOperation.HotPlugNotSupport", "InvalidOperation.EniHotPlugNotSupported"):
		return api.As(apiv1.Reason_REASON_INVALID_STATE, err, typeNIC, id)
	}
	return api.Error(err, typeNIC, id)
}
