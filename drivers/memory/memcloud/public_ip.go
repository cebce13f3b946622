package memcloud

import (
	"context"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

type publicIPService struct {
	networkv1.UnimplementedPublicIpServiceServer
	c *Cloud
}

var _ networkv1.PublicIpServiceServer = (*publicIPService)(nil)

// CreatePublicIp takes an address out of the pool of the external network.
func (s *publicIPService) CreatePublicIp(ctx context.Context, req *networkv1.CreatePublicIpRequest) (*networkv1.CreatePublicIpResponse, error) {
	return write(s.c, ctx, func(v *view) (*networkv1.CreatePublicIpResponse, error) {
		pool := req.GetExternalNetworkId()
		if pool == "" {
			pool = externalNetworkID
		}
		nr, network, err := networks.ref(v, "external_network_id", pool)
		if err == nil && !network.GetExternal() {
			err = mismatch("external_network_id")
		}
		if err == nil {
			err = v.within(use{"network.public_ip.count", 1})
		}
		if err != nil {
			return nil, err
		}
		sr, subnet, err := subnets.ref(v, "external_network_id", externalSubnetID)
		if err != nil {
			return nil, err
		}
		address, err := takeAddress(v, sr, subnet, "ip_address", req.GetIpAddress())
		if err != nil {
			return nil, err
		}
		ip := &networkv1.PublicIp{
			BandwidthMbps:   defaultBandwidthMbps,
			BandwidthCharge: networkv1.BandwidthCharge_BANDWIDTH_CHARGE_BY_TRAFFIC,
		}
		fill(ip, req)
		ip.IpAddress, ip.ExternalNetworkId = address, nr.id
		ip.Charge = chargeOrPostpaid(req.GetCharge())
		setState(ip, networkv1.PublicIpState_PUBLIC_IP_STATE_CREATING)
		r, ip := publicIPs.add(v, ip)
		v.after(r, publicIPDelay)
		return &networkv1.CreatePublicIpResponse{Id: r.id, State: ip.GetState()}, nil
	})
}

// UpdatePublicIp changes name, description, tags and bandwidth, and binds or unbinds.
func (s *publicIPService) UpdatePublicIp(ctx context.Context, req *networkv1.UpdatePublicIpRequest) (*networkv1.UpdatePublicIpResponse, error) {
	return write(s.c, ctx, func(v *view) (*networkv1.UpdatePublicIpResponse, error) {
		r, ip, err := publicIPs.get(v, req.GetId())
		if err != nil {
			return nil, err
		}
		if !settledAsAsked(ip, req) {
			err = inState(r, ip.GetState(), networkv1.PublicIpState_PUBLIC_IP_STATE_AVAILABLE, networkv1.PublicIpState_PUBLIC_IP_STATE_IN_USE)
			if err != nil {
				return nil, err
			}
		}
		r, ip = publicIPs.edit(v, r)
		bound := ip.GetNicId()
		fill(ip, req)
		ip.NicId = bound
		switch {
		case req.GetUnbind() && bound != "":
			beginUnbind(v, r)
		case req.NicId != nil && req.GetNicId() == "" && bound != "":
			beginUnbind(v, r)
		case req.GetNicId() != "" && req.GetNicId() != bound:
			err = bind(v, r, req.GetNicId(), req.GetAllowRebind())
		}
		return &networkv1.UpdatePublicIpResponse{Id: r.id, State: ip.GetState()}, err
	})
}

// settledAsAsked tells whether a repeat finds its binding on the way already.
func settledAsAsked(ip *networkv1.PublicIp, req *networkv1.UpdatePublicIpRequest) bool {
	return req.GetNicId() != "" && req.GetNicId() == ip.GetNicId() && ip.GetState() == networkv1.PublicIpState_PUBLIC_IP_STATE_BINDING ||
		req.GetUnbind() && ip.GetState() == networkv1.PublicIpState_PUBLIC_IP_STATE_UNBINDING
}

// DeletePublicIp unbinds and releases an address.
func (s *publicIPService) DeletePublicIp(ctx context.Context, req *networkv1.DeletePublicIpRequest) (*networkv1.DeletePublicIpResponse, error) {
	return write(s.c, ctx, func(v *view) (*networkv1.DeletePublicIpResponse, error) {
		r, ip, ok := publicIPs.find(v, req.GetId())
		if !ok {
			return &networkv1.DeletePublicIpResponse{Id: req.GetId(), State: networkv1.PublicIpState_PUBLIC_IP_STATE_DELETED}, nil
		}
		if ip.GetState() != networkv1.PublicIpState_PUBLIC_IP_STATE_DELETING {
			err := inState(r, ip.GetState(), networkv1.PublicIpState_PUBLIC_IP_STATE_AVAILABLE,
				networkv1.PublicIpState_PUBLIC_IP_STATE_IN_USE, networkv1.PublicIpState_PUBLIC_IP_STATE_ERROR)
			if err != nil {
				return nil, err
			}
			unbind(v, r)
			r, ip = publicIPs.edit(v, r)
			setState(ip, networkv1.PublicIpState_PUBLIC_IP_STATE_DELETING)
			v.after(r, publicIPDelay)
		}
		return &networkv1.DeletePublicIpResponse{Id: r.id, State: ip.GetState()}, nil
	})
}

// GetPublicIp reads one public IP.
func (s *publicIPService) GetPublicIp(ctx context.Context, req *networkv1.GetPublicIpRequest) (*networkv1.GetPublicIpResponse, error) {
	return read(s.c, ctx, func(v *view) (*networkv1.GetPublicIpResponse, error) {
		_, ip, err := publicIPs.get(v, req.GetId())
		return &networkv1.GetPublicIpResponse{PublicIp: ip}, err
	})
}

// ListPublicIps reads a page of public IPs.
func (s *publicIPService) ListPublicIps(ctx context.Context, req *networkv1.ListPublicIpsRequest) (*networkv1.ListPublicIpsResponse, error) {
	p, err := list(s.c, ctx, publicIPs, req, nil)
	return &networkv1.ListPublicIpsResponse{PublicIps: p.items, NextPageToken: p.next, MissingIds: p.missing}, err
}

// bind begins to join an address to a NIC whose subnet a router leads out.
func bind(v *view, r *record, nicID string, allowRebind bool) error {
	r, ip := publicIPs.edit(v, r)
	if ip.GetNicId() != "" && !allowRebind {
		return sdk.InUse(string(r.kind), r.id, nil, nics.blocker(ip.GetNicId()))
	}
	nr, nic, err := nics.ref(v, "nic_id", nicID)
	if err == nil {
		err = refInState("nic_id", nr, nic.GetState(), networkv1.NicState_NIC_STATE_AVAILABLE, networkv1.NicState_NIC_STATE_IN_USE)
	}
	if err != nil {
		return err
	}
	if nic.GetPublicIpId() != "" {
		return sdk.InUse(string(nr.kind), nr.id, nil, publicIPs.blocker(nic.GetPublicIpId()))
	}
	if !leadsOut(v, nic.GetSubnetId(), ip.GetExternalNetworkId()) {
		return sdk.InvalidState(string(routers.kind), "", nil)
	}
	unbind(v, r)
	_, nic = nics.edit(v, nr)
	nic.PublicIpId = r.id
	ip.NicId = nr.id
	if len(nic.GetIpAddresses()) > 0 {
		ip.PrivateIpAddress = nic.GetIpAddresses()[0]
	}
	setState(ip, networkv1.PublicIpState_PUBLIC_IP_STATE_BINDING)
	v.after(r, publicIPDelay)
	refreshVM(v, nic.GetVmId())
	refreshVIP(v, nic.GetDeviceId())
	return nil
}
