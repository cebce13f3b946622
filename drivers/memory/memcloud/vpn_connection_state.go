package memcloud

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"
)

const (
	connectionDelay = time.Second // of each move, at scale 1

	defaultDpdIntervalSeconds = 30
	defaultDpdTimeoutSeconds  = 120
	minIPv6MTU                = 1280
)

// connectionFits refuses a connection whose service is not ready, whose ends do
// not fit together, or whose traffic another connection carries; it fills what
// the request left to the cloud.
func connectionFits(v *view, connection *securityv1.IpsecConnection) error {
	r, service, err := vpnServices.ref(v, "vpn_service_id", connection.GetVpnServiceId())
	if err == nil {
		err = inState(r, service.GetState(), securityv1.VpnServiceState_VPN_SERVICE_STATE_ACTIVE, securityv1.VpnServiceState_VPN_SERVICE_STATE_INACTIVE)
	}
	if err == nil {
		err = completeDpd(connection)
	}
	if err != nil {
		return err
	}
	local, err := localRanges(v, service, connection)
	if err != nil {
		return err
	}
	peer, err := parseRanges("peer_cidrs", connection.GetPeerCidrs())
	if err != nil {
		return err
	}
	if local[0].Addr().Is4() != peer[0].Addr().Is4() || overlap(local, peer) {
		return rejected("peer_cidrs")
	}
	if local[0].Addr().Is6() && connection.GetMtu() < minIPv6MTU {
		return rejected("mtu")
	}
	connection.Tunnels = tunnelsOf(service, connection)
	return trafficFree(v, service, connection, local, peer)
}

func completeDpd(connection *securityv1.IpsecConnection) error {
	if connection.GetDpd() == nil {
		connection.Dpd = &securityv1.Dpd{}
	}
	dpd := connection.Dpd
	dpd.Action = cmp.Or(dpd.GetAction(), securityv1.DpdAction_DPD_ACTION_HOLD)
	dpd.IntervalSeconds = cmp.Or(dpd.GetIntervalSeconds(), defaultDpdIntervalSeconds)
	dpd.TimeoutSeconds = cmp.Or(dpd.GetTimeoutSeconds(), defaultDpdTimeoutSeconds)
	if dpd.TimeoutSeconds <= dpd.IntervalSeconds {
		return rejected("dpd.timeout_seconds")
	}
	return nil
}

// localRanges are the addresses of this end; subnets must be joined by the
// service's router.
func localRanges(v *view, service *securityv1.VpnService, connection *securityv1.IpsecConnection) ([]netip.Prefix, error) {
	if len(connection.GetLocalSubnetIds()) == 0 {
		return parseRanges("local_cidrs", connection.GetLocalCidrs())
	}
	_, router, ok := routers.find(v, service.GetRouterId())
	cidrs := make([]string, 0, len(connection.GetLocalSubnetIds()))
	for i, id := range connection.GetLocalSubnetIds() {
		field := fmt.Sprintf("local_subnet_ids[%d]", i)
		_, subnet, err := subnets.ref(v, field, id)
		if err != nil {
			return nil, err
		}
		if !ok || interfaceIn(router, id) < 0 {
			return nil, mismatch(field)
		}
		cidrs = append(cidrs, subnet.GetCidr())
	}
	return parseRanges("local_subnet_ids", cidrs)
}

// parseRanges reads address ranges, which must be of one family.
func parseRanges(field string, cidrs []string) ([]netip.Prefix, error) {
	ranges := make([]netip.Prefix, 0, len(cidrs))
	for _, cidr := range cidrs {
		r, err := netip.ParsePrefix(cidr)
		if err != nil || len(ranges) > 0 && r.Addr().Is4() != ranges[0].Addr().Is4() {
			return nil, rejected(field)
		}
		ranges = append(ranges, r)
	}
	if len(ranges) == 0 {
		return nil, rejected(field)
	}
	return ranges, nil
}

func overlap(a, b []netip.Prefix) bool {
	return slices.ContainsFunc(a, func(one netip.Prefix) bool { return slices.ContainsFunc(b, one.Overlaps) })
}

// trafficFree refuses a connection if another of the service sends some of the
// same traffic to a peer.
func trafficFree(v *view, service *securityv1.VpnService, connection *securityv1.IpsecConnection, local, peer []netip.Prefix) error {
	for r, other := range ipsecConnections.mine(v) {
		if r.id == connection.GetId() || other.GetVpnServiceId() != service.GetId() {
			continue
		}
		otherLocal, errLocal := localRanges(v, service, other)
		otherPeer, errPeer := parseRanges("peer_cidrs", other.GetPeerCidrs())
		if errLocal == nil && errPeer == nil && overlap(local, otherLocal) && overlap(peer, otherPeer) {
			return sdk.NewError(apiv1.Reason_REASON_CONFLICTS_WITH_EXISTING, sdk.Field("peer_cidrs"), sdk.Resource(string(r.kind), r.id))
		}
	}
	return nil
}

// tunnelsOf are a connection's tunnels: a second one only to another address.
func tunnelsOf(service *securityv1.VpnService, connection *securityv1.IpsecConnection) []*securityv1.Tunnel {
	local := ""
	if addresses := service.GetPublicIpAddresses(); len(addresses) > 0 {
		local = addresses[0]
	}
	tunnels := []*securityv1.Tunnel{{LocalAddress: local, PeerAddress: connection.GetPeerAddress()}}
	if standby := connection.GetStandbyPeerAddress(); standby != "" {
		tunnels = append(tunnels, &securityv1.Tunnel{LocalAddress: local, PeerAddress: standby})
	}
	return tunnels
}

// settleIpsecConnection ends a connection's move.
func settleIpsecConnection(v *view, r *record) {
	_, connection := ipsecConnections.edit(v, r)
	switch connection.GetState() {
	case securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_CREATING:
		settleTo(r, securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_ACTIVE, securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_ERROR)
		dial(v, connection)
	case securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_UPDATING:
		setState(connection, securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_ACTIVE)
		dial(v, connection)
	case securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_DELETING:
		v.remove(r.key)
	}
}

// dial brings the tunnels up where the connection and its service are enabled:
// peers here always answer.
func dial(v *view, connection *securityv1.IpsecConnection) {
	connection.TunnelStatus = securityv1.TunnelStatus_TUNNEL_STATUS_DOWN
	_, service, ok := vpnServices.find(v, connection.GetVpnServiceId())
	active := connection.GetState() == securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_ACTIVE
	if ok && active && connection.GetEnabled() && service.GetEnabled() {
		connection.TunnelStatus = securityv1.TunnelStatus_TUNNEL_STATUS_UP
	}
	for _, tunnel := range connection.GetTunnels() {
		tunnel.Status = connection.TunnelStatus
	}
}

// connectedFrom names the connections that send the traffic of a subnet.
func connectedFrom(v *view, subnetID string) []string {
	return ipsecConnections.blockers(v, func(c *securityv1.IpsecConnection) bool { return slices.Contains(c.GetLocalSubnetIds(), subnetID) })
}
