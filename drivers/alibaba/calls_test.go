package main

import (
	"context"
	"slices"
	"testing"

	"google.golang.org/grpc"

	databasev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/database/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/calltest"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
)

// twoOfEach answers two of everything that is listed.
func twoOfEach() map[string]string {
	return map[string]string{
		"DescribeVpcs":           `{"TotalCount":2,"Vpcs":{"Vpc":[{"VpcId":"vpc-1"},{"VpcId":"vpc-2"}]}}`,
		"DescribeVSwitches":      `{"TotalCount":2,"VSwitches":{"VSwitch":[{"VSwitchId":"vsw-1"},{"VSwitchId":"vsw-2"}]}}`,
		"DescribeRouteTableList": `{"TotalCount":2,"RouterTableList":{"RouterTableListType":[{"RouteTableId":"vtb-1"},{"RouteTableId":"vtb-2"}]}}`,
		"DescribeSecurityGroups": `{"SecurityGroups":{"SecurityGroup":[{"SecurityGroupId":"sg-1"},{"SecurityGroupId":"sg-2"}]}}`,
		"DescribeNetworkInterfaces": `{"NetworkInterfaceSets":{"NetworkInterfaceSet":[
			{"NetworkInterfaceId":"eni-1","Type":"Primary","InstanceId":"i-1"},{"NetworkInterfaceId":"eni-2","Type":"Primary","InstanceId":"i-2"}]}}`,
		"DescribeEipAddresses": `{"TotalCount":2,"EipAddresses":{"EipAddress":[
			{"AllocationId":"eip-1","InstanceId":"i-1","InstanceType":"EcsInstance"},{"AllocationId":"eip-2","InstanceId":"i-2","InstanceType":"EcsInstance"}]}}`,
		"DescribeLoadBalancers":         `{"TotalCount":2,"LoadBalancers":{"LoadBalancer":[{"LoadBalancerId":"lb-1"},{"LoadBalancerId":"lb-2"}]}}`,
		"DescribeLoadBalancerListeners": `{"Listeners":[{"LoadBalancerId":"lb-1","ListenerPort":80,"ListenerProtocol":"tcp"},{"LoadBalancerId":"lb-1","ListenerPort":81,"ListenerProtocol":"tcp"}]}`,
		"DescribeVServerGroups":         `{"VServerGroups":{"VServerGroup":[{"VServerGroupId":"rsp-1"},{"VServerGroupId":"rsp-2"}]}}`,
		"DescribeVServerGroupAttribute": `{"VServerGroupId":"rsp-1","LoadBalancerId":"lb-1","BackendServers":{"BackendServer":[{"ServerId":"i-1","Port":80},{"ServerId":"i-2","Port":80}]}}`,
		"ListLoadBalancers":             `{"LoadBalancers":[{"LoadBalancerId":"alb-1"},{"LoadBalancerId":"alb-2"}]}`,
		"ListServerGroups":              `{"ServerGroups":[{"ServerGroupId":"sgp-1","RelatedLoadBalancerIds":["alb-1"]},{"ServerGroupId":"sgp-2","RelatedLoadBalancerIds":["alb-1"]}]}`,
		"ListServerGroupServers":        `{"Servers":[{"ServerId":"i-1","Port":80,"Weight":1},{"ServerId":"i-2","Port":80,"Weight":1}]}`,
		"ListListeners":                 `{"Listeners":[{"ListenerId":"lsn-1","ServerGroupId":"sgp-1"},{"ListenerId":"lsn-2","ServerGroupId":"sgp-2"}]}`,
		"DescribeVpnGateways":           `{"TotalCount":2,"VpnGateways":{"VpnGateway":[{"VpnGatewayId":"vpn-1"},{"VpnGatewayId":"vpn-2"}]}}`,
		"DescribeVpnConnections":        `{"TotalCount":2,"VpnConnections":{"VpnConnection":[{"VpnConnectionId":"vco-1"},{"VpnConnectionId":"vco-2"}]}}`,
		"DescribeDBInstances":           `{"TotalRecordCount":2,"Items":{"DBInstance":[{"DBInstanceId":"rm-1"},{"DBInstanceId":"rm-2"}]}}`,
		"DescribeNetworkAcls":           `{"TotalCount":"2","NetworkAcls":{"NetworkAcl":[{"NetworkAclId":"nacl-1"},{"NetworkAclId":"nacl-2"}]}}`,
		"DescribeUserBuyVersion":        `{"Code":"not buy user","Message":"x"}`,
		"DescribeInstance":              `{"InstanceId":"waf-1","Status":1}`,
		"DescribeDomains":               `{"TotalCount":2,"Domains":[{"Domain":"a.example.com"},{"Domain":"b.example.com"}]}`,
		"DescribeCloudCenterInstances":  `{"PageInfo":{"TotalCount":2},"Instances":[{"Uuid":"u-1","InstanceId":"i-1"},{"Uuid":"u-2","InstanceId":"i-2"}]}`,
		"ListTagValues":                 `{"Values":{"Value":["p1.2.1.5.3.14.3600.a","p2.2.1.5.3.14.3600.b"]}}`,
	}
}

// TestListsDoNotAskForEachItem counts the calls of each list of two items: none may
// grow with the number of items, but for pools, which the cloud lists by instance.
func TestListsDoNotAskForEachItem(t *testing.T) {
	t.Parallel()
	all := func(r grpc.ServiceRegistrar, accounts *session.Accounts) {
		for _, p := range parts() {
			p.register(r, accounts)
		}
	}
	for name, tc := range map[string]struct {
		list func(context.Context, grpc.ClientConnInterface) error
		want []string
	}{
		"networks": {func(ctx context.Context, c grpc.ClientConnInterface) error {
			_, err := networkv1.NewNetworkServiceClient(c).ListNetworks(ctx, &networkv1.ListNetworksRequest{})
			return err
		}, []string{"DescribeVpcs"}},
		"subnets": {func(ctx context.Context, c grpc.ClientConnInterface) error {
			_, err := networkv1.NewSubnetServiceClient(c).ListSubnets(ctx, &networkv1.ListSubnetsRequest{})
			return err
		}, []string{"DescribeVSwitches"}},
		"routers": {func(ctx context.Context, c grpc.ClientConnInterface) error {
			_, err := networkv1.NewRouterServiceClient(c).ListRouters(ctx, &networkv1.ListRoutersRequest{})
			return err
		}, []string{"DescribeRouteTableList"}},
		"security groups": {func(ctx context.Context, c grpc.ClientConnInterface) error {
			_, err := networkv1.NewSecurityGroupServiceClient(c).ListSecurityGroups(ctx, &networkv1.ListSecurityGroupsRequest{})
			return err
		}, []string{"DescribeSecurityGroups"}},
		"NICs": {func(ctx context.Context, c grpc.ClientConnInterface) error {
			_, err := networkv1.NewNicServiceClient(c).ListNics(ctx, &networkv1.ListNicsRequest{})
			return err
		}, []string{"DescribeNetworkInterfaces"}},
		"public IPs": {func(ctx context.Context, c grpc.ClientConnInterface) error {
			_, err := networkv1.NewPublicIpServiceClient(c).ListPublicIps(ctx, &networkv1.ListPublicIpsRequest{})
			return err
		}, []string{"DescribeEipAddresses", "DescribeNetworkInterfaces"}},
		"VIPs": {func(ctx context.Context, c grpc.ClientConnInterface) error {
			_, err := networkv1.NewLoadBalancerServiceClient(c).ListVips(ctx, &networkv1.ListVipsRequest{})
			return err
		}, []string{"DescribeLoadBalancers", "ListLoadBalancers", "ListLoadBalancers"}},
		"listeners": {func(ctx context.Context, c grpc.ClientConnInterface) error {
			_, err := networkv1.NewLoadBalancerServiceClient(c).ListListeners(ctx, &networkv1.ListListenersRequest{})
			return err
		}, []string{"DescribeLoadBalancerListeners", "ListListeners", "ListListeners"}},
		"pools of a VIP": {func(ctx context.Context, c grpc.ClientConnInterface) error {
			_, err := networkv1.NewLoadBalancerServiceClient(c).ListPools(ctx, &networkv1.ListPoolsRequest{VipId: "lb-1"})
			return err
		}, []string{"DescribeVServerGroups", "DescribeLoadBalancerListeners"}},
		"members with health": {func(ctx context.Context, c grpc.ClientConnInterface) error {
			_, err := networkv1.NewLoadBalancerServiceClient(c).ListMembers(ctx, &networkv1.ListMembersRequest{PoolId: "rsp-1", WithHealth: true})
			return err
		}, []string{"DescribeVServerGroupAttribute", "DescribeHealthStatus"}},
		"pools of an ALB": {func(ctx context.Context, c grpc.ClientConnInterface) error {
			_, err := networkv1.NewLoadBalancerServiceClient(c).ListPools(ctx, &networkv1.ListPoolsRequest{VipId: "alb-1"})
			return err
		}, []string{"ListServerGroups"}},
		"members of an NLB": {func(ctx context.Context, c grpc.ClientConnInterface) error {
			_, err := networkv1.NewLoadBalancerServiceClient(c).ListMembers(ctx, &networkv1.ListMembersRequest{PoolId: "nlb~~sgp-1"})
			return err
		}, []string{"ListServerGroupServers"}},
		"members of an ALB with health": {func(ctx context.Context, c grpc.ClientConnInterface) error {
			_, err := networkv1.NewLoadBalancerServiceClient(c).ListMembers(ctx, &networkv1.ListMembersRequest{PoolId: "alb~~sgp-1", WithHealth: true})
			return err
		}, []string{"ListServerGroupServers", "ListServerGroups", "ListListeners", "GetListenerHealthStatus"}},
		"VPN services": {func(ctx context.Context, c grpc.ClientConnInterface) error {
			_, err := securityv1.NewVpnServiceServiceClient(c).ListVpnServices(ctx, &securityv1.ListVpnServicesRequest{})
			return err
		}, []string{"DescribeVpnGateways"}},
		"connections": {func(ctx context.Context, c grpc.ClientConnInterface) error {
			_, err := securityv1.NewIpsecConnectionServiceClient(c).ListIpsecConnections(ctx, &securityv1.ListIpsecConnectionsRequest{})
			return err
		}, []string{"DescribeVpnConnections", "DescribeCustomerGateways"}},
		"IKE policies": {func(ctx context.Context, c grpc.ClientConnInterface) error {
			_, err := securityv1.NewIkePolicyServiceClient(c).ListIkePolicies(ctx, &securityv1.ListIkePoliciesRequest{})
			return err
		}, []string{"ListTagValues"}},
		"firewalls": {func(ctx context.Context, c grpc.ClientConnInterface) error {
			_, err := securityv1.NewFirewallServiceClient(c).ListFirewalls(ctx, &securityv1.ListFirewallsRequest{})
			return err
		}, []string{"DescribeNetworkAcls", "DescribeUserBuyVersion"}},
		"rules of all firewalls": {func(ctx context.Context, c grpc.ClientConnInterface) error {
			_, err := securityv1.NewFirewallRuleServiceClient(c).ListFirewallRules(ctx, &securityv1.ListFirewallRulesRequest{})
			return err
		}, []string{"DescribeNetworkAcls", "DescribeUserBuyVersion"}},
		"sites": {func(ctx context.Context, c grpc.ClientConnInterface) error {
			_, err := securityv1.NewWafServiceClient(c).ListWafs(ctx, &securityv1.ListWafsRequest{})
			return err
		}, []string{"DescribeInstance", "DescribeDomains"}},
		"protected servers": {func(ctx context.Context, c grpc.ClientConnInterface) error {
			_, err := securityv1.NewAntivirusServiceClient(c).ListAntiviruses(ctx, &securityv1.ListAntivirusesRequest{})
			return err
		}, []string{"DescribeCloudCenterInstances"}},
		"databases": {func(ctx context.Context, c grpc.ClientConnInterface) error {
			_, err := databasev1.NewInstanceServiceClient(c).ListInstances(ctx, &databasev1.ListInstancesRequest{})
			return err
		}, []string{"DescribeDBInstances", "ListTagResources"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud := calltest.Open(t, all, twoOfEach())
			if err := tc.list(calltest.Context(t), cloud.Conn); err != nil {
				t.Fatal(err)
			}
			if got := cloud.Actions(); !slices.Equal(got, tc.want) {
				t.Errorf("calls: %v, want %v", got, tc.want)
			}
		})
	}
}
