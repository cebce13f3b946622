package memcloud

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

// containerRig is a rig with a subnet and a security group for containers.
type containerRig struct {
	*rig
	container     computev1.ContainerServiceClient
	subnet, group string
}

func newContainerRig(t *testing.T) *containerRig {
	t.Helper()
	r := newRig(t)
	_, subnet := r.newSubnet("10.0.0.0/24")
	return &containerRig{r, computev1.NewContainerServiceClient(r.conn), subnet, r.newGroup()}
}

func (r *containerRig) request() *computev1.CreateContainerRequest {
	return &computev1.CreateContainerRequest{
		Name: "render", Image: "registry.example.cn/news/render:1.4", CpuMillicores: 500, MemoryMib: 1024,
		SubnetId: r.subnet, SecurityGroupIds: []string{r.group},
	}
}

func (r *containerRig) create(req *computev1.CreateContainerRequest) string {
	r.Helper()
	return must[*computev1.CreateContainerResponse](r.T)(r.container.CreateContainer(r.Context(), req)).GetId()
}

func (r *containerRig) get(id string) *computev1.Container {
	r.Helper()
	return must[*computev1.GetContainerResponse](r.T)(r.container.GetContainer(r.Context(), &computev1.GetContainerRequest{Id: id})).GetContainer()
}

func (r *containerRig) wantState(id string, want computev1.ContainerState) {
	r.Helper()
	if got := r.get(id).GetState(); got != want {
		r.Errorf("state is %v, want %v", got, want)
	}
}

func TestContainerLife(t *testing.T) {
	t.Parallel()
	r := newContainerRig(t)
	ctx := t.Context()
	req := r.request()
	req.Environment = []*computev1.EnvironmentVariable{{Name: "MODE", Value: "fast"}, {Name: "KEY", SecretValue: "hidden"}}
	id := r.create(req)
	r.wantState(id, computev1.ContainerState_CONTAINER_STATE_CREATING)
	refused[*computev1.StopContainerResponse](r.rig, apiv1.Reason_REASON_RESOURCE_BUSY)(r.container.StopContainer(ctx, &computev1.StopContainerRequest{Id: id}))
	r.settle()
	got := r.get(id)
	if got.GetState() != computev1.ContainerState_CONTAINER_STATE_RUNNING || got.GetPrivateIpAddress() == "" || got.GetStartedAt() == nil {
		t.Errorf("container is %v", got)
	}
	if env := got.GetEnvironment(); env[0].GetValue() != "fast" || env[1].GetSecretValue() != "" {
		t.Errorf("environment is %v", env)
	}

	stop := func() (*computev1.StopContainerResponse, error) {
		return r.container.StopContainer(ctx, &computev1.StopContainerRequest{Id: id})
	}
	must[*computev1.StopContainerResponse](t)(stop())
	r.settle()
	r.wantState(id, computev1.ContainerState_CONTAINER_STATE_STOPPED)
	must[*computev1.StopContainerResponse](t)(stop())
	refused[*computev1.RestartContainerResponse](r.rig, apiv1.Reason_REASON_INVALID_STATE)(r.container.RestartContainer(ctx, &computev1.RestartContainerRequest{Id: id}))
	must[*computev1.StartContainerResponse](t)(r.container.StartContainer(ctx, &computev1.StartContainerRequest{Id: id}))
	r.settle()
	must[*computev1.RestartContainerResponse](t)(r.container.RestartContainer(ctx, &computev1.RestartContainerRequest{Id: id}))
	r.settle()
	r.wantState(id, computev1.ContainerState_CONTAINER_STATE_RUNNING)

	log := must[*computev1.GetContainerLogResponse](t)(r.container.GetContainerLog(ctx, &computev1.GetContainerLogRequest{Id: id})).GetOutput()
	if strings.Count(log, "started registry.example.cn/news/render:1.4\n") != 3 || strings.Count(log, "ended with exit code 0\n") != 1 {
		t.Errorf("log is %q", log)
	}
	last := must[*computev1.GetContainerLogResponse](t)(r.container.GetContainerLog(ctx, &computev1.GetContainerLogRequest{Id: id, Lines: 1})).GetOutput()
	if !strings.HasSuffix(log, last) || strings.Count(last, "\n") != 1 {
		t.Errorf("last line is %q", last)
	}

	refused[*networkv1.DeleteSecurityGroupResponse](r.rig, apiv1.Reason_REASON_IN_USE)(r.rig.group.DeleteSecurityGroup(ctx, &networkv1.DeleteSecurityGroupRequest{Id: r.group}))
	refused[*networkv1.DeleteSubnetResponse](r.rig, apiv1.Reason_REASON_IN_USE)(r.rig.subnet.DeleteSubnet(ctx, &networkv1.DeleteSubnetRequest{Id: r.subnet}))
	for range 2 {
		must[*computev1.DeleteContainerResponse](t)(r.container.DeleteContainer(ctx, &computev1.DeleteContainerRequest{Id: id}))
		r.settle()
	}
	refused[*computev1.GetContainerResponse](r.rig, apiv1.Reason_REASON_NOT_FOUND)(r.container.GetContainer(ctx, &computev1.GetContainerRequest{Id: id}))
	must[*networkv1.DeleteSubnetResponse](t)(r.rig.subnet.DeleteSubnet(ctx, &networkv1.DeleteSubnetRequest{Id: r.subnet}))
}

func TestContainersThatEnd(t *testing.T) {
	t.Parallel()
	r := newContainerRig(t)
	never, onFailure := computev1.RestartPolicy_RESTART_POLICY_NEVER, computev1.RestartPolicy_RESTART_POLICY_ON_FAILURE
	for _, tc := range []struct {
		program string
		policy  computev1.RestartPolicy
		want    computev1.ContainerState
		code    int32
	}{
		{"true", never, computev1.ContainerState_CONTAINER_STATE_SUCCEEDED, 0},
		{"false", never, computev1.ContainerState_CONTAINER_STATE_FAILED, 1},
		{"true", onFailure, computev1.ContainerState_CONTAINER_STATE_SUCCEEDED, 0},
		{"false", onFailure, computev1.ContainerState_CONTAINER_STATE_RUNNING, 0},
		{"serve", never, computev1.ContainerState_CONTAINER_STATE_RUNNING, 0},
	} {
		req := r.request()
		req.Command, req.RestartPolicy = []string{tc.program}, tc.policy
		id := r.create(req)
		r.settle()
		r.wantState(id, tc.want)
		if got := r.get(id).GetExitCode(); got != tc.code {
			t.Errorf("%s: exit code %d, want %d", tc.program, got, tc.code)
		}
	}
}

func TestContainerSize(t *testing.T) {
	t.Parallel()
	r := newContainerRig(t)
	ctx := t.Context()
	id := r.create(r.request())
	r.settle()
	update := func(memory int32) (*computev1.UpdateContainerResponse, error) {
		return r.container.UpdateContainer(ctx, &computev1.UpdateContainerRequest{Id: id, MemoryMib: proto.Int32(memory), Description: proto.String("bigger")})
	}
	for range 2 { // a repeat finds the move on its way
		must[*computev1.UpdateContainerResponse](t)(update(2048))
		r.wantState(id, computev1.ContainerState_CONTAINER_STATE_UPDATING)
	}
	refused[*computev1.UpdateContainerResponse](r.rig, apiv1.Reason_REASON_RESOURCE_BUSY)(update(4096))
	r.settle()
	if got := r.get(id); got.GetMemoryMib() != 2048 || got.GetCpuMillicores() != 500 || got.GetDescription() != "bigger" ||
		got.GetState() != computev1.ContainerState_CONTAINER_STATE_RUNNING {
		t.Errorf("container is %v", got)
	}
	knobs := DefaultKnobs()
	knobs.Quotas = map[string]int32{"compute.container.memory": 2048}
	if err := r.cloud.SetKnobs(knobs); err != nil {
		t.Fatal(err)
	}
	refused[*computev1.UpdateContainerResponse](r.rig, apiv1.Reason_REASON_QUOTA_EXCEEDED)(update(4096))
	refused[*computev1.CreateContainerResponse](r.rig, apiv1.Reason_REASON_QUOTA_EXCEEDED)(r.container.CreateContainer(ctx, r.request()))
}
