package loadbalancer_test

import (
	"context"
	"maps"
	"slices"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/calltest"
	"github.com/yunqiao/yunqiao/drivers/alibaba/loadbalancer"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

const (
	albVIP   = `{"LoadBalancers":[{"LoadBalancerId":"alb-1","VpcId":"vpc-1","LoadBalancerStatus":"Active"}]}`
	nlbVIP   = `{"LoadBalancers":[{"LoadBalancerId":"nlb-1","VpcId":"vpc-1","LoadBalancerStatus":"Active"}]}`
	albGroup = `{"ServerGroups":[{"ServerGroupId":"sgp-1","ServerGroupStatus":"Available","Protocol":"HTTP","RelatedLoadBalancerIds":["alb-1"],
		"Tags":[{"Key":"yunqiao-vip","Value":"alb-1"},{"Key":"k","Value":"old"}]}]}`
	nlbGroup = `{"ServerGroups":[{"ServerGroupId":"sgp-1","ServerGroupStatus":"Available","Protocol":"TCP","RelatedLoadBalancerIds":[],
		"Tags":[{"Key":"yunqiao-vip","Value":"nlb-1"}]}]}`
	oneServer = `{"Servers":[{"ServerId":"i-1","ServerType":"Ecs","ServerIp":"10.0.0.9","Port":80,"Weight":50,"Description":"old","Status":"Available"}]}`
)

// with is one map laid over another.
func with(base, over params) params {
	out := maps.Clone(base)
	maps.Copy(out, over)
	return out
}

// TestCreateZonalVipParameters shows for each field where it goes in each product.
func TestCreateZonalVipParameters(t *testing.T) {
	t.Parallel()
	type req = networkv1.CreateVipRequest
	send := func(ctx context.Context, c grpc.ClientConnInterface, r *req) error {
		_, err := client(c).CreateVip(ctx, r)
		return err
	}
	subnet := func(id, zone string) string {
		return `{"VSwitches":{"VSwitch":[{"VSwitchId":"` + id + `","ZoneId":"cn-hangzhou-` + zone + `","VpcId":"vpc-1"}]}}`
	}
	answers := params{
		"CreateLoadBalancer":                `{"LoadBalancerId":"alb-1"}`,
		"DescribeVSwitches VSwitchId=vsw-1": subnet("vsw-1", "h"), "DescribeVSwitches VSwitchId=vsw-2": subnet("vsw-2", "i"),
		"DescribeVSwitches VSwitchId=vsw-3": subnet("vsw-3", "i"),
	}
	zones := []*networkv1.VipSubnet{{SubnetId: "vsw-1"}, {SubnetId: "vsw-2", IpAddress: "10.0.1.9"}}
	common := params{
		"LoadBalancerName": "lb", "AddressType": "Intranet", "VpcId": "vpc-1", "ResourceGroupId": "rg-test", "ClientToken": token,
		"LoadBalancerBillingConfig.PayType": "PostPay", "ZoneMappings.1.VSwitchId": "vsw-1", "ZoneMappings.1.ZoneId": "cn-hangzhou-h",
		"ZoneMappings.2.VSwitchId": "vsw-2", "ZoneMappings.2.ZoneId": "cn-hangzhou-i",
	}
	rows := func(edition, sent string) map[string]calltest.Row[*req] {
		return map[string]calltest.Row[*req]{
			"name": {}, "description": {},
			"subnets": {Set: &req{Subnets: []*networkv1.VipSubnet{{SubnetId: "vsw-3"}}}, Rejected: "subnets"},
			"tags":    {Set: &req{Tags: params{"k": "v"}}, Want: params{"Tag.1.Key": "k", "Tag.1.Value": "v"}},
			"scheme":  {Set: &req{Scheme: networkv1.VipScheme_VIP_SCHEME_INTERNET}, Want: params{"AddressType": "Internet"}},
			"kind":    {Set: &req{Kind: networkv1.VipKind_VIP_KIND_L4_L7}, Rejected: "kind"},
			"enabled": {Set: &req{Enabled: proto.Bool(false)}, Rejected: "enabled"},
			"edition": {Set: &req{Edition: edition}, Want: params{"LoadBalancerEdition": sent}},
			"charge":  {Set: &req{Charge: &apiv1.Charge{Mode: apiv1.ChargeMode_CHARGE_MODE_PREPAID}}, Refused: "network.vip.prepaid"},
		}
	}
	calltest.Table[*req]{
		Register: loadbalancer.Register, Action: "CreateLoadBalancer", Answers: answers, Send: send,
		Base:   &req{Name: "lb", Kind: networkv1.VipKind_VIP_KIND_L7, Subnets: zones},
		Params: with(common, params{"LoadBalancerEdition": "Standard", "ZoneMappings.2.IntranetAddress": "10.0.1.9"}),
		Rows:   rows("alb.StandardWithWaf", "StandardWithWaf"),
	}.Run(t)
	calltest.Table[*req]{
		Register: loadbalancer.Register, Action: "CreateLoadBalancer", Answers: answers, Send: send,
		Base:   &req{Name: "lb", Kind: networkv1.VipKind_VIP_KIND_L4, Subnets: zones},
		Params: with(common, params{"LoadBalancerType": "network", "ZoneMappings.2.PrivateIPv4Address": "10.0.1.9"}),
		Rows:   rows("nlb", ""),
	}.Run(t)
}

// TestOneSubnetIsNotEnoughForAnEdition shows that an edition names its product.
func TestOneSubnetIsNotEnoughForAnEdition(t *testing.T) {
	t.Parallel()
	cloud := calltest.Open(t, loadbalancer.Register, nil)
	for edition, kind := range map[string]networkv1.VipKind{"alb.Basic": networkv1.VipKind_VIP_KIND_L7, "nlb": networkv1.VipKind_VIP_KIND_L4} {
		_, err := client(cloud.Conn).CreateVip(calltest.Context(t), &networkv1.CreateVipRequest{
			Name: "lb", Kind: kind, Edition: edition, Subnets: []*networkv1.VipSubnet{{SubnetId: "vsw-1"}},
		})
		if sdk.InfoOf(err)["field"] != "subnets" || len(cloud.Calls()) > 0 {
			t.Errorf("%s in one subnet: %v after %v", edition, err, cloud.Actions())
		}
	}
}

// TestEditionsThatAreNone shows that a misspelt edition is told, and not taken for one
// of another product.
func TestEditionsThatAreNone(t *testing.T) {
	t.Parallel()
	cloud := calltest.Open(t, loadbalancer.Register, nil)
	for edition, kind := range map[string]networkv1.VipKind{"alb.Big": networkv1.VipKind_VIP_KIND_L7, "nlb.Basic": networkv1.VipKind_VIP_KIND_L4} {
		_, err := client(cloud.Conn).CreateVip(calltest.Context(t), &networkv1.CreateVipRequest{
			Name: "lb", Kind: kind, Edition: edition, Subnets: []*networkv1.VipSubnet{{SubnetId: "vsw-1"}, {SubnetId: "vsw-2"}},
		})
		if sdk.InfoOf(err)["field"] != "edition" || len(cloud.Calls()) > 0 {
			t.Errorf("%s: %v after %v", edition, err, cloud.Actions())
		}
	}
}

// TestIDsOfNothing shows that ids that cannot be are missing, and not a reason to list
// everything.
func TestIDsOfNothing(t *testing.T) {
	t.Parallel()
	cloud := calltest.Open(t, loadbalancer.Register, params{"ListServerGroups": albGroup, "ListListeners": `{"Listeners":[{"ListenerId":"lsn-1"}]}`})
	pools, err := client(cloud.Conn).ListPools(calltest.Context(t), &networkv1.ListPoolsRequest{Ids: []string{"alb~~sgp-1~~x", "alb~~sgp-2", "alb~~sgp-1"}})
	if err != nil || len(pools.GetPools()) != 1 || !slices.Equal(pools.GetMissingIds(), []string{"alb~~sgp-2", "alb~~sgp-1~~x"}) {
		t.Errorf("pools: %v, %v", pools, err)
	}
	listeners, err := client(cloud.Conn).ListListeners(calltest.Context(t), &networkv1.ListListenersRequest{Ids: []string{"nlb~~~~"}})
	if err != nil || len(listeners.GetListeners()) != 0 || len(listeners.GetMissingIds()) != 1 {
		t.Errorf("listeners: %v, %v", listeners, err)
	}
	for _, id := range []string{"alb-", "alb~~x", "nlb~~sgp-1~~i-1~~0", "nlb~~sgp-1~~i-1~~99999"} {
		if _, err := client(cloud.Conn).GetMember(calltest.Context(t), &networkv1.GetMemberRequest{Id: id}); sdk.ReasonOf(err) != apiv1.Reason_REASON_NOT_FOUND {
			t.Errorf("member %s: %v", id, err)
		}
	}
}

// TestCreateZonalPoolParameters shows for each field where it goes in each product.
func TestCreateZonalPoolParameters(t *testing.T) {
	t.Parallel()
	type req = networkv1.CreatePoolRequest
	send := func(ctx context.Context, c grpc.ClientConnInterface, r *req) error {
		_, err := client(c).CreatePool(ctx, r)
		return err
	}
	const sticky, check = "StickySessionConfig.", "HealthCheckConfig."
	monitor := func(kind networkv1.HealthMonitorType) *networkv1.HealthMonitor {
		return &networkv1.HealthMonitor{Type: kind, IntervalSeconds: 5, TimeoutSeconds: 3, HealthyThreshold: 2, UnhealthyThreshold: 4, Port: 8080}
	}
	http := monitor(networkv1.HealthMonitorType_HEALTH_MONITOR_TYPE_HTTP)
	http.UrlPath, http.Host, http.HttpMethod, http.ExpectedCodes = "/health", "www.example.com", "HEAD", "200-299,300-399"
	common := params{
		"ServerGroupName": "p", "ServerGroupType": "Instance", "Scheduler": "Wrr", "VpcId": "vpc-1", "ResourceGroupId": "rg-test", "ClientToken": token,
		check + "HealthCheckEnabled": "false", "Tag.1.Key": "yunqiao-vip",
	}
	watched := params{
		check + "HealthCheckEnabled": "true", check + "HealthCheckInterval": "5", check + "HealthyThreshold": "2", check + "UnhealthyThreshold": "4",
		check + "HealthCheckConnectPort": "8080",
	}
	answer := `{"ServerGroupId":"sgp-1","JobId":"job-1"}`
	calltest.Table[*req]{
		Register: loadbalancer.Register, Action: "CreateServerGroup", Answers: params{"ListLoadBalancers": albVIP, "CreateServerGroup": answer}, Send: send,
		Base:   &req{Name: "p", VipId: "alb-1", Protocol: networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTP},
		Params: with(common, params{"Protocol": "HTTP", "Tag.1.Value": "alb-1", sticky + "StickySessionEnabled": "false"}),
		Rows: map[string]calltest.Row[*req]{
			"name": {}, "vip_id": {}, "description": {},
			"tags":      {Set: &req{Tags: params{"z": "1"}}, Want: params{"Tag.2.Key": "z", "Tag.2.Value": "1"}},
			"protocol":  {Set: &req{Protocol: networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTPS}, Want: params{"Protocol": "HTTPS"}},
			"algorithm": {Set: &req{Algorithm: networkv1.PoolAlgorithm_POOL_ALGORITHM_LEAST_CONNECTIONS}, Want: params{"Scheduler": "Wlc"}},
			"session_persistence": {
				Set: &req{SessionPersistence: &networkv1.SessionPersistence{
					Type: networkv1.SessionPersistenceType_SESSION_PERSISTENCE_TYPE_COOKIE_APP, CookieName: "sid",
				}},
				Want: params{sticky + "StickySessionEnabled": "true", sticky + "StickySessionType": "Server", sticky + "Cookie": "sid"},
			},
			"member_kind": {Set: &req{MemberKind: networkv1.MemberKind_MEMBER_KIND_ADDRESS}, Want: params{"ServerGroupType": "Ip"}},
			"health_monitor": {Set: &req{HealthMonitor: http}, Want: with(watched, params{
				check + "HealthCheckProtocol": "HTTP", check + "HealthCheckTimeout": "3", check + "HealthCheckPath": "/health",
				check + "HealthCheckHost": "www.example.com", check + "HealthCheckMethod": "HEAD", check + "HealthCheckCodes.1": "http_2xx",
				check + "HealthCheckCodes.2": "http_3xx",
			})},
		},
	}.Run(t)
	calltest.Table[*req]{
		Register: loadbalancer.Register, Action: "CreateServerGroup", Answers: params{"ListLoadBalancers": nlbVIP, "CreateServerGroup": answer}, Send: send,
		Base:   &req{Name: "p", VipId: "nlb-1", Protocol: networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_TCP},
		Params: with(common, params{"Protocol": "TCP", "Tag.1.Value": "nlb-1"}),
		Rows: map[string]calltest.Row[*req]{
			"name": {}, "vip_id": {}, "description": {},
			"tags":      {Set: &req{Tags: params{"z": "1"}}, Want: params{"Tag.2.Key": "z", "Tag.2.Value": "1"}},
			"protocol":  {Set: &req{Protocol: networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_UDP}, Want: params{"Protocol": "UDP"}},
			"algorithm": {Set: &req{Algorithm: networkv1.PoolAlgorithm_POOL_ALGORITHM_SOURCE_IP_PORT}, Want: params{"Scheduler": "tch"}},
			"session_persistence": {
				Set: &req{SessionPersistence: &networkv1.SessionPersistence{
					Type: networkv1.SessionPersistenceType_SESSION_PERSISTENCE_TYPE_SOURCE_IP,
				}},
				Rejected: "session_persistence.type",
			},
			"member_kind": {Set: &req{MemberKind: networkv1.MemberKind_MEMBER_KIND_ADDRESS}, Want: params{"ServerGroupType": "Ip"}},
			"health_monitor": {Set: &req{HealthMonitor: http}, Want: with(watched, params{
				check + "HealthCheckType": "HTTP", check + "HealthCheckConnectTimeout": "3", check + "HealthCheckUrl": "/health",
				check + "HealthCheckDomain": "www.example.com", check + "HttpCheckMethod": "HEAD", check + "HealthCheckHttpCode.1": "http_2xx",
				check + "HealthCheckHttpCode.2": "http_3xx",
			})},
		},
	}.Run(t)
}

// TestCreateZonalListenerParameters shows for each field where it goes in each product.
func TestCreateZonalListenerParameters(t *testing.T) {
	t.Parallel()
	type req = networkv1.CreateListenerRequest
	send := func(ctx context.Context, c grpc.ClientConnInterface, r *req) error {
		_, err := client(c).CreateListener(ctx, r)
		return err
	}
	answer := `{"ListenerId":"lsn-1","JobId":"job-1"}`
	rows := func(tls networkv1.LoadBalancerProtocol, word, certificate string) map[string]calltest.Row[*req] {
		return map[string]calltest.Row[*req]{
			"name": {}, "vip_id": {}, "description": {}, "port": {}, "default_pool_id": {},
			"tags":     {Set: &req{Tags: params{"k": "v"}}, Want: params{"Tag.1.Key": "k", "Tag.1.Value": "v"}},
			"protocol": {Set: &req{Protocol: tls}, Want: params{"ListenerProtocol": word}},
			"certificate_ids": {
				Set: &req{Protocol: tls, CertificateIds: []string{"cert-1"}}, Want: params{"ListenerProtocol": word, certificate: "cert-1"},
			},
			"allowed_cidrs":    {Set: &req{AllowedCidrs: []string{"10.0.0.0/8"}}, Refused: "network.listener.allowed_cidrs"},
			"connection_limit": {Set: &req{ConnectionLimit: 5}, Refused: "network.listener.connection_limit"},
		}
	}
	calltest.Table[*req]{
		Register: loadbalancer.Register, Action: "CreateListener", Answers: params{"ListServerGroups": albGroup, "CreateListener": answer}, Send: send,
		Base: &req{Name: "l", Protocol: networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTP, Port: 80, DefaultPoolId: "alb~~sgp-1"},
		Params: params{
			"LoadBalancerId": "alb-1", "ListenerProtocol": "HTTP", "ListenerPort": "80", "ListenerDescription": "l", "ClientToken": token,
			"DefaultActions.1.Type": "ForwardGroup", "DefaultActions.1.ForwardGroupConfig.ServerGroupTuples.1.ServerGroupId": "sgp-1",
		},
		Rows: rows(networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTPS, "HTTPS", "Certificates.1.CertificateId"),
	}.Run(t)
	calltest.Table[*req]{
		Register: loadbalancer.Register, Action: "CreateListener", Answers: params{"ListServerGroups": nlbGroup, "CreateListener": answer}, Send: send,
		Base: &req{Name: "l", Protocol: networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_TCP, Port: 80, DefaultPoolId: "nlb~~sgp-1"},
		Params: params{
			"LoadBalancerId": "nlb-1", "ListenerProtocol": "TCP", "ListenerPort": "80", "ListenerDescription": "l", "ClientToken": token, "ServerGroupId": "sgp-1",
		},
		Rows: rows(networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_TLS, "TCPSSL", "CertificateIds.1"),
	}.Run(t)
}

// TestCreateZonalMemberParameters shows for each field where it goes.
func TestCreateZonalMemberParameters(t *testing.T) {
	t.Parallel()
	type req = networkv1.CreateMemberRequest
	const server = "Servers.1."
	calltest.Table[*req]{
		Register: loadbalancer.Register, Action: "AddServersToServerGroup",
		Answers: params{
			"AddServersToServerGroup":   `{"JobId":"job-1"}`,
			"DescribeNetworkInterfaces": `{"NetworkInterfaceSets":{"NetworkInterfaceSet":[{"NetworkInterfaceId":"eni-1","PrivateIpAddress":"10.0.0.7"}]}}`,
		},
		Send: func(ctx context.Context, c grpc.ClientConnInterface, r *req) error {
			_, err := client(c).CreateMember(ctx, r)
			return err
		},
		Base: &req{PoolId: "nlb~~sgp-1", Port: 80},
		Params: params{
			"ServerGroupId": "sgp-1", "ClientToken": token, server + "Port": "80", server + "Weight": "100", server + "ServerType": "Ecs",
		},
		Rows: map[string]calltest.Row[*req]{
			"pool_id": {Set: &req{VmId: "i-1"}, Want: params{server + "ServerId": "i-1"}}, "port": {Set: &req{VmId: "i-1"}, Want: params{server + "ServerId": "i-1"}},
			"name":      {Set: &req{VmId: "i-1", Name: "m"}, Want: params{server + "ServerId": "i-1", server + "Description": "m"}},
			"vm_id":     {Set: &req{VmId: "i-1"}, Want: params{server + "ServerId": "i-1"}},
			"weight":    {Set: &req{VmId: "i-1", Weight: proto.Int32(0)}, Want: params{server + "ServerId": "i-1", server + "Weight": "0"}},
			"nic_id":    {Set: &req{NicId: "eni-1"}, Want: params{server + "ServerId": "eni-1", server + "ServerType": "Eni", server + "ServerIp": "10.0.0.7"}},
			"address":   {Set: &req{Address: "10.0.0.8"}, Want: params{server + "ServerId": "10.0.0.8", server + "ServerType": "Ip", server + "ServerIp": "10.0.0.8"}},
			"subnet_id": {Set: &req{Address: "10.0.0.8", SubnetId: "vsw-1"}, Want: params{server + "ServerId": "10.0.0.8", server + "ServerType": "Ip", server + "ServerIp": "10.0.0.8"}},
			"backup":    {Set: &req{Backup: true}, Refused: "network.member.backup"},
		},
	}.Run(t)
}

// TestZonalChanges shows what each change sends, and how many calls it makes.
func TestZonalChanges(t *testing.T) {
	t.Parallel()
	answers := params{
		"GetLoadBalancerAttribute": `{"LoadBalancerId":"alb-1","LoadBalancerStatus":"Active"}`, "ListServerGroups": albGroup, "ListServerGroupServers": oneServer,
		"GetListenerAttribute": `{"ListenerId":"lsn-1","LoadBalancerId":"alb-1","ListenerStatus":"Running"}`,
	}
	for name, tc := range map[string]struct {
		send  func(context.Context, networkv1.LoadBalancerServiceClient) error
		calls []string
		last  params
	}{
		"VIP": {func(ctx context.Context, c networkv1.LoadBalancerServiceClient) error {
			_, err := c.UpdateVip(ctx, &networkv1.UpdateVipRequest{Id: "alb-1", Name: proto.String("new")})
			return err
		}, []string{"GetLoadBalancerAttribute", "UpdateLoadBalancerAttribute"}, params{"LoadBalancerId": "alb-1", "LoadBalancerName": "new", "ClientToken": token}},
		"tags of a pool": {func(ctx context.Context, c networkv1.LoadBalancerServiceClient) error {
			_, err := c.UpdatePool(ctx, &networkv1.UpdatePoolRequest{Id: "alb~~sgp-1", Tags: &apiv1.StringMap{Entries: params{"k": "new"}}})
			return err
		}, []string{"ListServerGroups", "TagResources"}, params{"ResourceType": "servergroup", "ResourceId.1": "sgp-1", "Tag.1.Key": "k", "Tag.1.Value": "new"}},
		"pool": {func(ctx context.Context, c networkv1.LoadBalancerServiceClient) error {
			_, err := c.UpdatePool(ctx, &networkv1.UpdatePoolRequest{
				Id: "alb~~sgp-1", Algorithm: networkv1.PoolAlgorithm_POOL_ALGORITHM_SOURCE_IP.Enum(), RemoveHealthMonitor: true,
			})
			return err
		}, []string{"ListServerGroups", "UpdateServerGroupAttribute"}, params{
			"ServerGroupId": "sgp-1", "Scheduler": "Sch", "HealthCheckConfig.HealthCheckEnabled": "false", "ClientToken": token,
		}},
		"listener": {func(ctx context.Context, c networkv1.LoadBalancerServiceClient) error {
			_, err := c.UpdateListener(ctx, &networkv1.UpdateListenerRequest{Id: "alb~~lsn-1", DefaultPoolId: proto.String("alb~~sgp-1")})
			return err
		}, []string{"GetListenerAttribute", "ListServerGroups", "UpdateListenerAttribute"}, params{
			"ListenerId": "lsn-1", "DefaultActions.1.Type": "ForwardGroup", "ClientToken": token,
			"DefaultActions.1.ForwardGroupConfig.ServerGroupTuples.1.ServerGroupId": "sgp-1",
		}},
		"member": {func(ctx context.Context, c networkv1.LoadBalancerServiceClient) error {
			_, err := c.UpdateMember(ctx, &networkv1.UpdateMemberRequest{Id: "alb~~sgp-1~~i-1~~80", Weight: proto.Int32(0)})
			return err
		}, []string{"ListServerGroupServers", "UpdateServerGroupServersAttribute"}, params{
			"ServerGroupId": "sgp-1", "Servers.1.ServerId": "i-1", "Servers.1.ServerType": "Ecs", "Servers.1.ServerIp": "10.0.0.9", "Servers.1.Port": "80",
			"Servers.1.Weight": "0", "Servers.1.Description": "old", "ClientToken": token,
		}},
		"removed member": {func(ctx context.Context, c networkv1.LoadBalancerServiceClient) error {
			_, err := c.DeleteMember(ctx, &networkv1.DeleteMemberRequest{Id: "alb~~sgp-1~~i-1~~80"})
			return err
		}, []string{"ListServerGroupServers", "RemoveServersFromServerGroup"}, params{
			"ServerGroupId": "sgp-1", "Servers.1.ServerId": "i-1", "Servers.1.ServerType": "Ecs", "Servers.1.ServerIp": "10.0.0.9", "Servers.1.Port": "80", "ClientToken": token,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud := calltest.Open(t, loadbalancer.Register, answers)
			if err := tc.send(calltest.Context(t), client(cloud.Conn)); err != nil {
				t.Fatal(err)
			}
			calls := cloud.Calls()
			if !slices.Equal(cloud.Actions(), tc.calls) || !maps.Equal(calls[len(calls)-1].Params, tc.last) {
				t.Errorf("calls: %v\nlast %v\nwant %v %v", cloud.Actions(), calls[len(calls)-1].Params, tc.calls, tc.last)
			}
		})
	}
}

// TestJobsAreFollowed shows what a request does with its job: it goes on, ends, fails,
// and takes back what it has made.
func TestJobsAreFollowed(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		vip, action, answer string
		undo                bool
		goesOn              bool
		reason              apiv1.Reason
		calls               []string
	}{
		"ALB goes on":    {"alb-1", "ListAsynJobs", `{"Jobs":[{"Id":"job-1","Status":"Processing"}]}`, false, true, 0, []string{"ListAsynJobs"}},
		"ALB has ended":  {"alb-1", "ListAsynJobs", `{"Jobs":[{"Id":"job-1","Status":"Succeeded"}]}`, false, false, 0, []string{"ListAsynJobs"}},
		"ALB forgot":     {"alb-1", "ListAsynJobs", `{"Jobs":[]}`, false, false, 0, []string{"ListAsynJobs"}},
		"ALB failed":     {"alb-1", "ListAsynJobs", `{"Jobs":[{"Id":"job-1","Status":"Failed","ErrorCode":"QuotaExceeded.X"}]}`, false, false, apiv1.Reason_REASON_QUOTA_EXCEEDED, []string{"ListAsynJobs"}},
		"ALB is undone":  {"alb-1", "ListAsynJobs", `{"Jobs":[{"Id":"job-1","Status":"Succeeded"}]}`, true, false, 0, []string{"ListAsynJobs", "DeleteServerGroup"}},
		"NLB goes on":    {"nlb-1", "GetJobStatus", `{"Status":"processing"}`, false, true, 0, []string{"GetJobStatus"}},
		"NLB has ended":  {"nlb-1", "GetJobStatus", `{"Status":"Succeeded"}`, false, false, 0, []string{"GetJobStatus"}},
		"NLB forgot":     {"nlb-1", "GetJobStatus", `{"Code":"ResourceNotFound.JobId"}`, false, false, 0, []string{"GetJobStatus"}},
		"NLB has failed": {"nlb-1", "GetJobStatus", `{"Status":"Failed"}`, false, false, apiv1.Reason_REASON_CLOUD_ERROR, []string{"GetJobStatus"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud := calltest.Open(t, loadbalancer.Register, params{tc.action: tc.answer})
			id := tc.vip[:3] + "~~sgp-1"
			ctx := calltest.ContextOf(t, sdk.Call{Attempt: 1, NextStep: sdk.JoinStep("job", "job-1", id), Undo: tc.undo})
			var md metadata.MD
			got, err := client(cloud.Conn).CreatePool(ctx, &networkv1.CreatePoolRequest{
				Name: "p", VipId: tc.vip, Protocol: networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_TCP,
			}, grpc.Trailer(&md))
			step := sdk.TrailerFrom(md).NextStep
			if sdk.ReasonOf(err) != tc.reason || !slices.Equal(cloud.Actions(), tc.calls) {
				t.Fatalf("got %v after %v, want %v after %v", err, cloud.Actions(), tc.reason, tc.calls)
			}
			if err == nil && (got.GetId() != id || (step != "") != tc.goesOn) {
				t.Errorf("got %v and step %q", got, step)
			}
		})
	}
}

// TestProtectedAndLocked shows what a VIP of each product tells of protection, locks,
// addresses and a creation that failed, and that its deletion is refused by name.
func TestProtectedAndLocked(t *testing.T) {
	t.Parallel()
	for id, answer := range map[string]string{
		"alb-1": `{"LoadBalancerId":"alb-1","LoadBalancerStatus":"CreateFailed","LoadBalancerEdition":"Basic","AddressType":"Internet","DNSName":"d",
			"DeletionProtectionConfig":{"Enabled":true},"LoadBalancerOperationLocks":[{"LockType":"FinancialLocked"}],
			"ZoneMappings":[{"VSwitchId":"vsw-1","LoadBalancerAddresses":[{"Address":"47.96.0.1","IntranetAddress":"10.0.0.1"}]}]}`,
		"nlb-1": `{"LoadBalancerId":"nlb-1","LoadBalancerStatus":"CreateFailed","AddressType":"Internet","DNSName":"d",
			"DeletionProtectionConfig":{"Enabled":true},"OperationLocks":[{"LockType":"FinancialLocked"}],
			"ZoneMappings":[{"VSwitchId":"vsw-1","LoadBalancerAddresses":[{"PublicIPv4Address":"47.96.0.1","PrivateIPv4Address":"10.0.0.1"}]}]}`,
	} {
		cloud := calltest.Open(t, loadbalancer.Register, params{
			"GetLoadBalancerAttribute": answer, "DeleteLoadBalancer": `{"Code":"OperationDenied.DeletionProtectionEnabled"}`,
		})
		got, err := client(cloud.Conn).GetVip(calltest.Context(t), &networkv1.GetVipRequest{Id: id})
		if err != nil {
			t.Fatal(err)
		}
		v, product := got.GetVip(), id[:3]
		if v.GetState() != networkv1.LoadBalancerState_LOAD_BALANCER_STATE_ERROR || !v.GetDeletionProtected() || v.GetDnsName() != "d" ||
			!slices.Equal(v.GetLockReasons(), []apiv1.LockReason{apiv1.LockReason_LOCK_REASON_ARREARS}) ||
			v.GetEdition() != map[string]string{"alb": "alb.Basic", "nlb": "nlb"}[product] {
			t.Errorf("%s: %v", id, v)
		}
		if a := v.GetAddresses(); len(a) != 1 || a[0].GetIpAddress() != "10.0.0.1" || a[0].GetPublicIpAddress() != "47.96.0.1" || a[0].GetSubnetId() != "vsw-1" {
			t.Errorf("%s: addresses %v", id, a)
		}
		if _, err := client(cloud.Conn).DeleteVip(calltest.Context(t), &networkv1.DeleteVipRequest{Id: id}); sdk.ReasonOf(err) != apiv1.Reason_REASON_DELETION_PROTECTED {
			t.Errorf("deletion of %s: %v", id, err)
		}
	}
}

// TestZonalRefusals shows what the codes of both products mean.
func TestZonalRefusals(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]apiv1.Reason{
		"IncorrectStatus.ServerGroup": apiv1.Reason_REASON_RESOURCE_BUSY, "IncorrectStatus.serverGroup": apiv1.Reason_REASON_RESOURCE_BUSY,
		"ResourceInConfiguring": apiv1.Reason_REASON_RESOURCE_BUSY, "Conflict.Lock": apiv1.Reason_REASON_RESOURCE_BUSY,
		"ResourceNotFound.ServerGroup": apiv1.Reason_REASON_REFERENCE_NOT_FOUND, "ResourceNotFound.serverGroup": apiv1.Reason_REASON_REFERENCE_NOT_FOUND,
		"ResourceNotFound.Ecs": apiv1.Reason_REASON_REFERENCE_NOT_FOUND, "Mismatch.VpcId": apiv1.Reason_REASON_REFERENCE_MISMATCH,
		"Mismatch.ServerType": apiv1.Reason_REASON_REFERENCE_MISMATCH, "ResourceQuotaExceeded.ServerAddedNum": apiv1.Reason_REASON_QUOTA_EXCEEDED,
		"Forbidden.NoPermission": apiv1.Reason_REASON_CLOUD_PERMISSION_DENIED,
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			cloud := calltest.Open(t, loadbalancer.Register, params{"AddServersToServerGroup": `{"Code":"` + code + `"}`})
			ctx := calltest.Context(t)
			_, err := client(cloud.Conn).CreateMember(ctx, &networkv1.CreateMemberRequest{PoolId: "nlb~~sgp-1", VmId: "i-1", Port: 80})
			if sdk.ReasonOf(err) != want {
				t.Errorf("got %v, want %v", err, want)
			}
		})
	}
}
