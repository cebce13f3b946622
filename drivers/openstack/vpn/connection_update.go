package vpn

import (
	"context"

	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// UpdateIpsecConnection changes what is present; endpoint groups that the
// connection had before go as the next step.
func (n *connectionServer) UpdateIpsecConnection(ctx context.Context, req *securityv1.UpdateIpsecConnectionRequest) (*securityv1.UpdateIpsecConnectionResponse, error) {
	_, client, err := n.open(ctx, extensionGroups)
	if err != nil {
		return nil, err
	}
	if err := checkConnection(req.GetLocalCidrs().GetValues(), req.NatTraversal, req.GetStandbyPeerAddress()); err != nil {
		return nil, err
	}
	v, err := connections.Get(ctx, client, req.GetId())
	if err != nil {
		return nil, err
	}
	resp := &securityv1.UpdateIpsecConnectionResponse{Id: v.ID, State: toProtoConnectionState(v.Status)}
	if groups, ok := sdk.CallFrom(ctx).Step(stepGroups); ok {
		return resp, removeGroups(ctx, client, groups, v.ID)
	}
	changed, err := changeConnection(ctx, client, req, v)
	if err != nil {
		return nil, err
	}
	resp.State = toProtoConnectionState(changed.Status)
	return resp, nil
}

// changeConnection makes new groups where the traffic changes, and switches.
func changeConnection(ctx context.Context, client *rest.Client, req *securityv1.UpdateIpsecConnectionRequest, v *connection) (*connection, error) {
	local, peer, err := newGroups(ctx, client, req, v)
	if err != nil {
		return nil, takeBack(ctx, client, explainConnection(v.ID, err), local, peer)
	}
	attributes := fromProtoUpdateConnection(req, v)
	var replaced []string
	if local != "" && local != v.LocalGroupID {
		attributes["local_ep_group_id"] = local
		replaced = append(replaced, v.LocalGroupID)
	}
	if peer != "" && peer != v.PeerGroupID {
		attributes["peer_ep_group_id"] = peer
		replaced = append(replaced, v.PeerGroupID)
	}
	old, err := ownGroups(ctx, client, replaced...)
	if err != nil {
		return nil, err
	}
	changed, err := connections.Apply(ctx, client, v.ID, rest.Edit{Name: req.Name, Description: req.Description, Attributes: attributes})
	if err != nil {
		refused := explainConnection(v.ID, err)
		if len(replaced) > 0 {
			refused = takeBack(ctx, client, refused, local, peer)
		}
		return nil, refused
	}
	nextGroups(ctx, old)
	return changed, nil
}

// newGroups makes the groups of traffic that changes; empty: that side stays.
// Errors: INVALID_STATE of a connection from before endpoint groups, those of
// checkTraffic, or the cloud's own.
func newGroups(ctx context.Context, client *rest.Client, req *securityv1.UpdateIpsecConnectionRequest, v *connection) (local, peer string, err error) {
	if req.GetLocalSubnetIds() == nil && req.GetPeerCidrs() == nil {
		return "", "", nil
	}
	if v.LocalGroupID == "" {
		return "", "", sdk.InvalidState(connections.Type, v.ID, nil)
	}
	present, err := byID(ctx, client, endpointGroups, []string{v.LocalGroupID, v.PeerGroupID})
	if err != nil {
		return "", "", err
	}
	subnetIDs, cidrs := present[v.LocalGroupID].Endpoints, present[v.PeerGroupID].Endpoints
	if req.GetLocalSubnetIds() != nil {
		subnetIDs = req.GetLocalSubnetIds().GetValues()
	}
	if req.GetPeerCidrs() != nil {
		cidrs = req.GetPeerCidrs().GetValues()
	}
	if err := checkTraffic(ctx, client, subnetIDs, cidrs); err != nil {
		return "", "", err
	}
	name := v.Name
	if req.Name != nil {
		name = req.GetName()
	}
	if req.GetLocalSubnetIds() != nil {
		if local, err = makeGroup(ctx, client, name, groupOfSubnets, subnetIDs); err != nil {
			return "", "", err
		}
	}
	if req.GetPeerCidrs() != nil {
		peer, err = makeGroup(ctx, client, name, groupOfCIDRs, cidrs)
	}
	return local, peer, err
}
