package container

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/gophercloud/gophercloud/v2"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// CreateContainer makes a container and lets it run. A repeat finds it by the mark
// among its labels.
func (c *server) CreateContainer(ctx context.Context, req *computev1.CreateContainerRequest) (*computev1.CreateContainerResponse, error) {
	s, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	if err := checkCreate(req); err != nil {
		return nil, err
	}
	// Zun sorts its list by age, so the first of several is the oldest.
	made, err := sdk.Marked[container]{
		Find:   func(ctx context.Context) ([]container, error) { return findMarked(ctx, s) },
		Create: func(ctx context.Context) (container, error) { return run(ctx, s, req) },
		Remove: func(ctx context.Context, twin container) error {
			_, err := remove(ctx, s, twin.UUID)
			if sdk.ReasonOf(err) == apiv1.Reason_REASON_INVALID_STATE { // it is still being made
				err = session.As(apiv1.Reason_REASON_RESOURCE_BUSY, err, typeContainer, twin.UUID)
			}
			return err
		},
	}.FindOrCreate(ctx)
	if err != nil {
		return nil, err
	}
	return &computev1.CreateContainerResponse{Id: made.UUID, State: toProtoState(&made)}, nil
}

// findMarked finds what earlier attempts of the request made.
func findMarked(ctx context.Context, s *session.Session) ([]container, error) {
	all, err := readAll(ctx, s)
	return slices.DeleteFunc(all, func(v container) bool {
		state := toProtoState(&v)
		return v.Labels[session.MetadataKey] != sdk.CallFrom(ctx).Token("") ||
			state == computev1.ContainerState_CONTAINER_STATE_DELETING || state == computev1.ContainerState_CONTAINER_STATE_DELETED
	}), err
}

func run(ctx context.Context, s *session.Session, req *computev1.CreateContainerRequest) (made container, err error) {
	networkID, err := networkOf(ctx, s, req.GetSubnetId())
	if err != nil {
		return made, err
	}
	groups, err := groupNames(ctx, s, req.GetSecurityGroupIds())
	if err != nil {
		return made, err
	}
	body := fromProtoCreate(req, networkID, groups, sdk.CallFrom(ctx).Token(""), session.AtLeast(s.Container, versionLists))
	_, err = s.Container.Post(ctx, s.Container.ServiceURL("containers")+"?run=true", body, &made,
		&gophercloud.RequestOpts{OkCodes: []int{http.StatusOK, http.StatusCreated, http.StatusAccepted}})
	return made, session.Error(err, typeContainer, "")
}

// DeleteContainer stops and removes a container; absent is success.
func (c *server) DeleteContainer(ctx context.Context, req *computev1.DeleteContainerRequest) (*computev1.DeleteContainerResponse, error) {
	s, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	state, err := remove(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	return &computev1.DeleteContainerResponse{Id: req.GetId(), State: state}, nil
}

func remove(ctx context.Context, s *session.Session, id string) (computev1.ContainerState, error) {
	if !session.IsUUID(id) {
		return computev1.ContainerState_CONTAINER_STATE_DELETED, nil
	}
	how := "?force=true"
	if session.AtLeast(s.Container, versionStop) {
		how = "?stop=true"
	}
	_, err := s.Container.Delete(ctx, s.Container.ServiceURL("containers", id)+how, nil)
	switch {
	case err == nil:
		return computev1.ContainerState_CONTAINER_STATE_DELETING, nil
	case session.IsNotFound(err):
		return computev1.ContainerState_CONTAINER_STATE_DELETED, nil
	}
	return 0, refused(err, id)
}

// UpdateContainer gives a container another size. Its labels cannot change.
func (c *server) UpdateContainer(ctx context.Context, req *computev1.UpdateContainerRequest) (*computev1.UpdateContainerResponse, error) {
	s, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case req.Description != nil:
		return nil, sdk.Unsupported("compute.container.description")
	case req.GetTags() != nil:
		return nil, sdk.Unsupported("compute.container.tags")
	}
	v, err := read(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	body := map[string]any{}
	if req.CpuMillicores != nil && req.GetCpuMillicores() != millicores(v.CPU) {
		body["cpu"] = float64(req.GetCpuMillicores()) / 1000
	}
	if req.MemoryMib != nil && req.GetMemoryMib() != int32(v.Memory) {
		body["memory"] = strconv.Itoa(int(req.GetMemoryMib()))
	}
	if len(body) > 0 {
		_, err := s.Container.Patch(ctx, s.Container.ServiceURL("containers", req.GetId()), body, v, &gophercloud.RequestOpts{OkCodes: []int{http.StatusOK}})
		if err != nil {
			return nil, refused(err, req.GetId())
		}
	}
	return &computev1.UpdateContainerResponse{Id: req.GetId(), State: toProtoState(v)}, nil
}

// StartContainer starts a container that does not run.
func (c *server) StartContainer(ctx context.Context, req *computev1.StartContainerRequest) (*computev1.StartContainerResponse, error) {
	state, err := c.change(ctx, req.GetId(), "start", nil,
		computev1.ContainerState_CONTAINER_STATE_STARTING, computev1.ContainerState_CONTAINER_STATE_RUNNING)
	return &computev1.StartContainerResponse{Id: req.GetId(), State: state}, err
}

// StopContainer stops a running container.
func (c *server) StopContainer(ctx context.Context, req *computev1.StopContainerRequest) (*computev1.StopContainerResponse, error) {
	query := url.Values{}
	if seconds := req.GetTimeoutSeconds(); seconds > 0 {
		query.Set("timeout", strconv.Itoa(int(seconds)))
	}
	state, err := c.change(ctx, req.GetId(), "stop", query,
		computev1.ContainerState_CONTAINER_STATE_STOPPING, computev1.ContainerState_CONTAINER_STATE_STOPPED)
	return &computev1.StopContainerResponse{Id: req.GetId(), State: state}, err
}

// RestartContainer restarts a running container.
func (c *server) RestartContainer(ctx context.Context, req *computev1.RestartContainerRequest) (*computev1.RestartContainerResponse, error) {
	state, err := c.change(ctx, req.GetId(), "reboot", nil, computev1.ContainerState_CONTAINER_STATE_RESTARTING, 0)
	return &computev1.RestartContainerResponse{Id: req.GetId(), State: state}, err
}

// change makes an action, unless the container is in the state done already.
func (c *server) change(ctx context.Context, id, action string, query url.Values, via, done computev1.ContainerState) (computev1.ContainerState, error) {
	s, err := c.open(ctx)
	if err != nil {
		return 0, err
	}
	v, err := read(ctx, s, id)
	if err != nil {
		return 0, err
	}
	if state := toProtoState(v); done != 0 && state == done || state == via {
		return state, nil
	}
	if err := act(ctx, s, id, action, query); err != nil {
		return 0, refused(err, id)
	}
	return via, nil
}

// refused tells what Zun's refusal is about: a 409 is always the container's state.
func refused(err error, id string) error {
	if gophercloud.ResponseCodeIs(err, http.StatusConflict) {
		return session.As(apiv1.Reason_REASON_INVALID_STATE, err, typeContainer, id)
	}
	return session.Error(err, typeContainer, id)
}

// GetContainer reads one container.
func (c *server) GetContainer(ctx context.Context, req *computev1.GetContainerRequest) (*computev1.GetContainerResponse, error) {
	s, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	v, err := read(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	return &computev1.GetContainerResponse{Container: toProtoContainer(v, s.Region)}, nil
}

// ListContainers reads a page of containers; those with given ids are looked for
// among all, for Zun has no query for them.
func (c *server) ListContainers(ctx context.Context, req *computev1.ListContainersRequest) (*computev1.ListContainersResponse, error) {
	s, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	resp := &computev1.ListContainersResponse{}
	var list []container
	if len(req.GetIds()) > 0 {
		all, err := readAll(ctx, s)
		if err != nil {
			return nil, err
		}
		list, resp.MissingIds = sdk.PickIDs(all, func(v container) string { return v.UUID }, req.GetIds())
	} else {
		p, err := session.After(ctx, req.GetPageToken(), isBadMarker, func(ctx context.Context, marker string) (containerPage, error) {
			list, more, err := readPage(ctx, s, sdk.PageSize(req), marker)
			return containerPage{list, more}, err
		})
		if err != nil {
			return nil, session.Error(err, typeContainer, "")
		}
		list = p.list
		if p.more {
			resp.NextPageToken = session.PageToken(list, func(v *container) string { return v.UUID })
		}
	}
	for i := range list {
		if v := toProtoContainer(&list[i], s.Region); keeps(req, v) {
			resp.Containers = append(resp.Containers, v)
		}
	}
	return resp, nil
}

// containerPage is one page; more tells that another follows.
type containerPage struct {
	list []container
	more bool
}

func isBadMarker(err error) bool {
	return session.IsNotFound(err) || gophercloud.ResponseCodeIs(err, http.StatusBadRequest)
}

// defaultLines is how much of a log is read when the request does not say.
const defaultLines = 100

// GetContainerLog reads the end of what a container wrote.
func (c *server) GetContainerLog(ctx context.Context, req *computev1.GetContainerLogRequest) (*computev1.GetContainerLogResponse, error) {
	s, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	if err := session.UUID(typeContainer, req.GetId()); err != nil {
		return nil, err
	}
	lines := req.GetLines()
	if lines == 0 {
		lines = defaultLines
	}
	text, err := readLog(ctx, s, req.GetId(), lines)
	if err != nil {
		return nil, refused(err, req.GetId())
	}
	return &computev1.GetContainerLogResponse{Output: text}, nil
}
