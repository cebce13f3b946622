package vpn

import (
	"cmp"
	"strings"

	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/tags"
)

// tagSubnets keeps the subnets that a connection was asked for with, joined by
// spaces; the cloud knows their ranges only.
const tagSubnets = api.ReservedPrefix + "subnets"

// maxTag is the most characters of a tag's value.
const maxTag = 128

// ends is what a connection says of both ends and their keys, in the cloud's words.
type ends struct {
	ike          ikeConfig
	ipsec        ipsecConfig
	local, peer  string // ranges joined by commas
	dpd, natt    bool
	peerGateways []string // customer gateway of each tunnel
}

func fromProtoIke(p *securityv1.IkePolicy, localID, peerID, psk string) ikeConfig {
	version, mode := "ikev2", "main"
	if p.GetIkeVersion() == securityv1.IkeVersion_IKE_VERSION_V1 {
		version = "ikev1"
	}
	if p.GetNegotiationMode() == securityv1.IkeNegotiationMode_IKE_NEGOTIATION_MODE_AGGRESSIVE {
		mode = "aggressive"
	}
	return ikeConfig{
		IkeVersion: version, IkeMode: mode,
		IkeEncAlg:   fromProtoEncryption(p.GetEncryptionAlgorithm()),
		IkeAuthAlg:  fromProtoAuth(p.GetAuthAlgorithm()),
		IkePfs:      fromProtoGroup(p.GetDhGroup()),
		IkeLifetime: api.Number(cmp.Or(p.GetLifetimeSeconds(), ikeLifetime)),
		LocalID:     localID, RemoteID: peerID, Psk: psk,
	}
}

func fromProtoIpsec(p *securityv1.IpsecPolicy) ipsecConfig {
	return ipsecConfig{
		IpsecEncAlg:   fromProtoEncryption(p.GetEncryptionAlgorithm()),
		IpsecAuthAlg:  fromProtoAuth(p.GetAuthAlgorithm()),
		IpsecPfs:      fromProtoGroup(p.GetPfsGroup()),
		IpsecLifetime: api.Number(cmp.Or(p.GetLifetimeSeconds(), ipsecLifetime)),
	}
}

// params are the parameters of one tunnel, or of two: a gateway with two takes
// the options of each and nothing of its own.
func (e ends) params(tunnels []tunnel) api.Params {
	params := api.Params{}.Set("LocalSubnet", e.local).Set("RemoteSubnet", e.peer)
	if len(tunnels) == 0 {
		return params.JSON("IkeConfig", e.ike).JSON("IpsecConfig", e.ipsec).Bool("EnableDpd", e.dpd).Bool("EnableNatTraversal", e.natt)
	}
	for i, t := range tunnels {
		at := "TunnelOptionsSpecification." + string(rune('1'+i))
		params.Object(at, api.Params{}.Set("TunnelId", t.TunnelID).Set("Role", t.Role).Set("CustomerGatewayId", e.peerGateways[i]).
			Bool("EnableDpd", e.dpd).Bool("EnableNatTraversal", e.natt).
			Object("TunnelIkeConfig", e.ike.params()).Object("TunnelIpsecConfig", e.ipsec.params()))
	}
	return params
}

func (c ikeConfig) params() api.Params {
	return api.Params{}.Set("IkeVersion", c.IkeVersion).Set("IkeMode", c.IkeMode).Set("IkeEncAlg", c.IkeEncAlg).
		Set("IkeAuthAlg", c.IkeAuthAlg).Set("IkePfs", c.IkePfs).Int("IkeLifetime", int32(c.IkeLifetime)).
		Set("LocalId", c.LocalID).Set("RemoteId", c.RemoteID).Set("Psk", c.Psk)
}

func (c ipsecConfig) params() api.Params {
	return api.Params{}.Set("IpsecEncAlg", c.IpsecEncAlg).Set("IpsecAuthAlg", c.IpsecAuthAlg).Set("IpsecPfs", c.IpsecPfs).
		Int("IpsecLifetime", int32(c.IpsecLifetime))
}

// twoTunnels are the tunnels of a new connection at a gateway with two.
func twoTunnels() []tunnel { return []tunnel{{Role: "master"}, {Role: "slave"}} }

// policyTags are the hidden tags of a connection beside the user's.
func policyTags(req *securityv1.CreateIpsecConnectionRequest) map[string]string {
	all := map[string]string{tagIke: req.GetIkePolicyId(), tagIpsec: req.GetIpsecPolicyId()}
	if subnets := strings.Join(req.GetLocalSubnetIds(), " "); subnets != "" && len(subnets) <= maxTag {
		all[tagSubnets] = subnets
	}
	for key, value := range req.GetTags() {
		all[key] = value
	}
	return all
}

// current is what a connection says now; the key is among it.
func (v *connection) current() ends {
	e := ends{ike: v.IkeConfig, ipsec: v.IpsecConfig, local: v.LocalSubnet, peer: v.RemoteSubnet, dpd: v.EnableDpd, natt: v.EnableNatTraversal}
	for i, t := range v.TunnelOptionsSpecification.TunnelOptions {
		if i == 0 {
			e.ike, e.ipsec = t.TunnelIkeConfig, t.TunnelIpsecConfig
			e.dpd, e.natt = t.EnableDpd == "true", t.EnableNatTraversal == "true"
		}
		e.peerGateways = append(e.peerGateways, t.CustomerGatewayID)
	}
	if len(e.peerGateways) == 0 {
		e.peerGateways = []string{v.CustomerGatewayID}
	}
	return e
}

// toProtoConnection maps a connection. peers are the addresses of customer
// gateways by id.
func toProtoConnection(v *connection, peers map[string]string, region string) *securityv1.IpsecConnection {
	e := v.current()
	hidden := v.allTags()
	out := &securityv1.IpsecConnection{
		Id:             v.VpnConnectionID,
		Name:           v.Name,
		State:          toProtoConnectionState(v),
		ProviderState:  v.State,
		CreatedAt:      kind.ToProtoMillis(v.CreateTime),
		RegionId:       region,
		VpnServiceId:   v.VpnGatewayID,
		IkePolicyId:    hidden[tagIke],
		IpsecPolicyId:  hidden[tagIpsec],
		IkeConfig:      toProtoIkeConfig(&e.ike),
		IpsecConfig:    toProtoIpsecConfig(&e.ipsec),
		PeerAddress:    peers[e.peerGateways[0]],
		LocalSubnetIds: strings.Fields(hidden[tagSubnets]),
		LocalCidrs:     ranges(v.LocalSubnet),
		PeerCidrs:      ranges(v.RemoteSubnet),
		LocalId:        e.ike.LocalID,
		PeerId:         e.ike.RemoteID,
		Initiator:      securityv1.IpsecInitiator_IPSEC_INITIATOR_BI_DIRECTIONAL,
		Dpd:            &securityv1.Dpd{Action: securityv1.DpdAction_DPD_ACTION_DISABLED},
		NatTraversal:   e.natt,
		Enabled:        true,
		TunnelStatus:   toProtoTunnelStatus(v.Status),
	}
	out.Tags = tags.List{Tags: append(v.Tags.Tags, v.Tag.Tags...)}.ToProto()
	if e.dpd {
		out.Dpd.Action = securityv1.DpdAction_DPD_ACTION_HOLD
	}
	for i := range v.TunnelOptionsSpecification.TunnelOptions {
		t := &v.TunnelOptionsSpecification.TunnelOptions[i]
		status := toProtoTunnelStatus(t.Status)
		out.Tunnels = append(out.Tunnels, &securityv1.Tunnel{LocalAddress: t.InternetIP, PeerAddress: peers[t.CustomerGatewayID], Status: status})
		if out.GetTunnelStatus() == 0 || (status != 0 && status < out.GetTunnelStatus()) {
			out.TunnelStatus = status // the better one
		}
	}
	if len(e.peerGateways) > 1 && e.peerGateways[1] != e.peerGateways[0] {
		out.StandbyPeerAddress = peers[e.peerGateways[1]]
	}
	return out
}

func toProtoIkeConfig(c *ikeConfig) *securityv1.IkeConfig {
	out := &securityv1.IkeConfig{
		IkeVersion:          securityv1.IkeVersion_IKE_VERSION_V1,
		NegotiationMode:     securityv1.IkeNegotiationMode_IKE_NEGOTIATION_MODE_MAIN,
		EncryptionAlgorithm: toProtoEncryption(c.IkeEncAlg),
		AuthAlgorithm:       toProtoAuth(c.IkeAuthAlg),
		DhGroup:             toProtoGroup(c.IkePfs),
		LifetimeSeconds:     int32(c.IkeLifetime),
	}
	if strings.EqualFold(c.IkeVersion, "ikev2") {
		out.IkeVersion = securityv1.IkeVersion_IKE_VERSION_V2
	}
	if strings.EqualFold(c.IkeMode, "aggressive") {
		out.NegotiationMode = securityv1.IkeNegotiationMode_IKE_NEGOTIATION_MODE_AGGRESSIVE
	}
	return out
}

func toProtoIpsecConfig(c *ipsecConfig) *securityv1.IpsecConfig {
	return &securityv1.IpsecConfig{
		TransformProtocol:   securityv1.TransformProtocol_TRANSFORM_PROTOCOL_ESP,
		EncapsulationMode:   securityv1.EncapsulationMode_ENCAPSULATION_MODE_TUNNEL,
		EncryptionAlgorithm: toProtoEncryption(c.IpsecEncAlg),
		AuthAlgorithm:       toProtoAuth(c.IpsecAuthAlg),
		PfsGroup:            toProtoGroup(c.IpsecPfs),
		LifetimeSeconds:     int32(c.IpsecLifetime),
	}
}

func ranges(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}

// toProtoConnectionState maps the state of a connection; a change of a tunnel is
// one of the connection. Source: DescribeVpnConnections, State and tunnel State.
func toProtoConnectionState(v *connection) securityv1.IpsecConnectionState {
	for _, t := range v.TunnelOptionsSpecification.TunnelOptions {
		switch strings.ToLower(t.State) {
		case "updating", "deleting":
			return securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_UPDATING
		}
	}
	switch strings.ToLower(v.State) {
	case "init", "provisioning":
		return securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_CREATING
	case "", "active", "attached", "financiallocked":
		return securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_ACTIVE
	case "attaching", "detaching", "updating", "upgrading":
		return securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_UPDATING
	case "deleting":
		return securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_DELETING
	case "deleted":
		return securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_DELETED
	default:
		return securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_UNSPECIFIED
	}
}

// toProtoTunnelStatus maps how far a tunnel has come. Source:
// DescribeVpnConnections, Status.
func toProtoTunnelStatus(status string) securityv1.TunnelStatus {
	switch strings.ToLower(status) {
	case "ipsec_sa_established":
		return securityv1.TunnelStatus_TUNNEL_STATUS_UP
	case "ike_sa_established":
		return securityv1.TunnelStatus_TUNNEL_STATUS_NEGOTIATING
	case "ike_sa_not_established", "ipsec_sa_not_established":
		return securityv1.TunnelStatus_TUNNEL_STATUS_DOWN
	default:
		return securityv1.TunnelStatus_TUNNEL_STATUS_UNSPECIFIED
	}
}

// keepsConnection tells whether a connection fits the filters of a request.
func keepsConnection(req *securityv1.ListIpsecConnectionsRequest, v *securityv1.IpsecConnection) bool {
	return (req.GetName() == "" || req.GetName() == v.GetName()) &&
		tags.Match(v.GetTags(), req.GetTag()) &&
		(req.GetState() == 0 || req.GetState() == v.GetState()) &&
		(req.GetVpnServiceId() == "" || req.GetVpnServiceId() == v.GetVpnServiceId()) &&
		(req.GetPeerAddress() == "" || req.GetPeerAddress() == v.GetPeerAddress())
}
