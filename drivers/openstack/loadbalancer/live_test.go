package loadbalancer_test

import (
	"context"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/routers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/livetest"
	"github.com/yunqiao/yunqiao/drivers/openstack/loadbalancer"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

const (
	prefix  = "h-lb-"
	nowhere = "00000000-0000-0000-0000-00000000dead"
	noID    = "../loadbalancers"

	tcp     = networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_TCP
	udp     = networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_UDP
	http    = networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTP
	https   = networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTPS
	active  = networkv1.LoadBalancerState_LOAD_BALANCER_STATE_ACTIVE
	stopped = networkv1.LoadBalancerState_LOAD_BALANCER_STATE_STOPPED
)

// cloud is the service under test, with a subnet for it.
type cloud struct {
	*livetest.Cloud
	lb                networkv1.LoadBalancerServiceClient
	networkID, subnet string
}

func open(t *testing.T) cloud {
	t.Helper()
	c := livetest.Open(t, loadbalancer.Register)
	c.Needs(t, "load-balancer")
	client := c.Session.Network
	ctx := context.WithoutCancel(t.Context())
	n, err := networks.Create(t.Context(), client, networks.CreateOpts{Name: prefix + t.Name()}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		livetest.Await(t, "network removed", func() bool { return networks.Delete(ctx, client, n.ID).ExtractErr() == nil })
	})
	s, err := subnets.Create(t.Context(), client, subnets.CreateOpts{NetworkID: n.ID, Name: prefix + t.Name(), CIDR: "10.91.0.0/24", IPVersion: 4}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	return cloud{Cloud: c, lb: networkv1.NewLoadBalancerServiceClient(c.Conn), networkID: n.ID, subnet: s.ID}
}

func (c cloud) getVIP(t *testing.T, id string) *networkv1.Vip {
	t.Helper()
	return livetest.Must(t, c.Cloud, "get", c.lb.GetVip, &networkv1.GetVipRequest{Id: id}).GetVip()
}

func (c cloud) getPool(t *testing.T, id string) *networkv1.Pool {
	t.Helper()
	return livetest.Must(t, c.Cloud, "get", c.lb.GetPool, &networkv1.GetPoolRequest{Id: id}).GetPool()
}

func (c cloud) getListener(t *testing.T, id string) *networkv1.Listener {
	t.Helper()
	return livetest.Must(t, c.Cloud, "get", c.lb.GetListener, &networkv1.GetListenerRequest{Id: id}).GetListener()
}

func (c cloud) getMember(t *testing.T, id string) *networkv1.Member {
	t.Helper()
	return livetest.Must(t, c.Cloud, "get", c.lb.GetMember, &networkv1.GetMemberRequest{Id: id}).GetMember()
}

// vip makes a VIP that is ACTIVE and goes at the end of the test.
func (c cloud) vip(t *testing.T, name string, kind networkv1.VipKind) string {
	t.Helper()
	id := livetest.Must(t, c.Cloud, name, c.lb.CreateVip, &networkv1.CreateVipRequest{
		Name: prefix + name, Kind: kind, Subnets: []*networkv1.VipSubnet{{SubnetId: c.subnet}},
	}).GetId()
	c.removeVIP(t, id)
	livetest.Eventually(t, "VIP active", func() bool { return c.getVIP(t, id).GetState() == active })
	return id
}

func (c cloud) removeVIP(t *testing.T, id string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	t.Cleanup(func() {
		_, _ = livetest.Call(ctx, c.Cloud, "cleanup", 1, c.lb.DeleteVip, &networkv1.DeleteVipRequest{Id: id})
		livetest.Await(t, "VIP removed", func() bool {
			_, err := livetest.Call(ctx, c.Cloud, "gone", 1, c.lb.GetVip, &networkv1.GetVipRequest{Id: id})
			return sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND
		})
	})
}

func (c cloud) pool(t *testing.T, name string, req *networkv1.CreatePoolRequest) string {
	t.Helper()
	req.Name = prefix + name
	id := livetest.Must(t, c.Cloud, name, c.lb.CreatePool, req).GetId()
	livetest.Eventually(t, "pool active", func() bool { return c.getPool(t, id).GetState() == active })
	return id
}

func TestVIPsOfARealCloud(t *testing.T) {
	c := open(t)
	req := &networkv1.CreateVipRequest{
		Name: prefix + "门户", Description: "第一个", Tags: map[string]string{"env": "test", "gold": ""},
		Kind:    networkv1.VipKind_VIP_KIND_L7,
		Subnets: []*networkv1.VipSubnet{{SubnetId: c.subnet, IpAddress: "10.91.0.77"}},
	}
	id := livetest.Must(t, c.Cloud, "one", c.lb.CreateVip, req).GetId()
	c.removeVIP(t, id)
	if again := livetest.Repeat(t, c.Cloud, "one", c.lb.CreateVip, req).GetId(); again != id {
		t.Errorf("a repeat made %s beside %s", again, id)
	}
	livetest.Eventually(t, "VIP active", func() bool { return c.getVIP(t, id).GetState() == active })
	got := c.getVIP(t, id)
	if got.GetName() != req.GetName() || got.GetDescription() != "第一个" || got.GetKind() != req.GetKind() || !got.GetEnabled() ||
		got.GetNetworkId() != c.networkID || len(got.GetAddresses()) != 1 || got.GetAddresses()[0].GetIpAddress() != "10.91.0.77" ||
		got.GetAddresses()[0].GetNicId() == "" || len(got.GetTags()) != 2 || got.GetTags()["env"] != "test" || got.GetCreatedAt() == nil {
		t.Errorf("VIP %v", got)
	}

	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_CONFLICTS_WITH_EXISTING, "", c.lb.CreateVip, req)
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_REFERENCE_NOT_FOUND, "", c.lb.CreateVip, &networkv1.CreateVipRequest{
		Name: prefix + "x", Kind: req.GetKind(), Subnets: []*networkv1.VipSubnet{{SubnetId: nowhere}},
	})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_PARAMETER_REJECTED, "", c.lb.CreateVip, &networkv1.CreateVipRequest{
		Name: prefix + "x", Kind: req.GetKind(), Subnets: []*networkv1.VipSubnet{{SubnetId: c.subnet, IpAddress: "10.99.0.1"}},
	})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_PARAMETER_REJECTED, "", c.lb.CreateVip, &networkv1.CreateVipRequest{
		Name: prefix + "x", Kind: req.GetKind(), Subnets: []*networkv1.VipSubnet{{SubnetId: c.subnet}}, Edition: nowhere,
	})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_PARAMETER_REJECTED, "", c.lb.CreateVip, &networkv1.CreateVipRequest{
		Name: prefix + "x", Kind: req.GetKind(), Subnets: []*networkv1.VipSubnet{{SubnetId: c.subnet}, {SubnetId: nowhere}},
	})

	name, description, off := prefix+"renamed", "", false
	livetest.Must(t, c.Cloud, "off", c.lb.UpdateVip, &networkv1.UpdateVipRequest{
		Id: id, Name: &name, Description: &description, Enabled: &off, Tags: &apiv1.StringMap{Entries: map[string]string{"a": "b"}},
	})
	livetest.Eventually(t, "VIP stopped", func() bool { return c.getVIP(t, id).GetState() == stopped })
	if got = c.getVIP(t, id); got.GetName() != name || got.GetDescription() != "" || got.GetTags()["a"] != "b" || len(got.GetTags()) != 1 ||
		got.GetKind() != req.GetKind() || got.GetEnabled() {
		t.Errorf("changed VIP %v", got)
	}
	list := livetest.Must(t, c.Cloud, "list", c.lb.ListVips, &networkv1.ListVipsRequest{Name: name, Tag: "a=b", NetworkId: c.networkID}).GetVips()
	if len(list) != 1 || list[0].GetId() != id {
		t.Errorf("list %v", list)
	}
	batch := livetest.Must(t, c.Cloud, "batch", c.lb.ListVips, &networkv1.ListVipsRequest{Ids: []string{id, nowhere, noID}})
	if len(batch.GetVips()) != 1 || len(batch.GetMissingIds()) != 2 {
		t.Errorf("by ids: %v", batch)
	}
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_PAGE_TOKEN_INVALID, "", c.lb.ListVips, &networkv1.ListVipsRequest{PageToken: nowhere})
	for _, unknown := range []string{nowhere, noID} {
		livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_NOT_FOUND, "", c.lb.GetVip, &networkv1.GetVipRequest{Id: unknown})
		livetest.Must(t, c.Cloud, "absent", c.lb.DeleteVip, &networkv1.DeleteVipRequest{Id: unknown})
	}
}

func TestPoolsOfARealCloud(t *testing.T) {
	c := open(t)
	vip := c.vip(t, "vip", networkv1.VipKind_VIP_KIND_L4_L7)
	watch := &networkv1.HealthMonitor{
		Type: networkv1.HealthMonitorType_HEALTH_MONITOR_TYPE_HTTP, IntervalSeconds: 5, TimeoutSeconds: 3,
		HealthyThreshold: 2, UnhealthyThreshold: 4, UrlPath: "/health", Host: "app.example", ExpectedCodes: "200-204",
	}
	req := &networkv1.CreatePoolRequest{
		VipId: vip, Protocol: http, Algorithm: networkv1.PoolAlgorithm_POOL_ALGORITHM_LEAST_CONNECTIONS,
		Description: "池", Tags: map[string]string{"a": "1"}, HealthMonitor: watch, MemberKind: networkv1.MemberKind_MEMBER_KIND_ADDRESS,
		SessionPersistence: &networkv1.SessionPersistence{
			Type: networkv1.SessionPersistenceType_SESSION_PERSISTENCE_TYPE_COOKIE_APP, CookieName: "SID",
		},
	}
	id := c.pool(t, "pool", req)
	if again := livetest.Repeat(t, c.Cloud, "pool", c.lb.CreatePool, req).GetId(); again != id {
		t.Errorf("a repeat made %s beside %s", again, id)
	}
	got := c.getPool(t, id)
	if got.GetVipId() != vip || got.GetProtocol() != http || got.GetAlgorithm() != req.GetAlgorithm() || got.GetDescription() != "池" ||
		got.GetSessionPersistence().GetCookieName() != "SID" || got.GetMemberKind() != req.GetMemberKind() || got.GetTags()["a"] != "1" {
		t.Errorf("pool %v", got)
	}
	if m := got.GetHealthMonitor(); m.GetType() != watch.GetType() || m.GetUrlPath() != "/health" || m.GetHost() != "app.example" ||
		m.GetIntervalSeconds() != 5 || m.GetUnhealthyThreshold() != 4 || m.GetExpectedCodes() != "200-204" || m.GetHttpMethod() != "GET" {
		t.Errorf("monitor %v", m)
	}

	// Another type: the monitor is removed and made anew, step by step, after the pool.
	round := networkv1.PoolAlgorithm_POOL_ALGORITHM_ROUND_ROBIN
	livetest.Must(t, c.Cloud, "update", c.lb.UpdatePool, &networkv1.UpdatePoolRequest{
		Id: id, Algorithm: &round,
		SessionPersistence: &networkv1.SessionPersistence{Type: networkv1.SessionPersistenceType_SESSION_PERSISTENCE_TYPE_NONE},
		HealthMonitor: &networkv1.HealthMonitor{
			Type: networkv1.HealthMonitorType_HEALTH_MONITOR_TYPE_TCP, IntervalSeconds: 9, TimeoutSeconds: 9, HealthyThreshold: 3, UnhealthyThreshold: 3,
		},
	})
	livetest.Eventually(t, "pool active", func() bool { return c.getPool(t, id).GetState() == active })
	if got = c.getPool(t, id); got.GetAlgorithm() != round || got.GetSessionPersistence() != nil ||
		got.GetHealthMonitor().GetType() != networkv1.HealthMonitorType_HEALTH_MONITOR_TYPE_TCP || got.GetHealthMonitor().GetIntervalSeconds() != 9 {
		t.Errorf("changed pool %v", got)
	}
	livetest.Must(t, c.Cloud, "unwatch", c.lb.UpdatePool, &networkv1.UpdatePoolRequest{Id: id, RemoveHealthMonitor: true})
	livetest.Eventually(t, "pool active", func() bool { return c.getPool(t, id).GetState() == active })
	if got = c.getPool(t, id); got.GetHealthMonitor() != nil {
		t.Errorf("pool without monitor %v", got)
	}
	sealed := c.pool(t, "sealed", &networkv1.CreatePoolRequest{VipId: vip, Protocol: https})
	if p := c.getPool(t, sealed).GetProtocol(); p != https {
		t.Errorf("pool with TLS: %v", p)
	}
	list := livetest.Must(t, c.Cloud, "list", c.lb.ListPools, &networkv1.ListPoolsRequest{VipId: vip, PageSize: 1})
	if len(list.GetPools()) != 1 || list.GetNextPageToken() == "" {
		t.Errorf("first page %v", list)
	}
	rest := livetest.Must(t, c.Cloud, "list", c.lb.ListPools, &networkv1.ListPoolsRequest{VipId: vip, PageToken: list.GetNextPageToken()})
	if len(rest.GetPools()) != 1 || rest.GetPools()[0].GetId() == list.GetPools()[0].GetId() {
		t.Errorf("second page %v", rest)
	}

	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_REFERENCE_NOT_FOUND, "", c.lb.CreatePool,
		&networkv1.CreatePoolRequest{Name: prefix + "x", VipId: nowhere, Protocol: tcp})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_UNSUPPORTED_FEATURE, "", c.lb.CreatePool, &networkv1.CreatePoolRequest{
		Name: prefix + "x", VipId: vip, Protocol: tcp, Algorithm: networkv1.PoolAlgorithm_POOL_ALGORITHM_SOURCE_IP_PORT,
	})
	// What the first step of a creation made goes when the second cannot be made.
	half := c.pool(t, "half", &networkv1.CreatePoolRequest{VipId: vip, Protocol: http})
	if _, err := livetest.Undo(t.Context(), c.Cloud, "half", "monitor:"+half, c.lb.CreatePool, req); err != nil {
		t.Errorf("undo: %v", err)
	}
	livetest.Eventually(t, "pool taken back", func() bool {
		_, err := livetest.Call(t.Context(), c.Cloud, "gone", 1, c.lb.GetPool, &networkv1.GetPoolRequest{Id: half})
		return sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND
	})
	livetest.Must(t, c.Cloud, "delete", c.lb.DeletePool, &networkv1.DeletePoolRequest{Id: sealed})
	livetest.Eventually(t, "pool removed", func() bool {
		_, err := livetest.Call(t.Context(), c.Cloud, "gone", 1, c.lb.GetPool, &networkv1.GetPoolRequest{Id: sealed})
		return sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND
	})
	livetest.Must(t, c.Cloud, "absent", c.lb.DeletePool, &networkv1.DeletePoolRequest{Id: sealed})
}

func TestListenersOfARealCloud(t *testing.T) {
	c := open(t)
	vip := c.vip(t, "vip", networkv1.VipKind_VIP_KIND_L4)
	pool := c.pool(t, "pool", &networkv1.CreatePoolRequest{VipId: vip, Protocol: tcp})
	req := &networkv1.CreateListenerRequest{
		Name: prefix + "listener", Protocol: tcp, Port: 80, DefaultPoolId: pool, Description: "入口", Tags: map[string]string{"a": "1"},
		AllowedCidrs: []string{"10.0.0.0/8"}, ConnectionLimit: 100,
	}
	id := livetest.Must(t, c.Cloud, "listener", c.lb.CreateListener, req).GetId()
	if again := livetest.Repeat(t, c.Cloud, "listener", c.lb.CreateListener, req).GetId(); again != id {
		t.Errorf("a repeat made %s beside %s", again, id)
	}
	livetest.Eventually(t, "listener active", func() bool { return c.getListener(t, id).GetState() == active })
	got := c.getListener(t, id)
	if got.GetVipId() != vip || got.GetDefaultPoolId() != pool || got.GetProtocol() != tcp || got.GetPort() != 80 || got.GetConnectionLimit() != 100 ||
		len(got.GetAllowedCidrs()) != 1 || got.GetTags()["a"] != "1" || got.GetDescription() != "入口" {
		t.Errorf("listener %v", got)
	}
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_CONFLICTS_WITH_EXISTING, "", c.lb.CreateListener, req)
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_REFERENCE_MISMATCH, "", c.lb.CreateListener,
		&networkv1.CreateListenerRequest{Name: prefix + "x", Protocol: udp, Port: 81, DefaultPoolId: pool})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_REFERENCE_MISMATCH, "", c.lb.CreateListener,
		&networkv1.CreateListenerRequest{Name: prefix + "x", Protocol: http, Port: 81, DefaultPoolId: pool})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_REFERENCE_NOT_FOUND, "", c.lb.CreateListener,
		&networkv1.CreateListenerRequest{Name: prefix + "x", Protocol: tcp, Port: 81, DefaultPoolId: nowhere})

	// A pool in use is refused before Octavia would unlink it.
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_IN_USE, "network.listener/"+id, c.lb.DeletePool, &networkv1.DeletePoolRequest{Id: pool})

	other := c.pool(t, "other", &networkv1.CreatePoolRequest{VipId: vip, Protocol: tcp})
	var unlimited int32
	name := prefix + "renamed"
	livetest.Must(t, c.Cloud, "update", c.lb.UpdateListener, &networkv1.UpdateListenerRequest{
		Id: id, Name: &name, DefaultPoolId: &other, AllowedCidrs: &apiv1.StringList{}, ConnectionLimit: &unlimited,
	})
	livetest.Eventually(t, "listener active", func() bool { return c.getListener(t, id).GetState() == active })
	if got = c.getListener(t, id); got.GetName() != name || got.GetDefaultPoolId() != other || len(got.GetAllowedCidrs()) != 0 || got.GetConnectionLimit() != 0 {
		t.Errorf("changed listener %v", got)
	}
	missing := nowhere
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_REFERENCE_NOT_FOUND, "", c.lb.UpdateListener,
		&networkv1.UpdateListenerRequest{Id: id, DefaultPoolId: &missing})
	list := livetest.Must(t, c.Cloud, "list", c.lb.ListListeners, &networkv1.ListListenersRequest{VipId: vip, DefaultPoolId: other}).GetListeners()
	if len(list) != 1 || list[0].GetId() != id {
		t.Errorf("list %v", list)
	}
	livetest.Must(t, c.Cloud, "delete", c.lb.DeleteListener, &networkv1.DeleteListenerRequest{Id: id})
	livetest.Must(t, c.Cloud, "delete again", c.lb.DeleteListener, &networkv1.DeleteListenerRequest{Id: id})
	livetest.Eventually(t, "pool free", func() bool {
		_, err := livetest.Call(t.Context(), c.Cloud, "free", 1, c.lb.DeletePool, &networkv1.DeletePoolRequest{Id: other})
		return err == nil
	})
}

func TestMembersOfARealCloud(t *testing.T) {
	c := open(t)
	vip := c.vip(t, "vip", networkv1.VipKind_VIP_KIND_L4)
	byAddress := c.pool(t, "pool", &networkv1.CreatePoolRequest{VipId: vip, Protocol: tcp, MemberKind: networkv1.MemberKind_MEMBER_KIND_ADDRESS})
	weight := int32(7)
	req := &networkv1.CreateMemberRequest{Name: prefix + "one", PoolId: byAddress, Address: "10.91.0.10", SubnetId: c.subnet, Port: 8080, Weight: &weight, Backup: true}
	id := livetest.Must(t, c.Cloud, "one", c.lb.CreateMember, req).GetId()
	if !strings.HasPrefix(id, byAddress+"~~") {
		t.Errorf("id %s", id)
	}
	if again := livetest.Repeat(t, c.Cloud, "one", c.lb.CreateMember, req).GetId(); again != id {
		t.Errorf("a repeat made %s beside %s", again, id)
	}
	if again := livetest.Must(t, c.Cloud, "same", c.lb.CreateMember, req).GetId(); again != id {
		t.Errorf("the same target again: %s beside %s", again, id)
	}
	heavy := int32(9)
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_ALREADY_EXISTS, "", c.lb.CreateMember,
		&networkv1.CreateMemberRequest{PoolId: byAddress, Address: "10.91.0.10", SubnetId: c.subnet, Port: 8080, Weight: &heavy})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_REFERENCE_MISMATCH, "", c.lb.CreateMember,
		&networkv1.CreateMemberRequest{PoolId: byAddress, NicId: nowhere, Port: 8080})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_REFERENCE_NOT_FOUND, "", c.lb.CreateMember,
		&networkv1.CreateMemberRequest{PoolId: byAddress, Address: "10.91.0.11", SubnetId: nowhere, Port: 8080})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_REFERENCE_NOT_FOUND, "", c.lb.CreateMember,
		&networkv1.CreateMemberRequest{PoolId: nowhere, Address: "10.91.0.11", Port: 8080})
	livetest.Eventually(t, "member active", func() bool { return c.getMember(t, id).GetState() == active })
	if got := c.getMember(t, id); got.GetPoolId() != byAddress || got.GetAddress() != "10.91.0.10" || got.GetPort() != 8080 || got.GetWeight() != 7 || !got.GetBackup() {
		t.Errorf("member %v", got)
	}

	byNIC := c.pool(t, "nics", &networkv1.CreatePoolRequest{VipId: vip, Protocol: tcp})
	p, err := ports.Create(t.Context(), c.Session.Network, ports.CreateOpts{NetworkID: c.networkID, Name: prefix + "target"}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ports.Delete(context.WithoutCancel(t.Context()), c.Session.Network, p.ID).ExtractErr() })
	second := livetest.Must(t, c.Cloud, "nic", c.lb.CreateMember, &networkv1.CreateMemberRequest{PoolId: byNIC, NicId: p.ID, Port: 80}).GetId()
	if got := c.getMember(t, second); got.GetNicId() != p.ID || got.GetAddress() != p.FixedIPs[0].IPAddress || got.GetSubnetId() != c.subnet {
		t.Errorf("member of a NIC %v", got)
	}

	// At once after a change the lock is there: the rpc goes on step by step.
	var none int32
	livetest.Must(t, c.Cloud, "drain", c.lb.UpdateMember, &networkv1.UpdateMemberRequest{Id: id, Weight: &none})
	livetest.Eventually(t, "member active", func() bool { return c.getMember(t, id).GetState() == active })
	if got := c.getMember(t, id); got.GetWeight() != 0 {
		t.Errorf("drained member %v", got)
	}
	both := livetest.Must(t, c.Cloud, "ids", c.lb.ListMembers, &networkv1.ListMembersRequest{
		Ids: []string{id, second, byNIC + "~~" + nowhere, nowhere + "~~" + nowhere, noID},
	})
	if len(both.GetMembers()) != 2 || len(both.GetMissingIds()) != 3 {
		t.Errorf("by ids: %v", both)
	}
	list := livetest.Must(t, c.Cloud, "list", c.lb.ListMembers, &networkv1.ListMembersRequest{PoolId: byNIC, WithHealth: true}).GetMembers()
	if len(list) != 1 || list[0].GetId() != second || list[0].GetHealth() != networkv1.MemberHealth_MEMBER_HEALTH_NO_MONITOR {
		t.Errorf("list %v", list)
	}
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_REFERENCE_NOT_FOUND, "", c.lb.ListMembers, &networkv1.ListMembersRequest{PoolId: nowhere})
	livetest.Refused(t, c.Cloud, apiv1.Reason_REASON_NOT_FOUND, "", c.lb.GetMember, &networkv1.GetMemberRequest{Id: byNIC + "~~" + nowhere})
	livetest.Must(t, c.Cloud, "delete", c.lb.DeleteMember, &networkv1.DeleteMemberRequest{Id: id})
	livetest.Must(t, c.Cloud, "absent", c.lb.DeleteMember, &networkv1.DeleteMemberRequest{Id: nowhere + "~~" + nowhere})
	livetest.Must(t, c.Cloud, "no id", c.lb.DeleteMember, &networkv1.DeleteMemberRequest{Id: noID})
}

func TestQuotaOfARealCloud(t *testing.T) {
	c := livetest.Open(t, loadbalancer.Register)
	c.Needs(t, "load-balancer")
	list, err := loadbalancer.Quotas(t.Context(), c.Session, c.Session.ProjectID)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 4 || list[0].GetName() != "network.vip.count" || list[0].Used != nil {
		t.Errorf("quotas %v", list)
	}
}

func TestPublicAddressOfAVIP(t *testing.T) {
	c := open(t)
	page, err := networks.List(c.Session.Network, externalNetworks{}).AllPages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	list, err := networks.ExtractNetworks(page)
	if err != nil || len(list) == 0 {
		t.Skip("the cloud has no external network")
	}
	ctx, client := context.WithoutCancel(t.Context()), c.Session.Network
	r, err := routers.Create(t.Context(), client, routers.CreateOpts{Name: prefix + "router", GatewayInfo: &routers.GatewayInfo{NetworkID: list[0].ID}}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = routers.Delete(ctx, client, r.ID).ExtractErr() })
	if _, err := routers.AddInterface(t.Context(), client, r.ID, routers.AddInterfaceOpts{SubnetID: c.subnet}).Extract(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = routers.RemoveInterface(ctx, client, r.ID, routers.RemoveInterfaceOpts{SubnetID: c.subnet}).Extract()
	})
	vip := c.vip(t, "public", networkv1.VipKind_VIP_KIND_L4_L7)
	nic := c.getVIP(t, vip).GetAddresses()[0].GetNicId()
	ip, err := floatingips.Create(t.Context(), client, floatingips.CreateOpts{FloatingNetworkID: list[0].ID, PortID: nic}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = floatingips.Delete(ctx, client, ip.ID).ExtractErr() })
	if got := c.getVIP(t, vip).GetAddresses()[0].GetPublicIpAddress(); got != ip.FloatingIP {
		t.Errorf("public address %q, want %q", got, ip.FloatingIP)
	}
	all := livetest.Must(t, c.Cloud, "list", c.lb.ListVips, &networkv1.ListVipsRequest{NetworkId: c.networkID}).GetVips()
	if len(all) != 1 || all[0].GetAddresses()[0].GetPublicIpAddress() != ip.FloatingIP {
		t.Errorf("list %v", all)
	}
}

// externalNetworks filters a list of networks.
type externalNetworks struct{}

// ToNetworkListQuery implements networks.ListOptsBuilder.
func (externalNetworks) ToNetworkListQuery() (string, error) { return "?router:external=true", nil }
