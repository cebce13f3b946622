package network_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/livetest"
	"github.com/yunqiao/yunqiao/drivers/openstack/network"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// prefix begins the names of all that the tests make.
const prefix = "h-net-"

const (
	nowhere = "00000000-0000-0000-0000-00000000dead"
	noID    = "../networks"
)

// cloud is the services under test.
type cloud struct {
	*livetest.Cloud
	networks networkv1.NetworkServiceClient
	subnets  networkv1.SubnetServiceClient
	routers  networkv1.RouterServiceClient
	groups   networkv1.SecurityGroupServiceClient
	nics     networkv1.NicServiceClient
	ips      networkv1.PublicIpServiceClient
}

func open(t *testing.T) cloud {
	t.Helper()
	return cloudOf(livetest.Open(t, network.Register))
}

func cloudOf(c *livetest.Cloud) cloud {
	return cloud{
		Cloud:    c,
		networks: networkv1.NewNetworkServiceClient(c.Conn),
		subnets:  networkv1.NewSubnetServiceClient(c.Conn),
		routers:  networkv1.NewRouterServiceClient(c.Conn),
		groups:   networkv1.NewSecurityGroupServiceClient(c.Conn),
		nics:     networkv1.NewNicServiceClient(c.Conn),
		ips:      networkv1.NewPublicIpServiceClient(c.Conn),
	}
}

func (c cloud) network(t *testing.T, name string) string {
	t.Helper()
	id := livetest.Must(t, c.Cloud, name, c.networks.CreateNetwork, &networkv1.CreateNetworkRequest{Name: prefix + name}).GetId()
	livetest.Cleanup(t, c.Cloud, c.networks.DeleteNetwork, &networkv1.DeleteNetworkRequest{Id: id})
	return id
}

func (c cloud) subnet(t *testing.T, networkID, cidr string) string {
	t.Helper()
	id := livetest.Must(t, c.Cloud, networkID+cidr, c.subnets.CreateSubnet,
		&networkv1.CreateSubnetRequest{Name: prefix + "subnet", NetworkId: networkID, Cidr: cidr}).GetId()
	livetest.Cleanup(t, c.Cloud, c.subnets.DeleteSubnet, &networkv1.DeleteSubnetRequest{Id: id})
	return id
}

func (c cloud) nic(t *testing.T, name, subnetID string, groups ...string) string {
	t.Helper()
	id := livetest.Must(t, c.Cloud, name, c.nics.CreateNic,
		&networkv1.CreateNicRequest{Name: prefix + name, SubnetId: subnetID, SecurityGroupIds: groups}).GetId()
	livetest.Cleanup(t, c.Cloud, c.nics.DeleteNic, &networkv1.DeleteNicRequest{Id: id})
	return id
}

func (c cloud) group(t *testing.T, name string) string {
	t.Helper()
	id := livetest.Must(t, c.Cloud, name, c.groups.CreateSecurityGroup, &networkv1.CreateSecurityGroupRequest{Name: prefix + name}).GetId()
	livetest.Cleanup(t, c.Cloud, c.groups.DeleteSecurityGroup, &networkv1.DeleteSecurityGroupRequest{Id: id})
	return id
}

func (c cloud) router(t *testing.T, name string, gateway string) string {
	t.Helper()
	req := &networkv1.CreateRouterRequest{Name: prefix + name}
	if gateway != "" {
		req.ExternalGateway = &networkv1.ExternalGatewaySpec{NetworkId: gateway}
	}
	id := livetest.Must(t, c.Cloud, name, c.routers.CreateRouter, req).GetId()
	livetest.Cleanup(t, c.Cloud, c.routers.DeleteRouter, &networkv1.DeleteRouterRequest{Id: id})
	return id
}

// join joins a subnet to a router until the end of the test.
func (c cloud) join(t *testing.T, routerID, subnetID string) string {
	t.Helper()
	req := &networkv1.AddRouterInterfaceRequest{Id: routerID, SubnetId: subnetID}
	nic := livetest.Must(t, c.Cloud, "join", c.routers.AddRouterInterface, req).GetNicId()
	livetest.Cleanup(t, c.Cloud, c.routers.RemoveRouterInterface, &networkv1.RemoveRouterInterfaceRequest{Id: routerID, SubnetId: subnetID})
	return nic
}

func (c cloud) external(t *testing.T) string {
	t.Helper()
	yes := true
	list := livetest.Must(t, c.Cloud, "list", c.networks.ListNetworks, &networkv1.ListNetworksRequest{External: &yes}).GetNetworks()
	if len(list) == 0 {
		t.Skip("the cloud has no external network")
	}
	return list[0].GetId()
}

func TestNetworksOfARealCloud(t *testing.T) {
	c := open(t)
	secure := false
	req := &networkv1.CreateNetworkRequest{
		Name: prefix + "网络", Description: "第一个", Tags: map[string]string{"env": "test", "gold": ""},
		Mtu: 1300, PortSecurityEnabled: &secure,
	}
	id := livetest.Must(t, c.Cloud, "one", c.networks.CreateNetwork, req).GetId()
	livetest.Cleanup(t, c.Cloud, c.networks.DeleteNetwork, &networkv1.DeleteNetworkRequest{Id: id})
	if again := livetest.Repeat(t, c.Cloud, "one", c.networks.CreateNetwork, req); again.GetId() != id {
		t.Errorf("a repeat made %s beside %s", again.GetId(), id)
	}

	got := livetest.Must(t, c.Cloud, "get", c.networks.GetNetwork, &networkv1.GetNetworkRequest{Id: id}).GetNetwork()
	if got.GetName() != req.GetName() || got.GetDescription() != "第一个" || got.GetMtu() != 1300 || got.GetPortSecurityEnabled() ||
		got.GetState() != networkv1.NetworkState_NETWORK_STATE_AVAILABLE || len(got.GetTags()) != 2 || got.GetTags()["env"] != "test" {
		t.Errorf("network %v", got)
	}

	name, description, mtu := prefix+"renamed", "second", int32(1200)
	livetest.Must(t, c.Cloud, "update", c.networks.UpdateNetwork, &networkv1.UpdateNetworkRequest{
		Id: id, Name: &name, Description: &description, Mtu: &mtu, Tags: &apiv1.StringMap{Entries: map[string]string{"a": "1"}},
	})
	got = livetest.Must(t, c.Cloud, "get", c.networks.GetNetwork, &networkv1.GetNetworkRequest{Id: id}).GetNetwork()
	if got.GetName() != name || got.GetDescription() != description || got.GetMtu() != mtu || len(got.GetTags()) != 1 {
		t.Errorf("updated network %v", got)
	}

	second := c.network(t, "second")
	seen := map[string]bool{}
	for token := ""; ; {
		p := livetest.Must(t, c.Cloud, "list", c.networks.ListNetworks, &networkv1.ListNetworksRequest{PageSize: 1, PageToken: token})
		for _, v := range p.GetNetworks() {
			if seen[v.GetId()] {
				t.Errorf("network %s is on two pages", v.GetId())
			}
			seen[v.GetId()] = true
		}
		if token = p.GetNextPageToken(); token == "" {
			break
		}
	}
	if !seen[id] || !seen[second] {
		t.Errorf("pages show %v, not both of %s, %s", seen, id, second)
	}
	p := livetest.Must(t, c.Cloud, "list", c.networks.ListNetworks, &networkv1.ListNetworksRequest{Ids: []string{id, nowhere, noID}})
	if len(p.GetNetworks()) != 1 || len(p.GetMissingIds()) != 2 {
		t.Errorf("by ids: %v", p)
	}
	p = livetest.Must(t, c.Cloud, "list", c.networks.ListNetworks, &networkv1.ListNetworksRequest{Name: name, Tag: "a=1"})
	if len(p.GetNetworks()) != 1 {
		t.Errorf("by name and tag: %v", p)
	}
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_PAGE_TOKEN_INVALID, "", c.networks.ListNetworks, &networkv1.ListNetworksRequest{PageToken: nowhere})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_NOT_FOUND, "", c.networks.GetNetwork, &networkv1.GetNetworkRequest{Id: nowhere})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_NOT_FOUND, "", c.networks.GetNetwork, &networkv1.GetNetworkRequest{Id: noID})

	nic := c.nic(t, "blocker", c.subnet(t, id, "10.71.0.0/24"))
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_IN_USE, "network.nic/"+nic, c.networks.DeleteNetwork, &networkv1.DeleteNetworkRequest{Id: id})
	livetest.Must(t, c.Cloud, "delete", c.nics.DeleteNic, &networkv1.DeleteNicRequest{Id: nic})
	livetest.Must(t, c.Cloud, "delete", c.networks.DeleteNetwork, &networkv1.DeleteNetworkRequest{Id: id})
	livetest.Must(t, c.Cloud, "delete again", c.networks.DeleteNetwork, &networkv1.DeleteNetworkRequest{Id: id})

	quota := livetest.Must(t, c.Cloud, "quota", c.networks.GetNetworkQuota, &networkv1.GetNetworkQuotaRequest{})
	if len(quota.GetQuotas()) < 7 || quota.GetQuotas()[0].GetUsed() < 1 {
		t.Errorf("quota %v", quota)
	}
}

func TestSubnetsOfARealCloud(t *testing.T) {
	c := open(t)
	networkID := c.network(t, "subnets")
	dhcp := false
	req := &networkv1.CreateSubnetRequest{
		Name: prefix + "subnet", NetworkId: networkID, Cidr: "10.72.0.0/24", GatewayIp: "10.72.0.254", DhcpEnabled: &dhcp,
		DnsServers: []string{"10.1.1.1"}, AllocationPools: []*networkv1.IpRange{{First: "10.72.0.10", Last: "10.72.0.20"}},
		Tags: map[string]string{"k": "v"},
	}
	id := livetest.Must(t, c.Cloud, "one", c.subnets.CreateSubnet, req).GetId()
	livetest.Cleanup(t, c.Cloud, c.subnets.DeleteSubnet, &networkv1.DeleteSubnetRequest{Id: id})
	if again := livetest.Repeat(t, c.Cloud, "one", c.subnets.CreateSubnet, req); again.GetId() != id {
		t.Errorf("a repeat made %s beside %s", again.GetId(), id)
	}
	err := livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_CONFLICTS_WITH_EXISTING, "", c.subnets.CreateSubnet,
		&networkv1.CreateSubnetRequest{Name: prefix + "x", NetworkId: networkID, Cidr: "10.72.0.0/25"})
	if got := sdk.InfoOf(err)["field"]; got != "cidr" {
		t.Errorf("overlap names field %q", got)
	}
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_REFERENCE_NOT_FOUND, "", c.subnets.CreateSubnet,
		&networkv1.CreateSubnetRequest{Name: prefix + "x", NetworkId: nowhere, Cidr: "10.73.0.0/24"})

	livetest.Must(t, c.Cloud, "update", c.subnets.UpdateSubnet, &networkv1.UpdateSubnetRequest{
		Id: id, DnsServers: &apiv1.StringList{}, AllocationPools: &networkv1.IpRangeList{},
	})
	routerID := c.router(t, "subnets", "")
	c.join(t, routerID, id)
	got := livetest.Must(t, c.Cloud, "get", c.subnets.GetSubnet, &networkv1.GetSubnetRequest{Id: id}).GetSubnet()
	if len(got.GetDnsServers()) != 0 || len(got.GetAllocationPools()) != 1 || got.GetAllocationPools()[0].GetLast() != "10.72.0.253" ||
		got.GetDhcpEnabled() || got.GetGatewayIp() != "10.72.0.254" || len(got.GetRouterIds()) != 1 || got.GetRouterIds()[0] != routerID ||
		got.GetNetworkId() != networkID || got.GetTags()["k"] != "v" {
		t.Errorf("subnet %v", got)
	}
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_IN_USE, "network.router/"+routerID, c.subnets.DeleteSubnet, &networkv1.DeleteSubnetRequest{Id: id})
	list := livetest.Must(t, c.Cloud, "list", c.subnets.ListSubnets, &networkv1.ListSubnetsRequest{NetworkId: networkID}).GetSubnets()
	if len(list) != 1 {
		t.Errorf("subnets of network: %v", list)
	}
}

func TestRoutersOfARealCloud(t *testing.T) {
	c := open(t)
	external := c.external(t)
	networkID := c.network(t, "routed")
	subnetID := c.subnet(t, networkID, "10.74.0.0/24")
	routerID := c.router(t, "main", external)
	nic := c.join(t, routerID, subnetID)

	repeat := livetest.Must(t, c.Cloud, "again", c.routers.AddRouterInterface, &networkv1.AddRouterInterfaceRequest{Id: routerID, SubnetId: subnetID})
	if repeat.GetNicId() != nic || nic == "" {
		t.Errorf("joined again by %q, first by %q", repeat.GetNicId(), nic)
	}
	other := c.router(t, "other", "")
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_IN_USE, "network.router/"+routerID, c.routers.AddRouterInterface,
		&networkv1.AddRouterInterfaceRequest{Id: other, SubnetId: subnetID})
	overlapping := c.subnet(t, c.network(t, "overlapping"), "10.74.0.0/25")
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_CONFLICTS_WITH_EXISTING, "", c.routers.AddRouterInterface,
		&networkv1.AddRouterInterfaceRequest{Id: routerID, SubnetId: overlapping})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_REFERENCE_NOT_FOUND, "", c.routers.AddRouterInterface,
		&networkv1.AddRouterInterfaceRequest{Id: routerID, SubnetId: nowhere})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_NOT_FOUND, "", c.routers.AddRouterInterface,
		&networkv1.AddRouterInterfaceRequest{Id: nowhere, SubnetId: subnetID})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_REFERENCE_MISMATCH, "", c.routers.CreateRouter,
		&networkv1.CreateRouterRequest{Name: prefix + "x", ExternalGateway: &networkv1.ExternalGatewaySpec{NetworkId: networkID}})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_IN_USE, "network.subnet/"+subnetID, c.routers.DeleteRouter, &networkv1.DeleteRouterRequest{Id: routerID})

	hop := c.nic(t, "hop", subnetID)
	route := &networkv1.AddRouteRequest{Id: routerID, DestinationCidr: "10.99.0.0/16", NicId: hop}
	livetest.Must(t, c.Cloud, "route", c.routers.AddRoute, route)
	livetest.Must(t, c.Cloud, "route again", c.routers.AddRoute, route)
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_CONFLICTS_WITH_EXISTING, "", c.routers.AddRoute,
		&networkv1.AddRouteRequest{Id: routerID, DestinationCidr: "10.99.0.0/16", IpAddress: "10.74.0.250"})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_REFERENCE_MISMATCH, "", c.routers.AddRoute,
		&networkv1.AddRouteRequest{Id: routerID, DestinationCidr: "10.98.0.0/16", IpAddress: "192.168.77.1"})

	got := livetest.Must(t, c.Cloud, "get", c.routers.GetRouter, &networkv1.GetRouterRequest{Id: routerID}).GetRouter()
	if got.GetExternalGateway().GetNetworkId() != external || len(got.GetExternalGateway().GetIpAddresses()) != 1 || !got.GetExternalGateway().GetSnatEnabled() ||
		len(got.GetInterfaces()) != 1 || got.GetInterfaces()[0].GetNicId() != nic || got.GetInterfaces()[0].GetIpAddress() != "10.74.0.1" ||
		len(got.GetRoutes()) != 1 || got.GetState() != networkv1.RouterState_ROUTER_STATE_AVAILABLE {
		t.Errorf("router %v", got)
	}
	list := livetest.Must(t, c.Cloud, "list", c.routers.ListRouters, &networkv1.ListRoutersRequest{Name: prefix + "main"}).GetRouters()
	if len(list) != 1 || len(list[0].GetInterfaces()) != 1 || list[0].GetInterfaces()[0].GetSubnetId() != subnetID || len(list[0].GetRoutes()) != 0 {
		t.Errorf("listed routers %v", list)
	}
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_IN_USE, "", c.routers.RemoveRouterInterface,
		&networkv1.RemoveRouterInterfaceRequest{Id: routerID, SubnetId: subnetID})
	remove := &networkv1.RemoveRouteRequest{Id: routerID, DestinationCidr: "10.99.0.0/16"}
	livetest.Must(t, c.Cloud, "no route", c.routers.RemoveRoute, remove)
	livetest.Must(t, c.Cloud, "no route again", c.routers.RemoveRoute, remove)
	leave := &networkv1.RemoveRouterInterfaceRequest{Id: routerID, SubnetId: subnetID}
	livetest.Must(t, c.Cloud, "leave", c.routers.RemoveRouterInterface, leave)
	livetest.Must(t, c.Cloud, "leave again", c.routers.RemoveRouterInterface, leave)

	livetest.Must(t, c.Cloud, "no gateway", c.routers.UpdateRouter, &networkv1.UpdateRouterRequest{Id: routerID, ExternalGateway: &networkv1.ExternalGatewaySpec{}})
	got = livetest.Must(t, c.Cloud, "get", c.routers.GetRouter, &networkv1.GetRouterRequest{Id: routerID}).GetRouter()
	if got.GetExternalGateway() != nil {
		t.Errorf("router keeps its gateway: %v", got)
	}
}

func TestSecurityGroupsOfARealCloud(t *testing.T) {
	c := open(t)
	groupID, other := c.group(t, "web"), c.group(t, "db")
	got := livetest.Must(t, c.Cloud, "get", c.groups.GetSecurityGroup, &networkv1.GetSecurityGroupRequest{Id: groupID}).GetSecurityGroup()
	if len(got.GetRules()) != 2 {
		t.Fatalf("a new group has %d rules: %v", len(got.GetRules()), got)
	}
	for _, r := range got.GetRules() {
		if r.GetDirection() != apiv1.Direction_DIRECTION_EGRESS || r.GetProtocol() != networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_ALL || r.GetRemoteCidr() == "" {
			t.Errorf("rule of a new group: %v", r)
		}
	}

	zero := int32(0)
	for name, req := range map[string]*networkv1.CreateSecurityGroupRuleRequest{
		"ssh": {Protocol: networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_TCP, Ports: &apiv1.PortRange{First: 22, Last: 22}, RemoteCidr: "10.0.0.0/8", Description: "ssh"},
		// 0.0.0.0/0 is the range that Neutron takes for none.
		"echo":   {Protocol: networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_ICMP, IcmpType: &zero, IcmpCode: &zero, RemoteCidr: "0.0.0.0/0"},
		"number": {ProtocolNumber: 132, RemoteCidr: "10.0.0.0/8"},
		"gre":    {Protocol: networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_GRE, RemoteCidr: "10.0.0.0/8"},
		"icmpv6": {Protocol: networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_ICMPV6, RemoteCidr: "fc00::/7"},
		"all":    {Protocol: networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_ALL, RemoteSecurityGroupId: groupID},
		"db":     {Protocol: networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_UDP, RemoteSecurityGroupId: other},
	} {
		req.SecurityGroupId, req.Direction = groupID, apiv1.Direction_DIRECTION_INGRESS
		id := livetest.Must(t, c.Cloud, name, c.groups.CreateSecurityGroupRule, req).GetId()
		if again := livetest.Repeat(t, c.Cloud, name, c.groups.CreateSecurityGroupRule, req); again.GetId() != id {
			t.Errorf("%s: a repeat gave %s, not %s", name, again.GetId(), id)
		}
		rule := livetest.Must(t, c.Cloud, "get", c.groups.GetSecurityGroupRule, &networkv1.GetSecurityGroupRuleRequest{Id: id}).GetRule()
		if rule.GetProtocol() != req.GetProtocol() || rule.GetProtocolNumber() != req.GetProtocolNumber() ||
			rule.GetPorts().GetFirst() != req.GetPorts().GetFirst() || (rule.IcmpType == nil) != (req.IcmpType == nil) ||
			rule.GetRemoteCidr() != req.GetRemoteCidr() || rule.GetRemoteSecurityGroupId() != req.GetRemoteSecurityGroupId() || rule.GetSecurityGroupId() != groupID {
			t.Errorf("%s: asked for %v, got %v", name, req, rule)
		}
		if name == "db" {
			livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_IN_USE, "network.security_group_rule/"+id, c.groups.DeleteSecurityGroup,
				&networkv1.DeleteSecurityGroupRequest{Id: other})
			livetest.Must(t, c.Cloud, "no rule", c.groups.DeleteSecurityGroupRule, &networkv1.DeleteSecurityGroupRuleRequest{Id: id})
			livetest.Must(t, c.Cloud, "no rule again", c.groups.DeleteSecurityGroupRule, &networkv1.DeleteSecurityGroupRuleRequest{Id: id})
		}
	}
	rules := livetest.Must(t, c.Cloud, "rules", c.groups.ListSecurityGroupRules,
		&networkv1.ListSecurityGroupRulesRequest{SecurityGroupId: groupID, Direction: apiv1.Direction_DIRECTION_INGRESS}).GetRules()
	if len(rules) != 6 {
		t.Errorf("%d ingress rules: %v", len(rules), rules)
	}
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_NOT_FOUND, "", c.groups.CreateSecurityGroupRule, &networkv1.CreateSecurityGroupRuleRequest{
		SecurityGroupId: nowhere, Direction: apiv1.Direction_DIRECTION_INGRESS,
		Protocol: networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_TCP, RemoteCidr: "10.0.0.0/8",
	})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_REFERENCE_NOT_FOUND, "", c.groups.CreateSecurityGroupRule, &networkv1.CreateSecurityGroupRuleRequest{
		SecurityGroupId: groupID, Direction: apiv1.Direction_DIRECTION_INGRESS,
		Protocol: networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_TCP, RemoteSecurityGroupId: nowhere,
	})

	nic := c.nic(t, "member", c.subnet(t, c.network(t, "members"), "10.75.0.0/24"), groupID)
	member := &networkv1.AddSecurityGroupMemberRequest{Id: other, NicId: nic}
	livetest.Must(t, c.Cloud, "member", c.groups.AddSecurityGroupMember, member)
	livetest.Must(t, c.Cloud, "member again", c.groups.AddSecurityGroupMember, member)
	members := livetest.Must(t, c.Cloud, "members", c.groups.ListSecurityGroupMembers, &networkv1.ListSecurityGroupMembersRequest{Id: other}).GetMembers()
	if len(members) != 1 || members[0].GetNicId() != nic || members[0].GetVmId() != "" {
		t.Errorf("members %v", members)
	}
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_IN_USE, "network.nic/"+nic, c.groups.DeleteSecurityGroup, &networkv1.DeleteSecurityGroupRequest{Id: other})
	livetest.Must(t, c.Cloud, "leave", c.groups.RemoveSecurityGroupMember, &networkv1.RemoveSecurityGroupMemberRequest{Id: other, NicId: nic})
	livetest.Must(t, c.Cloud, "leave again", c.groups.RemoveSecurityGroupMember, &networkv1.RemoveSecurityGroupMemberRequest{Id: other, NicId: nic})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_INVALID_STATE, "", c.groups.RemoveSecurityGroupMember,
		&networkv1.RemoveSecurityGroupMemberRequest{Id: groupID, NicId: nic})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_NOT_FOUND, "", c.groups.AddSecurityGroupMember, &networkv1.AddSecurityGroupMemberRequest{Id: nowhere, NicId: nic})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_REFERENCE_NOT_FOUND, "", c.groups.AddSecurityGroupMember, &networkv1.AddSecurityGroupMemberRequest{Id: other, NicId: nowhere})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_NOT_FOUND, "", c.groups.ListSecurityGroupMembers, &networkv1.ListSecurityGroupMembersRequest{Id: nowhere})
}

func TestNICsAndPublicIPsOfARealCloud(t *testing.T) {
	c := open(t)
	external := c.external(t)
	networkID := c.network(t, "nics")
	subnetID := c.subnet(t, networkID, "10.76.0.0/24")
	groupID := c.group(t, "nics")
	req := &networkv1.CreateNicRequest{
		Name: prefix + "nic", Description: "d", SubnetId: subnetID, IpAddress: "10.76.0.77", MacAddress: "fa:16:3e:00:aa:bb",
		SecurityGroupIds: []string{groupID}, Tags: map[string]string{"k": "v"},
	}
	id := livetest.Must(t, c.Cloud, "one", c.nics.CreateNic, req).GetId()
	livetest.Cleanup(t, c.Cloud, c.nics.DeleteNic, &networkv1.DeleteNicRequest{Id: id})
	if again := livetest.Repeat(t, c.Cloud, "one", c.nics.CreateNic, req); again.GetId() != id {
		t.Errorf("a repeat made %s beside %s", again.GetId(), id)
	}
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_CONFLICTS_WITH_EXISTING, "", c.nics.CreateNic,
		&networkv1.CreateNicRequest{Name: prefix + "x", SubnetId: subnetID, IpAddress: "10.76.0.77"})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_REFERENCE_NOT_FOUND, "", c.nics.CreateNic, &networkv1.CreateNicRequest{Name: prefix + "x", SubnetId: nowhere})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_REFERENCE_NOT_FOUND, "", c.nics.CreateNic,
		&networkv1.CreateNicRequest{Name: prefix + "x", SubnetId: subnetID, SecurityGroupIds: []string{nowhere}})

	description := "other"
	livetest.Must(t, c.Cloud, "update", c.nics.UpdateNic, &networkv1.UpdateNicRequest{
		Id: id, Description: &description, Tags: &apiv1.StringMap{Entries: map[string]string{"k2": "v2"}},
	})

	ipReq := &networkv1.CreatePublicIpRequest{Name: prefix + "ip", Description: "address", ExternalNetworkId: external, Tags: map[string]string{"k": "v"}}
	ip := livetest.Must(t, c.Cloud, "ip", c.ips.CreatePublicIp, ipReq).GetId()
	livetest.Cleanup(t, c.Cloud, c.ips.DeletePublicIp, &networkv1.DeletePublicIpRequest{Id: ip})
	if again := livetest.Repeat(t, c.Cloud, "ip", c.ips.CreatePublicIp, ipReq); again.GetId() != ip {
		t.Errorf("a repeat made %s beside %s", again.GetId(), ip)
	}
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_REFERENCE_MISMATCH, "", c.ips.CreatePublicIp, &networkv1.CreatePublicIpRequest{Name: prefix + "x", ExternalNetworkId: networkID})
	bind := &networkv1.UpdatePublicIpRequest{Id: ip, NicId: &id}
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_INVALID_STATE, "", c.ips.UpdatePublicIp, bind)
	routerID := c.router(t, "nics", external)
	c.join(t, routerID, subnetID)
	livetest.Must(t, c.Cloud, "bind", c.ips.UpdatePublicIp, bind)
	livetest.Cleanup(t, c.Cloud, c.ips.DeletePublicIp, &networkv1.DeletePublicIpRequest{Id: ip})
	livetest.Must(t, c.Cloud, "bind again", c.ips.UpdatePublicIp, bind)

	got := livetest.Must(t, c.Cloud, "get", c.nics.GetNic, &networkv1.GetNicRequest{Id: id}).GetNic()
	if got.GetPublicIpId() != ip || got.GetDescription() != description || got.GetMacAddress() != req.GetMacAddress() || got.GetSubnetId() != subnetID ||
		got.GetNetworkId() != networkID || got.GetIpAddresses()[0] != req.GetIpAddress() || got.GetState() != networkv1.NicState_NIC_STATE_AVAILABLE ||
		got.GetTags()["k2"] != "v2" || got.GetSecurityGroupIds()[0] != groupID || !got.GetPortSecurityEnabled() {
		t.Errorf("NIC %v", got)
	}
	second := c.nic(t, "second", subnetID)
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_IN_USE, "network.nic/"+id, c.ips.UpdatePublicIp, &networkv1.UpdatePublicIpRequest{Id: ip, NicId: &second})
	livetest.Must(t, c.Cloud, "rebind", c.ips.UpdatePublicIp, &networkv1.UpdatePublicIpRequest{Id: ip, NicId: &second, AllowRebind: true})
	ip2 := livetest.Must(t, c.Cloud, "ip2", c.ips.CreatePublicIp, &networkv1.CreatePublicIpRequest{Name: prefix + "ip2"}).GetId()
	livetest.Cleanup(t, c.Cloud, c.ips.DeletePublicIp, &networkv1.DeletePublicIpRequest{Id: ip2})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_IN_USE, "network.public_ip/"+ip, c.ips.UpdatePublicIp, &networkv1.UpdatePublicIpRequest{Id: ip2, NicId: &second})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_IN_USE, "network.public_ip/"+ip, c.routers.UpdateRouter,
		&networkv1.UpdateRouterRequest{Id: routerID, ExternalGateway: &networkv1.ExternalGatewaySpec{}})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_IN_USE, "network.public_ip/"+ip, c.routers.RemoveRouterInterface,
		&networkv1.RemoveRouterInterfaceRequest{Id: routerID, SubnetId: subnetID})
	address := livetest.Must(t, c.Cloud, "get", c.ips.GetPublicIp, &networkv1.GetPublicIpRequest{Id: ip}).GetPublicIp()
	if address.GetNicId() != second || address.GetState() != networkv1.PublicIpState_PUBLIC_IP_STATE_IN_USE || address.GetIpAddress() == "" ||
		address.GetDescription() != "address" || address.GetExternalNetworkId() != external || address.GetPrivateIpAddress() == "" {
		t.Errorf("public IP %v", address)
	}
	ips := livetest.Must(t, c.Cloud, "list", c.ips.ListPublicIps, &networkv1.ListPublicIpsRequest{NicId: second}).GetPublicIps()
	if len(ips) != 1 || ips[0].GetId() != ip {
		t.Errorf("public IPs of a NIC: %v", ips)
	}
	nics := livetest.Must(t, c.Cloud, "list", c.nics.ListNics, &networkv1.ListNicsRequest{SubnetId: subnetID}).GetNics()
	if len(nics) != 2 {
		t.Errorf("NICs of the subnet, without the router's: %v", nics)
	}
	nics = livetest.Must(t, c.Cloud, "list", c.nics.ListNics,
		&networkv1.ListNicsRequest{SubnetId: subnetID, DeviceKind: networkv1.NicDeviceKind_NIC_DEVICE_KIND_ROUTER}).GetNics()
	if len(nics) != 1 || nics[0].GetDeviceId() != routerID {
		t.Errorf("NICs of routers: %v", nics)
	}
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_IN_USE, "network.router/"+routerID, c.nics.DeleteNic, &networkv1.DeleteNicRequest{Id: nics[0].GetId()})
	livetest.Must(t, c.Cloud, "unbind", c.ips.UpdatePublicIp, &networkv1.UpdatePublicIpRequest{Id: ip, Unbind: true})
	livetest.Must(t, c.Cloud, "unbind again", c.ips.UpdatePublicIp, &networkv1.UpdatePublicIpRequest{Id: ip, Unbind: true})
	livetest.Must(t, c.Cloud, "release", c.ips.DeletePublicIp, &networkv1.DeletePublicIpRequest{Id: ip})
	livetest.Must(t, c.Cloud, "release again", c.ips.DeletePublicIp, &networkv1.DeletePublicIpRequest{Id: ip})
}

// vm makes a VM on a NIC, or on the network if nicID is empty.
func (c cloud) vm(t *testing.T, networkID, nicID string) string {
	t.Helper()
	kinds, err := flavors.ListDetail(c.Session.Compute, nil).AllPages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	flavorList, err := flavors.ExtractFlavors(kinds)
	if err != nil || len(flavorList) == 0 {
		t.Fatalf("no flavor: %v", err)
	}
	page, err := images.List(c.Session.Image, images.ListOpts{Name: "tiny"}).AllPages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	imageList, err := images.ExtractImages(page)
	if err != nil || len(imageList) == 0 {
		t.Skip("the cloud has no image tiny")
	}
	nic := servers.Network{UUID: networkID}
	if nicID != "" {
		nic = servers.Network{Port: nicID}
	}
	vm, err := servers.Create(t.Context(), c.Session.Compute, servers.CreateOpts{
		Name: prefix + "vm", FlavorRef: flavorList[0].ID, ImageRef: imageList[0].ID, Networks: []servers.Network{nic},
	}, nil).Extract()
	if err != nil {
		t.Fatalf("make VM: %v", err)
	}
	t.Cleanup(func() { c.removeVM(t, vm.ID) })
	livetest.Eventually(t, "VM active", func() bool {
		v, err := servers.Get(t.Context(), c.Session.Compute, vm.ID).Extract()
		return err == nil && v.Status == "ACTIVE"
	})
	return vm.ID
}

func (c cloud) removeVM(t *testing.T, id string) {
	ctx := contextOf(t)
	_ = servers.Delete(ctx, c.Session.Compute, id).ExtractErr()
	for range 120 {
		if _, err := servers.Get(ctx, c.Session.Compute, id).Extract(); err != nil {
			return
		}
		pauseTest()
	}
}

func TestNICsOfAVMOfARealCloud(t *testing.T) {
	c := open(t)
	networkID := c.network(t, "vm")
	subnetID := c.subnet(t, networkID, "10.77.0.0/24")
	group, second := c.group(t, "vm"), c.group(t, "vm2")
	first := c.nic(t, "first", subnetID, group)
	extra := c.nic(t, "extra", subnetID, group)
	vm := c.vm(t, networkID, first)

	attach := &networkv1.AttachNicRequest{Id: extra, VmId: vm}
	livetest.Must(t, c.Cloud, "attach", c.nics.AttachNic, attach)
	livetest.Eventually(t, "attached", func() bool {
		return livetest.Must(t, c.Cloud, "get", c.nics.GetNic, &networkv1.GetNicRequest{Id: extra}).GetNic().GetVmId() == vm
	})
	livetest.Must(t, c.Cloud, "attach again", c.nics.AttachNic, attach)
	got := livetest.Must(t, c.Cloud, "get", c.nics.GetNic, &networkv1.GetNicRequest{Id: first}).GetNic()
	if !got.GetPrimary() || got.GetState() != networkv1.NicState_NIC_STATE_IN_USE || got.GetDeviceKind() != networkv1.NicDeviceKind_NIC_DEVICE_KIND_VM {
		t.Errorf("first NIC %v", got)
	}
	nics := livetest.Must(t, c.Cloud, "list", c.nics.ListNics, &networkv1.ListNicsRequest{VmId: vm}).GetNics()
	primaries := 0
	for _, v := range nics {
		if v.GetPrimary() {
			primaries++
		}
	}
	if len(nics) != 2 || primaries != 1 {
		t.Errorf("NICs of the VM, %d primary: %v", primaries, nics)
	}
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_IN_USE, "compute.vm/"+vm, c.nics.DeleteNic, &networkv1.DeleteNicRequest{Id: extra})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_REFERENCE_MISMATCH, "", c.nics.DetachNic, &networkv1.DetachNicRequest{Id: extra, VmId: nowhere})

	livetest.Must(t, c.Cloud, "add", c.groups.AddSecurityGroupMember, &networkv1.AddSecurityGroupMemberRequest{Id: second, VmId: vm})
	livetest.Must(t, c.Cloud, "add again", c.groups.AddSecurityGroupMember, &networkv1.AddSecurityGroupMemberRequest{Id: second, VmId: vm})
	members := livetest.Must(t, c.Cloud, "members", c.groups.ListSecurityGroupMembers, &networkv1.ListSecurityGroupMembersRequest{Id: second}).GetMembers()
	if len(members) != 2 || members[0].GetVmId() != vm {
		t.Errorf("members %v", members)
	}
	livetest.Must(t, c.Cloud, "remove", c.groups.RemoveSecurityGroupMember, &networkv1.RemoveSecurityGroupMemberRequest{Id: second, VmId: vm})
	livetest.Must(t, c.Cloud, "remove again", c.groups.RemoveSecurityGroupMember, &networkv1.RemoveSecurityGroupMemberRequest{Id: second, VmId: vm})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_INVALID_STATE, "", c.groups.RemoveSecurityGroupMember,
		&networkv1.RemoveSecurityGroupMemberRequest{Id: group, VmId: vm})

	livetest.Must(t, c.Cloud, "detach", c.nics.DetachNic, &networkv1.DetachNicRequest{Id: extra})
	livetest.Must(t, c.Cloud, "detach again", c.nics.DetachNic, &networkv1.DetachNicRequest{Id: extra})
	if got := livetest.Must(t, c.Cloud, "get", c.nics.GetNic, &networkv1.GetNicRequest{Id: extra}).GetNic(); got.GetState() != networkv1.NicState_NIC_STATE_AVAILABLE {
		t.Errorf("detached NIC %v", got)
	}
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_REFERENCE_NOT_FOUND, "", c.nics.AttachNic, &networkv1.AttachNicRequest{Id: extra, VmId: nowhere})
}

// A port that Nova made goes with detaching, so it must not be detached.
func TestDetachingANICOfNovaIsRefused(t *testing.T) {
	c := open(t)
	networkID := c.network(t, "nova")
	c.subnet(t, networkID, "10.78.0.0/24")
	vm := c.vm(t, networkID, "")
	nics := livetest.Must(t, c.Cloud, "list", c.nics.ListNics, &networkv1.ListNicsRequest{VmId: vm}).GetNics()
	if len(nics) != 1 {
		t.Fatalf("NICs of the VM: %v", nics)
	}
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_INVALID_STATE, "", c.nics.DetachNic, &networkv1.DetachNicRequest{Id: nics[0].GetId()})
}

// What reads change nothing at the cloud, and a page costs the same number of
// calls however many routers are on it.
func TestRouterListsCostTwoCalls(t *testing.T) {
	c := open(t)
	c.router(t, "a", "")
	c.router(t, "b", "")
	calls := 0
	counted := c.Session.Network.ProviderClient.HTTPClient.Transport
	c.Session.Network.ProviderClient.HTTPClient.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		calls++
		if r.Method != http.MethodGet {
			t.Errorf("a list sends %s %s", r.Method, r.URL)
		}
		return counted.RoundTrip(r)
	})
	list := livetest.Must(t, c.Cloud, "list", c.routers.ListRouters, &networkv1.ListRoutersRequest{}).GetRouters()
	c.Session.Network.ProviderClient.HTTPClient.Transport = counted
	if len(list) < 2 || calls != 2 {
		t.Errorf("%d routers in %d calls, want 2 calls", len(list), calls)
	}
}

func TestMarkersStandAtTheCloud(t *testing.T) {
	c := open(t)
	id := c.network(t, "marked")
	v, err := networks.Get(t.Context(), c.Session.Network, id).Extract()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(v.Description, " [yq:") || !strings.HasSuffix(v.Description, "]") {
		t.Errorf("description at the cloud: %q", v.Description)
	}
}
