package compute

import (
	"context"
	"slices"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/alibaba/tags"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// UpdateVm changes what is present: a call that reads, and one each for attributes, the
// time of release, new tags and tags that go.
func (v *VMs) UpdateVm(ctx context.Context, req *computev1.UpdateVmRequest) (*computev1.UpdateVmResponse, error) {
	s, err := v.open(ctx)
	if err != nil {
		return nil, err
	}
	found, err := instances().Get(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	params := api.Params{}
	if req.Name != nil {
		params.Set("InstanceName", req.GetName())
	}
	if req.Description != nil {
		params["Description"] = req.GetDescription()
	}
	if req.DeletionProtected != nil {
		params.Bool("DeletionProtection", req.GetDeletionProtected())
	}
	if len(params) > 0 {
		if err := act(ctx, s, "ModifyInstanceAttribute", req.GetId(), params); err != nil {
			return nil, instances().Refusal(ctx, s, err, req.GetId(), changing)
		}
	}
	if req.GetReleaseAt() != nil || req.GetRemoveReleaseAt() {
		if err := setRelease(ctx, s, req); err != nil {
			return nil, err
		}
	}
	if req.GetTags() != nil {
		if err := tags.Replace(ctx, s, tagged(req.GetId()), found.Tags.ToProto(), req.GetTags().GetEntries()); err != nil {
			return nil, api.Error(err, typeVM, req.GetId())
		}
	}
	return &computev1.UpdateVmResponse{Id: req.GetId(), State: toProtoVMState(found.Status)}, nil
}

// setRelease sets when the cloud releases an instance; no time: never.
func setRelease(ctx context.Context, s *session.Session, req *computev1.UpdateVmRequest) error {
	params := api.Params{}.Set("AutoReleaseTime", fromProtoRelease(req.GetReleaseAt()))
	err := act(ctx, s, "ModifyInstanceAutoReleaseTime", req.GetId(), params)
	switch {
	case api.HasCode(err, "InvalidAutoReleaseTime*"):
		return api.As(apiv1.Reason_REASON_PARAMETER_REJECTED, err, typeVM, req.GetId(), sdk.Field("release_at"))
	case api.HasCode(err, "NoSuchResource"):
		return sdk.NotFound(typeVM, req.GetId(), err)
	}
	return instances().Refusal(ctx, s, err, req.GetId(), changing)
}

// SetVmSecurityGroups sets the groups of the primary NIC through the instance and
// those of further NICs one by one: a call that reads, and one for each NIC.
func (v *VMs) SetVmSecurityGroups(ctx context.Context, req *computev1.SetVmSecurityGroupsRequest) (*computev1.SetVmSecurityGroupsResponse, error) {
	s, err := v.open(ctx)
	if err != nil {
		return nil, err
	}
	found, err := instances().Get(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	if err := setGroups(ctx, s, found, req); err != nil {
		return nil, instances().Refusal(ctx, s, err, req.GetId(), changing)
	}
	return &computev1.SetVmSecurityGroupsResponse{Id: req.GetId(), State: toProtoVMState(found.Status)}, nil
}

func setGroups(ctx context.Context, s *session.Session, v *instance, req *computev1.SetVmSecurityGroupsRequest) error {
	nics := v.NetworkInterfaces.NetworkInterface
	if id := req.GetNicId(); id != "" {
		at := slices.IndexFunc(nics, func(n instanceNIC) bool { return n.NetworkInterfaceID == id })
		if at < 0 {
			return sdk.NewError(apiv1.Reason_REASON_REFERENCE_MISMATCH, sdk.Resource(typeNIC, id), sdk.Field("nic_id"))
		}
		nics = nics[at : at+1]
	}
	for i := range nics {
		if err := setGroupsOf(ctx, s, v.InstanceID, &nics[i], req.GetSecurityGroupIds()); err != nil {
			return err
		}
	}
	return nil
}

func setGroupsOf(ctx context.Context, s *session.Session, instanceID string, n *instanceNIC, groups []string) error {
	if n.Type == nicPrimary {
		return act(ctx, s, "ModifyInstanceAttribute", instanceID, api.Params{}.List("SecurityGroupIds", groups...))
	}
	params := api.Params{}.Set("NetworkInterfaceId", n.NetworkInterfaceID).List("SecurityGroupId", groups...)
	return s.Call(ctx, api.ECS, "ModifyNetworkInterfaceAttribute", params, nil)
}
