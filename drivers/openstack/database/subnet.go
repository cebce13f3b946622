package database

import (
	"context"
	"net/netip"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
)

// readSubnet reads the subnet of a request. Errors: REFERENCE_NOT_FOUND.
func readSubnet(ctx context.Context, s *session.Session, id string) (*subnets.Subnet, error) {
	if err := session.ReferenceUUID(typeSubnet, id, "subnet_id"); err != nil {
		return nil, err
	}
	v, err := subnets.Get(ctx, s.Network, id).Extract()
	return v, rest.AsReference(session.Error(err, typeSubnet, id), "subnet_id")
}

// subnetOf is the subnet that an instance has its address from, which Trove does not
// tell; empty: not known, as for an instance without address.
func subnetOf(ctx context.Context, s *session.Session, v *instance) (string, error) {
	for _, a := range v.Addresses {
		ip, err := netip.ParseAddr(a.Address)
		if a.Network == "" || err != nil {
			continue
		}
		list, err := s.NetworkSubnets.Get(ctx, a.Network, func(ctx context.Context) ([]subnets.Subnet, error) {
			page, err := subnets.List(s.Network, subnets.ListOpts{NetworkID: a.Network}).AllPages(ctx)
			if err != nil {
				return nil, err
			}
			return subnets.ExtractSubnets(page)
		})
		if err != nil {
			return "", session.Error(err, typeSubnet, "")
		}
		for i := range list {
			if prefix, err := netip.ParsePrefix(list[i].CIDR); err == nil && prefix.Contains(ip) {
				return list[i].ID, nil
			}
		}
	}
	return "", nil
}
