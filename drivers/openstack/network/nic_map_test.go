package network

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/sdk"
)

func TestToProtoNIC(t *testing.T) {
	t.Parallel()
	v := decode[port](t, `{"id":"p1","name":"nic","network_id":"n1","mac_address":"FA:16:3E:00:00:01","status":"DOWN","device_id":"v1","device_owner":"compute:nova",
		"fixed_ips":[{"subnet_id":"s1","ip_address":"10.0.0.5"},{"subnet_id":"s2","ip_address":"fc00::5"}],"security_groups":["g1"],"port_security_enabled":false}`)
	want := &networkv1.Nic{
		Id: "p1", Name: "nic", State: networkv1.NicState_NIC_STATE_IN_USE, ProviderState: "DOWN", RegionId: "R", SubnetId: "s1", NetworkId: "n1",
		MacAddress: "fa:16:3e:00:00:01", DeviceId: "v1", DeviceKind: networkv1.NicDeviceKind_NIC_DEVICE_KIND_VM, VmId: "v1",
		IpAddresses: []string{"10.0.0.5", "fc00::5"}, LinkState: networkv1.NicLink_NIC_LINK_DOWN, SecurityGroupIds: []string{"g1"},
	}
	if diff := cmp.Diff(want, toProtoNIC(v, "R"), protocmp.Transform()); diff != "" {
		t.Errorf("toProtoNIC (-want +got):\n%s", diff)
	}
	if !toProtoNIC(&port{}, "R").GetPortSecurityEnabled() {
		t.Error("a cloud without the extension port-security has no port without it")
	}
}

func TestToProtoNICState(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status, device string
		want           networkv1.NicState
	}{
		"new":           {"BUILD", "", networkv1.NicState_NIC_STATE_CREATING},
		"being wired":   {"BUILD", "v", networkv1.NicState_NIC_STATE_ATTACHING},
		"free, down":    {"DOWN", "", networkv1.NicState_NIC_STATE_AVAILABLE},
		"free, active":  {"ACTIVE", "", networkv1.NicState_NIC_STATE_AVAILABLE},
		"free, n/a":     {"N/A", "", networkv1.NicState_NIC_STATE_AVAILABLE},
		"used, active":  {"ACTIVE", "v", networkv1.NicState_NIC_STATE_IN_USE},
		"used, VM off":  {"DOWN", "v", networkv1.NicState_NIC_STATE_IN_USE},
		"error":         {"ERROR", "v", networkv1.NicState_NIC_STATE_ERROR},
		"unknown to us": {"PAUSED", "v", networkv1.NicState_NIC_STATE_UNSPECIFIED},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := toProtoNICState(tc.status, tc.device); got != tc.want {
				t.Errorf("toProtoNICState(%q, %q) = %v, want %v", tc.status, tc.device, got, tc.want)
			}
		})
	}
}

func TestToProtoDeviceKind(t *testing.T) {
	t.Parallel()
	for owner, want := range map[string]networkv1.NicDeviceKind{
		"":                                       networkv1.NicDeviceKind_NIC_DEVICE_KIND_UNSPECIFIED,
		"compute:nova":                           networkv1.NicDeviceKind_NIC_DEVICE_KIND_VM,
		"network:router_interface":               networkv1.NicDeviceKind_NIC_DEVICE_KIND_ROUTER,
		"network:router_gateway":                 networkv1.NicDeviceKind_NIC_DEVICE_KIND_ROUTER,
		"network:ha_router_replicated_interface": networkv1.NicDeviceKind_NIC_DEVICE_KIND_ROUTER,
		"network:dhcp":                           networkv1.NicDeviceKind_NIC_DEVICE_KIND_DHCP,
		"network:distributed":                    networkv1.NicDeviceKind_NIC_DEVICE_KIND_DHCP,
		"network:floatingip":                     networkv1.NicDeviceKind_NIC_DEVICE_KIND_PUBLIC_IP,
		"Octavia":                                networkv1.NicDeviceKind_NIC_DEVICE_KIND_LOAD_BALANCER,
		"baremetal:none":                         networkv1.NicDeviceKind_NIC_DEVICE_KIND_OTHER,
	} {
		if got := toProtoDeviceKind(owner, ""); got != want {
			t.Errorf("toProtoDeviceKind(%q) = %v, want %v", owner, got, want)
		}
	}
	if got := toProtoDeviceKind("", "somebody"); got != networkv1.NicDeviceKind_NIC_DEVICE_KIND_OTHER {
		t.Errorf("a device without owner is %v", got)
	}
}

func TestKeepsNIC(t *testing.T) {
	t.Parallel()
	dhcp := &networkv1.Nic{Id: "1", DeviceKind: networkv1.NicDeviceKind_NIC_DEVICE_KIND_DHCP}
	vm := &networkv1.Nic{Id: "2", DeviceKind: networkv1.NicDeviceKind_NIC_DEVICE_KIND_VM, VmId: "v", Name: "n", MacAddress: "fa:00:00:00:00:01"}
	free := &networkv1.Nic{Id: "3"}
	for name, tc := range map[string]struct {
		req  *networkv1.ListNicsRequest
		nic  *networkv1.Nic
		want bool
	}{
		"of no device":      {&networkv1.ListNicsRequest{}, free, true},
		"of a VM":           {&networkv1.ListNicsRequest{}, vm, true},
		"of the cloud":      {&networkv1.ListNicsRequest{}, dhcp, false},
		"of the asked kind": {&networkv1.ListNicsRequest{DeviceKind: networkv1.NicDeviceKind_NIC_DEVICE_KIND_DHCP}, dhcp, true},
		"of another kind":   {&networkv1.ListNicsRequest{DeviceKind: networkv1.NicDeviceKind_NIC_DEVICE_KIND_DHCP}, vm, false},
		"by id":             {&networkv1.ListNicsRequest{Ids: []string{"1"}}, dhcp, true},
		"of the asked VM":   {&networkv1.ListNicsRequest{VmId: "v"}, vm, true},
		"of another VM":     {&networkv1.ListNicsRequest{VmId: "w"}, vm, false},
		"MAC in capitals":   {&networkv1.ListNicsRequest{MacAddress: "FA:00:00:00:00:01"}, vm, true},
		"other name":        {&networkv1.ListNicsRequest{Name: "m"}, vm, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := keepsNIC(tc.req, tc.nic); got != tc.want {
				t.Errorf("keepsNIC = %v, want %v", got, tc.want)
			}
		})
	}
}

func TestLeaveGroup(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		groups []string
		want   map[string]any
		reason apiv1.Reason
	}{
		"one of two": {[]string{"a", "b"}, map[string]any{"security_groups": []string{"b"}}, 0},
		"no member":  {[]string{"b"}, nil, 0},
		"the last":   {[]string{"a"}, nil, apiv1.Reason_REASON_INVALID_STATE},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &port{SecurityGroups: tc.groups}
			got, err := leaveGroup(p, "a")
			if sdk.ReasonOf(err) != tc.reason {
				t.Fatalf("error %v, want %v", err, tc.reason)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("leaveGroup (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPortBlockers(t *testing.T) {
	t.Parallel()
	ports := *decode[[]port](t, `[{"id":"1","device_id":"d","device_owner":"network:dhcp"},{"id":"2"},
		{"id":"3","device_id":"r1","device_owner":"network:router_interface"},{"id":"4","device_id":"r1","device_owner":"network:router_interface"},
		{"id":"5","device_id":"lb-7","device_owner":"Octavia"},{"id":"6","device_id":"v1","device_owner":"compute:nova"}]`)
	want := []string{"network.nic/2", "network.router/r1", "network.vip/7", "network.nic/6"}
	if diff := cmp.Diff(want, portBlockers(ports)); diff != "" {
		t.Errorf("portBlockers (-want +got):\n%s", diff)
	}
}

func TestOrderedAddresses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ body, want string }{
		"first of several": {`{"zz":[{"OS-EXT-IPS-MAC:mac_addr":"m1"},{"OS-EXT-IPS-MAC:mac_addr":"m2"}],"aa":[{"OS-EXT-IPS-MAC:mac_addr":"m3"}]}`, "m1"},
		"an empty one":     {`{"zz":[],"aa":[{"OS-EXT-IPS-MAC:mac_addr":"m3"}]}`, "m3"},
		"none":             {`{}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got orderedAddresses
			if err := json.Unmarshal([]byte(tc.body), &got); err != nil || got.first != tc.want {
				t.Errorf("first of %s is %q, %v; want %q", tc.body, got.first, err, tc.want)
			}
		})
	}
}
