package main

import (
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/sim"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// expectInUse fails unless an error is IN_USE by the resource.
func (r *rig) expectInUse(what string, err error, blocker string) {
	r.Helper()
	if sdk.ReasonOf(err) != apiv1.Reason_REASON_IN_USE || !strings.Contains(sdk.InfoOf(err)["blockers"], blocker) {
		r.Errorf("%s: got %v of %q, want IN_USE by %s", what, sdk.ReasonOf(err), sdk.InfoOf(err)["blockers"], blocker)
	}
}

// TestWhatIsInTheWayIsNamed deletes what others need, and shows that nothing is
// touched before.
func TestWhatIsInTheWayIsNamed(t *testing.T) {
	t.Parallel()
	r := newRig(t, sim.Options{})
	r.mustOpen()
	conn := r.process.Conn()
	site := r.site()
	subnetID, groupID := site.GetNics()[0].GetSubnetId(), site.GetSecurityGroupIds()[0]
	networks, subnets, routers := networkv1.NewNetworkServiceClient(conn), networkv1.NewSubnetServiceClient(conn), networkv1.NewRouterServiceClient(conn)
	groups, nics, balancers := networkv1.NewSecurityGroupServiceClient(conn), networkv1.NewNicServiceClient(conn), networkv1.NewLoadBalancerServiceClient(conn)
	subnet, err := subnets.GetSubnet(r.as("get", 1), &networkv1.GetSubnetRequest{Id: subnetID})
	r.must(err)
	networkID := subnet.GetSubnet().GetNetworkId()

	nic, err := nics.CreateNic(r.as("nic", 1), &networkv1.CreateNicRequest{Name: "nic", SubnetId: subnetID, SecurityGroupIds: []string{groupID}})
	r.must(err)
	r.eventually(func() bool {
		got, err := nics.GetNic(r.as("get", 1), &networkv1.GetNicRequest{Id: nic.GetId()})
		return err == nil && got.GetNic().GetState() == networkv1.NicState_NIC_STATE_AVAILABLE
	})
	_, err = networks.DeleteNetwork(r.as("delete network", 1), &networkv1.DeleteNetworkRequest{Id: networkID})
	r.expectInUse("network with a NIC", err, "network.nic/"+nic.GetId())
	r.expectInUse("network with a group", err, "network.security_group/"+groupID)
	_, err = subnets.DeleteSubnet(r.as("delete subnet", 1), &networkv1.DeleteSubnetRequest{Id: subnetID})
	r.expectInUse("subnet with a NIC", err, "network.nic/"+nic.GetId())
	_, err = groups.DeleteSecurityGroup(r.as("delete group", 1), &networkv1.DeleteSecurityGroupRequest{Id: groupID})
	r.expectInUse("group with a member", err, "network.nic/"+nic.GetId())

	router, err := routers.CreateRouter(r.as("router", 1), &networkv1.CreateRouterRequest{Name: "router", NetworkId: networkID})
	r.must(err)
	r.eventually(func() bool {
		_, err := routers.AddRouterInterface(r.as("interface", 1), &networkv1.AddRouterInterfaceRequest{Id: router.GetId(), SubnetId: subnetID})
		return err == nil
	})
	r.eventually(func() bool {
		got, err := subnets.GetSubnet(r.as("get", 1), &networkv1.GetSubnetRequest{Id: subnetID})
		return err == nil && got.GetSubnet().GetState() == networkv1.SubnetState_SUBNET_STATE_AVAILABLE
	})
	_, err = routers.DeleteRouter(r.as("delete router", 1), &networkv1.DeleteRouterRequest{Id: router.GetId()})
	r.expectInUse("router with an interface", err, "network.subnet/"+subnetID)
	other, err := routers.CreateRouter(r.as("other router", 1), &networkv1.CreateRouterRequest{Name: "other", NetworkId: networkID})
	r.must(err)
	r.eventually(func() bool {
		_, err = routers.AddRouterInterface(r.as("other interface", 1), &networkv1.AddRouterInterfaceRequest{Id: other.GetId(), SubnetId: subnetID})
		return sdk.ReasonOf(err) != apiv1.Reason_REASON_RESOURCE_BUSY
	})
	r.expectInUse("subnet at another router", err, "network.router/"+router.GetId())

	vip, err := balancers.CreateVip(r.as("vip", 1), &networkv1.CreateVipRequest{
		Name: "vip", Kind: networkv1.VipKind_VIP_KIND_L4, Subnets: []*networkv1.VipSubnet{{SubnetId: subnetID}},
	})
	r.must(err)
	pool, err := balancers.CreatePool(r.as("pool", 1), &networkv1.CreatePoolRequest{
		Name: "pool", VipId: vip.GetId(), Protocol: networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_TCP,
	})
	r.must(err)
	listener, err := balancers.CreateListener(r.as("listener", 1), &networkv1.CreateListenerRequest{
		Name: "listener", Protocol: networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_TCP, Port: 80, DefaultPoolId: pool.GetId(),
	})
	r.must(err)
	_, err = balancers.DeletePool(r.as("delete pool", 1), &networkv1.DeletePoolRequest{Id: pool.GetId()})
	r.expectInUse("pool of a listener", err, "network.listener/"+listener.GetId())

	firewalls := securityv1.NewFirewallServiceClient(conn)
	first, second := r.firewall("first", networkID, subnetID), r.firewall("second", networkID)
	r.eventually(func() bool {
		_, err = firewalls.UpdateFirewall(r.as("take", 1), &securityv1.UpdateFirewallRequest{Id: second, SubnetIds: &apiv1.StringList{Values: []string{subnetID}}})
		return sdk.ReasonOf(err) != apiv1.Reason_REASON_RESOURCE_BUSY
	})
	r.expectInUse("subnet of another firewall", err, "security.firewall/"+first)
	r.cloud.CheckClean(t)
}

// firewall makes a firewall of subnets, following its steps as the gateway does.
func (r *rig) firewall(name, networkID string, subnetIDs ...string) string {
	r.Helper()
	firewalls := securityv1.NewFirewallServiceClient(r.process.Conn())
	call := sdk.Call{RequestID: "firewall " + name, AccountID: accountID, Attempt: 1}
	id := ""
	r.eventually(func() bool {
		var trailer metadata.MD
		made, err := firewalls.CreateFirewall(sdk.WithCall(r.Context(), call),
			&securityv1.CreateFirewallRequest{Name: name, NetworkId: networkID, SubnetIds: subnetIDs}, grpc.Trailer(&trailer))
		if sdk.ReasonOf(err) == apiv1.Reason_REASON_RESOURCE_BUSY {
			return false
		}
		r.must(err)
		id, call.NextStep = made.GetId(), sdk.TrailerFrom(trailer).NextStep
		return call.NextStep == ""
	})
	return id
}
