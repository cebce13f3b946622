package container

import (
	"strings"
	"testing"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/openstack/livetest"
	"github.com/yunqiao/yunqiao/drivers/openstack/referencecloud"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

func TestContainerLife(t *testing.T) {
	reference := referencecloud.New(t)
	cloud := livetest.OpenAt(t, reference.Settings(), reference.Credentials(), Register)
	if got := cloud.Session.Container.Microversion; got != "1.36" {
		t.Errorf("microversion %q", got)
	}
	client := computev1.NewContainerServiceClient(cloud.Conn)
	const network = "22222222-0000-4000-8000-000000000001"
	subnet := reference.AddSubnet(network, "10.0.0.0/24")
	group := reference.AddSecurityGroup("web")
	create := &computev1.CreateContainerRequest{
		Name: "render", Description: "转码", Tags: map[string]string{"team": "news"}, Image: "registry.example.cn/render:1.4",
		CpuMillicores: 1500, MemoryMib: 512, Command: []string{"/bin/render"}, Args: []string{"--fast"}, SubnetId: subnet,
		SecurityGroupIds: []string{group}, Environment: []*computev1.EnvironmentVariable{{Name: "MODE", Value: "news"}},
		Ports: []*computev1.ContainerPort{{Port: 80}}, RestartPolicy: computev1.RestartPolicy_RESTART_POLICY_ON_FAILURE,
	}
	id := livetest.Must(t, cloud, "render", client.CreateContainer, create).GetId()
	if again := livetest.Repeat(t, cloud, "render", client.CreateContainer, create).GetId(); again != id {
		t.Errorf("a repeat made %s beside %s", again, id)
	}
	removesTwin(t, cloud, client, create, id)
	until := func(want computev1.ContainerState) *computev1.Container {
		t.Helper()
		var v *computev1.Container
		livetest.Eventually(t, want.String(), func() bool {
			v = livetest.Must(t, cloud, "get", client.GetContainer, &computev1.GetContainerRequest{Id: id}).GetContainer()
			return v.GetState() == want
		})
		return v
	}
	v := until(computev1.ContainerState_CONTAINER_STATE_RUNNING)
	switch {
	case v.GetName() != "render", v.GetDescription() != "转码", len(v.GetTags()) != 1, v.GetTags()["team"] != "news":
		t.Errorf("words: %v", v)
	case v.GetCpuMillicores() != 1500, v.GetMemoryMib() != 512, v.GetCommand()[0] != "/bin/render", v.GetArgs()[0] != "--fast":
		t.Errorf("size and command: %v", v)
	case v.GetSubnetId() != subnet, v.GetPrivateIpAddress() == "", v.GetSecurityGroupIds()[0] != group:
		t.Errorf("network: %v", v)
	case v.GetRestartPolicy() != computev1.RestartPolicy_RESTART_POLICY_ON_FAILURE, v.GetEnvironment()[0].GetValue() != "news":
		t.Errorf("policy and environment: %v", v)
	}
	livetest.Must(t, cloud, "start", client.StartContainer, &computev1.StartContainerRequest{Id: id})
	livetest.Must(t, cloud, "restart", client.RestartContainer, &computev1.RestartContainerRequest{Id: id})
	until(computev1.ContainerState_CONTAINER_STATE_RUNNING)
	livetest.Must(t, cloud, "stop", client.StopContainer, &computev1.StopContainerRequest{Id: id, TimeoutSeconds: 5})
	if v := until(computev1.ContainerState_CONTAINER_STATE_STOPPED); v.GetExitCode() != 137 {
		t.Errorf("exit code %v", v.ExitCode)
	}
	livetest.Must(t, cloud, "bigger", client.UpdateContainer, &computev1.UpdateContainerRequest{Id: id, MemoryMib: proto.Int32(1024)})
	if v := until(computev1.ContainerState_CONTAINER_STATE_STOPPED); v.GetMemoryMib() != 1024 || v.GetCpuMillicores() != 1500 {
		t.Errorf("size: %v", v)
	}
	if log := livetest.Must(t, cloud, "log", client.GetContainerLog, &computev1.GetContainerLogRequest{Id: id}).GetOutput(); !strings.HasSuffix(log, "ready\n") {
		t.Errorf("log: %q", log)
	}
	list := livetest.Must(t, cloud, "list", client.ListContainers, &computev1.ListContainersRequest{Ids: []string{id, "22222222-0000-4000-8000-000000000009"}})
	if len(list.GetContainers()) != 1 || len(list.GetMissingIds()) != 1 {
		t.Errorf("list: %v", list)
	}
	livetest.Must(t, cloud, "delete", client.DeleteContainer, &computev1.DeleteContainerRequest{Id: id})
	livetest.Eventually(t, "gone", func() bool {
		_, err := livetest.Call(t.Context(), cloud, "get", 1, client.GetContainer, &computev1.GetContainerRequest{Id: id})
		return sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND
	})
	livetest.Must(t, cloud, "delete again", client.DeleteContainer, &computev1.DeleteContainerRequest{Id: id})
}

// removesTwin makes what an attempt in another process makes beside the first.
func removesTwin(t *testing.T, cloud *livetest.Cloud, client computev1.ContainerServiceClient, create *computev1.CreateContainerRequest, first string) {
	t.Helper()
	twin := livetest.Must(t, cloud, "render", client.CreateContainer, create).GetId()
	if again := livetest.Repeat(t, cloud, "render", client.CreateContainer, create).GetId(); again != first || twin == first {
		t.Errorf("a repeat returned %s, not the older %s; twin %s", again, first, twin)
	}
	livetest.Eventually(t, "twin gone", func() bool {
		_, err := livetest.Call(t.Context(), cloud, "get", 1, client.GetContainer, &computev1.GetContainerRequest{Id: twin})
		return sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND
	})
}

func TestRefusedContainers(t *testing.T) {
	reference := referencecloud.New(t)
	cloud := livetest.OpenAt(t, reference.Settings(), reference.Credentials(), Register)
	client := computev1.NewContainerServiceClient(cloud.Conn)
	const network = "22222222-0000-4000-8000-000000000001"
	subnet := reference.AddSubnet(network, "10.0.0.0/24")
	group := reference.AddSecurityGroup("web")
	good := func(change func(*computev1.CreateContainerRequest)) *computev1.CreateContainerRequest {
		req := &computev1.CreateContainerRequest{
			Name: "x", Image: "x", CpuMillicores: 250, MemoryMib: 256, SubnetId: subnet, SecurityGroupIds: []string{group},
		}
		change(req)
		return req
	}
	const absent = "22222222-0000-4000-8000-000000000009"
	for want, req := range map[apiv1.Reason]*computev1.CreateContainerRequest{
		apiv1.Reason_REASON_UNSUPPORTED_FEATURE: good(func(r *computev1.CreateContainerRequest) {
			r.RegistryAuth = &computev1.RegistryAuth{Username: "u", Password: "p"}
		}),
		apiv1.Reason_REASON_REFERENCE_NOT_FOUND: good(func(r *computev1.CreateContainerRequest) { r.SecurityGroupIds = []string{absent} }),
	} {
		livetest.Refused(t, cloud, want, "", client.CreateContainer, req)
	}
	livetest.Refused(t, cloud, apiv1.Reason_REASON_NOT_FOUND, "", client.StopContainer, &computev1.StopContainerRequest{Id: absent})
	reference.AddSecurityGroup("web")
	livetest.Refused(t, cloud, apiv1.Reason_REASON_REFERENCE_MISMATCH, "", client.CreateContainer, good(func(*computev1.CreateContainerRequest) {}))
	reference.AddSubnet(network, "10.0.1.0/24")
	livetest.Refused(t, cloud, apiv1.Reason_REASON_REFERENCE_MISMATCH, "", client.CreateContainer, good(func(*computev1.CreateContainerRequest) {}))
	list := livetest.Must(t, cloud, "list", client.ListContainers, &computev1.ListContainersRequest{})
	if len(list.GetContainers()) != 0 {
		t.Errorf("refused requests left %v", list)
	}
}

func TestStates(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		v    container
		want computev1.ContainerState
	}{
		"pulling":              {container{Status: "Creating", TaskState: "image_pulling"}, computev1.ContainerState_CONTAINER_STATE_CREATING},
		"made elsewhere":       {container{Status: "Created"}, computev1.ContainerState_CONTAINER_STATE_STOPPED},
		"stopped by hand":      {container{Status: "Stopped", StatusDetail: "Exited(137) 2 mins ago"}, computev1.ContainerState_CONTAINER_STATE_STOPPED},
		"did its work":         {container{Status: "Stopped", StatusDetail: "Exited(0) 2 mins ago", RestartPolicy: restartPolicy{"no"}}, computev1.ContainerState_CONTAINER_STATE_SUCCEEDED},
		"failed":               {container{Status: "Stopped", StatusDetail: "Exited (3) 2 mins ago", RestartPolicy: restartPolicy{"no"}}, computev1.ContainerState_CONTAINER_STATE_FAILED},
		"a word of the future": {container{Status: "Migrating"}, computev1.ContainerState_CONTAINER_STATE_UNSPECIFIED},
	} {
		if got := toProtoState(&tc.v); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
	for text, want := range map[string]int32{`"500M"`: 500, `"1G"`: 1024, "512": 512, `"512"`: 512, "null": 0} {
		if got := mebibytes(text); got != want {
			t.Errorf("%s: %d MiB, want %d", text, got, want)
		}
	}
}
