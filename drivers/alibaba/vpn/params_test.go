package vpn_test

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/calltest"
	"github.com/yunqiao/yunqiao/drivers/alibaba/vpn"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

var token = sdk.Token(calltest.RequestID, "")

type params = map[string]string

// TestCreateVpnServiceParameters shows for each field where it goes.
func TestCreateVpnServiceParameters(t *testing.T) {
	t.Parallel()
	type req = securityv1.CreateVpnServiceRequest
	calltest.Table[*req]{
		Register: vpn.Register, Action: "CreateVpnGateway", Answers: params{"CreateVpnGateway": `{"VpnGatewayId":"vpn-1"}`},
		Send: func(ctx context.Context, c grpc.ClientConnInterface, r *req) error {
			_, err := securityv1.NewVpnServiceServiceClient(c).CreateVpnService(ctx, r)
			return err
		},
		Base: &req{Name: "v", NetworkId: "vpc-1", BandwidthMbps: 10},
		Params: params{
			"Name": "v", "VpcId": "vpc-1", "Bandwidth": "10", "InstanceChargeType": "POSTPAY", "VpnType": "Normal", "AutoPay": "true",
			"EnableIpsec": "true", "EnableSsl": "false", "ResourceGroupId": "rg-test", "ClientToken": token,
		},
		Rows: map[string]calltest.Row[*req]{
			"name": {}, "network_id": {}, "bandwidth_mbps": {},
			"description":  {Set: &req{Description: "d"}}, // a step of its own
			"tags":         {Set: &req{Tags: params{"k": "v"}}},
			"subnet_ids":   {Set: &req{SubnetIds: []string{"vsw-1", "vsw-2"}}, Want: params{"VSwitchId": "vsw-1", "DisasterRecoveryVSwitchId": "vsw-2"}},
			"network_type": {Set: &req{NetworkType: securityv1.VpnNetworkType_VPN_NETWORK_TYPE_PRIVATE}, Want: params{"NetworkType": "private"}},
			"router_id":    {Set: &req{RouterId: "vtb-1"}, Refused: "security.vpn_service.router"},
			"enabled":      {Set: &req{Enabled: proto.Bool(false)}, Refused: "security.vpn_service.disable"},
			"charge": {
				Set: &req{Charge: &apiv1.Charge{Mode: apiv1.ChargeMode_CHARGE_MODE_PREPAID}}, Refused: "security.vpn_service.prepaid",
			},
		},
	}.Run(t)
}

// TestVpnServiceWords shows the step that sets what the order does not take.
func TestVpnServiceWords(t *testing.T) {
	t.Parallel()
	cloud := calltest.Open(t, vpn.Register, params{
		"DescribeVpnGateways": `{"TotalCount":1,"VpnGateways":{"VpnGateway":[{"VpnGatewayId":"vpn-1","Status":"active"}]}}`,
	})
	made, err := securityv1.NewVpnServiceServiceClient(cloud.Conn).CreateVpnService(
		calltest.ContextOf(t, sdk.Call{Attempt: 2, NextStep: "words:vpn-1"}),
		&securityv1.CreateVpnServiceRequest{NetworkId: "vpc-1", Description: "d", Tags: params{"k": "v"}})
	if err != nil || made.GetState() != securityv1.VpnServiceState_VPN_SERVICE_STATE_ACTIVE {
		t.Fatalf("got %v, %v", made, err)
	}
	calls := cloud.Calls()
	if len(calls) != 3 || calls[1].Action != "ModifyVpnGatewayAttribute" || calls[1].Params["Description"] != "d" ||
		calls[2].Action != "TagResources" || calls[2].Params["ResourceType"] != "VpnGateway" || calls[2].Params["Tag.1.Key"] != "k" {
		t.Errorf("calls: %v", calls)
	}
}

// ikeText and ipsecText keep both policies: IKE V1, aggressive, AES-128, SHA-1, group 5, 3600
// seconds; IPsec 3DES, MD5, no PFS, 1800 seconds.
const ikeText, ipsecText = "p1.1.2.3.2.5.3600.ike", "p2.2.1.100.1800.ipsec"

// TestCreateIpsecConnectionParameters shows for each field where it goes, with one
// tunnel.
func TestCreateIpsecConnectionParameters(t *testing.T) {
	t.Parallel()
	type req = securityv1.CreateIpsecConnectionRequest
	ike := func(ids string) string {
		return `{"IkeVersion":"ikev1","IkeMode":"aggressive","IkeEncAlg":"aes","IkeAuthAlg":"sha1","IkePfs":"group5","IkeLifetime":3600,` + ids + `"Psk":"key"}`
	}
	base := params{
		"VpnGatewayId": "vpn-1", "CustomerGatewayId": "cgw-1", "Name": "c", "LocalSubnet": "10.0.0.0/24", "RemoteSubnet": "192.168.1.0/24,192.168.2.0/24",
		"EffectImmediately": "true", "AutoConfigRoute": "true", "EnableDpd": "true", "EnableNatTraversal": "true", "ClientToken": token,
		"IkeConfig":   ike(""),
		"IpsecConfig": `{"IpsecEncAlg":"3des","IpsecAuthAlg":"md5","IpsecPfs":"disabled","IpsecLifetime":1800}`,
		"Tags.1.Key":  "yunqiao-ike-policy", "Tags.1.Value": "p1", "Tags.2.Key": "yunqiao-ipsec-policy", "Tags.2.Value": "p2",
	}
	calltest.Table[*req]{
		Register: vpn.Register, Action: "CreateVpnConnection",
		Answers: params{
			"DescribeVpnGateways":      `{"TotalCount":1,"VpnGateways":{"VpnGateway":[{"VpnGatewayId":"vpn-1","VpcId":"vpc-1","Status":"active"}]}}`,
			"ListTagValues":            `{"Values":{"Value":["` + ikeText + `","` + ipsecText + `"]}}`,
			"DescribeCustomerGateways": `{"TotalCount":1,"CustomerGateways":{"CustomerGateway":[{"CustomerGatewayId":"cgw-1","IpAddress":"203.0.113.9"}]}}`,
			"DescribeVSwitches":        `{"TotalCount":1,"VSwitches":{"VSwitch":[{"VSwitchId":"vsw-1","CidrBlock":"10.0.1.0/24"}]}}`,
			"CreateVpnConnection":      `{"VpnConnectionId":"vco-1"}`,
			"CreateCustomerGateway":    `{"CustomerGatewayId":"cgw-2"}`,
		},
		Send: func(ctx context.Context, c grpc.ClientConnInterface, r *req) error {
			if len(r.GetLocalSubnetIds()) > 0 {
				r.LocalCidrs = nil
			}
			_, err := securityv1.NewIpsecConnectionServiceClient(c).CreateIpsecConnection(ctx, r)
			return err
		},
		Base: &req{
			Name: "c", VpnServiceId: "vpn-1", IkePolicyId: "p1", IpsecPolicyId: "p2", PeerAddress: "203.0.113.9", LocalCidrs: []string{"10.0.0.0/24"},
			PeerCidrs: []string{"192.168.1.0/24", "192.168.2.0/24"}, Psk: "key",
		},
		Params: base,
		Rows: map[string]calltest.Row[*req]{
			"name": {}, "vpn_service_id": {}, "local_cidrs": {}, "peer_cidrs": {}, "psk": {}, "description": {},
			"ike_policy_id": {}, "ipsec_policy_id": {},
			"peer_address": {Set: &req{PeerAddress: "203.0.113.10"}, Want: params{"CustomerGatewayId": "cgw-2"}},
			"tags": {
				Set:  &req{Tags: params{"a": "1"}},
				Want: params{"Tags.1.Key": "a", "Tags.1.Value": "1", "Tags.2.Key": "yunqiao-ike-policy", "Tags.2.Value": "p1", "Tags.3.Key": "yunqiao-ipsec-policy", "Tags.3.Value": "p2"},
			},
			"local_subnet_ids": {
				Set:  &req{LocalSubnetIds: []string{"vsw-1"}},
				Want: params{"LocalSubnet": "10.0.1.0/24", "Tags.3.Key": "yunqiao-subnets", "Tags.3.Value": "vsw-1"},
			},
			"local_id":             {Set: &req{LocalId: "me"}, Want: params{"IkeConfig": ike(`"LocalId":"me",`)}},
			"peer_id":              {Set: &req{PeerId: "you"}, Want: params{"IkeConfig": ike(`"RemoteId":"you",`)}},
			"initiator":            {Set: &req{Initiator: securityv1.IpsecInitiator_IPSEC_INITIATOR_RESPONSE_ONLY}, Refused: "security.ipsec_connection.response_only"},
			"dpd":                  {Set: &req{Dpd: &securityv1.Dpd{Action: securityv1.DpdAction_DPD_ACTION_DISABLED}}, Want: params{"EnableDpd": "false"}},
			"mtu":                  {Set: &req{Mtu: 1400}, Refused: "security.ipsec_connection.mtu"},
			"nat_traversal":        {Set: &req{NatTraversal: proto.Bool(false)}, Want: params{"EnableNatTraversal": "false"}},
			"standby_peer_address": {Set: &req{StandbyPeerAddress: "203.0.113.11"}, Refused: "security.ipsec_connection.standby_peer"},
			"enabled":              {Set: &req{Enabled: proto.Bool(false)}, Refused: "security.ipsec_connection.disable"},
		},
	}.Run(t)
}

// TestUpdateKeepsTheKey shows that a change sends the whole connection with the key
// that the cloud knows, in both tunnels, and that no answer tells the key.
func TestUpdateKeepsTheKey(t *testing.T) {
	t.Parallel()
	tunnel := func(role, peer string) string {
		return `{"TunnelId":"tun-` + role + `","Role":"` + role + `","CustomerGatewayId":"` + peer + `","EnableDpd":"true","EnableNatTraversal":"true",
			"TunnelIkeConfig":{"IkeVersion":"ikev2","IkeMode":"main","IkeEncAlg":"aes256","IkeAuthAlg":"sha256","IkePfs":"group14","IkeLifetime":"86400","Psk":"s3cret"},
			"TunnelIpsecConfig":{"IpsecEncAlg":"aes256","IpsecAuthAlg":"sha256","IpsecPfs":"group14","IpsecLifetime":"3600"}}`
	}
	cloud := calltest.Open(t, vpn.Register, params{
		"DescribeVpnConnection": `{"VpnConnectionId":"vco-1","VpnGatewayId":"vpn-1","State":"active","LocalSubnet":"10.0.0.0/24","RemoteSubnet":"192.168.1.0/24",
			"TunnelOptionsSpecification":{"TunnelOptions":[` + tunnel("master", "cgw-1") + `,` + tunnel("slave", "cgw-2") + `]}}`,
		"DescribeCustomerGateways": `{"TotalCount":1,"CustomerGateways":{"CustomerGateway":[{"CustomerGatewayId":"cgw-3","IpAddress":"203.0.113.30"}]}}`,
	})
	client := securityv1.NewIpsecConnectionServiceClient(cloud.Conn)
	_, err := client.UpdateIpsecConnection(calltest.Context(t), &securityv1.UpdateIpsecConnectionRequest{Id: "vco-1", PeerAddress: proto.String("203.0.113.30")})
	if err != nil {
		t.Fatal(err)
	}
	calls := cloud.Calls()
	sent := calls[len(calls)-1].Params
	wanted := params{
		"TunnelOptionsSpecification.1.TunnelId": "tun-master", "TunnelOptionsSpecification.1.CustomerGatewayId": "cgw-3",
		"TunnelOptionsSpecification.1.TunnelIkeConfig.Psk": "s3cret", "TunnelOptionsSpecification.1.TunnelIkeConfig.IkeEncAlg": "aes256",
		"TunnelOptionsSpecification.2.TunnelId": "tun-slave", "TunnelOptionsSpecification.2.CustomerGatewayId": "cgw-2",
		"TunnelOptionsSpecification.2.TunnelIkeConfig.Psk": "s3cret", "TunnelOptionsSpecification.2.TunnelIpsecConfig.IpsecLifetime": "3600",
		"LocalSubnet": "10.0.0.0/24", "RemoteSubnet": "192.168.1.0/24",
	}
	for name, want := range wanted {
		if sent[name] != want {
			t.Errorf("%s is %q, want %q", name, sent[name], want)
		}
	}
	got, err := client.GetIpsecConnection(calltest.Context(t), &securityv1.GetIpsecConnectionRequest{Id: "vco-1"})
	if err != nil {
		t.Fatal(err)
	}
	if text := got.String(); strings.Contains(text, "s3cret") {
		t.Errorf("the answer tells the key: %s", text)
	}
}
