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

func TestMark(t *testing.T) {
	t.Parallel()
	for _, description := range []string{"", "text", "ends with [yq:x]", "二"} {
		marked := mark(description, "request")
		if len(marked) != len(description)+32 {
			t.Errorf("mark(%q) = %q", description, marked)
		}
		if got := unmarked(marked); got != description {
			t.Errorf("unmarked(%q) = %q, want %q", marked, got, description)
		}
		if got := unmarked(description); got != description {
			t.Errorf("unmarked(%q) = %q", description, got)
		}
		if got := description + marker(marked); got != marked {
			t.Errorf("description and its marker are %q, want %q", got, marked)
		}
	}
	if mark("a", "one") == mark("a", "two") || mark("a", "one") != mark("a", "one") {
		t.Error("the mark does not tell requests apart, or is not the same for repeats")
	}
	if got := mark("text", ""); got != "text" {
		t.Errorf("without a request: %q", got)
	}
}

func TestTimestamps(t *testing.T) {
	t.Parallel()
	want := time.Date(2026, 11, 20, 13, 0, 47, 0, time.UTC)
	for name, tc := range map[string]struct {
		body string
		want time.Time
	}{
		"with zone":    {`{"created_at":"2026-11-20T13:00:47Z"}`, want},
		"without zone": {`{"created_at":"2026-11-20T13:00:47"}`, want},
		"null":         {`{"created_at":null}`, time.Time{}},
		"absent":       {`{}`, time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := decode[network](t, tc.body).CreatedAt; !got.Equal(tc.want) {
				t.Errorf("%s: %v, want %v", tc.body, got, tc.want)
			}
		})
	}
	if err := json.Unmarshal([]byte(`{"created_at":"yesterday"}`), &network{}); err == nil {
		t.Error("no error for what is no time")
	}
}
