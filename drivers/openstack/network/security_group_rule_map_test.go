package network

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/sdk"
)

const (
	tcp    = networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_TCP
	icmp   = networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_ICMP
	icmpv6 = networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_ICMPV6
	every  = networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_ALL
	in     = apiv1.Direction_DIRECTION_INGRESS
	out    = apiv1.Direction_DIRECTION_EGRESS
	allow  = networkv1.SecurityGroupAction_SECURITY_GROUP_ACTION_ALLOW
)

func ptr[T any](v T) *T { return &v }

func TestToProtoRule(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body string
		want *networkv1.SecurityGroupRule
	}{
		"everything out": {
			`{"id":"1","direction":"egress","ethertype":"IPv4","protocol":null,"port_range_min":null,"remote_ip_prefix":null,"remote_group_id":null,"description":null}`,
			&networkv1.SecurityGroupRule{Id: "1", Direction: out, Protocol: every, RemoteCidr: "0.0.0.0/0"},
		},
		"everything out, IPv6": {
			`{"id":"1","direction":"egress","ethertype":"IPv6"}`,
			&networkv1.SecurityGroupRule{Id: "1", Direction: out, Protocol: every, RemoteCidr: "::/0"},
		},
		"ports": {
			`{"id":"1","direction":"ingress","ethertype":"IPv4","protocol":"tcp","port_range_min":80,"port_range_max":90,"remote_ip_prefix":"10.0.0.0/8","description":"web"}`,
			&networkv1.SecurityGroupRule{Id: "1", Description: "web", Direction: in, Protocol: tcp, Ports: &apiv1.PortRange{First: 80, Last: 90}, RemoteCidr: "10.0.0.0/8"},
		},
		"protocol by number": {
			`{"id":"1","direction":"ingress","ethertype":"IPv4","protocol":"6","remote_group_id":"g2"}`,
			&networkv1.SecurityGroupRule{Id: "1", Direction: in, Protocol: tcp, RemoteSecurityGroupId: "g2"},
		},
		"other protocol": {
			`{"id":"1","direction":"ingress","ethertype":"IPv4","protocol":"sctp","remote_ip_prefix":"10.0.0.0/8"}`,
			&networkv1.SecurityGroupRule{Id: "1", Direction: in, ProtocolNumber: 132, RemoteCidr: "10.0.0.0/8"},
		},
		"echo reply": {
			`{"id":"1","direction":"ingress","ethertype":"IPv4","protocol":"icmp","port_range_min":0,"port_range_max":0}`,
			&networkv1.SecurityGroupRule{Id: "1", Direction: in, Protocol: icmp, IcmpType: ptr[int32](0), IcmpCode: ptr[int32](0), RemoteCidr: "0.0.0.0/0"},
		},
		"old ICMPv6": {
			`{"id":"1","direction":"ingress","ethertype":"IPv6","protocol":"icmp","port_range_min":128}`,
			&networkv1.SecurityGroupRule{Id: "1", Direction: in, Protocol: icmpv6, IcmpType: ptr[int32](128), RemoteCidr: "::/0"},
		},
		"address group": {
			`{"id":"1","direction":"ingress","ethertype":"IPv4","remote_address_group_id":"a1"}`,
			&networkv1.SecurityGroupRule{Id: "1", Direction: in, Protocol: every, ProviderAttributes: map[string]string{"remote_address_group_id": "a1"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.want.Action, tc.want.RegionId = allow, "R"
			if diff := cmp.Diff(tc.want, toProtoRule(decode[rule](t, tc.body), "R"), protocmp.Transform()); diff != "" {
				t.Errorf("toProtoRule (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFromProtoCreateRule(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		req  *networkv1.CreateSecurityGroupRuleRequest
		want map[string]any
	}{
		"ports": {
			&networkv1.CreateSecurityGroupRuleRequest{Direction: in, Protocol: tcp, Ports: &apiv1.PortRange{First: 1, Last: 2}, RemoteCidr: "10.0.0.0/8", Description: "d"},
			map[string]any{"direction": "ingress", "ethertype": "IPv4", "protocol": "tcp", "port_range_min": int32(1), "port_range_max": int32(2), "remote_ip_prefix": "10.0.0.0/8", "description": "d"},
		},
		"IPv6 range": {
			&networkv1.CreateSecurityGroupRuleRequest{Direction: out, Protocol: every, RemoteCidr: "fc00::/7"},
			map[string]any{"direction": "egress", "ethertype": "IPv6", "remote_ip_prefix": "fc00::/7", "description": ""},
		},
		"ICMPv6 of a group": {
			&networkv1.CreateSecurityGroupRuleRequest{Direction: in, Protocol: icmpv6, RemoteSecurityGroupId: "g2"},
			map[string]any{"direction": "ingress", "ethertype": "IPv6", "protocol": "ipv6-icmp", "remote_group_id": "g2", "description": ""},
		},
		"echo reply": {
			&networkv1.CreateSecurityGroupRuleRequest{Direction: in, Protocol: icmp, IcmpType: ptr[int32](0), RemoteCidr: "0.0.0.0/0"},
			map[string]any{"direction": "ingress", "ethertype": "IPv4", "protocol": "icmp", "port_range_min": int32(0), "remote_ip_prefix": "0.0.0.0/0", "description": ""},
		},
		"number": {
			&networkv1.CreateSecurityGroupRuleRequest{Direction: in, ProtocolNumber: 89, RemoteCidr: "10.0.0.0/8"},
			map[string]any{"direction": "ingress", "ethertype": "IPv4", "protocol": "89", "remote_ip_prefix": "10.0.0.0/8", "description": ""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.req.SecurityGroupId, tc.want["security_group_id"] = "g1", "g1"
			v, err := fromProtoCreateRule(tc.req)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, ruleAttributes(v)); diff != "" {
				t.Errorf("attributes (-want +got):\n%s", diff)
			}
		})
	}
	for feature, req := range map[string]*networkv1.CreateSecurityGroupRuleRequest{
		"network.security_group.deny":     {Action: networkv1.SecurityGroupAction_SECURITY_GROUP_ACTION_DENY},
		"network.security_group.priority": {Priority: 7},
	} {
		_, err := fromProtoCreateRule(req)
		if got := sdk.InfoOf(err)["feature"]; sdk.ReasonOf(err) != apiv1.Reason_REASON_UNSUPPORTED_FEATURE || got != feature {
			t.Errorf("%v: %v, want %s", req, err, feature)
		}
	}
}

func TestSameRule(t *testing.T) {
	t.Parallel()
	wanted := rule{Direction: ingress, EtherType: ipv4, Protocol: ptr("tcp"), PortRangeMin: ptr[int32](22), PortRangeMax: ptr[int32](22), RemoteIPPrefix: ptr("0.0.0.0/0")}
	for name, tc := range map[string]struct {
		change func(*rule)
		want   bool
	}{
		"itself":          {func(*rule) {}, true},
		"other words":     {func(r *rule) { r.Description = "x" }, true},
		"by number":       {func(r *rule) { r.Protocol = ptr("6") }, true},
		"no range":        {func(r *rule) { r.RemoteIPPrefix = nil }, true},
		"other range":     {func(r *rule) { r.RemoteIPPrefix = ptr("10.0.0.0/8") }, false},
		"other direction": {func(r *rule) { r.Direction = egress }, false},
		"other family":    {func(r *rule) { r.EtherType = ipv6 }, false},
		"other protocol":  {func(r *rule) { r.Protocol = ptr("udp") }, false},
		"any protocol":    {func(r *rule) { r.Protocol = nil }, false},
		"any port":        {func(r *rule) { r.PortRangeMin, r.PortRangeMax = nil, nil }, false},
		"more ports":      {func(r *rule) { r.PortRangeMax = ptr[int32](23) }, false},
		"a group":         {func(r *rule) { r.RemoteGroupID = ptr("g") }, false},
		"address group":   {func(r *rule) { r.RemoteAddressGroupID = ptr("a") }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			other := wanted
			tc.change(&other)
			if got := sameRule(&wanted, &other); got != tc.want {
				t.Errorf("sameRule = %v, want %v", got, tc.want)
			}
		})
	}
}
