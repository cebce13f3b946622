package network

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	gophersubnets "github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/openstack/tags"
	"github.com/yunqiao/yunqiao/drivers/openstack/vmaction"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

type nicServer struct {
	networkv1.UnimplementedNicServiceServer
	base
}

var _ networkv1.NicServiceServer = (*nicServer)(nil)

// CreateNic makes a port. Neutron wants its network too, which the subnet tells.
func (n *nicServer) CreateNic(ctx context.Context, req *networkv1.CreateNicRequest) (*networkv1.CreateNicResponse, error) {
	s, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	networkID, err := networkOf(ctx, s, req.GetSubnetId())
	if err != nil {
		return nil, err
	}
	v, err := nics.CreateMarked(ctx, client, fromProtoCreateNIC(req, networkID), req.GetDescription(), req.GetTags())
	if err != nil {
		return nil, explainNIC(req.GetSubnetId(), "", err)
	}
	return &networkv1.CreateNicResponse{Id: v.ID, State: toProtoNICState(v.Status, v.DeviceID)}, nil
}

// networkOf is the network of a subnet. Errors: REFERENCE_NOT_FOUND.
func networkOf(ctx context.Context, s *session.Session, subnetID string) (string, error) {
	if err := session.ReferenceUUID(subnets.Type, subnetID, "subnet_id"); err != nil {
		return "", err
	}
	v, err := s.Subnets.Get(ctx, subnetID, func(ctx context.Context) (*gophersubnets.Subnet, error) {
		return gophersubnets.Get(ctx, s.Network, subnetID).Extract()
	})
	if err != nil {
		return "", rest.AsReference(session.Error(err, subnets.Type, subnetID), "subnet_id")
	}
	return v.NetworkID, nil
}

// explainNIC tells what a refusal of a port's attributes is about.
func explainNIC(subnetID, id string, err error) error {
	switch rest.FaultCode(err) {
	case "SubnetNotFound", "NetworkNotFound":
		return session.As(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, err, subnets.Type, subnetID, sdk.Field("subnet_id"))
	case "SecurityGroupNotFound":
		return session.As(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, err, securityGroups.Type, "", sdk.Field("security_group_ids"))
	case "IpAddressInUse", "IpAddressAlreadyAllocated":
		return session.As(apiv1.Reason_REASON_CONFLICTS_WITH_EXISTING, err, nics.Type, id, sdk.Field("ip_address"))
	case "InvalidIpForSubnet", "InvalidIpForNetwork":
		return session.Error(err, nics.Type, id, sdk.Field("ip_address"))
	case "MacAddressInUse":
		return session.Error(err, nics.Type, id, sdk.Field("mac_address"))
	default:
		return session.Error(err, nics.Type, id)
	}
}

// UpdateNic changes what is present.
func (n *nicServer) UpdateNic(ctx context.Context, req *networkv1.UpdateNicRequest) (*networkv1.UpdateNicResponse, error) {
	_, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	v, err := modifyNIC(ctx, client, req.GetId(), func(p *port) (map[string]any, error) {
		return fromProtoUpdateNIC(req, p), nil
	})
	if err != nil {
		return nil, explainNIC("", req.GetId(), err)
	}
	if req.GetTags() != nil {
		if err := nics.SetTags(ctx, client, v.ID, tags.FromProto(req.GetTags().GetEntries(), v.Tags)); err != nil {
			return nil, err
		}
	}
	return &networkv1.UpdateNicResponse{Id: v.ID, State: toProtoNICState(v.Status, v.DeviceID)}, nil
}

// maxRaces is how often a change is made anew because somebody else changed the
// port between reading and writing.
const maxRaces = 4

// modifyNIC reads a port and makes the change that depends on it, anew if the
// port changes meanwhile. A nil or empty change is none. Errors: NOT_FOUND, those
// of change, RESOURCE_BUSY, or the cloud's own.
func modifyNIC(ctx context.Context, client *rest.Client, id string, change func(*port) (map[string]any, error)) (*port, error) {
	var raced error
	for range maxRaces {
		p, err := nics.Get(ctx, client, id)
		if err != nil {
			return nil, err
		}
		attributes, err := change(p)
		if err != nil || len(attributes) == 0 {
			return p, err
		}
		v, err := nics.UpdateIf(ctx, client, id, p.RevisionNumber, attributes)
		if !gophercloud.ResponseCodeIs(err, http.StatusPreconditionFailed) {
			return v, err
		}
		raced = err
	}
	return nil, session.As(apiv1.Reason_REASON_RESOURCE_BUSY, raced, nics.Type, id)
}

// DeleteNic removes a port that no device has. It is read first, and removed as
// it was read: Neutron would pull the port of a running VM or a load balancer.
func (n *nicServer) DeleteNic(ctx context.Context, req *networkv1.DeleteNicRequest) (*networkv1.DeleteNicResponse, error) {
	_, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	if err := deleteFree(ctx, client, req.GetId()); err != nil {
		return nil, err
	}
	return &networkv1.DeleteNicResponse{Id: req.GetId(), State: networkv1.NicState_NIC_STATE_DELETED}, nil
}

func deleteFree(ctx context.Context, client *rest.Client, id string) error {
	var raced error
	for range maxRaces {
		p, err := nics.Get(ctx, client, id)
		if sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND {
			return nil
		}
		if err != nil {
			return err
		}
		if p.DeviceID != "" || p.DeviceOwner != "" {
			return sdk.InUse(nics.Type, id, nil, deviceBlocker(p)...)
		}
		err = nics.DeleteIf(ctx, client, id, p.RevisionNumber)
		if !gophercloud.ResponseCodeIs(err, http.StatusPreconditionFailed) {
			return session.Error(err, nics.Type, id)
		}
		raced = err
	}
	return session.As(apiv1.Reason_REASON_RESOURCE_BUSY, raced, nics.Type, id)
}

// deviceBlocker names the device of a port, where it is a resource.
func deviceBlocker(p *port) []string {
	switch toProtoDeviceKind(p.DeviceOwner, p.DeviceID) {
	case networkv1.NicDeviceKind_NIC_DEVICE_KIND_VM:
		return []string{rest.Blocker(vmaction.ResourceType, p.DeviceID)}
	case networkv1.NicDeviceKind_NIC_DEVICE_KIND_ROUTER:
		return []string{rest.Blocker(routers.Type, p.DeviceID)}
	case networkv1.NicDeviceKind_NIC_DEVICE_KIND_PUBLIC_IP:
		return []string{rest.Blocker(publicIPs.Type, p.DeviceID)}
	case networkv1.NicDeviceKind_NIC_DEVICE_KIND_LOAD_BALANCER:
		return []string{rest.Blocker("network.vip", strings.TrimPrefix(p.DeviceID, loadBalancerPrefix))}
	default:
		return nil
	}
}

// GetNic reads one port, its public IP, and whether it is its VM's first.
func (n *nicServer) GetNic(ctx context.Context, req *networkv1.GetNicRequest) (*networkv1.GetNicResponse, error) {
	s, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	v, err := nics.Get(ctx, client, req.GetId())
	if err != nil {
		return nil, err
	}
	out := toProtoNIC(v, s.Region)
	bound, err := boundPublicIPs(ctx, s, client, url.Values{"port_id": {v.ID}})
	if err != nil {
		return nil, err
	}
	out.PublicIpId = bound[v.ID]
	if out.GetVmId() != "" {
		first, err := firstMAC(ctx, s, out.GetVmId())
		if err != nil {
			return nil, err
		}
		out.Primary = first == out.GetMacAddress()
	}
	return &networkv1.GetNicResponse{Nic: out}, nil
}

// ListNics reads a page of ports, and the public IPs of all in one call. Whether
// one is its VM's first is told if the list is of one VM.
func (n *nicServer) ListNics(ctx context.Context, req *networkv1.ListNicsRequest) (*networkv1.ListNicsResponse, error) {
	s, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	query := url.Values{}
	rest.SetIf(query, "name", req.GetName())
	rest.SetIf(query, "device_id", req.GetVmId())
	rest.SetIf(query, "network_id", req.GetNetworkId())
	rest.SetIf(query, "security_groups", req.GetSecurityGroupId())
	rest.SetIf(query, "mac_address", req.GetMacAddress())
	if req.GetSubnetId() != "" {
		query.Set("fixed_ips", "subnet_id="+req.GetSubnetId())
	}
	p, err := nics.Find(ctx, client, req, query)
	if err != nil {
		return nil, err
	}
	resp := &networkv1.ListNicsResponse{NextPageToken: p.Next, MissingIds: p.Missing}
	for i := range p.Items {
		if v := toProtoNIC(&p.Items[i], s.Region); keepsNIC(req, v) {
			resp.Nics = append(resp.Nics, v)
		}
	}
	return resp, complete(ctx, s, client, req.GetVmId(), resp.GetNics())
}

// boundPublicIPs are the floating IPs that a query finds, by their ports; none where
// the cloud has no routers.
func boundPublicIPs(ctx context.Context, s *session.Session, client *rest.Client, query url.Values) (map[string]string, error) {
	if !s.Extensions["router"] {
		return nil, nil
	}
	all, err := publicIPs.List(ctx, client, query)
	if err != nil {
		return nil, err
	}
	byPort := make(map[string]string, len(all))
	for i := range all {
		byPort[all[i].PortID] = all[i].ID
	}
	return byPort, nil
}

// complete adds to a page of NICs what other objects tell.
func complete(ctx context.Context, s *session.Session, client *rest.Client, vmID string, page []*networkv1.Nic) error {
	if len(page) == 0 {
		return nil
	}
	byPort, err := boundPublicIPs(ctx, s, client, url.Values{})
	if err != nil {
		return err
	}
	first := ""
	if vmID != "" {
		if first, err = firstMAC(ctx, s, vmID); err != nil {
			return err
		}
	}
	for _, v := range page {
		v.PublicIpId = byPort[v.GetId()]
		v.Primary = first != "" && v.GetMacAddress() == first
	}
	return nil
}
