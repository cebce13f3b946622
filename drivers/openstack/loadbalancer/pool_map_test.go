package loadbalancer

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

func TestToProtoPool(t *testing.T) {
	t.Parallel()
	v := decode[pool](t, `{"id":"p","name":"n","description":"","provisioning_status":"ACTIVE","admin_state_up":true,
		"loadbalancers":[{"id":"lb"}],"listeners":[],"protocol":"HTTP","tls_enabled":true,"lb_algorithm":"SOURCE_IP",
		"session_persistence":{"type":"APP_COOKIE","cookie_name":"SID","persistence_timeout":null},"healthmonitor_id":"hm",
		"tags":["yunqiao-member-kind=ADDRESS"]}`)
	m := decode[monitor](t, `{"id":"hm","type":"HTTPS","delay":5,"timeout":3,"max_retries":2,"max_retries_down":4,
		"http_method":"HEAD","url_path":"/x","domain_name":null,"expected_codes":"200"}`)
	want := &networkv1.Pool{
		Id: "p", Name: "n", State: networkv1.LoadBalancerState_LOAD_BALANCER_STATE_ACTIVE, ProviderState: "ACTIVE", RegionId: "r",
		VipId: "lb", Protocol: networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTPS,
		Algorithm: networkv1.PoolAlgorithm_POOL_ALGORITHM_SOURCE_IP, MemberKind: networkv1.MemberKind_MEMBER_KIND_ADDRESS,
		SessionPersistence: &networkv1.SessionPersistence{
			Type: networkv1.SessionPersistenceType_SESSION_PERSISTENCE_TYPE_COOKIE_APP, CookieName: "SID",
		},
		HealthMonitor: &networkv1.HealthMonitor{
			Type: networkv1.HealthMonitorType_HEALTH_MONITOR_TYPE_HTTPS, IntervalSeconds: 5, TimeoutSeconds: 3,
			HealthyThreshold: 2, UnhealthyThreshold: 4, HttpMethod: "HEAD", UrlPath: "/x", ExpectedCodes: "200",
		},
	}
	if diff := cmp.Diff(want, toProtoPool(v, m, "r"), protocmp.Transform()); diff != "" {
		t.Errorf("toProtoPool (-want +got):\n%s", diff)
	}
}

func TestProtocols(t *testing.T) {
	t.Parallel()
	const (
		none  = networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_UNSPECIFIED
		tcp   = networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_TCP
		udp   = networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_UDP
		tls   = networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_TLS
		http  = networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTP
		https = networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTPS
	)
	for p, want := range map[networkv1.LoadBalancerProtocol]string{tcp: "TCP", udp: "UDP", http: "HTTP", https: "HTTP", tls: ""} {
		word, secure := fromProtoPoolProtocol(p)
		if word != want || secure != (p == https) {
			t.Errorf("pool %v: %s, %v", p, word, secure)
		}
		if word != "" && toProtoPoolProtocol(word, secure) != p {
			t.Errorf("pool %v is not read as it was written", p)
		}
	}
	for p, want := range map[networkv1.LoadBalancerProtocol]string{tcp: "TCP", udp: "UDP", http: "HTTP", https: "TERMINATED_HTTPS", tls: "TERMINATED_HTTPS"} {
		if got := fromProtoListenerProtocol(p); got != want {
			t.Errorf("listener %v: %s", p, got)
		}
		present := factTags(listenerFacts(&networkv1.CreateListenerRequest{Protocol: p}))
		if got := toProtoListenerProtocol(want, present); got != p {
			t.Errorf("listener %v is read as %v", p, got)
		}
	}
	for word, want := range map[string]networkv1.LoadBalancerProtocol{"HTTPS": tcp, "SCTP": none} {
		if got := toProtoListenerProtocol(word, nil); got != want || protocolAttributes(word)["protocol"] != word {
			t.Errorf("listener %s: %v", word, got)
		}
	}
}

func TestFromProtoUpdatePool(t *testing.T) {
	t.Parallel()
	text, source := "", networkv1.PoolAlgorithm_POOL_ALGORITHM_SOURCE_IP
	for name, tc := range map[string]struct {
		req  *networkv1.UpdatePoolRequest
		want map[string]any
	}{
		"nothing":      {&networkv1.UpdatePoolRequest{HealthMonitor: &networkv1.HealthMonitor{}}, map[string]any{}},
		"description":  {&networkv1.UpdatePoolRequest{Description: &text}, map[string]any{"description": ""}},
		"algorithm":    {&networkv1.UpdatePoolRequest{Algorithm: &source}, map[string]any{"lb_algorithm": "SOURCE_IP"}},
		"tags":         {&networkv1.UpdatePoolRequest{Tags: &apiv1.StringMap{Entries: map[string]string{"a": "b"}}}, map[string]any{"tags": []string{"a=b", "yqreq-x"}}},
		"not kept":     {&networkv1.UpdatePoolRequest{SessionPersistence: &networkv1.SessionPersistence{Type: networkv1.SessionPersistenceType_SESSION_PERSISTENCE_TYPE_NONE}}, map[string]any{"session_persistence": nil}},
		"kept by time": {&networkv1.UpdatePoolRequest{SessionPersistence: &networkv1.SessionPersistence{Type: networkv1.SessionPersistenceType_SESSION_PERSISTENCE_TYPE_SOURCE_IP, TimeoutSeconds: 9}}, map[string]any{"session_persistence": map[string]any{"type": "SOURCE_IP", "persistence_timeout": int32(9)}}},
	} {
		if diff := cmp.Diff(tc.want, fromProtoUpdatePool(tc.req, []string{"old=1", "yqreq-x"})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestFromProtoMonitor(t *testing.T) {
	t.Parallel()
	m := &networkv1.HealthMonitor{
		Type: networkv1.HealthMonitorType_HEALTH_MONITOR_TYPE_HTTP, IntervalSeconds: 5, TimeoutSeconds: 3, HealthyThreshold: 2, UnhealthyThreshold: 4,
	}
	want := map[string]any{
		"delay": int32(5), "timeout": int32(3), "max_retries": int32(2), "max_retries_down": int32(4),
		"http_method": "GET", "url_path": "/", "expected_codes": "200", "domain_name": nil, "http_version": nil,
	}
	if diff := cmp.Diff(want, fromProtoMonitor(m)); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
	m.Host = "h"
	if got := fromProtoMonitor(m); got["domain_name"] != "h" || got["http_version"] != 1.1 {
		t.Errorf("with host: %v", got)
	}
	if fromProtoMonitorType(networkv1.HealthMonitorType_HEALTH_MONITOR_TYPE_UDP) != "UDP-CONNECT" {
		t.Error("UDP")
	}
}

func TestTakes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		tags      []string
		byAddress bool
		want      bool
	}{
		"made elsewhere":         {nil, true, true},
		"for VMs, an address":    {[]string{"yqreq-x"}, true, false},
		"for VMs, a NIC":         {[]string{"yqreq-x"}, false, true},
		"for addresses":          {[]string{"yqreq-x", "yunqiao-member-kind=ADDRESS"}, true, true},
		"for addresses, but NIC": {[]string{"yqreq-x", "yunqiao-member-kind=ADDRESS"}, false, false},
	} {
		if got := takes(tc.tags, tc.byAddress); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestToProtoMember(t *testing.T) {
	t.Parallel()
	v := decode[member](t, `{"id":"m","name":"","provisioning_status":"PENDING_CREATE","admin_state_up":true,"address":"10.0.0.9",
		"protocol_port":80,"subnet_id":null,"weight":256,"backup":true,"tags":["yunqiao-vm=vm-1"]}`)
	want := &networkv1.Member{
		Id: "p~~m", State: networkv1.LoadBalancerState_LOAD_BALANCER_STATE_CREATING, ProviderState: "PENDING_CREATE", RegionId: "r",
		PoolId: "p", VmId: "vm-1", Address: "10.0.0.9", Port: 80, Weight: 100, Backup: true,
	}
	if diff := cmp.Diff(want, toProtoMember(v, "p", "r"), protocmp.Transform()); diff != "" {
		t.Errorf("toProtoMember (-want +got):\n%s", diff)
	}
}

func TestListenerLimits(t *testing.T) {
	t.Parallel()
	v := decode[listener](t, `{"id":"l","protocol":"TERMINATED_HTTPS","protocol_port":443,"connection_limit":-1,
		"default_tls_container_ref":"c1","sni_container_refs":["c2"],"loadbalancers":[{"id":"lb"}],"default_pool_id":null}`)
	got := toProtoListener(v, "r")
	if got.GetConnectionLimit() != 0 || len(got.GetCertificateIds()) != 2 || got.GetCertificateIds()[0] != "c1" || got.GetVipId() != "lb" {
		t.Errorf("listener %v", got)
	}
	var none int32
	attributes := fromProtoUpdateListener(&networkv1.UpdateListenerRequest{
		ConnectionLimit: &none, AllowedCidrs: &apiv1.StringList{}, CertificateIds: &apiv1.StringList{Values: []string{"c3"}},
	}, nil)
	want := map[string]any{
		"connection_limit": -1, "allowed_cidrs": []string{}, "default_tls_container_ref": "c3", "sni_container_refs": []string{},
	}
	if diff := cmp.Diff(want, attributes); diff != "" {
		t.Errorf("update (-want +got):\n%s", diff)
	}
}
