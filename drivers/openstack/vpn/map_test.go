package vpn

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
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

func TestStates(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]struct {
		service    securityv1.VpnServiceState
		connection securityv1.IpsecConnectionState
	}{
		"PENDING_CREATE": {securityv1.VpnServiceState_VPN_SERVICE_STATE_INACTIVE, securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_CREATING},
		"ACTIVE":         {securityv1.VpnServiceState_VPN_SERVICE_STATE_ACTIVE, securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_ACTIVE},
		"DOWN":           {securityv1.VpnServiceState_VPN_SERVICE_STATE_INACTIVE, securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_ACTIVE},
		"BUILD":          {securityv1.VpnServiceState_VPN_SERVICE_STATE_INACTIVE, securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_CREATING},
		"PENDING_UPDATE": {securityv1.VpnServiceState_VPN_SERVICE_STATE_UPDATING, securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_UPDATING},
		"PENDING_DELETE": {securityv1.VpnServiceState_VPN_SERVICE_STATE_DELETING, securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_DELETING},
		"ERROR":          {securityv1.VpnServiceState_VPN_SERVICE_STATE_ERROR, securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_ERROR},
		"strange":        {securityv1.VpnServiceState_VPN_SERVICE_STATE_UNSPECIFIED, securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_UNSPECIFIED},
	} {
		if got := toProtoServiceState(word); got != want.service {
			t.Errorf("service %s: %v", word, got)
		}
		if got := toProtoConnectionState(word); got != want.connection {
			t.Errorf("connection %s: %v", word, got)
		}
	}
}

func TestAlgorithms(t *testing.T) {
	t.Parallel()
	for number := range securityv1.EncryptionAlgorithm_name {
		v := securityv1.EncryptionAlgorithm(number)
		if word := fromProtoEncryption(v); word != "" && number != 0 && toProtoEncryption(word) != v {
			t.Errorf("%v is not read as it was written, %q", v, word)
		}
	}
	for number := range securityv1.AuthAlgorithm_name {
		v := securityv1.AuthAlgorithm(number)
		if word := fromProtoAuth(v); word != "" && number != 0 && toProtoAuth(word) != v {
			t.Errorf("%v is not read as it was written, %q", v, word)
		}
	}
	for number := range securityv1.DhGroup_name {
		v := securityv1.DhGroup(number)
		if word := fromProtoGroup(v); word != "" && number != 0 && toProtoGroup(word) != v {
			t.Errorf("%v is not read as it was written, %q", v, word)
		}
	}
	if got := toProtoGroup("group999"); got != securityv1.DhGroup_DH_GROUP_UNSPECIFIED {
		t.Errorf("unknown group: %v", got)
	}
	if got := fromProtoAuth(securityv1.AuthAlgorithm_AUTH_ALGORITHM_AES_XCBC); got != "aes-xcbc" {
		t.Errorf("AES-XCBC: %q", got)
	}
}

func TestFromProtoPolicies(t *testing.T) {
	t.Parallel()
	ike, err := fromProtoCreateIKE(&securityv1.CreateIkePolicyRequest{Name: "n"})
	want := map[string]any{
		"name": "n", "encryption_algorithm": "aes-256", "auth_algorithm": "sha256", "pfs": "group14", "ike_version": "v2",
		"phase1_negotiation_mode": "main", "lifetime": map[string]any{"units": "seconds", "value": int32(86400)},
	}
	if diff := cmp.Diff(want, ike); diff != "" || err != nil {
		t.Errorf("IKE defaults (-want +got):\n%s%v", diff, err)
	}
	ipsec, err := fromProtoCreateIPsec(&securityv1.CreateIpsecPolicyRequest{Name: "n"})
	want = map[string]any{
		"name": "n", "encryption_algorithm": "aes-256", "auth_algorithm": "sha256", "pfs": "group14", "transform_protocol": "esp",
		"encapsulation_mode": "tunnel", "lifetime": map[string]any{"units": "seconds", "value": int32(3600)},
	}
	if diff := cmp.Diff(want, ipsec); diff != "" || err != nil {
		t.Errorf("IPsec defaults (-want +got):\n%s%v", diff, err)
	}
	_, err = fromProtoCreateIPsec(&securityv1.CreateIpsecPolicyRequest{PfsGroup: securityv1.DhGroup_DH_GROUP_NONE})
	if sdk.ReasonOf(err) != apiv1.Reason_REASON_UNSUPPORTED_FEATURE || sdk.InfoOf(err)["feature"] != "security.ipsec_policy.pfs_group.disabled" {
		t.Errorf("without forward secrecy: %v", err)
	}
}

func TestToProtoConnection(t *testing.T) {
	t.Parallel()
	const body = `{"id":"c","name":"n","description":"d [yq:abcdefghijklmnopqrstuvwxyz]","status":"DOWN","vpnservice_id":"s","ikepolicy_id":"i",
		"ipsecpolicy_id":"e","peer_address":"198.51.100.7","peer_id":"198.51.100.7","local_id":"","psk":"secret","mtu":1500,
		"initiator":"response-only","admin_state_up":true,"dpd":{"action":"restart-by-peer","interval":30,"timeout":120}`
	with := surroundings{
		services: map[string]vpnService{"s": {ExternalIPv4: "203.0.113.9", SubnetID: "old"}},
		groups:   map[string]endpointGroup{"l": {Endpoints: []string{"sub"}}, "p": {Endpoints: []string{"192.168.0.0/24"}}},
		ike:      map[string]ikePolicy{"i": {Common: rest.Common{ID: "i"}, Version: "v2", PFS: "group14", Mode: "main"}},
	}
	want := &securityv1.IpsecConnection{
		Id: "c", Name: "n", Description: "d", State: securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_ACTIVE, ProviderState: "DOWN",
		RegionId: "r", VpnServiceId: "s", IkePolicyId: "i", IpsecPolicyId: "e",
		IkeConfig: &securityv1.IkeConfig{
			IkeVersion: securityv1.IkeVersion_IKE_VERSION_V2, DhGroup: securityv1.DhGroup_DH_GROUP_14,
			NegotiationMode: securityv1.IkeNegotiationMode_IKE_NEGOTIATION_MODE_MAIN,
		},
		PeerAddress: "198.51.100.7", PeerId: "198.51.100.7", LocalSubnetIds: []string{"sub"}, PeerCidrs: []string{"192.168.0.0/24"},
		Initiator:    securityv1.IpsecInitiator_IPSEC_INITIATOR_RESPONSE_ONLY,
		Dpd:          &securityv1.Dpd{Action: securityv1.DpdAction_DPD_ACTION_RESTART_BY_PEER, IntervalSeconds: 30, TimeoutSeconds: 120},
		Mtu:          1500,
		NatTraversal: true, Enabled: true, TunnelStatus: securityv1.TunnelStatus_TUNNEL_STATUS_DOWN,
		Tunnels: []*securityv1.Tunnel{{LocalAddress: "203.0.113.9", PeerAddress: "198.51.100.7", Status: securityv1.TunnelStatus_TUNNEL_STATUS_DOWN}},
	}
	v := decode[connection](t, body+`,"local_ep_group_id":"l","peer_ep_group_id":"p","peer_cidrs":[]}`)
	if diff := cmp.Diff(want, toProtoConnection(v, with, "r"), protocmp.Transform()); diff != "" {
		t.Errorf("with endpoint groups (-want +got):\n%s", diff)
	}
	want.LocalSubnetIds, want.PeerCidrs = []string{"old"}, []string{"172.16.0.0/24"}
	v = decode[connection](t, body+`,"local_ep_group_id":null,"peer_ep_group_id":null,"peer_cidrs":["172.16.0.0/24"]}`)
	if diff := cmp.Diff(want, toProtoConnection(v, with, "r"), protocmp.Transform()); diff != "" {
		t.Errorf("legacy (-want +got):\n%s", diff)
	}
}

func TestFromProtoUpdateConnection(t *testing.T) {
	t.Parallel()
	address, own, none := "198.51.100.8", "@site", ""
	same := &connection{PeerAddress: "198.51.100.7", PeerID: "198.51.100.7"}
	named := &connection{PeerAddress: "198.51.100.7", PeerID: "@peer"}
	for name, tc := range map[string]struct {
		req  *securityv1.UpdateIpsecConnectionRequest
		now  *connection
		want map[string]any
	}{
		"nothing":             {&securityv1.UpdateIpsecConnectionRequest{}, same, map[string]any{}},
		"address and its id":  {&securityv1.UpdateIpsecConnectionRequest{PeerAddress: &address}, same, map[string]any{"peer_address": address, "peer_id": address}},
		"address, id of own":  {&securityv1.UpdateIpsecConnectionRequest{PeerAddress: &address}, named, map[string]any{"peer_address": address}},
		"id back to address":  {&securityv1.UpdateIpsecConnectionRequest{PeerId: &none}, named, map[string]any{"peer_id": "198.51.100.7"}},
		"id of this end":      {&securityv1.UpdateIpsecConnectionRequest{LocalId: &own}, same, map[string]any{"local_id": own}},
		"peer is not watched": {&securityv1.UpdateIpsecConnectionRequest{Dpd: &securityv1.Dpd{Action: securityv1.DpdAction_DPD_ACTION_DISABLED}}, same, map[string]any{"dpd": map[string]any{"action": "disabled", "interval": int32(30), "timeout": int32(120)}}},
	} {
		if diff := cmp.Diff(tc.want, fromProtoUpdateConnection(tc.req, tc.now)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestOffers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		extensions map[string]bool
		method     string
		want       bool
	}{
		"no VPN":       {nil, "cloud.security.v1.IkePolicyService/GetIkePolicy", false},
		"VPN":          {map[string]bool{"vpnaas": true}, "cloud.security.v1.IkePolicyService/GetIkePolicy", true},
		"no groups":    {map[string]bool{"vpnaas": true}, "cloud.security.v1.IpsecConnectionService/CreateIpsecConnection", false},
		"without them": {map[string]bool{"vpnaas": true}, "cloud.security.v1.IpsecConnectionService/DeleteIpsecConnection", true},
		"groups":       {map[string]bool{"vpnaas": true, "vpn-endpoint-groups": true}, "cloud.security.v1.IpsecConnectionService/CreateIpsecConnection", true},
	} {
		if got := Offers(&session.Session{Extensions: tc.extensions}, tc.method); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if absent := AbsentFeatures(&session.Session{}); len(absent) != len(Features()) {
		t.Errorf("absent features %v", absent)
	}
}
