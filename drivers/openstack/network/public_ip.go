package network

import (
	"context"
	"net/http"
	"net/url"

	"github.com/gophercloud/gophercloud/v2"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

type publicIPServer struct {
	networkv1.UnimplementedPublicIpServiceServer
	base
}

var _ networkv1.PublicIpServiceServer = (*publicIPServer)(nil)

// CreatePublicIp allocates a floating IP. Its name is kept by the gateway.
func (n *publicIPServer) CreatePublicIp(ctx context.Context, req *networkv1.CreatePublicIpRequest) (*networkv1.CreatePublicIpResponse, error) {
	_, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	if req.GetBandwidthMbps() != 0 || req.GetBandwidthCharge() != 0 {
		return nil, sdk.Unsupported("network.public_ip.bandwidth")
	}
	external, err := externalNetwork(ctx, client, req.GetExternalNetworkId())
	if err != nil {
		return nil, err
	}
	attributes := map[string]any{"floating_network_id": external}
	if req.GetIpAddress() != "" {
		attributes["floating_ip_address"] = req.GetIpAddress()
	}
	v, err := publicIPs.CreateMarked(ctx, client, attributes, req.GetDescription(), req.GetTags())
	if err != nil {
		return nil, explainCreatePublicIP(ctx, client, external, err)
	}
	return &networkv1.CreatePublicIpResponse{Id: v.ID, State: toProtoPublicIPState(v.Status, v.PortID)}, nil
}

// externalNetwork is the network that a request names, or the only one that
// there is. Errors: PARAMETER_REJECTED where there are several, OUT_OF_STOCK
// where there is none.
func externalNetwork(ctx context.Context, client *rest.Client, asked string) (string, error) {
	if asked != "" {
		return asked, session.ReferenceUUID(networks.Type, asked, "external_network_id")
	}
	found, err := networks.List(ctx, client, url.Values{"router:external": {"true"}})
	switch {
	case err != nil:
		return "", err
	case len(found) == 0:
		return "", sdk.NewError(apiv1.Reason_REASON_OUT_OF_STOCK, sdk.Resource(publicIPs.Type, ""))
	case len(found) > 1:
		return "", sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field("external_network_id"),
			sdk.Violation("external_network_id", "must be given, as the cloud has several external networks"))
	}
	return found[0].ID, nil
}

func explainCreatePublicIP(ctx context.Context, client *rest.Client, external string, err error) error {
	code := rest.FaultCode(err)
	switch {
	case code == "NetworkNotFound":
		return session.As(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, err, networks.Type, external, sdk.Field("external_network_id"))
	case code == "IpAddressAlreadyAllocated", code == "IpAddressInUse":
		return session.As(apiv1.Reason_REASON_CONFLICTS_WITH_EXISTING, err, publicIPs.Type, "", sdk.Field("ip_address"))
	case code != "ExternalIpAddressExhausted" && gophercloud.ResponseCodeIs(err, http.StatusBadRequest) && isInternal(ctx, client, external):
		return session.As(apiv1.Reason_REASON_REFERENCE_MISMATCH, err, networks.Type, external, sdk.Field("external_network_id"))
	}
	return session.Error(err, publicIPs.Type, "")
}

// UpdatePublicIp changes what is present. The address is read first, because
// Neutron would take it from another NIC without asking.
func (n *publicIPServer) UpdatePublicIp(ctx context.Context, req *networkv1.UpdatePublicIpRequest) (*networkv1.UpdatePublicIpResponse, error) {
	_, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	if req.BandwidthMbps != nil || req.BandwidthCharge != nil {
		return nil, sdk.Unsupported("network.public_ip.bandwidth")
	}
	v, err := publicIPs.Get(ctx, client, req.GetId())
	if err != nil {
		return nil, err
	}
	attributes, err := binding(req, v.PortID)
	if err != nil {
		return nil, err
	}
	v, err = publicIPs.Apply(ctx, client, req.GetId(), rest.Edit{
		Description: req.Description, Tags: req.GetTags(), Attributes: attributes,
	})
	if err != nil {
		return nil, explainBinding(ctx, client, req, err)
	}
	return &networkv1.UpdatePublicIpResponse{Id: v.ID, State: toProtoPublicIPState(v.Status, v.PortID)}, nil
}

// binding is the change of an address that is bound to the port now; empty: none
// is wanted, or it is so already. Errors: IN_USE.
func binding(req *networkv1.UpdatePublicIpRequest, now string) (map[string]any, error) {
	switch {
	case req.GetUnbind() && now != "":
		return map[string]any{"port_id": nil}, nil
	case req.NicId == nil || req.GetNicId() == now:
		return map[string]any{}, nil
	case now != "" && !req.GetAllowRebind():
		return nil, sdk.InUse(publicIPs.Type, req.GetId(), nil, rest.Blocker(nics.Type, now))
	default:
		return map[string]any{"port_id": req.GetNicId()}, nil
	}
}

func explainBinding(ctx context.Context, client *rest.Client, req *networkv1.UpdatePublicIpRequest, err error) error {
	switch rest.FaultCode(err) {
	case "PortNotFound":
		return session.As(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, err, nics.Type, req.GetNicId(), sdk.Field("nic_id"))
	case "ExternalGatewayForFloatingIPNotFound":
		return session.As(apiv1.Reason_REASON_INVALID_STATE, err, routers.Type, "", sdk.Field("nic_id"))
	case "FloatingIPPortAlreadyAssociated":
		return publicIPsInUse(ctx, client, nics.Type, req.GetNicId(), url.Values{"port_id": {req.GetNicId()}}, err)
	default:
		return session.Error(err, publicIPs.Type, req.GetId())
	}
}

// DeletePublicIp releases a floating IP, bound or not; the port that it is bound
// to stays.
func (n *publicIPServer) DeletePublicIp(ctx context.Context, req *networkv1.DeletePublicIpRequest) (*networkv1.DeletePublicIpResponse, error) {
	_, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	if err := publicIPs.Delete(ctx, client, req.GetId()); err != nil {
		return nil, session.Error(err, publicIPs.Type, req.GetId())
	}
	return &networkv1.DeletePublicIpResponse{Id: req.GetId(), State: networkv1.PublicIpState_PUBLIC_IP_STATE_DELETED}, nil
}

// GetPublicIp reads one floating IP.
func (n *publicIPServer) GetPublicIp(ctx context.Context, req *networkv1.GetPublicIpRequest) (*networkv1.GetPublicIpResponse, error) {
	s, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	v, err := publicIPs.Get(ctx, client, req.GetId())
	if err != nil {
		return nil, err
	}
	return &networkv1.GetPublicIpResponse{PublicIp: toProtoPublicIP(v, s.Region)}, nil
}

// ListPublicIps reads a page of floating IPs. A name is no filter here: the gateway
// knows the names.
func (n *publicIPServer) ListPublicIps(ctx context.Context, req *networkv1.ListPublicIpsRequest) (*networkv1.ListPublicIpsResponse, error) {
	s, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	query := url.Values{}
	rest.SetIf(query, "port_id", req.GetNicId())
	rest.SetIf(query, "floating_ip_address", req.GetIpAddress())
	p, err := publicIPs.Find(ctx, client, req, query)
	if err != nil {
		return nil, err
	}
	resp := &networkv1.ListPublicIpsResponse{NextPageToken: p.Next, MissingIds: p.Missing}
	for i := range p.Items {
		if v := toProtoPublicIP(&p.Items[i], s.Region); keepsPublicIP(req, v) {
			resp.PublicIps = append(resp.PublicIps, v)
		}
	}
	return resp, nil
}
