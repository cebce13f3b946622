package compute

import (
	"context"
	"slices"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/ecs"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Containers serves cloud.compute.v1.ContainerService with ECI container groups of
// one container. ECI neither stops nor starts a group: those two rpcs are absent.
type Containers struct {
	computev1.UnimplementedContainerServiceServer
	base
}

var _ computev1.ContainerServiceServer = (*Containers)(nil)

// CreateContainer makes a group: one call.
func (c *Containers) CreateContainer(ctx context.Context, req *computev1.CreateContainerRequest) (*computev1.CreateContainerResponse, error) {
	s, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	if err := refuseContainer(req); err != nil {
		return nil, err
	}
	var made struct {
		ContainerGroupID string `json:"ContainerGroupId"`
	}
	if err := s.Call(ctx, api.ECI, "CreateContainerGroup", containerParams(s, req).Once(ctx, ""), &made); err != nil {
		return nil, api.Error(err, typeContainer, "")
	}
	sdk.SetNextStep(ctx, "", pollAfter)
	return &computev1.CreateContainerResponse{Id: made.ContainerGroupID, State: computev1.ContainerState_CONTAINER_STATE_CREATING}, nil
}

// refuseContainer refuses what ECI has no parameter for.
func refuseContainer(req *computev1.CreateContainerRequest) error {
	switch {
	case len(req.GetSecurityGroupIds()) > 1:
		return sdk.NewError(apiv1.Reason_REASON_UNSUPPORTED_FEATURE, sdk.Feature(featureManyGroups), sdk.Field("security_group_ids"))
	case req.GetCharge().GetMode() == apiv1.ChargeMode_CHARGE_MODE_PREPAID:
		return sdk.NewError(apiv1.Reason_REASON_UNSUPPORTED_FEATURE, sdk.Feature("compute.container.prepaid"), sdk.Field("charge.mode"))
	}
	return nil
}

func containerParams(s *session.Session, req *computev1.CreateContainerRequest) api.Params {
	container := api.Params{}.Set("Name", req.GetName()).Set("Image", req.GetImage()).
		List("Command", req.GetCommand()...).List("Arg", req.GetArgs()...)
	for _, e := range req.GetEnvironment() {
		if e.GetSecretValue() != "" {
			container.Bool("EnvironmentVarHide", true)
		}
	}
	container.Objects("EnvironmentVar", environment(req)...).Objects("Port", ports(req)...)
	params := api.Params{}.
		Set("ContainerGroupName", req.GetName()).
		Set("Cpu", cores(req.GetCpuMillicores())).
		Set("Memory", gibibytes(req.GetMemoryMib())).
		Set("RestartPolicy", fromProtoRestartPolicy(req.GetRestartPolicy())).
		Set("VSwitchId", req.GetSubnetId()).
		Set("ZoneId", req.GetZoneId()).
		Set("ResourceGroupId", s.ResourceGroup).
		Objects("Container", container).
		Tags("Tag", req.GetTags())
	if len(req.GetSecurityGroupIds()) > 0 {
		params.Set("SecurityGroupId", req.GetSecurityGroupIds()[0])
	}
	if auth := req.GetRegistryAuth(); auth != nil {
		params.Objects("ImageRegistryCredential", api.Params{}.Set("Server", registryOf(req.GetImage())).
			Set("UserName", auth.GetUsername()).Set("Password", auth.GetPassword()))
	}
	if req.GetCharge().GetMode() == apiv1.ChargeMode_CHARGE_MODE_SPOT {
		params.Set("SpotStrategy", ecs.SpotAtAnyPrice)
	}
	return params
}

func environment(req *computev1.CreateContainerRequest) []api.Params {
	var all []api.Params
	for _, e := range req.GetEnvironment() {
		all = append(all, api.Params{}.Set("Key", e.GetName()).Set("Value", e.GetValue()).Set("Value", e.GetSecretValue()))
	}
	return all
}

func ports(req *computev1.CreateContainerRequest) []api.Params {
	var all []api.Params
	for _, p := range req.GetPorts() {
		all = append(all, api.Params{}.Int("Port", p.GetPort()).Set("Protocol", fromProtoPortProtocol(p.GetProtocol())))
	}
	return all
}

// DeleteContainer removes a group: one call.
func (c *Containers) DeleteContainer(ctx context.Context, req *computev1.DeleteContainerRequest) (*computev1.DeleteContainerResponse, error) {
	s, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	params := api.Params{}.Set("ContainerGroupId", req.GetId()).Once(ctx, "")
	err = s.Call(ctx, api.ECI, "DeleteContainerGroup", params, nil)
	if err != nil && !api.IsGone(err, typeContainer) {
		return nil, containerGroups().Refusal(ctx, s, err, req.GetId(), changingGroup)
	}
	sdk.SetNextStep(ctx, "", pollAfter)
	return &computev1.DeleteContainerResponse{Id: req.GetId(), State: computev1.ContainerState_CONTAINER_STATE_DELETING}, nil
}

// UpdateContainer gives a group another size or other tags: a call that reads and
// one that changes. The container is restarted.
func (c *Containers) UpdateContainer(ctx context.Context, req *computev1.UpdateContainerRequest) (*computev1.UpdateContainerResponse, error) {
	s, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	found, err := containerGroups().Get(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	// The default way of updating drops what is not sent.
	params := api.Params{}.Set("ContainerGroupId", req.GetId()).Set("UpdateType", "IncrementalUpdate")
	changes := len(params)
	if req.CpuMillicores != nil || req.MemoryMib != nil {
		now := toProtoContainer(found, s.Region)
		params.Set("Cpu", cores(orNow(req.CpuMillicores, now.GetCpuMillicores()))).
			Set("Memory", gibibytes(orNow(req.MemoryMib, now.GetMemoryMib())))
	}
	if req.GetTags() != nil {
		params.Tags("Tag", req.GetTags().GetEntries())
	}
	if len(params) > changes {
		err := s.Call(ctx, api.ECI, "UpdateContainerGroup", params.Once(ctx, ""), nil)
		if err != nil && !api.HasCode(err, "NoNeedUpdate") {
			return nil, containerGroups().Refusal(ctx, s, err, req.GetId(), changingGroup)
		}
	}
	sdk.SetNextStep(ctx, "", pollAfter)
	return &computev1.UpdateContainerResponse{Id: req.GetId(), State: computev1.ContainerState_CONTAINER_STATE_UPDATING}, nil
}

func orNow(wanted *int32, now int32) int32 {
	if wanted != nil {
		return *wanted
	}
	return now
}

// RestartContainer restarts a group: one call.
func (c *Containers) RestartContainer(ctx context.Context, req *computev1.RestartContainerRequest) (*computev1.RestartContainerResponse, error) {
	s, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	params := api.Params{}.Set("ContainerGroupId", req.GetId()).Once(ctx, "")
	if err := s.Call(ctx, api.ECI, "RestartContainerGroup", params, nil); err != nil {
		return nil, containerGroups().Refusal(ctx, s, err, req.GetId(), changingGroup)
	}
	sdk.SetNextStep(ctx, "", pollAfter)
	return &computev1.RestartContainerResponse{Id: req.GetId(), State: computev1.ContainerState_CONTAINER_STATE_RESTARTING}, nil
}

// changingGroup tells whether a group is on the way to another state.
func changingGroup(v *containerGroup) bool {
	return slices.Contains([]string{"Scheduling", "Pending", "Restarting", "Updating", "Terminating"}, v.Status)
}

// GetContainer reads one group: one call.
func (c *Containers) GetContainer(ctx context.Context, req *computev1.GetContainerRequest) (*computev1.GetContainerResponse, error) {
	s, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	found, err := containerGroups().Get(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	return &computev1.GetContainerResponse{Container: toProtoContainer(found, s.Region)}, nil
}

// ListContainers reads a page of at most 20 groups, more are not to be had in one
// call.
func (c *Containers) ListContainers(ctx context.Context, req *computev1.ListContainersRequest) (*computev1.ListContainersResponse, error) {
	s, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	params := api.Params{}.Set("ContainerGroupName", req.GetName()).Set("VSwitchId", req.GetSubnetId()).Set("ResourceGroupId", s.ResourceGroup)
	page, err := containerGroups().Find(ctx, s, req, params)
	if err != nil {
		return nil, err
	}
	resp := &computev1.ListContainersResponse{NextPageToken: page.Next, MissingIds: page.Missing}
	for i := range page.Items {
		if v := toProtoContainer(&page.Items[i], s.Region); keepsContainer(req, v) {
			resp.Containers = append(resp.Containers, v)
		}
	}
	return resp, nil
}

// GetContainerLog reads the end of what a container wrote: two calls.
func (c *Containers) GetContainerLog(ctx context.Context, req *computev1.GetContainerLogRequest) (*computev1.GetContainerLogResponse, error) {
	s, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	found, err := containerGroups().Get(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	name := found.ContainerGroupName
	if len(found.Containers) > 0 {
		name = found.Containers[0].Name
	}
	lines := req.GetLines()
	if lines == 0 {
		lines = defaultLines
	}
	var out struct{ Content string }
	params := api.Params{}.Set("ContainerGroupId", req.GetId()).Set("ContainerName", name).Int("Tail", lines)
	if err := s.Call(ctx, api.ECI, "DescribeContainerLog", params, &out); err != nil {
		return nil, containerGroups().Refusal(ctx, s, err, req.GetId(), changingGroup)
	}
	return &computev1.GetContainerLogResponse{Output: lastLines(out.Content, int(lines))}, nil
}
