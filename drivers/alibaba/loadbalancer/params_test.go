package loadbalancer_test

import (
	"context"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/calltest"
	"github.com/yunqiao/yunqiao/drivers/alibaba/loadbalancer"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

var token = sdk.Token(calltest.RequestID, "")

type params = map[string]string

func client(c grpc.ClientConnInterface) networkv1.LoadBalancerServiceClient {
	return networkv1.NewLoadBalancerServiceClient(c)
}

// TestCreateVipParameters shows for each field where it goes.
func TestCreateVipParameters(t *testing.T) {
	t.Parallel()
	type req = networkv1.CreateVipRequest
	calltest.Table[*req]{
		Register: loadbalancer.Register, Action: "CreateLoadBalancer",
		Answers: params{
			"CreateLoadBalancer": `{"LoadBalancerId":"lb-1"}`,
			"DescribeVSwitches":  `{"VSwitches":{"VSwitch":[{"VSwitchId":"vsw-1","ZoneId":"cn-hangzhou-h"}]}}`,
		},
		Send: func(ctx context.Context, c grpc.ClientConnInterface, r *req) error {
			_, err := client(c).CreateVip(ctx, r)
			return err
		},
		Base: &req{Name: "lb", Kind: networkv1.VipKind_VIP_KIND_L7, Subnets: []*networkv1.VipSubnet{{SubnetId: "vsw-1"}}},
		Params: params{
			"LoadBalancerName": "lb", "PayType": "PayOnDemand", "LoadBalancerSpec": "slb.s1.small", "AddressType": "intranet", "VSwitchId": "vsw-1",
			"ResourceGroupId": "rg-test", "ClientToken": token, "Tag.1.Key": "yunqiao-vip-kind", "Tag.1.Value": "L7",
		},
		Rows: map[string]calltest.Row[*req]{
			"name": {}, "subnets": {},
			"kind":        {Set: &req{Kind: networkv1.VipKind_VIP_KIND_L4_L7}, Want: params{"Tag.1.Value": "L4_L7"}},
			"description": {}, // has no field
			"tags": {
				Set:  &req{Tags: params{"k": "v"}},
				Want: params{"Tag.1.Key": "k", "Tag.1.Value": "v", "Tag.2.Key": "yunqiao-vip-kind", "Tag.2.Value": "L7"},
			},
			"scheme": {
				Set:  &req{Scheme: networkv1.VipScheme_VIP_SCHEME_INTERNET},
				Want: params{"AddressType": "internet", "InternetChargeType": "paybytraffic", "VSwitchId": "", "MasterZoneId": "cn-hangzhou-h"},
			},
			"enabled": {
				Set: &req{Enabled: proto.Bool(false)}, Call: "SetLoadBalancerStatus",
				Want: params{"LoadBalancerId": "lb-1", "LoadBalancerStatus": "inactive"},
			},
			"edition": {Set: &req{Edition: "PayByCLCU"}, Want: params{"LoadBalancerSpec": "", "InstanceChargeType": "PayByCLCU"}},
			"charge": {
				Set: &req{Charge: &apiv1.Charge{Mode: apiv1.ChargeMode_CHARGE_MODE_PREPAID}}, Refused: "network.vip.prepaid",
			},
		},
	}.Run(t)
}

// TestCreatePoolParameters shows that the group keeps each setting in its tags.
func TestCreatePoolParameters(t *testing.T) {
	t.Parallel()
	type req = networkv1.CreatePoolRequest
	tags := func(own ...string) params {
		out := params{}
		keys := []string{"yunqiao-algorithm", "yunqiao-monitor", "yunqiao-protocol", "yunqiao-request", "yunqiao-sticky"}
		values := []string{"wrr", "NONE", "http", token, "NONE"}
		for i := 0; i < len(own); i += 2 {
			for j, key := range keys {
				if key == own[i] {
					values[j] = own[i+1]
				}
			}
		}
		for i, key := range keys {
			out["Tag."+string(rune('1'+i))+".Key"], out["Tag."+string(rune('1'+i))+".Value"] = key, values[i]
		}
		return out
	}
	base := tags()
	base["LoadBalancerId"], base["VServerGroupName"] = "lb-1", "p"
	calltest.Table[*req]{
		Register: loadbalancer.Register, Action: "CreateVServerGroup", Answers: params{"CreateVServerGroup": `{"VServerGroupId":"rsp-1"}`},
		Send: func(ctx context.Context, c grpc.ClientConnInterface, r *req) error {
			_, err := client(c).CreatePool(ctx, r)
			return err
		},
		Base: &req{Name: "p", VipId: "lb-1", Protocol: networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTP}, Params: base,
		Rows: map[string]calltest.Row[*req]{
			"name": {}, "vip_id": {}, "description": {},
			"tags": {
				Set: &req{Tags: params{"a": "1"}},
				Want: params{
					"Tag.1.Key": "a", "Tag.1.Value": "1", "Tag.2.Key": "yunqiao-algorithm", "Tag.2.Value": "wrr", "Tag.3.Key": "yunqiao-monitor",
					"Tag.3.Value": "NONE", "Tag.4.Key": "yunqiao-protocol", "Tag.4.Value": "http", "Tag.5.Key": "yunqiao-request", "Tag.5.Value": token,
					"Tag.6.Key": "yunqiao-sticky", "Tag.6.Value": "NONE",
				},
			},
			"protocol":  {Set: &req{Protocol: networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_UDP}, Want: tags("yunqiao-protocol", "udp")},
			"algorithm": {Set: &req{Algorithm: networkv1.PoolAlgorithm_POOL_ALGORITHM_LEAST_CONNECTIONS}, Rejected: "algorithm"},
			"session_persistence": {
				Set: &req{SessionPersistence: &networkv1.SessionPersistence{
					Type: networkv1.SessionPersistenceType_SESSION_PERSISTENCE_TYPE_COOKIE_APP, CookieName: "sid",
				}},
				Want: tags("yunqiao-sticky", "4 0 sid"),
			},
			"member_kind": {Set: &req{MemberKind: networkv1.MemberKind_MEMBER_KIND_ADDRESS}, Rejected: "member_kind"},
			"health_monitor": {
				Set: &req{HealthMonitor: &networkv1.HealthMonitor{
					Type: networkv1.HealthMonitorType_HEALTH_MONITOR_TYPE_HTTP, IntervalSeconds: 5, TimeoutSeconds: 3, HealthyThreshold: 2, UnhealthyThreshold: 4,
					Port: 8080, HttpMethod: "HEAD", ExpectedCodes: "200-299,300-399",
				}},
				Want: tags("yunqiao-monitor", "3 5 3 2 4 8080 HEAD 200-299,300-399"),
			},
		},
	}.Run(t)
}

const httpGroup = `{"VServerGroupId":"rsp-1","LoadBalancerId":"lb-1","VServerGroupName":"p","BackendServers":{"BackendServer":[
	{"ServerId":"i-9","Port":80,"Weight":50,"Type":"ecs","Description":"old"}]},"Tags":{"Tag":[
	{"TagKey":"yunqiao-protocol","TagValue":"http"},{"TagKey":"yunqiao-algorithm","TagValue":"wrr"},{"TagKey":"yunqiao-sticky","TagValue":"3 600 "},
	{"TagKey":"yunqiao-monitor","TagValue":"3 5 3 2 4 8080 HEAD 200-299,300-399"},{"TagKey":"yunqiao-monitor-path","TagValue":"/health"}]}}`

// TestCreateListenerParameters shows for each field, and each setting of the pool,
// where it goes.
func TestCreateListenerParameters(t *testing.T) {
	t.Parallel()
	type req = networkv1.CreateListenerRequest
	calltest.Table[*req]{
		Register: loadbalancer.Register, Action: "CreateLoadBalancerHTTPListener", Answers: params{"DescribeVServerGroupAttribute": httpGroup},
		Send: func(ctx context.Context, c grpc.ClientConnInterface, r *req) error {
			_, err := client(c).CreateListener(ctx, r)
			return err
		},
		Base: &req{Name: "l", Protocol: networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTP, Port: 80, DefaultPoolId: "rsp-1"},
		Params: params{
			"LoadBalancerId": "lb-1", "ListenerPort": "80", "Bandwidth": "-1", "VServerGroupId": "rsp-1", "Description": "l", "Scheduler": "wrr",
			"StickySession": "on", "StickySessionType": "insert", "CookieTimeout": "600", "HealthCheck": "on", "HealthCheckInterval": "5",
			"HealthCheckTimeout": "3", "HealthyThreshold": "2", "UnhealthyThreshold": "4", "HealthCheckConnectPort": "8080", "HealthCheckMethod": "head",
			"HealthCheckURI": "/health", "HealthCheckDomain": "$_ip", "HealthCheckHttpCode": "http_2xx,http_3xx",
			"Tag.1.Key": "yunqiao-request", "Tag.1.Value": token,
		},
		Rows: map[string]calltest.Row[*req]{
			"name": {}, "port": {}, "default_pool_id": {}, "description": {},
			"vip_id":           {Set: &req{VipId: "lb-2"}, Rejected: "default_pool_id"},
			"protocol":         {Set: &req{Protocol: networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_TCP}, Rejected: "protocol"},
			"tags":             {Set: &req{Tags: params{"a": "1"}}, Want: params{"Tag.1.Key": "a", "Tag.1.Value": "1", "Tag.2.Key": "yunqiao-request", "Tag.2.Value": token}},
			"allowed_cidrs":    {Set: &req{AllowedCidrs: []string{"10.0.0.0/8"}}, Refused: "network.listener.allowed_cidrs"},
			"connection_limit": {Set: &req{ConnectionLimit: 5}, Refused: "network.listener.connection_limit"},
			"certificate_ids": {
				Set: &req{Protocol: networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTPS, CertificateIds: []string{"c-1"}}, Call: "CreateLoadBalancerHTTPSListener",
				Want: params{
					"LoadBalancerId": "lb-1", "ListenerPort": "80", "Bandwidth": "-1", "VServerGroupId": "rsp-1", "Description": "l", "Scheduler": "wrr",
					"StickySession": "on", "StickySessionType": "insert", "CookieTimeout": "600", "HealthCheck": "on", "HealthCheckInterval": "5",
					"HealthCheckTimeout": "3", "HealthyThreshold": "2", "UnhealthyThreshold": "4", "HealthCheckConnectPort": "8080", "HealthCheckMethod": "head",
					"HealthCheckURI": "/health", "HealthCheckDomain": "$_ip", "HealthCheckHttpCode": "http_2xx,http_3xx",
					"Tag.1.Key": "yunqiao-request", "Tag.1.Value": token, "ServerCertificateId": "c-1",
				},
			},
		},
	}.Run(t)
}

// TestCreateMemberParameters shows for each field where it goes.
func TestCreateMemberParameters(t *testing.T) {
	t.Parallel()
	type req = networkv1.CreateMemberRequest
	servers := func(text string) params { return params{"VServerGroupId": "rsp-1", "BackendServers": text} }
	calltest.Table[*req]{
		Register: loadbalancer.Register, Action: "AddVServerGroupBackendServers",
		Answers: params{
			"DescribeVServerGroupAttribute": httpGroup,
			"DescribeNetworkInterfaces":     `{"NetworkInterfaceSets":{"NetworkInterfaceSet":[{"NetworkInterfaceId":"eni-1","PrivateIpAddress":"10.0.0.7"}]}}`,
		},
		Send: func(ctx context.Context, c grpc.ClientConnInterface, r *req) error {
			if r.GetNicId()+r.GetAddress() != "" {
				r.VmId = ""
			}
			_, err := client(c).CreateMember(ctx, r)
			return err
		},
		Base:   &req{PoolId: "rsp-1", VmId: "i-1", Port: 80},
		Params: servers(`[{"ServerId":"i-1","Port":"80","Type":"ecs","Weight":"100"}]`),
		Rows: map[string]calltest.Row[*req]{
			"pool_id": {}, "vm_id": {}, "subnet_id": {},
			"name":    {Set: &req{Name: "m"}, Want: servers(`[{"ServerId":"i-1","Port":"80","Type":"ecs","Weight":"100","Description":"m"}]`)},
			"port":    {Set: &req{Port: 81}, Want: servers(`[{"ServerId":"i-1","Port":"81","Type":"ecs","Weight":"100"}]`)},
			"weight":  {Set: &req{Weight: proto.Int32(0)}, Want: servers(`[{"ServerId":"i-1","Port":"80","Type":"ecs","Weight":"0"}]`)},
			"nic_id":  {Set: &req{NicId: "eni-1"}, Want: servers(`[{"ServerId":"eni-1","Port":"80","Type":"eni","Weight":"100","ServerIp":"10.0.0.7"}]`)},
			"address": {Set: &req{Address: "10.0.0.8"}, Rejected: "address"},
			"backup":  {Set: &req{Backup: true}, Refused: "network.member.backup"},
		},
	}.Run(t)
}

// TestMembersAreMadeOnce shows that a server at the same port is not added again.
func TestMembersAreMadeOnce(t *testing.T) {
	t.Parallel()
	cloud := calltest.Open(t, loadbalancer.Register, params{"DescribeVServerGroupAttribute": httpGroup})
	made, err := client(cloud.Conn).CreateMember(calltest.Context(t), &networkv1.CreateMemberRequest{PoolId: "rsp-1", VmId: "i-9", Port: 80})
	if err != nil || made.GetId() != "rsp-1~~i-9~~80" {
		t.Errorf("got %v, %v", made, err)
	}
	if got := cloud.Actions(); len(got) != 1 {
		t.Errorf("calls: %v", got)
	}
}

// TestPoolSettingsComeBack shows that what a pool keeps in tags is read again.
func TestPoolSettingsComeBack(t *testing.T) {
	t.Parallel()
	cloud := calltest.Open(t, loadbalancer.Register, params{"DescribeVServerGroupAttribute": httpGroup})
	got, err := client(cloud.Conn).GetPool(calltest.Context(t), &networkv1.GetPoolRequest{Id: "rsp-1"})
	if err != nil {
		t.Fatal(err)
	}
	want := &networkv1.Pool{
		Id: "rsp-1", Name: "p", VipId: "lb-1", RegionId: "cn-hangzhou", State: networkv1.LoadBalancerState_LOAD_BALANCER_STATE_ACTIVE,
		Protocol: networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTP, Algorithm: networkv1.PoolAlgorithm_POOL_ALGORITHM_ROUND_ROBIN,
		MemberKind: networkv1.MemberKind_MEMBER_KIND_VM_OR_NIC,
		SessionPersistence: &networkv1.SessionPersistence{
			Type: networkv1.SessionPersistenceType_SESSION_PERSISTENCE_TYPE_COOKIE_INSERT, TimeoutSeconds: 600,
		},
		HealthMonitor: &networkv1.HealthMonitor{
			Type: networkv1.HealthMonitorType_HEALTH_MONITOR_TYPE_HTTP, IntervalSeconds: 5, TimeoutSeconds: 3, HealthyThreshold: 2, UnhealthyThreshold: 4,
			Port: 8080, HttpMethod: "HEAD", UrlPath: "/health", ExpectedCodes: "200-299,300-399",
		},
	}
	if !proto.Equal(got.GetPool(), want) {
		t.Errorf("got %v\nwant %v", got.GetPool(), want)
	}
}
