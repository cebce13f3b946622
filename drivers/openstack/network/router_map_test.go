package network

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

func TestToProtoRouter(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body string
		want *networkv1.Router
	}{
		"without gateway": {
			`{"id":"r1","name":"r","status":"ACTIVE","external_gateway_info":null,"tags":[]}`,
			&networkv1.Router{Id: "r1", Name: "r", State: networkv1.RouterState_ROUTER_STATE_AVAILABLE, ProviderState: "ACTIVE", RegionId: "R"},
		},
		"with gateway": {
			`{"id":"r1","status":"ALLOCATING","external_gateway_info":{"network_id":"n1","enable_snat":false,
				"external_fixed_ips":[{"subnet_id":"s1","ip_address":"203.0.113.9"}]}}`,
			&networkv1.Router{
				Id: "r1", State: networkv1.RouterState_ROUTER_STATE_PENDING, ProviderState: "ALLOCATING", RegionId: "R",
				ExternalGateway: &networkv1.ExternalGateway{NetworkId: "n1", IpAddresses: []string{"203.0.113.9"}},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, toProtoRouter(decode[router](t, tc.body), "R"), protocmp.Transform()); diff != "" {
				t.Errorf("toProtoRouter (-want +got):\n%s", diff)
			}
		})
	}
}

func TestToProtoRouterState(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]networkv1.RouterState{
		"ACTIVE": networkv1.RouterState_ROUTER_STATE_AVAILABLE, "ALLOCATING": networkv1.RouterState_ROUTER_STATE_PENDING,
		"ERROR": networkv1.RouterState_ROUTER_STATE_ERROR, "": networkv1.RouterState_ROUTER_STATE_UNSPECIFIED,
	} {
		if got := toProtoRouterState(status); got != want {
			t.Errorf("toProtoRouterState(%q) = %v, want %v", status, got, want)
		}
	}
}

func TestFromProtoGateway(t *testing.T) {
	t.Parallel()
	off := false
	for name, tc := range map[string]struct {
		spec *networkv1.ExternalGatewaySpec
		want map[string]any
	}{
		"none":    {&networkv1.ExternalGatewaySpec{}, map[string]any{}},
		"default": {&networkv1.ExternalGatewaySpec{NetworkId: "n"}, map[string]any{"network_id": "n"}},
		"no snat": {&networkv1.ExternalGatewaySpec{NetworkId: "n", SnatEnabled: &off}, map[string]any{"network_id": "n", "enable_snat": false}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, fromProtoGateway(tc.spec)); diff != "" {
				t.Errorf("fromProtoGateway (-want +got):\n%s", diff)
			}
		})
	}
}

func TestToProtoInterfaces(t *testing.T) {
	t.Parallel()
	ports := *decode[[]port](t, `[
		{"id":"p1","device_id":"r1","device_owner":"network:router_interface","fixed_ips":[{"subnet_id":"s1","ip_address":"10.0.0.1"}]},
		{"id":"p2","device_id":"r1","device_owner":"network:router_gateway","fixed_ips":[{"subnet_id":"x","ip_address":"203.0.113.9"}]},
		{"id":"p3","device_id":"r2","device_owner":"network:ha_router_replicated_interface","fixed_ips":[{"subnet_id":"s2","ip_address":"10.0.2.1"}]}]`)
	want := []*networkv1.RouterInterface{{SubnetId: "s1", NicId: "p1", IpAddress: "10.0.0.1"}, {SubnetId: "s2", NicId: "p3", IpAddress: "10.0.2.1"}}
	if diff := cmp.Diff(want, toProtoInterfaces(ports), protocmp.Transform()); diff != "" {
		t.Errorf("toProtoInterfaces (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"r1", "r2"}, routerIDs(ports)); diff != "" {
		t.Errorf("routerIDs (-want +got):\n%s", diff)
	}
}

func TestRoutesTo(t *testing.T) {
	t.Parallel()
	routes := []route{{"10.9.0.0/16", "10.0.0.9"}, {"10.9.0.0/24", "10.0.0.8"}, {"fc00::/8", "fc01::1"}}
	for destination, want := range map[string]int{"10.9.0.0/16": 1, "10.9.1.0/16": 1, "fc00:0::/8": 1, "10.8.0.0/16": 0, "none": 0} {
		if got := routesTo(routes, destination); len(got) != want {
			t.Errorf("routesTo(%q) = %v, want %d", destination, got, want)
		}
	}
}

func TestNextHopOf(t *testing.T) {
	t.Parallel()
	p := &port{FixedIPs: []fixedIP{{"s1", "10.0.0.9"}, {"s2", "fc00::9"}}}
	for destination, want := range map[string]string{"10.9.0.0/16": "10.0.0.9", "fd00::/8": "fc00::9", "none": ""} {
		if got := nextHopOf(p, destination); got != want {
			t.Errorf("nextHopOf(%q) = %q, want %q", destination, got, want)
		}
	}
	if got := nextHopOf(&port{}, "10.9.0.0/16"); got != "" {
		t.Errorf("a port without address: %q", got)
	}
}
