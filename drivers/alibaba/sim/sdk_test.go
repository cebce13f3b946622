package sim_test

import (
	"errors"
	"net/url"
	"testing"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	sdkerrors "github.com/aliyun/alibaba-cloud-sdk-go/sdk/errors"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/responses"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/bssopenapi"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/cms"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/eci"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/ecs"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/ram"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/rds"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/slb"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/sts"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/vpc"

	"github.com/yunqiao/yunqiao/drivers/alibaba/sim"
	"github.com/yunqiao/yunqiao/drivers/alibaba/sim/simtest"
)

// official is Alibaba's own SDK: it signs, sends and decodes by types that were made
// without the definitions here.
type official struct {
	t      *testing.T
	client *sdk.Client
	host   string
	scheme string
}

func newOfficial(t *testing.T, cloud *simtest.Cloud, address string) *official {
	t.Helper()
	client, err := sdk.NewClientWithOptions(cloud.Region, sdk.NewConfig(),
		credentials.NewStaticAKCredentialsProvider(cloud.Account.AccessKeyID, cloud.Account.AccessKeySecret))
	if err != nil {
		t.Fatal(err)
	}
	client.SetHTTPSInsecure(true)
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return &official{t, client, u.Host, u.Scheme}
}

func (o *official) send(request requests.AcsRequest, response responses.AcsResponse) error {
	request.SetDomain(o.host)
	request.SetScheme(o.scheme)
	return o.client.DoAction(request, response)
}

func (o *official) do(request requests.AcsRequest, response responses.AcsResponse) {
	o.t.Helper()
	if err := o.send(request, response); err != nil {
		o.t.Fatalf("%s: %v", request.GetActionName(), err)
	}
}

// until repeats a read until it is as wanted.
func (o *official) until(what string, read func() bool) {
	o.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if read() {
			return
		}
	}
	o.t.Fatalf("%s did not come", what)
}

// TestOfficialSDK makes a small network with an instance through the SDK, over HTTP
// and HTTPS, reads it back by its types, and takes it away.
func TestOfficialSDK(t *testing.T) {
	t.Parallel()
	cloud := simtest.Start(t, sim.Options{Faults: sim.Faults{DelayMS: 1}})
	for _, address := range []string{cloud.URL, cloud.TLSURL} {
		o := newOfficial(t, cloud, address)
		o.life("名 a+b*c ~%")
		o.lists()
	}
	if left := cloud.Dump(); len(left) > 0 {
		t.Errorf("left %+v", left)
	}
	cloud.CheckClean(t)
}

func (o *official) life(name string) {
	o.t.Helper()
	createVpc, madeVpc := vpc.CreateCreateVpcRequest(), vpc.CreateCreateVpcResponse()
	createVpc.CidrBlock, createVpc.VpcName = "10.0.0.0/8", name
	createVpc.Tag = &[]vpc.CreateVpcTag{{Key: "k 1", Value: "值*+"}}
	o.do(createVpc, madeVpc)
	list, seen := vpc.CreateDescribeVpcsRequest(), vpc.CreateDescribeVpcsResponse()
	list.VpcId = madeVpc.VpcId
	o.until("the VPC", func() bool {
		o.do(o.fresh(list), seen)
		return seen.Vpcs.Vpc[0].Status == "Available"
	})
	if got := seen.Vpcs.Vpc[0]; got.VpcName != name || got.Tags.Tag[0].Key != "k 1" || got.Tags.Tag[0].Value != "值*+" {
		o.t.Errorf("the VPC is %+v", got)
	}
	createSwitch, madeSwitch := vpc.CreateCreateVSwitchRequest(), vpc.CreateCreateVSwitchResponse()
	createSwitch.VpcId, createSwitch.CidrBlock, createSwitch.ZoneId = madeVpc.VpcId, "10.0.0.0/24", "cn-hangzhou-h"
	o.do(createSwitch, madeSwitch)
	createGroup, madeGroup := ecs.CreateCreateSecurityGroupRequest(), ecs.CreateCreateSecurityGroupResponse()
	createGroup.VpcId = madeVpc.VpcId
	o.do(createGroup, madeGroup)
	run, made := ecs.CreateRunInstancesRequest(), ecs.CreateRunInstancesResponse()
	run.ImageId, run.InstanceType, run.VSwitchId, run.SecurityGroupId = image, "ecs.g7.large", madeSwitch.VSwitchId, madeGroup.SecurityGroupId
	run.DataDisk = &[]ecs.RunInstancesDataDisk{{Size: "20", Category: "cloud_essd", DiskName: name}}
	run.Tag = &[]ecs.RunInstancesTag{{Key: "a", Value: "b c"}}
	o.until("the vSwitch", func() bool { return o.send(o.fresh(run), made) == nil })
	vm := made.InstanceIdSets.InstanceIdSet[0]
	describe, shown := ecs.CreateDescribeInstancesRequest(), ecs.CreateDescribeInstancesResponse()
	describe.InstanceIds = `["` + vm + `"]`
	o.until("the instance", func() bool {
		o.do(o.fresh(describe), shown)
		return shown.Instances.Instance[0].Status == "Running"
	})
	got := shown.Instances.Instance[0]
	if got.Memory != 8192 || got.Cpu != 2 || got.VpcAttributes.PrivateIpAddress.IpAddress[0] == "" || got.Tags.Tag[0].TagValue != "b c" {
		o.t.Errorf("the instance is %+v", got)
	}
	remove := ecs.CreateDeleteInstanceRequest()
	remove.InstanceId, remove.Force = vm, "true"
	o.do(remove, ecs.CreateDeleteInstanceResponse())
	absent := ecs.CreateDeleteInstanceRequest()
	absent.InstanceId = "i-none"
	var server *sdkerrors.ServerError
	if err := o.send(absent, ecs.CreateDeleteInstanceResponse()); !errors.As(err, &server) || server.ErrorCode() != "InvalidInstanceId.NotFound" || server.RequestId() == "" || server.HttpStatus() != 404 {
		o.t.Errorf("an absent instance: %v", err)
	}
	removeGroup := ecs.CreateDeleteSecurityGroupRequest()
	removeGroup.SecurityGroupId = madeGroup.SecurityGroupId
	o.until("the group without instance", func() bool { return o.send(o.fresh(removeGroup), ecs.CreateDeleteSecurityGroupResponse()) == nil })
	removeSwitch := vpc.CreateDeleteVSwitchRequest()
	removeSwitch.VSwitchId = madeSwitch.VSwitchId
	o.do(removeSwitch, vpc.CreateDeleteVSwitchResponse())
	removeVpc := vpc.CreateDeleteVpcRequest()
	removeVpc.VpcId = madeVpc.VpcId
	o.until("the empty VPC", func() bool { return o.send(o.fresh(removeVpc), vpc.CreateDeleteVpcResponse()) == nil })
}

// fresh clears what the SDK left in a request, so that it can be sent again.
func (o *official) fresh(request requests.AcsRequest) requests.AcsRequest {
	for _, name := range []string{"Signature", "SignatureNonce", "Timestamp"} {
		delete(request.GetQueryParams(), name)
	}
	return request
}

// lists decodes one answer of each product.
func (o *official) lists() {
	o.t.Helper()
	o.do(ecs.CreateDescribeRegionsRequest(), ecs.CreateDescribeRegionsResponse())
	o.do(ecs.CreateDescribeZonesRequest(), ecs.CreateDescribeZonesResponse())
	o.do(ecs.CreateDescribeInstanceTypesRequest(), ecs.CreateDescribeInstanceTypesResponse())
	o.do(ecs.CreateDescribeImagesRequest(), ecs.CreateDescribeImagesResponse())
	o.do(ecs.CreateDescribeDisksRequest(), ecs.CreateDescribeDisksResponse())
	o.do(ecs.CreateDescribeNetworkInterfacesRequest(), ecs.CreateDescribeNetworkInterfacesResponse())
	o.do(vpc.CreateDescribeEipAddressesRequest(), vpc.CreateDescribeEipAddressesResponse())
	o.do(vpc.CreateDescribeVpnGatewaysRequest(), vpc.CreateDescribeVpnGatewaysResponse())
	o.do(slb.CreateDescribeLoadBalancersRequest(), slb.CreateDescribeLoadBalancersResponse())
	o.do(rds.CreateDescribeDBInstancesRequest(), rds.CreateDescribeDBInstancesResponse())
	o.do(eci.CreateDescribeContainerGroupsRequest(), eci.CreateDescribeContainerGroupsResponse())
	o.do(ram.CreateListUsersRequest(), ram.CreateListUsersResponse())
	o.do(sts.CreateGetCallerIdentityRequest(), sts.CreateGetCallerIdentityResponse())
	o.do(cms.CreateDescribeMetricRuleListRequest(), cms.CreateDescribeMetricRuleListResponse())
	balance := bssopenapi.CreateQueryAccountBalanceResponse()
	o.do(bssopenapi.CreateQueryAccountBalanceRequest(), balance)
	if balance.Data.AvailableAmount != "10000.00" || !balance.Success {
		o.t.Errorf("the balance is %+v", balance.Data)
	}
}
