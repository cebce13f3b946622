package compute

import (
	"context"
	"net/http"

	"github.com/gophercloud/gophercloud/v2"

	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/ports"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
)

// UpdateVm changes name and description with one call and the tags, which are
// server metadata, with another.
func (v *VMs) UpdateVm(ctx context.Context, req *computev1.UpdateVmRequest) (*computev1.UpdateVmResponse, error) {
	s, err := v.openVM(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	id := req.GetId()
	var sv *server
	if req.Name != nil || req.Description != nil {
		if sv, err = updateServer(ctx, s, req); err != nil {
			return nil, updateError(ctx, s, id, err)
		}
	}
	if req.GetTags() != nil {
		if sv == nil {
			if sv, err = readServer(ctx, s, id); err != nil {
				return nil, session.Error(err, typeVM, id)
			}
		}
		if err := replaceMetadata(ctx, s, id, mergeReserved(sv.Metadata, req.GetTags().GetEntries())); err != nil {
			return nil, updateError(ctx, s, id, err)
		}
	}
	resp := &computev1.UpdateVmResponse{Id: id}
	if sv != nil {
		resp.State = stateOf(sv.Status, sv.TaskState)
	}
	return resp, nil
}

func updateServer(ctx context.Context, s *session.Session, req *computev1.UpdateVmRequest) (*server, error) {
	change := map[string]any{}
	if req.Name != nil {
		change["name"] = req.GetName()
	}
	if req.Description != nil {
		change["description"] = req.GetDescription()
	}
	var body struct {
		Server server `json:"server"`
	}
	_, err := s.Compute.Put(ctx, s.Compute.ServiceURL("servers", req.GetId()), map[string]any{"server": change}, &body,
		&gophercloud.RequestOpts{OkCodes: []int{http.StatusOK}})
	return &body.Server, err
}

func replaceMetadata(ctx context.Context, s *session.Session, id string, metadata map[string]string) error {
	_, err := s.Compute.Put(ctx, s.Compute.ServiceURL("servers", id, "metadata"), map[string]any{"metadata": metadata}, nil,
		&gophercloud.RequestOpts{OkCodes: []int{http.StatusOK}})
	return err
}

func updateError(ctx context.Context, s *session.Session, id string, err error) error {
	if isConflict(err) {
		return refusedAction(ctx, s, id, err, nil)
	}
	return session.Error(err, typeVM, id)
}

// SetVmSecurityGroups sets the groups of the VM's ports: Nova's own calls take
// one group at a time.
func (v *VMs) SetVmSecurityGroups(ctx context.Context, req *computev1.SetVmSecurityGroupsRequest) (*computev1.SetVmSecurityGroupsResponse, error) {
	s, err := v.openVM(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	sv, err := readServer(ctx, s, req.GetId())
	if err != nil {
		return nil, session.Error(err, typeVM, req.GetId())
	}
	if err := ports.SetGroups(ctx, s, req.GetId(), req.GetNicId(), req.GetSecurityGroupIds()); err != nil {
		return nil, err
	}
	return &computev1.SetVmSecurityGroupsResponse{Id: req.GetId(), State: stateOf(sv.Status, sv.TaskState)}, nil
}
