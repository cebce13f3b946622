package network_test

import (
	"context"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/calltest"
	"github.com/yunqiao/yunqiao/drivers/alibaba/network"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

var token = sdk.Token(calltest.RequestID, "")

type params = map[string]string

// TestCreateNetworkParameters shows for each field where it goes.
func TestCreateNetworkParameters(t *testing.T) {
	t.Parallel()
	type row = calltest.Row[*networkv1.CreateNetworkRequest]
	calltest.Table[*networkv1.CreateNetworkRequest]{
		Register: network.Register, Action: "CreateVpc", Answers: params{"CreateVpc": `{"VpcId":"vpc-1"}`},
		Send: func(ctx context.Context, c grpc.ClientConnInterface, req *networkv1.CreateNetworkRequest) error {
			_, err := networkv1.NewNetworkServiceClient(c).CreateNetwork(ctx, req)
			return err
		},
		Base:   &networkv1.CreateNetworkRequest{Name: "网络-1"},
		Params: params{"VpcName": "网络-1", "CidrBlock": "10.0.0.0/8", "ResourceGroupId": "rg-test", "ClientToken": token},
		Rows: map[string]row{
			"name":                  {},
			"description":           {Set: &networkv1.CreateNetworkRequest{Description: "a b+c*d"}, Want: params{"Description": "a b+c*d"}},
			"tags":                  {Set: &networkv1.CreateNetworkRequest{Tags: params{"k": "v"}}, Want: params{"Tag.1.Key": "k", "Tag.1.Value": "v"}},
			"cidr":                  {Set: &networkv1.CreateNetworkRequest{Cidr: "192.168.0.0/16"}, Want: params{"CidrBlock": "192.168.0.0/16"}},
			"mtu":                   {Set: &networkv1.CreateNetworkRequest{Mtu: 1400}, Refused: "network.network.mtu"},
			"port_security_enabled": {Set: &networkv1.CreateNetworkRequest{PortSecurityEnabled: proto.Bool(true)}, Refused: "network.network.port_security"},
			"zone_ids":              {Set: &networkv1.CreateNetworkRequest{ZoneIds: []string{"z"}}, Refused: "network.network.zone_hints"},
		},
	}.Run(t)
}

// TestCreateSubnetParameters shows for each field where it goes.
func TestCreateSubnetParameters(t *testing.T) {
	t.Parallel()
	type req = networkv1.CreateSubnetRequest
	calltest.Table[*req]{
		Register: network.Register, Action: "CreateVSwitch", Answers: params{"CreateVSwitch": `{"VSwitchId":"vsw-1"}`},
		Send: func(ctx context.Context, c grpc.ClientConnInterface, r *req) error {
			_, err := networkv1.NewSubnetServiceClient(c).CreateSubnet(ctx, r)
			return err
		},
		Base:   &req{Name: "net", NetworkId: "vpc-1", ZoneId: "cn-hangzhou-h", Cidr: "10.1.0.0/24"},
		Params: params{"VSwitchName": "net", "VpcId": "vpc-1", "ZoneId": "cn-hangzhou-h", "CidrBlock": "10.1.0.0/24", "ClientToken": token},
		Rows: map[string]calltest.Row[*req]{
			"name": {}, "network_id": {}, "zone_id": {}, "cidr": {},
			"description":      {Set: &req{Description: "d"}, Want: params{"Description": "d"}},
			"tags":             {Set: &req{Tags: params{"k": "v"}}, Want: params{"Tag.1.Key": "k", "Tag.1.Value": "v"}},
			"ip_version":       {Set: &req{IpVersion: apiv1.IpVersion_IP_VERSION_DUAL}, Refused: "network.subnet.ipv6"},
			"gateway_ip":       {Set: &req{GatewayIp: "10.1.0.1"}, Refused: "network.subnet.gateway_ip"},
			"dhcp_enabled":     {Set: &req{DhcpEnabled: proto.Bool(false)}, Refused: "network.subnet.dhcp"},
			"dns_servers":      {Set: &req{DnsServers: []string{"10.1.0.2"}}, Refused: "network.subnet.dns"},
			"allocation_pools": {Set: &req{AllocationPools: []*networkv1.IpRange{{First: "10.1.0.9", Last: "10.1.0.10"}}}, Refused: "network.subnet.dhcp"},
		},
	}.Run(t)
}

// TestCreateRouterParameters shows for each field where it goes.
func TestCreateRouterParameters(t *testing.T) {
	t.Parallel()
	type req = networkv1.CreateRouterRequest
	calltest.Table[*req]{
		Register: network.Register, Action: "CreateRouteTable", Answers: params{"CreateRouteTable": `{"RouteTableId":"vtb-1"}`},
		Send: func(ctx context.Context, c grpc.ClientConnInterface, r *req) error {
			_, err := networkv1.NewRouterServiceClient(c).CreateRouter(ctx, r)
			return err
		},
		Base:   &req{Name: "r", NetworkId: "vpc-1"},
		Params: params{"RouteTableName": "r", "VpcId": "vpc-1", "AssociateType": "VSwitch", "ClientToken": token},
		Rows: map[string]calltest.Row[*req]{
			"name": {}, "network_id": {},
			"description":      {Set: &req{Description: "d"}, Want: params{"Description": "d"}},
			"tags":             {Set: &req{Tags: params{"k": "v"}}, Want: params{"Tag.1.Key": "k", "Tag.1.Value": "v"}},
			"external_gateway": {Set: &req{ExternalGateway: &networkv1.ExternalGatewaySpec{NetworkId: "x"}}, Refused: "network.router.external_gateway"},
		},
	}.Run(t)
}

// TestCreateSecurityGroupRuleParameters shows for each field where it goes.
func TestCreateSecurityGroupRuleParameters(t *testing.T) {
	t.Parallel()
	type req = networkv1.CreateSecurityGroupRuleRequest
	rules := `{"SecurityGroupId":"sg-1","Permissions":{"Permission":[
		{"SecurityGroupRuleId":"sgr-1","Direction":"ingress","IpProtocol":"TCP","PortRange":"1/65535","Policy":"Accept","Priority":"1","SourceCidrIp":"10.0.0.0/8"},
		{"SecurityGroupRuleId":"sgr-2","Direction":"ingress","IpProtocol":"TCP","PortRange":"80/443","Policy":"Accept","Priority":"1","SourceCidrIp":"10.0.0.0/8"},
		{"SecurityGroupRuleId":"sgr-3","Direction":"ingress","IpProtocol":"UDP","PortRange":"1/65535","Policy":"Accept","Priority":"1","SourceCidrIp":"10.0.0.0/8"},
		{"SecurityGroupRuleId":"sgr-4","Direction":"ingress","IpProtocol":"TCP","PortRange":"1/65535","Policy":"Drop","Priority":"1","SourceCidrIp":"10.0.0.0/8"},
		{"SecurityGroupRuleId":"sgr-5","Direction":"ingress","IpProtocol":"TCP","PortRange":"1/65535","Policy":"Accept","Priority":"7","SourceCidrIp":"10.0.0.0/8"},
		{"SecurityGroupRuleId":"sgr-6","Direction":"egress","IpProtocol":"TCP","PortRange":"1/65535","Policy":"Accept","Priority":"1","DestCidrIp":"10.0.0.0/8"},
		{"SecurityGroupRuleId":"sgr-7","Direction":"ingress","IpProtocol":"TCP","PortRange":"1/65535","Policy":"Accept","Priority":"1","SourceGroupId":"sg-2"},
		{"SecurityGroupRuleId":"sgr-8","Direction":"ingress","IpProtocol":"TCP","PortRange":"1/65535","Policy":"Accept","Priority":"1","Ipv6SourceCidrIp":"fd00::/8"}]}}`
	at := "Permissions.1."
	calltest.Table[*req]{
		Register: network.Register, Action: "AuthorizeSecurityGroup", Answers: params{"DescribeSecurityGroupAttribute": rules},
		Send: func(ctx context.Context, c grpc.ClientConnInterface, r *req) error {
			if r.GetRemoteSecurityGroupId() != "" {
				r.RemoteCidr = ""
			}
			_, err := networkv1.NewSecurityGroupServiceClient(c).CreateSecurityGroupRule(ctx, r)
			return err
		},
		Base: &req{
			SecurityGroupId: "sg-1", Direction: apiv1.Direction_DIRECTION_INGRESS,
			Protocol: networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_TCP, RemoteCidr: "10.0.0.0/8",
		},
		Params: params{
			"SecurityGroupId": "sg-1", "ClientToken": token, at + "IpProtocol": "TCP", at + "PortRange": "1/65535", at + "Policy": "accept",
			at + "Priority": "1", at + "SourceCidrIp": "10.0.0.0/8",
		},
		Rows: map[string]calltest.Row[*req]{
			"security_group_id": {},
			"remote_cidr":       {Set: &req{RemoteCidr: "fd00::/8"}, Want: params{at + "SourceCidrIp": "", at + "Ipv6SourceCidrIp": "fd00::/8"}},
			"description":       {Set: &req{Description: "web"}, Want: params{at + "Description": "web"}},
			"direction": {
				Set: &req{Direction: apiv1.Direction_DIRECTION_EGRESS}, Call: "AuthorizeSecurityGroupEgress", Want: params{
					"SecurityGroupId": "sg-1", "ClientToken": token, at + "IpProtocol": "TCP", at + "PortRange": "1/65535", at + "Policy": "accept",
					at + "Priority": "1", at + "DestCidrIp": "10.0.0.0/8",
				},
			},
			"protocol":        {Set: &req{Protocol: networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_UDP}, Want: params{at + "IpProtocol": "UDP"}},
			"ports":           {Set: &req{Ports: &apiv1.PortRange{First: 80, Last: 443}}, Want: params{at + "PortRange": "80/443"}},
			"action":          {Set: &req{Action: networkv1.SecurityGroupAction_SECURITY_GROUP_ACTION_DENY}, Want: params{at + "Policy": "drop"}},
			"priority":        {Set: &req{Priority: 7}, Want: params{at + "Priority": "7"}},
			"protocol_number": {Set: &req{ProtocolNumber: 50}, Refused: "network.security_group.protocol_number"},
			"icmp_type":       {Set: &req{IcmpType: proto.Int32(8)}, Refused: "network.security_group.icmp_type"},
			"icmp_code":       {Set: &req{IcmpCode: proto.Int32(0)}, Refused: "network.security_group.icmp_type"},
			"remote_security_group_id": {
				Set: &req{RemoteSecurityGroupId: "sg-2"}, Want: params{at + "SourceCidrIp": "", at + "SourceGroupId": "sg-2"},
			},
		},
	}.Run(t)
}

// TestCreateNicParameters shows for each field where it goes.
func TestCreateNicParameters(t *testing.T) {
	t.Parallel()
	type req = networkv1.CreateNicRequest
	calltest.Table[*req]{
		Register: network.Register, Action: "CreateNetworkInterface", Answers: params{"CreateNetworkInterface": `{"NetworkInterfaceId":"eni-1"}`},
		Send: func(ctx context.Context, c grpc.ClientConnInterface, r *req) error {
			_, err := networkv1.NewNicServiceClient(c).CreateNic(ctx, r)
			return err
		},
		Base: &req{Name: "n", SubnetId: "vsw-1", SecurityGroupIds: []string{"sg-1"}},
		Params: params{
			"NetworkInterfaceName": "n", "VSwitchId": "vsw-1", "SecurityGroupIds.1": "sg-1", "ResourceGroupId": "rg-test", "ClientToken": token,
		},
		Rows: map[string]calltest.Row[*req]{
			"name": {}, "subnet_id": {},
			"security_group_ids": {Set: &req{SecurityGroupIds: []string{"sg-2"}}, Want: params{"SecurityGroupIds.2": "sg-2"}},
			"description":        {Set: &req{Description: "d"}, Want: params{"Description": "d"}},
			"tags":               {Set: &req{Tags: params{"k": "v"}}, Want: params{"Tag.1.Key": "k", "Tag.1.Value": "v"}},
			"ip_address":         {Set: &req{IpAddress: "10.0.0.9"}, Want: params{"PrimaryIpAddress": "10.0.0.9"}},
			"mac_address":        {Set: &req{MacAddress: "00:16:3e:00:00:01"}, Refused: "network.nic.mac"},
		},
	}.Run(t)
}

// TestCreatePublicIpParameters shows for each field where it goes.
func TestCreatePublicIpParameters(t *testing.T) {
	t.Parallel()
	type req = networkv1.CreatePublicIpRequest
	calltest.Table[*req]{
		Register: network.Register, Action: "AllocateEipAddress", Answers: params{"AllocateEipAddress": `{"AllocationId":"eip-1"}`},
		Send: func(ctx context.Context, c grpc.ClientConnInterface, r *req) error {
			_, err := networkv1.NewPublicIpServiceClient(c).CreatePublicIp(ctx, r)
			return err
		},
		Base:   &req{Name: "ip"},
		Params: params{"Name": "ip", "InstanceChargeType": "PostPaid", "ResourceGroupId": "rg-test", "ClientToken": token},
		Rows: map[string]calltest.Row[*req]{
			"name":                {},
			"description":         {Set: &req{Description: "d"}, Want: params{"Description": "d"}},
			"tags":                {Set: &req{Tags: params{"k": "v"}}, Want: params{"Tag.1.Key": "k", "Tag.1.Value": "v"}},
			"bandwidth_mbps":      {Set: &req{BandwidthMbps: 5}, Want: params{"Bandwidth": "5"}},
			"bandwidth_charge":    {Set: &req{BandwidthCharge: networkv1.BandwidthCharge_BANDWIDTH_CHARGE_BY_TRAFFIC}, Want: params{"InternetChargeType": "PayByTraffic"}},
			"external_network_id": {Set: &req{ExternalNetworkId: "x"}, Refused: "network.public_ip.pool"},
			"ip_address":          {Set: &req{IpAddress: "1.2.3.4"}, Refused: "network.public_ip.address"},
			"charge": {
				Set: &req{Charge: &apiv1.Charge{Mode: apiv1.ChargeMode_CHARGE_MODE_PREPAID}}, Refused: "network.public_ip.prepaid",
			},
		},
	}.Run(t)
}
