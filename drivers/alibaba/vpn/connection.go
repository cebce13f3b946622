package vpn

import (
	"context"
	"slices"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/alibaba/vswitch"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

type connectionServer struct {
	securityv1.UnimplementedIpsecConnectionServiceServer
	base
}

var _ securityv1.IpsecConnectionServiceServer = (*connectionServer)(nil)

// CreateIpsecConnection finds or makes the customer gateway of the peer, and makes
// the connection with the content of both policies.
func (n *connectionServer) CreateIpsecConnection(ctx context.Context, req *securityv1.CreateIpsecConnectionRequest) (*securityv1.CreateIpsecConnectionResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	if err := refuseConnection(req); err != nil {
		return nil, err
	}
	service, err := services().Get(ctx, s, req.GetVpnServiceId())
	if err != nil {
		return nil, kind.AsReference(err, "vpn_service_id")
	}
	e, tunnels, err := newEnds(ctx, s, req, service)
	if err != nil {
		return nil, err
	}
	params := e.params(tunnels).Set("VpnGatewayId", service.VpnGatewayID).Set("Name", req.GetName()).
		Bool("AutoConfigRoute", true).Bool("EffectImmediately", true).Tags("Tags", policyTags(req)).Once(ctx, "")
	if len(tunnels) == 0 {
		params.Set("CustomerGatewayId", e.peerGateways[0])
	}
	var made struct{ VpnConnectionID string }
	if err := s.Call(ctx, api.VPC, "CreateVpnConnection", params, &made); err != nil {
		return nil, explainConnection(err, "")
	}
	return &securityv1.CreateIpsecConnectionResponse{
		Id: made.VpnConnectionID, State: securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_CREATING,
	}, nil
}

// refuseConnection refuses what a connection has no parameter for.
func refuseConnection(req *securityv1.CreateIpsecConnectionRequest) error {
	switch {
	case req.GetMtu() != 0:
		return sdk.Unsupported("security.ipsec_connection.mtu")
	case req.GetInitiator() == securityv1.IpsecInitiator_IPSEC_INITIATOR_RESPONSE_ONLY:
		return sdk.Unsupported("security.ipsec_connection.response_only")
	case req.Enabled != nil && !req.GetEnabled():
		return sdk.Unsupported("security.ipsec_connection.disable")
	}
	return refuseTimers(req.GetDpd())
}

// refuseTimers refuses timers of dead peer detection, and what it shall do beyond
// being on or off.
func refuseTimers(dpd *securityv1.Dpd) error {
	if dpd.GetIntervalSeconds() != 0 || dpd.GetTimeoutSeconds() != 0 || dpd.GetAction() > securityv1.DpdAction_DPD_ACTION_HOLD {
		return sdk.Unsupported("security.ipsec_connection.dpd_timers")
	}
	return nil
}

// newEnds reads what a new connection refers to. tunnels is empty at a gateway
// with one tunnel.
func newEnds(ctx context.Context, s *session.Session, req *securityv1.CreateIpsecConnectionRequest, service *gateway) (e ends, tunnels []tunnel, err error) {
	ike, err := ikePolicies().Get(ctx, s, req.GetIkePolicyId())
	if err != nil {
		return e, nil, kind.AsReference(err, "ike_policy_id")
	}
	ipsec, err := ipsecPolicies().Get(ctx, s, req.GetIpsecPolicyId())
	if err != nil {
		return e, nil, kind.AsReference(err, "ipsec_policy_id")
	}
	e = ends{
		ike:   fromProtoIke(toProtoIke(ike, ""), req.GetLocalId(), req.GetPeerId(), req.GetPsk()),
		ipsec: fromProtoIpsec(toProtoIpsec(ipsec, "")),
		peer:  strings.Join(req.GetPeerCidrs(), ","),
		dpd:   req.GetDpd().GetAction() != securityv1.DpdAction_DPD_ACTION_DISABLED,
		natt:  req.NatTraversal == nil || req.GetNatTraversal(),
	}
	if e.local, err = localRanges(ctx, s, service, req.GetLocalCidrs(), req.GetLocalSubnetIds()); err != nil {
		return e, nil, err
	}
	peer, err := customerGatewayFor(ctx, s, req.GetPeerAddress(), req.GetName(), "peer_address")
	if err != nil {
		return e, nil, err
	}
	e.peerGateways = []string{peer}
	if service.DisasterRecoveryVSwitchID == "" {
		if req.GetStandbyPeerAddress() != "" {
			return e, nil, sdk.Unsupported("security.ipsec_connection.standby_peer")
		}
		return e, nil, nil
	}
	standby := peer
	if address := req.GetStandbyPeerAddress(); address != "" && address != req.GetPeerAddress() {
		if standby, err = customerGatewayFor(ctx, s, address, req.GetName(), "standby_peer_address"); err != nil {
			return e, nil, err
		}
	}
	e.peerGateways = append(e.peerGateways, standby)
	return e, twoTunnels(), nil
}

// localRanges joins the ranges of this end; those of subnets are read in one call
// for all of the gateway's network.
func localRanges(ctx context.Context, s *session.Session, service *gateway, cidrs, subnetIDs []string) (string, error) {
	if len(subnetIDs) == 0 {
		return strings.Join(cidrs, ","), nil
	}
	all, err := vswitch.Kind().All(ctx, s, api.Params{}.Set("VpcId", service.VpcID))
	if err != nil {
		return "", err
	}
	var found []string
	for _, id := range subnetIDs {
		at := slices.IndexFunc(all, func(v vswitch.VSwitch) bool { return v.VSwitchID == id })
		if at < 0 {
			return "", sdk.NewError(apiv1.Reason_REASON_REFERENCE_MISMATCH, sdk.Resource(vswitch.Type, id), sdk.Field("local_subnet_ids"))
		}
		found = append(found, all[at].CidrBlock)
	}
	return strings.Join(found, ","), nil
}

func explainConnection(err error, id string) error {
	switch {
	case api.HasCode(err, "InvalidVpnConnection.AlreadyExists", "VpnConnectionParamInvalid*", "VpnRouteEntry.*", "CustomerGateway.Conflict*",
		"OperationFailed.RouteConflictWithIPsecServer"):
		return api.As(apiv1.Reason_REASON_CONFLICTS_WITH_EXISTING, err, typeConnection, id)
	case api.HasCode(err, "NotSupportVpnConnectionParameter.*", "OperationUnsupported.*"):
		return api.As(apiv1.Reason_REASON_UNSUPPORTED_FEATURE, err, typeConnection, id)
	case api.HasCode(err, "MissingParameter.TunnelOptionsSpecification"):
		return api.As(apiv1.Reason_REASON_REFERENCE_MISMATCH, err, typeService, "", sdk.Field("vpn_service_id"))
	case api.HasCode(err, "VpnGateway.IpsecVpnDisabled"):
		return api.As(apiv1.Reason_REASON_INVALID_STATE, err, typeService, "")
	}
	return refusal(err, typeConnection, id)
}

// readConnection reads one connection with its key. Errors: NOT_FOUND.
func readConnection(ctx context.Context, s *session.Session, id string) (*connection, error) {
	var v connection
	err := s.Call(ctx, api.VPC, "DescribeVpnConnection", api.Params{}.Set("VpnConnectionId", id), &v)
	switch {
	case api.IsNotFound(err), err == nil && v.VpnConnectionID == "":
		return nil, sdk.NotFound(typeConnection, id, err)
	case err != nil:
		return nil, api.Error(err, typeConnection, id)
	}
	return &v, nil
}

// GetIpsecConnection reads one connection and the addresses of its peers.
func (n *connectionServer) GetIpsecConnection(ctx context.Context, req *securityv1.GetIpsecConnectionRequest) (*securityv1.GetIpsecConnectionResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	v, err := readConnection(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	peers, err := peerAddresses(ctx, s)
	if err != nil {
		return nil, err
	}
	return &securityv1.GetIpsecConnectionResponse{IpsecConnection: toProtoConnection(v, peers, s.Region)}, nil
}

// ListIpsecConnections reads a page of connections, and the addresses of all peers
// in one call.
func (n *connectionServer) ListIpsecConnections(ctx context.Context, req *securityv1.ListIpsecConnectionsRequest) (*securityv1.ListIpsecConnectionsResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	p, err := connections().Find(ctx, s, req, api.Params{}.Set("VpnGatewayId", req.GetVpnServiceId()))
	if err != nil {
		return nil, err
	}
	resp := &securityv1.ListIpsecConnectionsResponse{NextPageToken: p.Next, MissingIds: p.Missing}
	if len(p.Items) == 0 {
		return resp, nil
	}
	peers, err := peerAddresses(ctx, s)
	if err != nil {
		return nil, err
	}
	for i := range p.Items {
		if v := toProtoConnection(&p.Items[i], peers, s.Region); keepsConnection(req, v) {
			resp.IpsecConnections = append(resp.IpsecConnections, v)
		}
	}
	return resp, nil
}
