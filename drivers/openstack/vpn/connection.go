package vpn

import (
	"context"
	"net/url"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

type connectionServer struct {
	securityv1.UnimplementedIpsecConnectionServiceServer
	base
}

var _ securityv1.IpsecConnectionServiceServer = (*connectionServer)(nil)

// Fields of a request that refer to what a connection is made of.
const (
	fieldService = "vpn_service_id"
	fieldIKE     = "ike_policy_id"
	fieldIPsec   = "ipsec_policy_id"
)

// CreateIpsecConnection makes the two endpoint groups and the connection.
func (n *connectionServer) CreateIpsecConnection(ctx context.Context, req *securityv1.CreateIpsecConnectionRequest) (*securityv1.CreateIpsecConnectionResponse, error) {
	_, client, err := n.open(ctx, extensionGroups)
	if err != nil {
		return nil, err
	}
	attributes, err := fromProtoCreateConnection(req)
	if err != nil {
		return nil, err
	}
	if err := checkReferences(req); err != nil {
		return nil, err
	}
	if err := checkTraffic(ctx, client, req.GetLocalSubnetIds(), req.GetPeerCidrs()); err != nil {
		return nil, err
	}
	v, err := makeConnection(ctx, client, req, attributes)
	if err != nil {
		return nil, err
	}
	return &securityv1.CreateIpsecConnectionResponse{Id: v.ID, State: toProtoConnectionState(v.Status)}, nil
}

func checkReferences(req *securityv1.CreateIpsecConnectionRequest) error {
	for _, ref := range []struct{ resourceType, id, field string }{
		{services.Type, req.GetVpnServiceId(), fieldService},
		{ikePolicies.Type, req.GetIkePolicyId(), fieldIKE},
		{ipsecPolicies.Type, req.GetIpsecPolicyId(), fieldIPsec},
	} {
		if err := session.ReferenceUUID(ref.resourceType, ref.id, ref.field); err != nil {
			return err
		}
	}
	return nil
}

// makeConnection makes both groups and the connection; if that is refused, the
// groups go again. Errors: those of the contract.
func makeConnection(ctx context.Context, client *rest.Client, req *securityv1.CreateIpsecConnectionRequest, attributes map[string]any) (v *connection, err error) {
	var local, peer string
	defer func() {
		if err != nil {
			err = takeBack(ctx, client, explainCreateConnection(ctx, client, req, err), local, peer)
		}
	}()
	if local, err = makeGroup(ctx, client, req.GetName(), groupOfSubnets, req.GetLocalSubnetIds()); err != nil {
		return nil, err
	}
	if peer, err = makeGroup(ctx, client, req.GetName(), groupOfCIDRs, req.GetPeerCidrs()); err != nil {
		return nil, err
	}
	attributes["local_ep_group_id"], attributes["peer_ep_group_id"] = local, peer
	return connections.CreateMarked(ctx, client, attributes, req.GetDescription(), nil)
}

// explainCreateConnection is explainConnection for a new connection. Neutron fails
// with 500 where a policy or the service does not exist, so these are looked for.
func explainCreateConnection(ctx context.Context, client *rest.Client, req *securityv1.CreateIpsecConnectionRequest, err error) error {
	refused := explainConnection("", err)
	if sdk.ReasonOf(refused) != apiv1.Reason_REASON_CLOUD_ERROR {
		return refused
	}
	_, serviceErr := services.Get(ctx, client, req.GetVpnServiceId())
	_, ikeErr := ikePolicies.Get(ctx, client, req.GetIkePolicyId())
	_, ipsecErr := ipsecPolicies.Get(ctx, client, req.GetIpsecPolicyId())
	for _, ref := range []struct {
		err   error
		field string
	}{{serviceErr, fieldService}, {ikeErr, fieldIKE}, {ipsecErr, fieldIPsec}} {
		if sdk.ReasonOf(ref.err) == apiv1.Reason_REASON_NOT_FOUND {
			return rest.AsReference(ref.err, ref.field)
		}
	}
	return refused
}

// explainConnection tells what a refusal of a connection's attributes is about.
func explainConnection(id string, err error) error {
	switch rest.FaultCode(err) {
	case "SubnetIsNotConnectedToRouter":
		return session.As(apiv1.Reason_REASON_REFERENCE_MISMATCH, err, connections.Type, id, sdk.Field("local_subnet_ids"))
	case "NonExistingSubnetInEndpointGroup":
		return session.As(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, err, subnets.Type, "", sdk.Field("local_subnet_ids"))
	case "MixedIPVersionsForIPSecEndpoints", "MixedIPVersionsForIPSecConnection", "InvalidEndpointInEndpointGroup":
		return session.Error(err, connections.Type, id, sdk.Field("peer_cidrs"))
	case "IPsecSiteConnectionMtuError":
		return session.Error(err, connections.Type, id, sdk.Field("mtu"))
	case "IPsecSiteConnectionDpdIntervalValueError":
		return session.Error(err, connections.Type, id, sdk.Field("dpd"))
	case "VPNPeerAddressNotResolved", "ExternalNetworkHasNoSubnet":
		return session.Error(err, connections.Type, id, sdk.Field("peer_address"))
	case "VPNStateInvalidToUpdate":
		return session.WrongState(err, connections.Type, id, true)
	}
	return session.Error(err, connections.Type, id)
}

// DeleteIpsecConnection removes the connection, and after it the endpoint groups that
// were made for it. These are the next step's before the connection goes: only it
// tells which they are.
func (n *connectionServer) DeleteIpsecConnection(ctx context.Context, req *securityv1.DeleteIpsecConnectionRequest) (*securityv1.DeleteIpsecConnectionResponse, error) {
	_, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	resp := &securityv1.DeleteIpsecConnectionResponse{
		Id: req.GetId(), State: securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_DELETED,
	}
	call := sdk.CallFrom(ctx)
	if groups, ok := call.Step(stepGroups); ok {
		if err := connections.Delete(ctx, client, req.GetId()); err != nil {
			return nil, explainConnection(req.GetId(), err)
		}
		return resp, removeGroups(ctx, client, groups, req.GetId())
	}
	v, err := connections.Get(ctx, client, req.GetId())
	if sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND {
		return resp, nil
	}
	if err != nil {
		return nil, err
	}
	own, err := ownGroups(ctx, client, v.LocalGroupID, v.PeerGroupID)
	if err != nil {
		return nil, err
	}
	if len(own) > 0 {
		nextGroups(ctx, own)
		resp.State = securityv1.IpsecConnectionState_IPSEC_CONNECTION_STATE_DELETING
		return resp, nil
	}
	if err := connections.Delete(ctx, client, req.GetId()); err != nil {
		return nil, explainConnection(req.GetId(), err)
	}
	return resp, nil
}

// GetIpsecConnection reads one connection and what it refers to.
func (n *connectionServer) GetIpsecConnection(ctx context.Context, req *securityv1.GetIpsecConnectionRequest) (*securityv1.GetIpsecConnectionResponse, error) {
	s, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	v, err := connections.Get(ctx, client, req.GetId())
	if err != nil {
		return nil, err
	}
	with, err := readSurroundings(ctx, s, []connection{*v})
	if err != nil {
		return nil, err
	}
	return &securityv1.GetIpsecConnectionResponse{IpsecConnection: toProtoConnection(v, with, s.Region)}, nil
}

// ListIpsecConnections reads a page of connections, and what all of them refer to
// by one call for each kind.
func (n *connectionServer) ListIpsecConnections(ctx context.Context, req *securityv1.ListIpsecConnectionsRequest) (*securityv1.ListIpsecConnectionsResponse, error) {
	s, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	query := url.Values{}
	rest.SetIf(query, "name", req.GetName())
	rest.SetIf(query, "vpnservice_id", req.GetVpnServiceId())
	rest.SetIf(query, "peer_address", req.GetPeerAddress())
	p, err := connections.Find(ctx, client, req, query)
	if err != nil {
		return nil, err
	}
	with, err := readSurroundings(ctx, s, p.Items)
	if err != nil {
		return nil, err
	}
	resp := &securityv1.ListIpsecConnectionsResponse{NextPageToken: p.Next, MissingIds: p.Missing}
	for i := range p.Items {
		if v := toProtoConnection(&p.Items[i], with, s.Region); keepsConnection(req, v) {
			resp.IpsecConnections = append(resp.IpsecConnections, v)
		}
	}
	return resp, nil
}
