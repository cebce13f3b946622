package vpn

import (
	"strings"

	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/tags"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

const (
	initiatorBoth = "bi-directional"
	initiatorPeer = "response-only"
)

// surroundings are the objects that connections refer to, by id.
type surroundings struct {
	services map[string]vpnService
	groups   map[string]endpointGroup
	ike      map[string]ikePolicy
	ipsec    map[string]ipsecPolicy
}

// toProtoConnection maps a connection with what it refers to.
func toProtoConnection(v *connection, with surroundings, region string) *securityv1.IpsecConnection {
	service := with.services[v.ServiceID]
	out := &securityv1.IpsecConnection{
		Id:             v.ID,
		Name:           v.Name,
		Description:    rest.Unmarked(v.Description),
		State:          toProtoConnectionState(v.Status),
		ProviderState:  v.Status,
		StateReason:    stateReason(v.Status),
		RegionId:       region,
		VpnServiceId:   v.ServiceID,
		IkePolicyId:    v.IKEPolicyID,
		IpsecPolicyId:  v.IPsecID,
		PeerAddress:    v.PeerAddress,
		LocalSubnetIds: with.groups[v.LocalGroupID].Endpoints,
		PeerCidrs:      with.groups[v.PeerGroupID].Endpoints,
		LocalId:        v.LocalID,
		PeerId:         v.PeerID,
		Initiator:      securityv1.IpsecInitiator_IPSEC_INITIATOR_BI_DIRECTIONAL,
		Dpd:            &securityv1.Dpd{Action: toProtoDPDAction(v.DPD.Action), IntervalSeconds: v.DPD.Interval, TimeoutSeconds: v.DPD.Timeout},
		Mtu:            v.MTU,
		NatTraversal:   true,
		Enabled:        v.AdminStateUp,
		TunnelStatus:   toProtoTunnelStatus(v.Status),
	}
	if v.Initiator == initiatorPeer {
		out.Initiator = securityv1.IpsecInitiator_IPSEC_INITIATOR_RESPONSE_ONLY
	}
	if v.LocalGroupID == "" { // legacy
		out.PeerCidrs = v.PeerCIDRs
		if service.SubnetID != "" {
			out.LocalSubnetIds = []string{service.SubnetID}
		}
	}
	if p, ok := with.ike[v.IKEPolicyID]; ok {
		out.IkeConfig = toProtoIKEConfig(&p)
	}
	if p, ok := with.ipsec[v.IPsecID]; ok {
		out.IpsecConfig = toProtoIPsecConfig(&p)
	}
	out.Tunnels = []*securityv1.Tunnel{{
		LocalAddress: localAddress(service, v.PeerAddress), PeerAddress: v.PeerAddress, Status: out.GetTunnelStatus(),
	}}
	return out
}

// localAddress is the address of a service of the family that the peer has.
func localAddress(service vpnService, peer string) string {
	if strings.Contains(peer, ":") {
		return service.ExternalIPv6
	}
	return service.ExternalIPv4
}

// toProtoConnectionState maps the status; DOWN is configured, with a silent peer.
func toProtoConnectionState(status string) securityv1.IpsecConnectionState {
	switch strings.ToUpper(status) {
	case "PENDING_CREATE", "BUILD":
		return securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_CREATING
	case "PENDING_UPDATE":
		return securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_UPDATING
	case "PENDING_DELETE":
		return securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_DELETING
	case "ACTIVE", "DOWN":
		return securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_ACTIVE
	case "ERROR":
		return securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_ERROR
	default:
		return securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_UNSPECIFIED
	}
}

func toProtoTunnelStatus(status string) securityv1.TunnelStatus {
	if strings.EqualFold(status, "ACTIVE") {
		return securityv1.TunnelStatus_TUNNEL_STATUS_UP
	}
	return securityv1.TunnelStatus_TUNNEL_STATUS_DOWN
}

func toProtoDPDAction(word string) securityv1.DpdAction {
	switch word {
	case "disabled":
		return securityv1.DpdAction_DPD_ACTION_DISABLED
	case "hold":
		return securityv1.DpdAction_DPD_ACTION_HOLD
	case "clear":
		return securityv1.DpdAction_DPD_ACTION_CLEAR
	case "restart":
		return securityv1.DpdAction_DPD_ACTION_RESTART
	case "restart-by-peer":
		return securityv1.DpdAction_DPD_ACTION_RESTART_BY_PEER
	default:
		return securityv1.DpdAction_DPD_ACTION_UNSPECIFIED
	}
}

// fromProtoDPD is the attribute dpd with the contract's defaults.
func fromProtoDPD(d *securityv1.Dpd) map[string]any {
	out := map[string]any{"action": "hold", "interval": int32(30), "timeout": int32(120)}
	switch d.GetAction() {
	case securityv1.DpdAction_DPD_ACTION_DISABLED:
		out["action"] = "disabled"
	case securityv1.DpdAction_DPD_ACTION_CLEAR:
		out["action"] = "clear"
	case securityv1.DpdAction_DPD_ACTION_RESTART:
		out["action"] = "restart"
	case securityv1.DpdAction_DPD_ACTION_RESTART_BY_PEER:
		out["action"] = "restart-by-peer"
	}
	if d.GetIntervalSeconds() != 0 {
		out["interval"] = d.GetIntervalSeconds()
	}
	if d.GetTimeoutSeconds() != 0 {
		out["timeout"] = d.GetTimeoutSeconds()
	}
	return out
}

func fromProtoInitiator(i securityv1.IpsecInitiator) string {
	if i == securityv1.IpsecInitiator_IPSEC_INITIATOR_RESPONSE_ONLY {
		return initiatorPeer
	}
	return initiatorBoth
}

// fromProtoCreateConnection maps what a request says of a new connection, but for
// the description and the endpoint groups. Errors: UNSUPPORTED_FEATURE.
func fromProtoCreateConnection(req *securityv1.CreateIpsecConnectionRequest) (map[string]any, error) {
	if err := checkConnection(req.GetLocalCidrs(), req.NatTraversal, req.GetStandbyPeerAddress()); err != nil {
		return nil, err
	}
	attributes := map[string]any{
		"name": req.GetName(), "vpnservice_id": req.GetVpnServiceId(), "ikepolicy_id": req.GetIkePolicyId(),
		"ipsecpolicy_id": req.GetIpsecPolicyId(), "peer_address": req.GetPeerAddress(), "peer_id": req.GetPeerId(),
		"local_id": req.GetLocalId(), "initiator": fromProtoInitiator(req.GetInitiator()), "dpd": fromProtoDPD(req.GetDpd()),
		"psk": req.GetPsk(), "admin_state_up": req.Enabled == nil || req.GetEnabled(),
	}
	if req.GetPeerId() == "" {
		attributes["peer_id"] = req.GetPeerAddress()
	}
	if req.GetMtu() != 0 {
		attributes["mtu"] = req.GetMtu()
	}
	return attributes, nil
}

// checkConnection refuses what no connection of Neutron has.
func checkConnection(localCIDRs []string, natTraversal *bool, standby string) error {
	switch {
	case len(localCIDRs) > 0:
		return sdk.Unsupported("security.ipsec_connection.local_cidrs")
	case natTraversal != nil:
		return sdk.Unsupported("security.ipsec_connection.nat_traversal")
	case standby != "":
		return sdk.Unsupported("security.ipsec_connection.standby_peer")
	}
	return nil
}

// fromProtoUpdateConnection maps what a request changes of v, but for name,
// description and endpoint groups.
func fromProtoUpdateConnection(req *securityv1.UpdateIpsecConnectionRequest, v *connection) map[string]any {
	attributes := map[string]any{}
	address := v.PeerAddress
	if req.PeerAddress != nil {
		address = req.GetPeerAddress()
		attributes["peer_address"] = address
		if v.PeerID == v.PeerAddress {
			attributes["peer_id"] = address
		}
	}
	if req.PeerId != nil {
		attributes["peer_id"] = req.GetPeerId()
		if req.GetPeerId() == "" {
			attributes["peer_id"] = address
		}
	}
	if req.LocalId != nil {
		attributes["local_id"] = req.GetLocalId()
	}
	if req.Initiator != nil {
		attributes["initiator"] = fromProtoInitiator(req.GetInitiator())
	}
	if req.GetDpd() != nil {
		attributes["dpd"] = fromProtoDPD(req.GetDpd())
	}
	if req.Mtu != nil {
		attributes["mtu"] = req.GetMtu()
	}
	if req.Enabled != nil {
		attributes["admin_state_up"] = req.GetEnabled()
	}
	if req.Psk != nil {
		attributes["psk"] = req.GetPsk()
	}
	return attributes
}

func keepsConnection(req *securityv1.ListIpsecConnectionsRequest, v *securityv1.IpsecConnection) bool {
	return (req.GetName() == "" || req.GetName() == v.GetName()) &&
		tags.Match(v.GetTags(), req.GetTag()) &&
		(req.GetState() == 0 || req.GetState() == v.GetState()) &&
		(req.GetVpnServiceId() == "" || req.GetVpnServiceId() == v.GetVpnServiceId()) &&
		(req.GetPeerAddress() == "" || req.GetPeerAddress() == v.GetPeerAddress())
}
