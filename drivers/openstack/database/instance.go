package database

import (
	"context"
	"net/http"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/db/v1/instances"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	databasev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/database/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

type instanceServer struct {
	databasev1.UnimplementedInstanceServiceServer
	base
}

var _ databasev1.InstanceServiceServer = (*instanceServer)(nil)

// GetInstance reads one instance and, while it runs, whether it has an administrator.
func (n *instanceServer) GetInstance(ctx context.Context, req *databasev1.GetInstanceRequest) (*databasev1.GetInstanceResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	v, err := readInstance(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	out, err := describe(ctx, s, v)
	if err == nil && out.GetState() == databasev1.InstanceState_INSTANCE_STATE_RUNNING {
		out.Username, err = administratorOf(ctx, s, v.ID)
	}
	if err != nil {
		return nil, err
	}
	return &databasev1.GetInstanceResponse{Instance: out}, nil
}

// ListInstances reads a page of instances; those with given ids are looked for among
// all, for Trove has no query for them.
func (n *instanceServer) ListInstances(ctx context.Context, req *databasev1.ListInstancesRequest) (*databasev1.ListInstancesResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	resp := &databasev1.ListInstancesResponse{}
	var list []instance
	if len(req.GetIds()) > 0 {
		all, err := readAll(ctx, s)
		if err != nil {
			return nil, err
		}
		list, resp.MissingIds = sdk.PickIDs(all, func(v instance) string { return v.ID }, req.GetIds())
	} else {
		neverGone := func(error) bool { return false }
		p, err := session.After(ctx, req.GetPageToken(), neverGone, func(ctx context.Context, marker string) (instancePage, error) {
			return readPage(ctx, s, sdk.PageSize(req), marker)
		})
		if err != nil {
			return nil, session.Error(err, typeInstance, "")
		}
		list, resp.NextPageToken = p.list, p.next
	}
	if err := readSubnetsOf(ctx, s, list); err != nil {
		return nil, err
	}
	for i := range list {
		v, err := describe(ctx, s, &list[i])
		if err != nil {
			return nil, err
		}
		if keeps(req, v) {
			resp.Instances = append(resp.Instances, v)
		}
	}
	return resp, nil
}

// describe maps an instance with what other lists tell of its size and subnet.
func describe(ctx context.Context, s *session.Session, v *instance) (*databasev1.Instance, error) {
	sizes, err := allFlavors(ctx, s)
	if err != nil {
		return nil, err
	}
	subnetID, err := subnetOf(ctx, s, v)
	if err != nil {
		return nil, err
	}
	return toProtoInstance(v, known{region: s.Region, flavors: sizes, subnetID: subnetID}), nil
}

// DeleteInstance removes an instance with its volume, port and security group.
func (n *instanceServer) DeleteInstance(ctx context.Context, req *databasev1.DeleteInstanceRequest) (*databasev1.DeleteInstanceResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	state, err := remove(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	return &databasev1.DeleteInstanceResponse{Id: req.GetId(), State: state}, nil
}

// remove begins the deletion of an instance; absent is success. Errors: RESOURCE_BUSY
// while it is made, IN_USE.
func remove(ctx context.Context, s *session.Session, id string) (databasev1.InstanceState, error) {
	if !session.IsUUID(id) {
		return databasev1.InstanceState_INSTANCE_STATE_DELETED, nil
	}
	err := instances.Delete(ctx, s.Database, id).ExtractErr()
	switch {
	case session.IsNotFound(err):
		return databasev1.InstanceState_INSTANCE_STATE_DELETED, nil
	case err != nil:
		return 0, refused(ctx, s, err, id)
	}
	sdk.SetNextStep(ctx, "", pollAfter)
	return databasev1.InstanceState_INSTANCE_STATE_DELETING, nil
}

// RestartInstance restarts the database in its VM.
func (n *instanceServer) RestartInstance(ctx context.Context, req *databasev1.RestartInstanceRequest) (*databasev1.RestartInstanceResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	v, err := readInstance(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	if toProtoState(v) != databasev1.InstanceState_INSTANCE_STATE_RESTARTING {
		if err := mustRun(v); err != nil {
			return nil, err
		}
		if err := instances.Restart(ctx, s.Database, v.ID).ExtractErr(); err != nil {
			return nil, refused(ctx, s, err, v.ID)
		}
	}
	sdk.SetNextStep(ctx, "", pollAfter)
	return &databasev1.RestartInstanceResponse{Id: req.GetId(), State: databasev1.InstanceState_INSTANCE_STATE_RESTARTING}, nil
}

// mustRun refuses what only a running instance takes. Errors: RESOURCE_BUSY,
// INVALID_STATE.
func mustRun(v *instance) error {
	state := toProtoState(v)
	if state == databasev1.InstanceState_INSTANCE_STATE_RUNNING {
		return nil
	}
	return session.WrongState(nil, typeInstance, v.ID, isChanging(state))
}

// refused tells what a refusal of a change means. 422 is a wrong state, and 403 the
// answer to the deletion of what has replicas too: the instance is looked at once.
func refused(ctx context.Context, s *session.Session, err error, id string) error {
	wrongState := gophercloud.ResponseCodeIs(err, http.StatusUnprocessableEntity)
	if !wrongState && !session.IsForbidden(err) {
		return session.Error(err, typeInstance, id)
	}
	v, readErr := readInstance(ctx, s, id)
	switch {
	case sdk.ReasonOf(readErr) == apiv1.Reason_REASON_NOT_FOUND:
		return readErr
	case wrongState && readErr == nil:
		return session.WrongState(err, typeInstance, id, isChanging(toProtoState(v)))
	case wrongState:
		return session.As(apiv1.Reason_REASON_INVALID_STATE, err, typeInstance, id)
	case readErr == nil && len(v.Replicas) > 0:
		return sdk.InUse(typeInstance, id, err, replicasOf(v)...)
	}
	return session.Error(err, typeInstance, id)
}
