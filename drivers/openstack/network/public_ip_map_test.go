package network

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/sdk"
)

func TestToProtoPublicIP(t *testing.T) {
	t.Parallel()
	v := decode[floatingIP](t, `{"id":"f1","floating_ip_address":"203.0.113.5","floating_network_id":"x","router_id":null,"port_id":null,"fixed_ip_address":null,"status":"DOWN","tags":["a="]}`)
	want := &networkv1.PublicIp{
		Id: "f1", Tags: map[string]string{"a": ""}, State: networkv1.PublicIpState_PUBLIC_IP_STATE_AVAILABLE, ProviderState: "DOWN", RegionId: "R",
		IpAddress: "203.0.113.5", ExternalNetworkId: "x",
	}
	if diff := cmp.Diff(want, toProtoPublicIP(v, "R"), protocmp.Transform()); diff != "" {
		t.Errorf("toProtoPublicIP (-want +got):\n%s", diff)
	}
}

func TestToProtoPublicIPState(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status, port string
		want         networkv1.PublicIpState
	}{
		"free":          {"DOWN", "", networkv1.PublicIpState_PUBLIC_IP_STATE_AVAILABLE},
		"free, active":  {"ACTIVE", "", networkv1.PublicIpState_PUBLIC_IP_STATE_AVAILABLE},
		"bound":         {"ACTIVE", "p", networkv1.PublicIpState_PUBLIC_IP_STATE_IN_USE},
		"target off":    {"DOWN", "p", networkv1.PublicIpState_PUBLIC_IP_STATE_IN_USE},
		"error":         {"ERROR", "p", networkv1.PublicIpState_PUBLIC_IP_STATE_ERROR},
		"unknown to us": {"HELD", "", networkv1.PublicIpState_PUBLIC_IP_STATE_UNSPECIFIED},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := toProtoPublicIPState(tc.status, tc.port); got != tc.want {
				t.Errorf("toProtoPublicIPState(%q, %q) = %v, want %v", tc.status, tc.port, got, tc.want)
			}
		})
	}
}

func TestBinding(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		req    *networkv1.UpdatePublicIpRequest
		now    string
		want   map[string]any
		reason apiv1.Reason
	}{
		"nothing asked":   {&networkv1.UpdatePublicIpRequest{}, "p1", map[string]any{}, 0},
		"bind":            {&networkv1.UpdatePublicIpRequest{NicId: ptr("p1")}, "", map[string]any{"port_id": "p1"}, 0},
		"bound so":        {&networkv1.UpdatePublicIpRequest{NicId: ptr("p1")}, "p1", map[string]any{}, 0},
		"bound elsewhere": {&networkv1.UpdatePublicIpRequest{NicId: ptr("p2")}, "p1", nil, apiv1.Reason_REASON_IN_USE},
		"rebind":          {&networkv1.UpdatePublicIpRequest{NicId: ptr("p2"), AllowRebind: true}, "p1", map[string]any{"port_id": "p2"}, 0},
		"unbind":          {&networkv1.UpdatePublicIpRequest{Unbind: true}, "p1", map[string]any{"port_id": nil}, 0},
		"unbound":         {&networkv1.UpdatePublicIpRequest{Unbind: true}, "", map[string]any{}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := binding(tc.req, tc.now)
			if sdk.ReasonOf(err) != tc.reason {
				t.Fatalf("error %v, want %v", err, tc.reason)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("binding (-want +got):\n%s", diff)
			}
		})
	}
}
