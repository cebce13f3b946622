package network

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

// decode reads a body as Neutron sends it.
func decode[T any](t *testing.T, body string) *T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatal(err)
	}
	return &v
}

func TestToProtoNetwork(t *testing.T) {
	t.Parallel()
	v := decode[network](t, `{"id":"n1","name":"net","admin_state_up":true,"mtu":1400,"status":"ACTIVE","subnets":["s1"],
		"shared":true,"port_security_enabled":true,"router:external":true,"availability_zones":["nova"],
		"description":"d [yq:abcdefghijklmnopqrstuvwxyz]","tags":["a=b"],"created_at":"2026-11-20T13:00:47Z","updated_at":null}`)
	want := &networkv1.Network{
		Id: "n1", Name: "net", Description: "d", Tags: map[string]string{"a": "b"},
		State: networkv1.NetworkState_NETWORK_STATE_AVAILABLE, ProviderState: "ACTIVE",
		CreatedAt: timestamppb.New(time.Date(2026, 11, 20, 13, 0, 47, 0, time.UTC)),
		RegionId:  "R", SubnetIds: []string{"s1"}, Mtu: 1400, PortSecurityEnabled: true, ZoneIds: []string{"nova"}, External: true, Shared: true,
	}
	if diff := cmp.Diff(want, toProtoNetwork(v, "R"), protocmp.Transform()); diff != "" {
		t.Errorf("toProtoNetwork (-want +got):\n%s", diff)
	}
}

func TestToProtoNetworkState(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status string
		up     bool
		want   networkv1.NetworkState
	}{
		"active":        {"ACTIVE", true, networkv1.NetworkState_NETWORK_STATE_AVAILABLE},
		"lower case":    {"active", true, networkv1.NetworkState_NETWORK_STATE_AVAILABLE},
		"switched off":  {"ACTIVE", false, networkv1.NetworkState_NETWORK_STATE_INACTIVE},
		"down":          {"DOWN", false, networkv1.NetworkState_NETWORK_STATE_INACTIVE},
		"build":         {"BUILD", true, networkv1.NetworkState_NETWORK_STATE_PENDING},
		"error":         {"ERROR", false, networkv1.NetworkState_NETWORK_STATE_ERROR},
		"unknown to us": {"MIGRATING", true, networkv1.NetworkState_NETWORK_STATE_UNSPECIFIED},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := toProtoNetworkState(tc.status, tc.up); got != tc.want {
				t.Errorf("toProtoNetworkState(%q, %v) = %v, want %v", tc.status, tc.up, got, tc.want)
			}
		})
	}
}
