package memcloud

import (
	"context"

	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"
)

type ipsecConnectionService struct {
	securityv1.UnimplementedIpsecConnectionServiceServer
	c *Cloud
}

var _ securityv1.IpsecConnectionServiceServer = (*ipsecConnectionService)(nil)

// CreateIpsecConnection connects a VPN service to a peer. The key is taken and
// forgotten: every peer here has the right one.
func (s *ipsecConnectionService) CreateIpsecConnection(ctx context.Context, req *securityv1.CreateIpsecConnectionRequest) (*securityv1.CreateIpsecConnectionResponse, error) {
	return write(s.c, ctx, func(v *view) (*securityv1.CreateIpsecConnectionResponse, error) {
		if err := v.within(use{"security.ipsec_connection.count", 1}); err != nil {
			return nil, err
		}
		connection := &securityv1.IpsecConnection{Enabled: true, NatTraversal: true, Mtu: defaultMTU,
			Initiator: securityv1.IpsecInitiator_IPSEC_INITIATOR_BI_DIRECTIONAL}
		fill(connection, req)
		if err := configureConnection(v, connection); err != nil {
			return nil, err
		}
		if err := connectionFits(v, connection); err != nil {
			return nil, err
		}
		setState(connection, securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_CREATING)
		r, connection := ipsecConnections.add(v, connection)
		v.after(r, connectionDelay)
		return &securityv1.CreateIpsecConnectionResponse{Id: r.id, State: connection.GetState()}, nil
	})
}

// configureConnection copies what the policies say, which never changes.
func configureConnection(v *view, connection *securityv1.IpsecConnection) error {
	_, ike, err := ikePolicies.ref(v, "ike_policy_id", connection.GetIkePolicyId())
	if err != nil {
		return err
	}
	_, ipsec, err := ipsecPolicies.ref(v, "ipsec_policy_id", connection.GetIpsecPolicyId())
	if err != nil {
		return err
	}
	connection.IkeConfig, connection.IpsecConfig = &securityv1.IkeConfig{}, &securityv1.IpsecConfig{}
	fill(connection.IkeConfig, ike)
	fill(connection.IpsecConfig, ipsec)
	return nil
}

// UpdateIpsecConnection changes what is given.
func (s *ipsecConnectionService) UpdateIpsecConnection(ctx context.Context, req *securityv1.UpdateIpsecConnectionRequest) (*securityv1.UpdateIpsecConnectionResponse, error) {
	return write(s.c, ctx, func(v *view) (*securityv1.UpdateIpsecConnectionResponse, error) {
		r, connection, err := ipsecConnections.get(v, req.GetId())
		if err == nil {
			err = inState(r, connection.GetState(), securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_ACTIVE)
		}
		if err != nil {
			return nil, err
		}
		r, connection = ipsecConnections.edit(v, r)
		if req.GetLocalSubnetIds() != nil {
			connection.LocalCidrs = nil
		}
		if req.GetLocalCidrs() != nil {
			connection.LocalSubnetIds = nil
		}
		fill(connection, req)
		if err := connectionFits(v, connection); err != nil {
			return nil, err
		}
		setState(connection, securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_UPDATING)
		v.after(r, connectionDelay)
		return &securityv1.UpdateIpsecConnectionResponse{Id: r.id, State: connection.GetState()}, nil
	})
}

// DeleteIpsecConnection removes a connection; service and policies stay.
func (s *ipsecConnectionService) DeleteIpsecConnection(ctx context.Context, req *securityv1.DeleteIpsecConnectionRequest) (*securityv1.DeleteIpsecConnectionResponse, error) {
	return write(s.c, ctx, func(v *view) (*securityv1.DeleteIpsecConnectionResponse, error) {
		state, err := remove(v, ipsecConnections, req.GetId(), securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_DELETED, change[securityv1.IpsecConnectionState]{
			from:  []securityv1.IpsecConnectionState{securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_ACTIVE, securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_ERROR},
			via:   securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_DELETING,
			delay: connectionDelay,
		})
		return &securityv1.DeleteIpsecConnectionResponse{Id: req.GetId(), State: state}, err
	})
}

// GetIpsecConnection reads one connection.
func (s *ipsecConnectionService) GetIpsecConnection(ctx context.Context, req *securityv1.GetIpsecConnectionRequest) (*securityv1.GetIpsecConnectionResponse, error) {
	return read(s.c, ctx, func(v *view) (*securityv1.GetIpsecConnectionResponse, error) {
		_, connection, err := ipsecConnections.get(v, req.GetId())
		return &securityv1.GetIpsecConnectionResponse{IpsecConnection: connection}, err
	})
}

// ListIpsecConnections reads a page of connections.
func (s *ipsecConnectionService) ListIpsecConnections(ctx context.Context, req *securityv1.ListIpsecConnectionsRequest) (*securityv1.ListIpsecConnectionsResponse, error) {
	p, err := list(s.c, ctx, ipsecConnections, req, nil)
	return &securityv1.ListIpsecConnectionsResponse{IpsecConnections: p.items, NextPageToken: p.next, MissingIds: p.missing}, err
}
