package compute_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/calltest"
	"github.com/yunqiao/yunqiao/drivers/alibaba/compute"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// TestCreateContainerParameters shows for each field where it goes.
func TestCreateContainerParameters(t *testing.T) {
	t.Parallel()
	type container = computev1.CreateContainerRequest
	calltest.Table[*container]{
		Register: compute.Register,
		Answers:  map[string]string{"CreateContainerGroup": `{"ContainerGroupId":"eci-1"}`},
		Send: func(ctx context.Context, conn grpc.ClientConnInterface, req *container) error {
			_, err := computev1.NewContainerServiceClient(conn).CreateContainer(ctx, req)
			return err
		},
		Action: "CreateContainerGroup",
		Base: &container{
			Name: "web", Image: "registry.example.com/a/web:1", CpuMillicores: 500, MemoryMib: 1536,
			SubnetId: "vsw-1", SecurityGroupIds: []string{"sg-1"},
		},
		Params: map[string]string{
			"ContainerGroupName": "web", "Container.1.Name": "web", "Container.1.Image": "registry.example.com/a/web:1",
			"Cpu": "0.5", "Memory": "1.5", "RestartPolicy": "Always", "VSwitchId": "vsw-1", "SecurityGroupId": "sg-1",
			"ResourceGroupId": "rg-test", "ClientToken": token,
		},
		Rows: map[string]calltest.Row[*container]{
			"description": {}, // kept by the gateway: the feature compute.container.description is not declared
			"name":        {}, "image": {}, "cpu_millicores": {}, "memory_mib": {}, "subnet_id": {}, "security_group_ids": {},
			"tags":    {Set: &container{Tags: map[string]string{"k": "v"}}, Want: map[string]string{"Tag.1.Key": "k", "Tag.1.Value": "v"}},
			"zone_id": {Set: &container{ZoneId: "cn-hangzhou-h"}, Want: map[string]string{"ZoneId": "cn-hangzhou-h"}},
			"charge":  {Set: &container{Charge: &apiv1.Charge{Mode: apiv1.ChargeMode_CHARGE_MODE_SPOT}}, Want: map[string]string{"SpotStrategy": "SpotAsPriceGo"}},
			"command": {Set: &container{Command: []string{"/bin/sh", "-c"}}, Want: map[string]string{"Container.1.Command.1": "/bin/sh", "Container.1.Command.2": "-c"}},
			"args":    {Set: &container{Args: []string{"sleep 1"}}, Want: map[string]string{"Container.1.Arg.1": "sleep 1"}},
			"environment": {
				Set: &container{Environment: []*computev1.EnvironmentVariable{{Name: "A", Value: "1"}, {Name: "B", SecretValue: "s"}}},
				Want: map[string]string{
					"Container.1.EnvironmentVar.1.Key": "A", "Container.1.EnvironmentVar.1.Value": "1",
					"Container.1.EnvironmentVar.2.Key": "B", "Container.1.EnvironmentVar.2.Value": "s", "Container.1.EnvironmentVarHide": "true",
				},
			},
			"ports": {
				Set:  &container{Ports: []*computev1.ContainerPort{{Port: 53, Protocol: computev1.ContainerPortProtocol_CONTAINER_PORT_PROTOCOL_UDP}}},
				Want: map[string]string{"Container.1.Port.1.Port": "53", "Container.1.Port.1.Protocol": "UDP"},
			},
			"restart_policy": {
				Set:  &container{RestartPolicy: computev1.RestartPolicy_RESTART_POLICY_ON_FAILURE},
				Want: map[string]string{"RestartPolicy": "OnFailure"},
			},
			"registry_auth": {
				Set: &container{RegistryAuth: &computev1.RegistryAuth{Username: "u", Password: "p"}},
				Want: map[string]string{
					"ImageRegistryCredential.1.Server": "registry.example.com", "ImageRegistryCredential.1.UserName": "u", "ImageRegistryCredential.1.Password": "p",
				},
			},
		},
	}.Run(t)
}

func TestUpdateContainerKeepsWhatIsNotSent(t *testing.T) {
	t.Parallel()
	cloud := calltest.Open(t, compute.Register, map[string]string{
		"DescribeContainerGroups": `{"ContainerGroups":[{"ContainerGroupId":"eci-1","Status":"Running","Cpu":1.0,"Memory":2.0}]}`,
		"UpdateContainerGroup":    `{"Code":"NoNeedUpdate"}`,
	})
	_, err := computev1.NewContainerServiceClient(cloud.Conn).UpdateContainer(calltest.Context(t), &computev1.UpdateContainerRequest{Id: "eci-1", MemoryMib: proto.Int32(4096)})
	if err != nil {
		t.Fatal(err)
	}
	want := []calltest.Call{
		call("DescribeContainerGroups", map[string]string{"ContainerGroupIds": `["eci-1"]`}),
		call("UpdateContainerGroup", map[string]string{"ContainerGroupId": "eci-1", "UpdateType": "IncrementalUpdate", "Cpu": "1", "Memory": "4", "ClientToken": token}),
	}
	if diff := cmp.Diff(want, cloud.Calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// TestKeyPairOfARepeat tells a repeat of the request from another's key pair.
func TestKeyPairOfARepeat(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		marker string
		want   apiv1.Reason
	}{
		"our own":    {token, apiv1.Reason_REASON_UNSPECIFIED},
		"another's":  {"other", apiv1.Reason_REASON_ALREADY_EXISTS},
		"not marked": {"", apiv1.Reason_REASON_ALREADY_EXISTS},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud := calltest.Open(t, compute.Register, map[string]string{
				"ImportKeyPair":    `{"Code":"KeyPair.AlreadyExist"}`,
				"DescribeKeyPairs": `{"KeyPairs":{"KeyPair":[{"KeyPairName":"k 1","Tags":{"Tag":[{"TagKey":"yunqiao-request","TagValue":"` + tc.marker + `"}]}}]}}`,
			})
			resp, err := computev1.NewKeyPairServiceClient(cloud.Conn).CreateKeyPair(calltest.Context(t), &computev1.CreateKeyPairRequest{
				Name: "k 1", PublicKey: "ssh-rsa AAAA", Tags: map[string]string{"a": "b"},
			})
			if got := sdk.ReasonOf(err); got != tc.want || err == nil && resp.GetId() != "k~201" {
				t.Errorf("got %v, %v", resp, err)
			}
			want := call("ImportKeyPair", map[string]string{
				"KeyPairName": "k 1", "PublicKeyBody": "ssh-rsa AAAA", "ResourceGroupId": "rg-test",
				"Tag.1.Key": "a", "Tag.1.Value": "b", "Tag.2.Key": "yunqiao-request", "Tag.2.Value": token,
			})
			if diff := cmp.Diff(want, cloud.Calls()[0]); diff != "" {
				t.Errorf("call (-want +got):\n%s", diff)
			}
		})
	}
}

// TestResizeOfARunningVM goes through the steps: stop, change, start.
func TestResizeOfARunningVM(t *testing.T) {
	t.Parallel()
	running := `{"Instances":{"Instance":[{"InstanceId":"i-1","Status":"Running","InstanceType":"ecs.g7.large","InstanceChargeType":"PrePaid"}]}}`
	halted := `{"Instances":{"Instance":[{"InstanceId":"i-1","Status":"Stopped","InstanceType":"ecs.g7.large","InstanceChargeType":"PrePaid"}]}}`
	change := map[string]string{"InstanceId": "i-1", "InstanceType": "ecs.g7.xlarge", "AutoPay": "true", "ClientToken": sdk.Token(calltest.RequestID, "change")}
	for name, tc := range map[string]struct {
		instance, refusal string
		call              sdk.Call
		allow             bool
		want              []calltest.Call
		reason            apiv1.Reason
	}{
		"not allowed": {instance: running, reason: apiv1.Reason_REASON_INVALID_STATE},
		"first step": {
			instance: running, allow: true,
			want: []calltest.Call{call("StopInstance", map[string]string{"InstanceId": "i-1", "StoppedMode": "KeepCharging"})},
		},
		"second step, not stopped yet": {instance: running, allow: true, call: sdk.Call{NextStep: "change"}},
		"second step": {
			instance: halted, allow: true, call: sdk.Call{NextStep: "change"},
			want: []calltest.Call{call("ModifyPrepayInstanceSpec", change), call("StartInstance", map[string]string{"InstanceId": "i-1"})},
		},
		"no stock: started as it was": {
			instance: halted, allow: true, call: sdk.Call{NextStep: "change"}, refusal: `{"Code":"OperationDenied.NoStock"}`,
			want:   []calltest.Call{call("ModifyPrepayInstanceSpec", change), call("StartInstance", map[string]string{"InstanceId": "i-1"})},
			reason: apiv1.Reason_REASON_OUT_OF_STOCK,
		},
		"undo": {
			instance: halted, allow: true, call: sdk.Call{NextStep: "change", Undo: true},
			want: []calltest.Call{call("StartInstance", map[string]string{"InstanceId": "i-1"})},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answers := map[string]string{"DescribeInstances": tc.instance}
			if tc.refusal != "" {
				answers["ModifyPrepayInstanceSpec"] = tc.refusal
			}
			cloud := calltest.Open(t, compute.Register, answers)
			_, err := computev1.NewVmServiceClient(cloud.Conn).ResizeVm(calltest.ContextOf(t, tc.call),
				&computev1.ResizeVmRequest{Id: "i-1", FlavorId: "ecs.g7.xlarge", AllowRestart: tc.allow})
			if got := sdk.ReasonOf(err); got != tc.reason {
				t.Errorf("got %v", err)
			}
			var changed []calltest.Call
			for _, made := range cloud.Calls() {
				if made.Action != "DescribeInstances" {
					changed = append(changed, made)
				}
			}
			if diff := cmp.Diff(tc.want, changed); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}
