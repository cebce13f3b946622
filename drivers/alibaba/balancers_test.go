package main

import (
	"context"
	"testing"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/sim"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// twice sends a creation whose answer is lost, and repeats it as the gateway would:
// with the same request id, for as long as the cloud is busy.
func (r *rig) twice(action, requestID string, create func(context.Context) (string, error)) string {
	r.Helper()
	r.faults(sim.Faults{Rules: []sim.Rule{{Action: action, Times: 1, Effect: sim.EffectLose}}})
	var id string
	attempt := 0
	r.eventually(func() bool {
		attempt++
		var err error
		if id, err = create(r.as(requestID, attempt)); sdk.ReasonOf(err) == apiv1.Reason_REASON_RESOURCE_BUSY || attempt == 1 && err != nil {
			return false
		}
		r.must(err)
		return true
	})
	return id
}

// TestBalancersOfZonesAreMadeOnce loses the answer of every creation of both products,
// ends TLS at an NLB and HTTPS at an ALB, and balances over addresses.
func TestBalancersOfZonesAreMadeOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, sim.Options{})
	r.mustOpen()
	conn := r.process.Conn()
	balancers, subnets := networkv1.NewLoadBalancerServiceClient(conn), networkv1.NewSubnetServiceClient(conn)
	first, err := subnets.GetSubnet(r.as("get", 1), &networkv1.GetSubnetRequest{Id: r.site().GetNics()[0].GetSubnetId()})
	r.must(err)
	zone := "cn-hangzhou-h"
	if first.GetSubnet().GetZoneId() == zone {
		zone = "cn-hangzhou-i"
	}
	second, err := subnets.CreateSubnet(r.as("subnet-b", 1), &networkv1.CreateSubnetRequest{
		Name: "b", NetworkId: first.GetSubnet().GetNetworkId(), Cidr: "10.0.200.0/24", ZoneId: zone,
	})
	r.must(err)
	r.eventually(func() bool {
		got, err := subnets.GetSubnet(r.as("get", 1), &networkv1.GetSubnetRequest{Id: second.GetId()})
		return err == nil && got.GetSubnet().GetState() == networkv1.SubnetState_SUBNET_STATE_AVAILABLE
	})
	for product, p := range map[string]struct {
		kind      networkv1.VipKind
		pool, end networkv1.LoadBalancerProtocol
	}{
		"Alb": {networkv1.VipKind_VIP_KIND_L7, networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTPS, networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTPS},
		"Nlb": {networkv1.VipKind_VIP_KIND_L4, networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_TCP, networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_TLS},
	} {
		vip := r.twice(product+".CreateLoadBalancer", product+"-vip", func(ctx context.Context) (string, error) {
			made, err := balancers.CreateVip(ctx, &networkv1.CreateVipRequest{
				Name: "vip", Kind: p.kind, Subnets: []*networkv1.VipSubnet{{SubnetId: first.GetSubnet().GetId()}, {SubnetId: second.GetId()}},
			})
			return made.GetId(), err
		})
		pool := r.twice(product+".CreateServerGroup", product+"-pool", func(ctx context.Context) (string, error) {
			made, err := balancers.CreatePool(ctx, &networkv1.CreatePoolRequest{
				Name: "pool", VipId: vip, Protocol: p.pool, MemberKind: networkv1.MemberKind_MEMBER_KIND_ADDRESS,
				Algorithm: networkv1.PoolAlgorithm_POOL_ALGORITHM_LEAST_CONNECTIONS,
			})
			return made.GetId(), err
		})
		listener := r.twice(product+".CreateListener", product+"-listener", func(ctx context.Context) (string, error) {
			made, err := balancers.CreateListener(ctx, &networkv1.CreateListenerRequest{
				Name: "listener", Protocol: p.end, Port: 443, DefaultPoolId: pool, CertificateIds: []string{"cert-1"},
			})
			return made.GetId(), err
		})
		member := r.twice(product+".AddServersToServerGroup", product+"-member", func(ctx context.Context) (string, error) {
			made, err := balancers.CreateMember(ctx, &networkv1.CreateMemberRequest{PoolId: pool, Address: "10.0.0.77", Port: 8443})
			return made.GetId(), err
		})
		r.eventually(func() bool {
			got, err := balancers.GetMember(r.as("get", 1), &networkv1.GetMemberRequest{Id: member})
			return err == nil && got.GetMember().GetState() == networkv1.LoadBalancerState_LOAD_BALANCER_STATE_ACTIVE
		})
		shown, err := balancers.GetListener(r.as("get", 1), &networkv1.GetListenerRequest{Id: listener})
		r.must(err)
		if l := shown.GetListener(); l.GetProtocol() != p.end || len(l.GetCertificateIds()) != 1 || l.GetDefaultPoolId() != pool || l.GetVipId() != vip {
			t.Errorf("%s: listener %v", product, l)
		}
		pools, err := balancers.ListPools(r.as("list", 1), &networkv1.ListPoolsRequest{VipId: vip})
		r.must(err)
		listeners, err := balancers.ListListeners(r.as("list", 1), &networkv1.ListListenersRequest{VipId: vip})
		r.must(err)
		members, err := balancers.ListMembers(r.as("list", 1), &networkv1.ListMembersRequest{PoolId: pool})
		r.must(err)
		if len(pools.GetPools()) != 1 || len(listeners.GetListeners()) != 1 || len(members.GetMembers()) != 1 {
			t.Errorf("%s: %d pools, %d listeners, %d members", product, len(pools.GetPools()), len(listeners.GetListeners()), len(members.GetMembers()))
		}
	}
	vips, err := balancers.ListVips(r.as("list", 1), &networkv1.ListVipsRequest{})
	r.must(err)
	if len(vips.GetVips()) != 2 {
		t.Errorf("there are %d VIPs", len(vips.GetVips()))
	}
	r.cloud.CheckClean(t)
}

// TestClassicAccounts shows an account that is set to CLB: the others are not asked,
// and what only they have is absent.
func TestClassicAccounts(t *testing.T) {
	t.Parallel()
	r := newRig(t, sim.Options{})
	r.settings["load_balancers"] = "classic"
	r.mustOpen()
	balancers := networkv1.NewLoadBalancerServiceClient(r.process.Conn())
	before := r.cloud.Stats().Calls
	_, err := balancers.ListVips(r.as("list", 1), &networkv1.ListVipsRequest{})
	r.must(err)
	after := r.cloud.Stats().Calls
	if after["Alb.ListLoadBalancers"]+after["Nlb.ListLoadBalancers"] != 0 || after["Slb.DescribeLoadBalancers"] != before["Slb.DescribeLoadBalancers"]+1 {
		t.Errorf("calls: %v", after)
	}
	_, err = balancers.CreateVip(r.as("vip", 1), &networkv1.CreateVipRequest{
		Name: "vip", Kind: networkv1.VipKind_VIP_KIND_L7, Subnets: []*networkv1.VipSubnet{{SubnetId: "vsw-1"}, {SubnetId: "vsw-2"}},
	})
	if sdk.ReasonOf(err) != apiv1.Reason_REASON_PARAMETER_REJECTED || sdk.InfoOf(err)["field"] != "subnets" {
		t.Errorf("a VIP in two subnets: %v", err)
	}
}
