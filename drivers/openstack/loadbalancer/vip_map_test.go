package loadbalancer

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

// decode reads a body as Octavia sends it.
func decode[T any](t *testing.T, body string) *T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatal(err)
	}
	return &v
}

func TestToProtoVIP(t *testing.T) {
	t.Parallel()
	v := decode[vip](t, `{"id":"lb","name":"n","description":"d","provisioning_status":"ACTIVE","operating_status":"OFFLINE",
		"admin_state_up":true,"created_at":"2026-11-20T14:00:00","updated_at":null,"vip_network_id":"net","vip_subnet_id":"sub",
		"vip_address":"10.0.0.5","vip_port_id":"port","additional_vips":[{"subnet_id":"six","ip_address":"fd00::5"}],"flavor_id":null,
		"provider":"amphora","tags":["a=b","yqreq-x","yunqiao-kind=L4"]}`)
	want := &networkv1.Vip{
		Id: "lb", Name: "n", Description: "d", Tags: map[string]string{"a": "b"},
		State: networkv1.LoadBalancerState_LOAD_BALANCER_STATE_ACTIVE, ProviderState: "ACTIVE",
		CreatedAt: timestamppb.New(time.Date(2026, 11, 20, 14, 0, 0, 0, time.UTC)), RegionId: "r",
		ProviderAttributes: map[string]string{"provider": "amphora"}, NetworkId: "net",
		Subnets: []*networkv1.VipSubnet{{SubnetId: "sub", IpAddress: "10.0.0.5"}, {SubnetId: "six", IpAddress: "fd00::5"}},
		Scheme:  networkv1.VipScheme_VIP_SCHEME_INTERNAL,
		Addresses: []*networkv1.VipAddress{
			{IpAddress: "10.0.0.5", SubnetId: "sub", NicId: "port", PublicIpAddress: "203.0.113.5"},
			{IpAddress: "fd00::5", SubnetId: "six", NicId: "port"},
		},
		Kind: networkv1.VipKind_VIP_KIND_L4, Enabled: true,
	}
	if diff := cmp.Diff(want, toProtoVIP(v, "r", map[string]string{"port": "203.0.113.5"}), protocmp.Transform()); diff != "" {
		t.Errorf("toProtoVIP (-want +got):\n%s", diff)
	}
}

func TestToProtoState(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]networkv1.LoadBalancerState{
		"PENDING_CREATE": networkv1.LoadBalancerState_LOAD_BALANCER_STATE_CREATING,
		"ACTIVE":         networkv1.LoadBalancerState_LOAD_BALANCER_STATE_ACTIVE,
		"PENDING_UPDATE": networkv1.LoadBalancerState_LOAD_BALANCER_STATE_UPDATING,
		"PENDING_DELETE": networkv1.LoadBalancerState_LOAD_BALANCER_STATE_DELETING,
		"DELETED":        networkv1.LoadBalancerState_LOAD_BALANCER_STATE_DELETED,
		"ERROR":          networkv1.LoadBalancerState_LOAD_BALANCER_STATE_ERROR,
		"BOOTING":        networkv1.LoadBalancerState_LOAD_BALANCER_STATE_UNSPECIFIED,
	} {
		if got := toProtoState(status{Provisioning: word, AdminStateUp: true}); got != want {
			t.Errorf("toProtoState(%s) = %v, want %v", word, got, want)
		}
	}
	off := status{Provisioning: "ACTIVE"}
	if got := toProtoState(off); got != networkv1.LoadBalancerState_LOAD_BALANCER_STATE_STOPPED {
		t.Errorf("switched off: %v", got)
	}
	if got := stateReason(status{Provisioning: "ERROR"}); got != "RESOURCE_FAILED" {
		t.Errorf("reason %q", got)
	}
}

func TestFits(t *testing.T) {
	t.Parallel()
	const (
		l4, l7, both = networkv1.VipKind_VIP_KIND_L4, networkv1.VipKind_VIP_KIND_L7, networkv1.VipKind_VIP_KIND_L4_L7
		tcp, http    = networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_TCP, networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTP
	)
	for _, tc := range []struct {
		kind     networkv1.VipKind
		protocol networkv1.LoadBalancerProtocol
		want     bool
	}{{l4, tcp, true}, {l4, http, false}, {l7, tcp, false}, {l7, http, true}, {both, tcp, true}, {both, http, true}} {
		if got := fits(tc.kind, tc.protocol); got != tc.want {
			t.Errorf("fits(%v, %v) = %v", tc.kind, tc.protocol, got)
		}
	}
	if got := toProtoKind([]string{"a=b"}); got != both {
		t.Errorf("made elsewhere: %v", got)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]struct {
		vip    networkv1.VipHealth
		member networkv1.MemberHealth
	}{
		"ONLINE":     {networkv1.VipHealth_VIP_HEALTH_HEALTHY, networkv1.MemberHealth_MEMBER_HEALTH_HEALTHY},
		"DEGRADED":   {networkv1.VipHealth_VIP_HEALTH_DEGRADED, networkv1.MemberHealth_MEMBER_HEALTH_UNHEALTHY},
		"ERROR":      {networkv1.VipHealth_VIP_HEALTH_UNHEALTHY, networkv1.MemberHealth_MEMBER_HEALTH_UNHEALTHY},
		"DRAINING":   {networkv1.VipHealth_VIP_HEALTH_UNSPECIFIED, networkv1.MemberHealth_MEMBER_HEALTH_DRAINING},
		"NO_MONITOR": {networkv1.VipHealth_VIP_HEALTH_NO_MONITOR, networkv1.MemberHealth_MEMBER_HEALTH_NO_MONITOR},
		"OFFLINE":    {networkv1.VipHealth_VIP_HEALTH_UNSPECIFIED, networkv1.MemberHealth_MEMBER_HEALTH_UNSPECIFIED},
	} {
		if got := toProtoVIPHealth(word); got != want.vip {
			t.Errorf("VIP %s: %v", word, got)
		}
		if got := toProtoMemberHealth(word); got != want.member {
			t.Errorf("member %s: %v", word, got)
		}
	}
}
