package vpn

import (
	"context"
	"slices"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// UpdateIpsecConnection sends the whole connection again with what is present: the
// cloud would make up a new key where none is given.
func (n *connectionServer) UpdateIpsecConnection(ctx context.Context, req *securityv1.UpdateIpsecConnectionRequest) (*securityv1.UpdateIpsecConnectionResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	if err := refuseChange(req); err != nil {
		return nil, err
	}
	v, err := readConnection(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	e, err := changedEnds(ctx, s, v, req)
	if err != nil {
		return nil, err
	}
	params := e.params(v.TunnelOptionsSpecification.TunnelOptions).Set("VpnConnectionId", v.VpnConnectionID).
		Bool("EffectImmediately", true).Once(ctx, "")
	if req.Name != nil {
		params.Set("Name", req.GetName())
	}
	if err := s.Call(ctx, api.VPC, "ModifyVpnConnectionAttribute", params, nil); err != nil {
		return nil, explainConnection(err, v.VpnConnectionID)
	}
	return &securityv1.UpdateIpsecConnectionResponse{
		Id: v.VpnConnectionID, State: securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_UPDATING,
	}, nil
}

// refuseChange refuses what a connection has no parameter for.
func refuseChange(req *securityv1.UpdateIpsecConnectionRequest) error {
	switch {
	case req.Mtu != nil:
		return sdk.Unsupported("security.ipsec_connection.mtu")
	case req.GetInitiator() == securityv1.IpsecInitiator_IPSEC_INITIATOR_RESPONSE_ONLY:
		return sdk.Unsupported("security.ipsec_connection.response_only")
	case req.Enabled != nil && !req.GetEnabled():
		return sdk.Unsupported("security.ipsec_connection.disable")
	case req.GetTags() != nil:
		return sdk.Unsupported("security.ipsec_connection.tags")
	}
	return refuseTimers(req.GetDpd())
}

// changedEnds is what a connection says now with what a request changes.
func changedEnds(ctx context.Context, s *session.Session, v *connection, req *securityv1.UpdateIpsecConnectionRequest) (ends, error) {
	e := v.current()
	set(&e.ike.LocalID, req.LocalId)
	set(&e.ike.RemoteID, req.PeerId)
	set(&e.ike.Psk, req.Psk)
	if req.NatTraversal != nil {
		e.natt = req.GetNatTraversal()
	}
	if req.GetDpd() != nil {
		e.dpd = req.GetDpd().GetAction() != securityv1.DpdAction_DPD_ACTION_DISABLED
	}
	if cidrs := req.GetPeerCidrs().GetValues(); len(cidrs) > 0 {
		e.peer = strings.Join(cidrs, ",")
	}
	if len(req.GetLocalSubnetIds().GetValues())+len(req.GetLocalCidrs().GetValues()) > 0 {
		service, err := services().Get(ctx, s, v.VpnGatewayID)
		if err != nil {
			return e, err
		}
		if e.local, err = localRanges(ctx, s, service, req.GetLocalCidrs().GetValues(), req.GetLocalSubnetIds().GetValues()); err != nil {
			return e, err
		}
	}
	return e, changePeers(ctx, s, v, req, &e)
}

func set(value *string, wanted *string) {
	if wanted != nil {
		*value = *wanted
	}
}

// changePeers gives the tunnels other peers, which the one tunnel of a single-tunnel
// connection cannot have.
func changePeers(ctx context.Context, s *session.Session, v *connection, req *securityv1.UpdateIpsecConnectionRequest, e *ends) error {
	for i, change := range []struct {
		address *string
		field   string
	}{{req.PeerAddress, "peer_address"}, {req.StandbyPeerAddress, "standby_peer_address"}} {
		if change.address == nil || *change.address == "" {
			continue
		}
		id, err := customerGatewayFor(ctx, s, *change.address, v.Name, change.field)
		if err != nil {
			return err
		}
		if i < len(e.peerGateways) && e.peerGateways[i] == id {
			continue
		}
		if len(e.peerGateways) < 2 {
			return sdk.NewError(apiv1.Reason_REASON_UNSUPPORTED_FEATURE, sdk.Feature("security.vpn_service.dual_tunnel"), sdk.Field(change.field))
		}
		e.peerGateways[i] = id
	}
	return nil
}

// stepPeers says that a connection is going and its customer gateways follow; their
// ids are joined by commas.
const stepPeers = "peers:"

// DeleteIpsecConnection removes a connection and then the customer gateways that
// were made for it and that no other connection uses.
func (n *connectionServer) DeleteIpsecConnection(ctx context.Context, req *securityv1.DeleteIpsecConnectionRequest) (*securityv1.DeleteIpsecConnectionResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	id := req.GetId()
	gone := &securityv1.DeleteIpsecConnectionResponse{Id: id, State: securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_DELETED}
	going := &securityv1.DeleteIpsecConnectionResponse{Id: id, State: securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_DELETING}
	v, err := readConnection(ctx, s, id)
	missing := sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND
	if err != nil && !missing {
		return nil, err
	}
	peers, follows := strings.CutPrefix(sdk.CallFrom(ctx).NextStep, stepPeers)
	switch {
	case missing && follows:
		for peer := range strings.SplitSeq(peers, ",") {
			if err := dropCustomerGateway(ctx, s, peer); err != nil {
				return nil, err
			}
		}
		return gone, nil
	case missing:
		return gone, nil
	case follows:
		sdk.SetNextStep(ctx, stepPeers+peers, pollAfter)
		return going, nil
	}
	err = s.Call(ctx, api.VPC, "DeleteVpnConnection", api.Params{}.Set("VpnConnectionId", id), nil)
	if err != nil && !api.IsGone(err, typeConnection) {
		return nil, explainConnection(err, id)
	}
	sdk.SetNextStep(ctx, stepPeers+strings.Join(slices.Compact(v.current().peerGateways), ","), pollAfter)
	return going, nil
}
