package compute_test

import (
	"context"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/calltest"
	"github.com/yunqiao/yunqiao/drivers/alibaba/compute"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

var token = sdk.Token(calltest.RequestID, "")

// TestCreateVmParameters shows for each field where it goes.
func TestCreateVmParameters(t *testing.T) {
	t.Parallel()
	type vm = computev1.CreateVmRequest
	calltest.Table[*vm]{
		Register: compute.Register,
		Answers:  map[string]string{"RunInstances": `{"InstanceIdSets":{"InstanceIdSet":["i-1"]}}`},
		Send: func(ctx context.Context, conn grpc.ClientConnInterface, req *vm) error {
			_, err := computev1.NewVmServiceClient(conn).CreateVm(ctx, req)
			return err
		},
		Action: "RunInstances",
		Base: &vm{
			Name: "网站-1", ImageId: "ubuntu_22_04.vhd", FlavorId: "ecs.g7.large", SecurityGroupIds: []string{"sg-1", "sg-2"},
			Nics: []*computev1.NicSpec{{SubnetId: "vsw-1"}},
		},
		Params: map[string]string{
			"Amount": "1", "InstanceName": "网站-1", "ImageId": "ubuntu_22_04.vhd", "InstanceType": "ecs.g7.large",
			"SecurityGroupIds.1": "sg-1", "SecurityGroupIds.2": "sg-2", "VSwitchId": "vsw-1",
			"InstanceChargeType": "PostPaid", "ResourceGroupId": "rg-test", "ClientToken": token,
		},
		Rows: map[string]calltest.Row[*vm]{
			"name":               {},
			"image_id":           {},
			"flavor_id":          {},
			"security_group_ids": {},
			"description":        {Set: &vm{Description: "a b+c*d"}, Want: map[string]string{"Description": "a b+c*d"}},
			"tags":               {Set: &vm{Tags: map[string]string{"k": "v"}}, Want: map[string]string{"Tag.1.Key": "k", "Tag.1.Value": "v"}},
			"zone_id":            {Set: &vm{ZoneId: "cn-hangzhou-h"}, Want: map[string]string{"ZoneId": "cn-hangzhou-h"}},
			"charge": {
				Set: &vm{Charge: &apiv1.Charge{Mode: apiv1.ChargeMode_CHARGE_MODE_PREPAID, PeriodMonths: 6, AutoRenew: true}},
				Want: map[string]string{
					"InstanceChargeType": "PrePaid", "Period": "6", "PeriodUnit": "Month", "AutoPay": "true", "AutoRenew": "true", "AutoRenewPeriod": "1",
				},
			},
			"host_name": {Set: &vm{HostName: "web1"}, Want: map[string]string{"HostName": "web1"}},
			"nics": {
				Set: &vm{Nics: []*computev1.NicSpec{{SubnetId: "vsw-2", PrivateIpAddress: "10.0.0.9"}, {NicId: "eni-1"}}},
				Want: map[string]string{
					"NetworkInterface.1.InstanceType": "Secondary", "NetworkInterface.1.VSwitchId": "vsw-2",
					"NetworkInterface.1.PrimaryIpAddress": "10.0.0.9", "NetworkInterface.1.SecurityGroupIds.1": "sg-1",
					"NetworkInterface.1.SecurityGroupIds.2": "sg-2", "NetworkInterface.1.DeleteOnRelease": "true",
					"NetworkInterface.2.InstanceType": "Secondary", "NetworkInterface.2.NetworkInterfaceId": "eni-1",
					"NetworkInterface.2.DeleteOnRelease": "false",
				},
			},
			"boot_disk": {
				Set:  &vm{BootDisk: &computev1.BootDisk{SizeGib: 60, DiskTypeId: "cloud_essd.PL1", DeleteWithVm: proto.Bool(true)}},
				Want: map[string]string{"SystemDisk.Size": "60", "SystemDisk.Category": "cloud_essd", "SystemDisk.PerformanceLevel": "PL1"},
			},
			"data_disks": {
				Set: &vm{DataDisks: []*computev1.DataDisk{{SizeGib: 100, DiskTypeId: "cloud_ssd", SnapshotId: "s-1", DeleteWithVm: proto.Bool(true)}, {SizeGib: 20}}},
				Want: map[string]string{
					"DataDisk.1.Size": "100", "DataDisk.1.Category": "cloud_ssd", "DataDisk.1.SnapshotId": "s-1", "DataDisk.1.DeleteWithInstance": "true",
					"DataDisk.2.Size": "20", "DataDisk.2.DeleteWithInstance": "false",
				},
			},
			"release_at": {
				Set:  &vm{ReleaseAt: timestamppb.New(time.Date(2026, 11, 20, 10, 30, 59, 0, time.UTC))},
				Want: map[string]string{"AutoReleaseTime": "2026-11-20T10:30:00Z"},
			},
			"key_pair_id": {Set: &vm{KeyPairId: "my~20key"}, Want: map[string]string{"KeyPairName": "my key"}},
			"password":    {Set: &vm{Password: "Secret-123"}, Want: map[string]string{"Password": "Secret-123"}},
			"user_data":   {Set: &vm{UserData: []byte("#!/bin/sh\n")}, Want: map[string]string{"UserData": "IyEvYmluL3NoCg=="}},
		},
	}.Run(t)
}

// TestVmsRefuse shows what is refused without a call.
func TestVmsRefuse(t *testing.T) {
	t.Parallel()
	cloud := calltest.Open(t, compute.Register, nil)
	vms := computev1.NewVmServiceClient(cloud.Conn)
	for name, tc := range map[string]struct {
		req    *computev1.CreateVmRequest
		reason apiv1.Reason
		field  string
	}{
		"boot disk that stays": {
			&computev1.CreateVmRequest{
				Nics: []*computev1.NicSpec{{SubnetId: "vsw-1"}}, SecurityGroupIds: []string{"sg-1"},
				BootDisk: &computev1.BootDisk{DeleteWithVm: proto.Bool(false)},
			}, apiv1.Reason_REASON_UNSUPPORTED_FEATURE, "boot_disk.delete_with_vm",
		},
		"primary NIC by id": {
			&computev1.CreateVmRequest{Nics: []*computev1.NicSpec{{NicId: "eni-1"}}, SecurityGroupIds: []string{"sg-1"}},
			apiv1.Reason_REASON_UNSUPPORTED_FEATURE, "nics[0].nic_id",
		},
		"no security group": {
			&computev1.CreateVmRequest{Nics: []*computev1.NicSpec{{SubnetId: "vsw-1"}}},
			apiv1.Reason_REASON_PARAMETER_REJECTED, "security_group_ids",
		},
	} {
		_, err := vms.CreateVm(calltest.Context(t), tc.req)
		if got := sdk.ReasonOf(err); got != tc.reason || sdk.InfoOf(err)["field"] != tc.field {
			t.Errorf("%s: %v of %q", name, err, sdk.InfoOf(err)["field"])
		}
	}
	if calls := cloud.Actions(); len(calls) > 0 {
		t.Errorf("calls: %v", calls)
	}
}

func call(action string, params map[string]string) calltest.Call {
	return calltest.Call{Action: action, Params: params}
}

const stopped = `{"Instances":{"Instance":[{"InstanceId":"i-1","Status":"Stopped","InstanceType":"ecs.g7.large","InstanceChargeType":"PostPaid",
	"Tags":{"Tag":[{"TagKey":"old","TagValue":"1"},{"TagKey":"acs:rm","TagValue":"x"}]},
	"NetworkInterfaces":{"NetworkInterface":[{"NetworkInterfaceId":"eni-1","Type":"Primary"},{"NetworkInterfaceId":"eni-2","Type":"Secondary"}]}}]}}`

// TestVmActions shows the calls of each rpc on a VM.
func TestVmActions(t *testing.T) {
	t.Parallel()
	rows := map[string]struct {
		run     func(*testing.T, computev1.VmServiceClient) error
		answers map[string]string
		want    []calltest.Call // the calls that change something
		calls   int             // all calls; 0: those of want
	}{
		"start": {
			run: func(t *testing.T, c computev1.VmServiceClient) error {
				_, err := c.StartVm(calltest.Context(t), &computev1.StartVmRequest{Id: "i-1"})
				return err
			},
			want: []calltest.Call{call("StartInstance", map[string]string{"InstanceId": "i-1"})},
		},
		"stop": {
			run: func(t *testing.T, c computev1.VmServiceClient) error {
				_, err := c.StopVm(calltest.Context(t), &computev1.StopVmRequest{Id: "i-1"})
				return err
			},
			want: []calltest.Call{call("StopInstance", map[string]string{"InstanceId": "i-1", "StoppedMode": "KeepCharging"})},
		},
		"stop by force, give capacity back": {
			run: func(t *testing.T, c computev1.VmServiceClient) error {
				_, err := c.StopVm(calltest.Context(t), &computev1.StopVmRequest{Id: "i-1", Force: true, StopMode: computev1.StopMode_STOP_MODE_RELEASE})
				return err
			},
			want: []calltest.Call{call("StopInstance", map[string]string{"InstanceId": "i-1", "StoppedMode": "StopCharging", "ForceStop": "true"})},
		},
		"stop what is stopped": {
			run: func(t *testing.T, c computev1.VmServiceClient) error {
				_, err := c.StopVm(calltest.Context(t), &computev1.StopVmRequest{Id: "i-1"})
				return err
			},
			answers: map[string]string{"StopInstance": `{"Code":"IncorrectInstanceStatus"}`},
			want:    []calltest.Call{call("StopInstance", map[string]string{"InstanceId": "i-1", "StoppedMode": "KeepCharging"})},
			calls:   2,
		},
		"reboot": {
			run: func(t *testing.T, c computev1.VmServiceClient) error {
				_, err := c.RebootVm(calltest.Context(t), &computev1.RebootVmRequest{Id: "i-1", Force: true})
				return err
			},
			want: []calltest.Call{call("RebootInstance", map[string]string{"InstanceId": "i-1", "ForceStop": "true"})},
		},
		"resize": {
			run: func(t *testing.T, c computev1.VmServiceClient) error {
				_, err := c.ResizeVm(calltest.Context(t), &computev1.ResizeVmRequest{Id: "i-1", FlavorId: "ecs.g7.xlarge"})
				return err
			},
			want: []calltest.Call{call("ModifyInstanceSpec", map[string]string{
				"InstanceId": "i-1", "InstanceType": "ecs.g7.xlarge", "ClientToken": sdk.Token(calltest.RequestID, "change"),
			})},
			calls: 2,
		},
		"update": {
			run: func(t *testing.T, c computev1.VmServiceClient) error {
				_, err := c.UpdateVm(calltest.Context(t), &computev1.UpdateVmRequest{
					Id: "i-1", Name: proto.String("n2"), Description: proto.String("d2"), DeletionProtected: proto.Bool(true),
					Tags: &apiv1.StringMap{Entries: map[string]string{"new": "2"}},
				})
				return err
			},
			want: []calltest.Call{
				call("ModifyInstanceAttribute", map[string]string{"InstanceId": "i-1", "InstanceName": "n2", "Description": "d2", "DeletionProtection": "true"}),
				call("TagResources", map[string]string{"ResourceType": "instance", "ResourceId.1": "i-1", "Tag.1.Key": "new", "Tag.1.Value": "2"}),
				call("UntagResources", map[string]string{"ResourceType": "instance", "ResourceId.1": "i-1", "TagKey.1": "old"}),
			},
			calls: 4,
		},
		"time of release": {
			run: func(t *testing.T, c computev1.VmServiceClient) error {
				_, err := c.UpdateVm(calltest.Context(t), &computev1.UpdateVmRequest{
					Id: "i-1", ReleaseAt: timestamppb.New(time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)),
				})
				return err
			},
			want: []calltest.Call{
				call("ModifyInstanceAutoReleaseTime", map[string]string{"InstanceId": "i-1", "AutoReleaseTime": "2027-01-02T03:04:00Z"}),
			},
			calls: 2,
		},
		"no time of release": {
			run: func(t *testing.T, c computev1.VmServiceClient) error {
				_, err := c.UpdateVm(calltest.Context(t), &computev1.UpdateVmRequest{Id: "i-1", RemoveReleaseAt: true})
				return err
			},
			want:  []calltest.Call{call("ModifyInstanceAutoReleaseTime", map[string]string{"InstanceId": "i-1"})},
			calls: 2,
		},
		"security groups": {
			run: func(t *testing.T, c computev1.VmServiceClient) error {
				_, err := c.SetVmSecurityGroups(calltest.Context(t), &computev1.SetVmSecurityGroupsRequest{Id: "i-1", SecurityGroupIds: []string{"sg-9"}})
				return err
			},
			want: []calltest.Call{
				call("ModifyInstanceAttribute", map[string]string{"InstanceId": "i-1", "SecurityGroupIds.1": "sg-9"}),
				call("ModifyNetworkInterfaceAttribute", map[string]string{"NetworkInterfaceId": "eni-2", "SecurityGroupId.1": "sg-9"}),
			},
			calls: 3,
		},
		"password": {
			run: func(t *testing.T, c computev1.VmServiceClient) error {
				_, err := c.ResetVmPassword(calltest.Context(t), &computev1.ResetVmPasswordRequest{Id: "i-1", Password: "Secret-123"})
				return err
			},
			want: []calltest.Call{call("ModifyInstanceAttribute", map[string]string{"InstanceId": "i-1", "Password": "Secret-123"})},
		},
		"delete": {
			run: func(t *testing.T, c computev1.VmServiceClient) error {
				_, err := c.DeleteVm(calltest.Context(t), &computev1.DeleteVmRequest{Id: "i-1"})
				return err
			},
			want: []calltest.Call{call("DeleteInstance", map[string]string{"InstanceId": "i-1", "Force": "true"})},
		},
		"delete what is gone": {
			run: func(t *testing.T, c computev1.VmServiceClient) error {
				_, err := c.DeleteVm(calltest.Context(t), &computev1.DeleteVmRequest{Id: "i-1"})
				return err
			},
			answers: map[string]string{"DeleteInstance": `{"Code":"InvalidInstanceId.NotFound"}`},
			want:    []calltest.Call{call("DeleteInstance", map[string]string{"InstanceId": "i-1", "Force": "true"})},
		},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answers := map[string]string{"DescribeInstances": stopped}
			maps.Copy(answers, row.answers)
			cloud := calltest.Open(t, compute.Register, answers)
			if err := row.run(t, computev1.NewVmServiceClient(cloud.Conn)); err != nil {
				t.Fatal(err)
			}
			var changed []calltest.Call
			for _, made := range cloud.Calls() {
				if made.Action != "DescribeInstances" {
					changed = append(changed, made)
				}
			}
			if diff := cmp.Diff(row.want, changed); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			if want := max(row.calls, len(row.want)); len(cloud.Calls()) != want {
				t.Errorf("%d calls, want %d: %v", len(cloud.Calls()), want, cloud.Actions())
			}
		})
	}
}

// TestListVmsIsOneCall shows the filters that the cloud takes, and what comes back.
func TestListVmsIsOneCall(t *testing.T) {
	t.Parallel()
	cloud := calltest.Open(t, compute.Register, map[string]string{"DescribeInstances": `{"NextToken":"t2","Instances":{"Instance":[{
		"InstanceId":"i-1","InstanceName":"web","Status":"Stopped","StoppedMode":"StopCharging","Cpu":2,"Memory":8192,"OSType":"linux",
		"CreationTime":"2026-11-20T08:01Z","InstanceChargeType":"PostPaid","ExpiredTime":"2099-12-31T15:59Z","ZoneId":"cn-hangzhou-h",
		"ResourceGroupId":"rg-test","KeyPairName":"my key","VpcAttributes":{"VpcId":"vpc-1","VSwitchId":"vsw-1"},"EipAddress":{"IpAddress":"47.1.1.1"},
		"SecurityGroupIds":{"SecurityGroupId":["sg-1"]},"OperationLocks":{"LockReason":[{"LockReason":"financial"}]},
		"NetworkInterfaces":{"NetworkInterface":[{"NetworkInterfaceId":"eni-1","Type":"Primary","MacAddress":"00:16:3E:00:00:01",
			"PrivateIpSets":{"PrivateIpSet":[{"PrivateIpAddress":"10.0.0.4","Primary":true}]}}]},
		"Tags":{"Tag":[{"TagKey":"k","TagValue":"v"},{"TagKey":"yunqiao-request","TagValue":"x"}]}}]}}`})
	resp, err := computev1.NewVmServiceClient(cloud.Conn).ListVms(calltest.Context(t), &computev1.ListVmsRequest{
		Name: "web", State: computev1.VmState_VM_STATE_STOPPED, ZoneId: "cn-hangzhou-h", PageSize: 500,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []calltest.Call{call("DescribeInstances", map[string]string{
		"InstanceName": "web", "Status": "Stopped", "ZoneId": "cn-hangzhou-h", "MaxResults": "100", "ResourceGroupId": "rg-test",
	})}
	if diff := cmp.Diff(want, cloud.Calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if resp.GetNextPageToken() == "" || len(resp.GetVms()) != 1 {
		t.Fatalf("got %v", resp)
	}
	vm := resp.GetVms()[0]
	if diff := cmp.Diff(map[string]string{"k": "v"}, vm.GetTags()); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	switch nic := vm.GetNics()[0]; {
	case nic.GetSubnetId() != "vsw-1", nic.GetMacAddress() != "00:16:3e:00:00:01", nic.GetPublicIpAddresses()[0] != "47.1.1.1":
		t.Errorf("nic: %v", nic)
	case vm.GetCharge().GetExpiresAt() != nil, vm.GetStopMode() != computev1.StopMode_STOP_MODE_RELEASE, vm.GetKeyPairId() != "my~20key",
		vm.GetMemoryMib() != 8192, vm.GetCreatedAt().AsTime().Minute() != 1, vm.GetLockReasons()[0] != apiv1.LockReason_LOCK_REASON_ARREARS:
		t.Errorf("vm: %v", vm)
	}
}
