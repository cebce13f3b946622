package network

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/sdk"
)

func TestToProtoSubnet(t *testing.T) {
	t.Parallel()
	v := decode[subnet](t, `{"id":"s1","name":"sub","network_id":"n1","ip_version":6,"cidr":"fc00::/64","gateway_ip":null,"enable_dhcp":true,
		"allocation_pools":[{"start":"fc00::2","end":"fc00::f"}],"dns_nameservers":["fc00::53"],"description":null,"tags":[]}`)
	want := &networkv1.Subnet{
		Id: "s1", Name: "sub", State: networkv1.SubnetState_SUBNET_STATE_AVAILABLE, RegionId: "R", NetworkId: "n1", Cidr: "fc00::/64",
		IpVersion: apiv1.IpVersion_IP_VERSION_IPV6, DhcpEnabled: true, DnsServers: []string{"fc00::53"},
		AllocationPools: []*networkv1.IpRange{{First: "fc00::2", Last: "fc00::f"}},
	}
	if diff := cmp.Diff(want, toProtoSubnet(v, "R"), protocmp.Transform()); diff != "" {
		t.Errorf("toProtoSubnet (-want +got):\n%s", diff)
	}
}

func TestFromProtoCreateSubnet(t *testing.T) {
	t.Parallel()
	off := false
	for name, tc := range map[string]struct {
		req    *networkv1.CreateSubnetRequest
		want   map[string]any
		reason apiv1.Reason
	}{
		"least": {
			&networkv1.CreateSubnetRequest{Name: "s", NetworkId: "n", Cidr: "10.0.0.0/24"},
			map[string]any{"name": "s", "network_id": "n", "cidr": "10.0.0.0/24", "ip_version": 4}, 0,
		},
		"all": {
			&networkv1.CreateSubnetRequest{
				Name: "s", NetworkId: "n", Cidr: "fc00::/64", IpVersion: apiv1.IpVersion_IP_VERSION_IPV6, GatewayIp: "fc00::1", DhcpEnabled: &off,
				DnsServers: []string{"fc00::53"}, AllocationPools: []*networkv1.IpRange{{First: "fc00::2", Last: "fc00::3"}},
			},
			map[string]any{
				"name": "s", "network_id": "n", "cidr": "fc00::/64", "ip_version": 6, "gateway_ip": "fc00::1", "enable_dhcp": false,
				"dns_nameservers": []string{"fc00::53"}, "allocation_pools": []pool{{"fc00::2", "fc00::3"}},
			}, 0,
		},
		"dual": {&networkv1.CreateSubnetRequest{IpVersion: apiv1.IpVersion_IP_VERSION_DUAL}, nil, apiv1.Reason_REASON_UNSUPPORTED_FEATURE},
		"zone": {&networkv1.CreateSubnetRequest{ZoneId: "nova"}, nil, apiv1.Reason_REASON_UNSUPPORTED_FEATURE},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := fromProtoCreateSubnet(tc.req)
			if sdk.ReasonOf(err) != tc.reason {
				t.Fatalf("error %v, want %v", err, tc.reason)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("fromProtoCreateSubnet (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWholePools(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		cidr, gateway string
		want          []pool
	}{
		"gateway first":   {"10.0.0.0/24", "10.0.0.1", []pool{{"10.0.0.2", "10.0.0.254"}}},
		"gateway last":    {"10.0.0.0/24", "10.0.0.254", []pool{{"10.0.0.1", "10.0.0.253"}}},
		"gateway within":  {"10.0.0.0/29", "10.0.0.3", []pool{{"10.0.0.1", "10.0.0.2"}, {"10.0.0.4", "10.0.0.6"}}},
		"no gateway":      {"10.0.0.0/24", "", []pool{{"10.0.0.1", "10.0.0.254"}}},
		"gateway outside": {"10.0.0.0/24", "10.1.0.1", []pool{{"10.0.0.1", "10.0.0.254"}}},
		"odd prefix":      {"10.0.0.64/27", "10.0.0.65", []pool{{"10.0.0.66", "10.0.0.94"}}},
		"IPv6":            {"fc00::/120", "fc00::1", []pool{{"fc00::2", "fc00::ff"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := wholePools(tc.cidr, tc.gateway)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("wholePools(%q, %q) (-want +got):\n%s", tc.cidr, tc.gateway, diff)
			}
		})
	}
	if _, err := wholePools("none", ""); err == nil {
		t.Error("no error for what is no range")
	}
}

func TestOverlaps(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		a, b string
		want bool
	}{
		"same":     {"10.0.0.0/24", "10.0.0.0/24", true},
		"within":   {"10.0.0.0/16", "10.0.9.0/24", true},
		"beside":   {"10.0.0.0/24", "10.0.1.0/24", false},
		"families": {"10.0.0.0/8", "fc00::/7", false},
		"no range": {"10.0.0.0/8", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := overlaps(tc.a, tc.b); got != tc.want {
				t.Errorf("overlaps(%q, %q) = %v", tc.a, tc.b, got)
			}
		})
	}
}
