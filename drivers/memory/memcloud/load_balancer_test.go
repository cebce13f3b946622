package memcloud

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

const (
	lbTCP   = networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_TCP
	lbUDP   = networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_UDP
	lbHTTP  = networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTP
	lbHTTPS = networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTPS
)

// balancerRig is a rig with a subnet and a VIP of both layers.
type balancerRig struct {
	*rig
	lb              networkv1.LoadBalancerServiceClient
	net, subnet, id string
}

func newBalancerRig(t *testing.T) *balancerRig {
	t.Helper()
	r := newRig(t)
	network, subnet := r.newSubnet("10.0.0.0/24")
	b := &balancerRig{rig: r, lb: networkv1.NewLoadBalancerServiceClient(r.conn), net: network, subnet: subnet}
	b.id = must[*networkv1.CreateVipResponse](t)(b.lb.CreateVip(t.Context(), b.vipRequest())).GetId()
	r.settle()
	return b
}

func (r *balancerRig) vipRequest() *networkv1.CreateVipRequest {
	return &networkv1.CreateVipRequest{Name: "front", Kind: networkv1.VipKind_VIP_KIND_L4_L7, Subnets: []*networkv1.VipSubnet{{SubnetId: r.subnet}}}
}

func (r *balancerRig) vip() *networkv1.Vip {
	r.Helper()
	return must[*networkv1.GetVipResponse](r.T)(r.lb.GetVip(r.Context(), &networkv1.GetVipRequest{Id: r.id})).GetVip()
}

func (r *balancerRig) newPool(protocol networkv1.LoadBalancerProtocol, watched bool) string {
	r.Helper()
	req := &networkv1.CreatePoolRequest{Name: "back", VipId: r.id, Protocol: protocol}
	if watched {
		req.HealthMonitor = &networkv1.HealthMonitor{Type: networkv1.HealthMonitorType_HEALTH_MONITOR_TYPE_HTTP,
			IntervalSeconds: 5, TimeoutSeconds: 3, HealthyThreshold: 2, UnhealthyThreshold: 2}
	}
	id := must[*networkv1.CreatePoolResponse](r.T)(r.lb.CreatePool(r.Context(), req)).GetId()
	r.settle()
	return id
}

func (r *balancerRig) listen(pool string, protocol networkv1.LoadBalancerProtocol, port int32) (*networkv1.CreateListenerResponse, error) {
	return r.lb.CreateListener(r.Context(), &networkv1.CreateListenerRequest{Name: "listen", DefaultPoolId: pool, Protocol: protocol, Port: port})
}

func (r *balancerRig) health(member string) networkv1.MemberHealth {
	r.Helper()
	return must[*networkv1.GetMemberResponse](r.T)(r.lb.GetMember(r.Context(), &networkv1.GetMemberRequest{Id: member})).GetMember().GetHealth()
}

func TestVIP(t *testing.T) {
	t.Parallel()
	r := newBalancerRig(t)
	ctx := t.Context()
	vip := r.vip()
	if vip.GetState() != networkv1.LoadBalancerState_LOAD_BALANCER_STATE_ACTIVE || vip.GetNetworkId() != r.net || !vip.GetEnabled() ||
		len(vip.GetAddresses()) != 1 || vip.GetHealth() != networkv1.VipHealth_VIP_HEALTH_NO_MONITOR {
		t.Fatalf("VIP is %v", vip)
	}
	nic := r.getNIC(vip.GetAddresses()[0].GetNicId())
	if nic.GetDeviceKind() != networkv1.NicDeviceKind_NIC_DEVICE_KIND_LOAD_BALANCER || nic.GetDeviceId() != r.id {
		t.Errorf("NIC is %v", nic)
	}
	refused[*networkv1.DeleteNicResponse](r.rig, apiv1.Reason_REASON_IN_USE)(r.nic.DeleteNic(ctx, &networkv1.DeleteNicRequest{Id: nic.GetId()}))
	must[*networkv1.UpdateVipResponse](t)(r.lb.UpdateVip(ctx, &networkv1.UpdateVipRequest{Id: r.id, Enabled: proto.Bool(false)}))
	refused[*networkv1.UpdateVipResponse](r.rig, apiv1.Reason_REASON_RESOURCE_BUSY)(r.lb.UpdateVip(ctx, &networkv1.UpdateVipRequest{Id: r.id, Name: proto.String("other")}))
	r.settle()
	if got := r.vip().GetState(); got != networkv1.LoadBalancerState_LOAD_BALANCER_STATE_STOPPED {
		t.Errorf("state is %v", got)
	}

	taken := r.vipRequest()
	taken.Subnets[0].IpAddress = vip.GetAddresses()[0].GetIpAddress()
	refused[*networkv1.CreateVipResponse](r.rig, apiv1.Reason_REASON_CONFLICTS_WITH_EXISTING)(r.lb.CreateVip(ctx, taken))
	_, other := r.newSubnet("10.1.0.0/24")
	two := r.vipRequest()
	two.Subnets = append(two.Subnets, &networkv1.VipSubnet{SubnetId: other})
	_, err := r.lb.CreateVip(ctx, two)
	if sdk.ReasonOf(err) != apiv1.Reason_REASON_REFERENCE_MISMATCH || sdk.InfoOf(err)["field"] != "subnets[1].subnet_id" {
		t.Errorf("a VIP in two networks: %v", err)
	}
	open := r.vipRequest()
	open.Scheme = networkv1.VipScheme_VIP_SCHEME_INTERNET
	seen := map[string]bool{}
	for range 2 {
		id := must[*networkv1.CreateVipResponse](t)(r.lb.CreateVip(ctx, open)).GetId()
		seen[must[*networkv1.GetVipResponse](t)(r.lb.GetVip(ctx, &networkv1.GetVipRequest{Id: id})).GetVip().GetAddresses()[0].GetPublicIpAddress()] = true
	}
	if len(seen) != 2 || seen[""] {
		t.Errorf("public addresses are %v", seen)
	}
}

func TestPublicIPOfVIP(t *testing.T) {
	t.Parallel()
	r := newBalancerRig(t)
	ctx := t.Context()
	router := must[*networkv1.CreateRouterResponse](t)(r.router.CreateRouter(ctx, &networkv1.CreateRouterRequest{Name: "out",
		ExternalGateway: &networkv1.ExternalGatewaySpec{NetworkId: externalNetworkID}})).GetId()
	r.settle()
	must[*networkv1.AddRouterInterfaceResponse](t)(r.router.AddRouterInterface(ctx, &networkv1.AddRouterInterfaceRequest{Id: router, SubnetId: r.subnet}))
	r.settle()
	ip := must[*networkv1.CreatePublicIpResponse](t)(r.ip.CreatePublicIp(ctx, &networkv1.CreatePublicIpRequest{Name: "ip"})).GetId()
	r.settle()
	nic := r.vip().GetAddresses()[0].GetNicId()
	must[*networkv1.UpdatePublicIpResponse](t)(r.ip.UpdatePublicIp(ctx, &networkv1.UpdatePublicIpRequest{Id: ip, NicId: proto.String(nic)}))
	r.settle()
	if r.vip().GetAddresses()[0].GetPublicIpAddress() == "" {
		t.Error("the VIP does not show its public address")
	}
	must[*networkv1.DeleteVipResponse](t)(r.lb.DeleteVip(ctx, &networkv1.DeleteVipRequest{Id: r.id}))
	r.settle()
	got := must[*networkv1.GetPublicIpResponse](t)(r.ip.GetPublicIp(ctx, &networkv1.GetPublicIpRequest{Id: ip})).GetPublicIp()
	if got.GetState() != networkv1.PublicIpState_PUBLIC_IP_STATE_AVAILABLE {
		t.Errorf("public IP is %v", got)
	}
}

func TestPoolsAndListeners(t *testing.T) {
	t.Parallel()
	r := newBalancerRig(t)
	ctx := t.Context()
	web, udp := r.newPool(lbHTTP, true), r.newPool(lbUDP, false)
	listener := must[*networkv1.CreateListenerResponse](t)(r.listen(web, lbHTTP, 80)).GetId()
	got := must[*networkv1.GetListenerResponse](t)(r.lb.GetListener(ctx, &networkv1.GetListenerRequest{Id: listener})).GetListener()
	if got.GetVipId() != r.id {
		t.Errorf("listener is %v", got)
	}
	_, err := r.listen(web, lbHTTP, 80)
	if sdk.ReasonOf(err) != apiv1.Reason_REASON_CONFLICTS_WITH_EXISTING || sdk.InfoOf(err)["field"] != "port" {
		t.Errorf("a port taken: %v", err)
	}
	must[*networkv1.CreateListenerResponse](t)(r.listen(udp, lbUDP, 80))
	refused[*networkv1.CreateListenerResponse](r.rig, apiv1.Reason_REASON_REFERENCE_MISMATCH)(r.listen(udp, lbTCP, 81))
	refused[*networkv1.CreateListenerResponse](r.rig, apiv1.Reason_REASON_REFERENCE_NOT_FOUND)(r.lb.CreateListener(ctx, &networkv1.CreateListenerRequest{
		Name: "tls", DefaultPoolId: web, Protocol: lbHTTPS, Port: 443, CertificateIds: []string{"unknown"}}))

	_, err = r.lb.DeletePool(ctx, &networkv1.DeletePoolRequest{Id: web})
	if sdk.ReasonOf(err) != apiv1.Reason_REASON_IN_USE || sdk.InfoOf(err)["blockers"] != "network.listener/"+listener {
		t.Errorf("deleting a pool in use: %v", err)
	}
	cookie := &networkv1.SessionPersistence{Type: networkv1.SessionPersistenceType_SESSION_PERSISTENCE_TYPE_COOKIE_INSERT}
	refused[*networkv1.UpdatePoolResponse](r.rig, apiv1.Reason_REASON_PARAMETER_REJECTED)(r.lb.UpdatePool(ctx, &networkv1.UpdatePoolRequest{Id: udp, SessionPersistence: cookie}))
	must[*networkv1.UpdatePoolResponse](t)(r.lb.UpdatePool(ctx, &networkv1.UpdatePoolRequest{Id: web, SessionPersistence: cookie, RemoveHealthMonitor: true}))
	r.settle()
	pool := must[*networkv1.GetPoolResponse](t)(r.lb.GetPool(ctx, &networkv1.GetPoolRequest{Id: web})).GetPool()
	if pool.GetHealthMonitor() != nil || pool.GetSessionPersistence().GetType() != cookie.GetType() {
		t.Errorf("pool is %v", pool)
	}

	layer4 := r.vipRequest()
	layer4.Kind = networkv1.VipKind_VIP_KIND_L4
	id := must[*networkv1.CreateVipResponse](t)(r.lb.CreateVip(ctx, layer4)).GetId()
	refused[*networkv1.CreatePoolResponse](r.rig, apiv1.Reason_REASON_RESOURCE_BUSY)(r.lb.CreatePool(ctx, &networkv1.CreatePoolRequest{Name: "web", VipId: id, Protocol: lbTCP}))
	r.settle()
	refused[*networkv1.CreatePoolResponse](r.rig, apiv1.Reason_REASON_REFERENCE_MISMATCH)(r.lb.CreatePool(ctx, &networkv1.CreatePoolRequest{Name: "web", VipId: id, Protocol: lbHTTP}))

	must[*networkv1.DeleteVipResponse](t)(r.lb.DeleteVip(ctx, &networkv1.DeleteVipRequest{Id: r.id}))
	r.settle()
	refused[*networkv1.GetListenerResponse](r.rig, apiv1.Reason_REASON_NOT_FOUND)(r.lb.GetListener(ctx, &networkv1.GetListenerRequest{Id: listener}))
	refused[*networkv1.GetPoolResponse](r.rig, apiv1.Reason_REASON_NOT_FOUND)(r.lb.GetPool(ctx, &networkv1.GetPoolRequest{Id: web}))
}

func TestMembers(t *testing.T) {
	t.Parallel()
	r := newBalancerRig(t)
	ctx := t.Context()
	pool := r.newPool(lbHTTP, true)
	a, b := r.newVM(vmRequest(r.subnet)), r.newVM(vmRequest(r.subnet))
	add := func(vm string, weight int32) (*networkv1.CreateMemberResponse, error) {
		return r.lb.CreateMember(ctx, &networkv1.CreateMemberRequest{PoolId: pool, VmId: vm, Port: 8080, Weight: proto.Int32(weight)})
	}
	first := must[*networkv1.CreateMemberResponse](t)(add(a.GetId(), 10)).GetId()
	second := must[*networkv1.CreateMemberResponse](t)(add(b.GetId(), 10)).GetId()
	r.settle()
	if again := must[*networkv1.CreateMemberResponse](t)(add(a.GetId(), 10)).GetId(); again != first {
		t.Errorf("the same member again is %s, want %s", again, first)
	}
	refused[*networkv1.CreateMemberResponse](r.rig, apiv1.Reason_REASON_ALREADY_EXISTS)(add(a.GetId(), 11))
	refused[*networkv1.CreateMemberResponse](r.rig, apiv1.Reason_REASON_REFERENCE_MISMATCH)(
		r.lb.CreateMember(ctx, &networkv1.CreateMemberRequest{PoolId: pool, Address: "10.0.0.9", Port: 8080}))
	_, elsewhere := r.newSubnet("10.1.0.0/24")
	_, err := add(r.newVM(vmRequest(elsewhere)).GetId(), 1)
	if sdk.ReasonOf(err) != apiv1.Reason_REASON_REFERENCE_MISMATCH || sdk.InfoOf(err)["field"] != "vm_id" {
		t.Errorf("a VM of another network: %v", err)
	}

	if got := r.vip().GetHealth(); got != networkv1.VipHealth_VIP_HEALTH_HEALTHY {
		t.Errorf("VIP is %v", got)
	}
	must[*computev1.StopVmResponse](t)(r.vm.StopVm(ctx, &computev1.StopVmRequest{Id: b.GetId()}))
	r.settle()
	if r.health(first) != networkv1.MemberHealth_MEMBER_HEALTH_HEALTHY || r.health(second) != networkv1.MemberHealth_MEMBER_HEALTH_UNHEALTHY ||
		r.vip().GetHealth() != networkv1.VipHealth_VIP_HEALTH_DEGRADED {
		t.Errorf("healths are %v, %v, %v", r.health(first), r.health(second), r.vip().GetHealth())
	}
	must[*networkv1.UpdateMemberResponse](t)(r.lb.UpdateMember(ctx, &networkv1.UpdateMemberRequest{Id: first, Weight: proto.Int32(0)}))
	r.settle()
	listed := must[*networkv1.ListMembersResponse](t)(r.lb.ListMembers(ctx, &networkv1.ListMembersRequest{PoolId: pool, WithHealth: true})).GetMembers()
	if len(listed) != 2 || listed[0].GetHealth() != networkv1.MemberHealth_MEMBER_HEALTH_DRAINING {
		t.Errorf("members are %v", listed)
	}
	if plain := must[*networkv1.ListMembersResponse](t)(r.lb.ListMembers(ctx, &networkv1.ListMembersRequest{PoolId: pool})).GetMembers(); plain[0].GetHealth() != 0 {
		t.Errorf("health told unasked: %v", plain[0])
	}
	for range 2 {
		must[*networkv1.DeleteMemberResponse](t)(r.lb.DeleteMember(ctx, &networkv1.DeleteMemberRequest{Id: first}))
		r.settle()
	}
	must[*networkv1.DeletePoolResponse](t)(r.lb.DeletePool(ctx, &networkv1.DeletePoolRequest{Id: pool}))
	r.settle()
	refused[*networkv1.GetMemberResponse](r.rig, apiv1.Reason_REASON_NOT_FOUND)(r.lb.GetMember(ctx, &networkv1.GetMemberRequest{Id: second}))
}

func TestMembersByAddress(t *testing.T) {
	t.Parallel()
	r := newBalancerRig(t)
	ctx := t.Context()
	pool := must[*networkv1.CreatePoolResponse](t)(r.lb.CreatePool(ctx, &networkv1.CreatePoolRequest{Name: "back", VipId: r.id, Protocol: lbTCP,
		MemberKind: networkv1.MemberKind_MEMBER_KIND_ADDRESS})).GetId()
	r.settle()
	add := func(address string) (*networkv1.CreateMemberResponse, error) {
		return r.lb.CreateMember(ctx, &networkv1.CreateMemberRequest{PoolId: pool, Address: address, Port: 22})
	}
	id := must[*networkv1.CreateMemberResponse](t)(add("10.0.0.99")).GetId()
	refused[*networkv1.CreateMemberResponse](r.rig, apiv1.Reason_REASON_PARAMETER_REJECTED)(add("10.7.0.1"))
	r.settle()
	if got := r.health(id); got != networkv1.MemberHealth_MEMBER_HEALTH_NO_MONITOR {
		t.Errorf("health is %v", got)
	}
}
