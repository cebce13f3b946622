package database

import (
	"context"
	"maps"
	"net/netip"
	"net/url"
	"slices"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
	"github.com/gophercloud/gophercloud/v2/pagination"

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

// networksAsked bounds how many networks one query names, so that its address stays below
// the 4 KiB that proxies allow.
const networksAsked = 50

// readSubnetsOf reads the subnets of all networks that instances are in, as far as they
// are not known, for subnetOf.
func readSubnetsOf(ctx context.Context, s *session.Session, list []instance) error {
	unknown := map[string][]subnets.Subnet{}
	for i := range list {
		for _, a := range list[i].Addresses {
			if _, known := s.NetworkSubnets.Peek(a.Network); !known && a.Network != "" {
				unknown[a.Network] = nil
			}
		}
	}
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(unknown)), networksAsked) {
		query := url.Values{"network_id": ids}
		page, err := pagination.NewPager(s.Network, s.Network.ServiceURL("subnets")+"?"+query.Encode(), func(r pagination.PageResult) pagination.Page {
			return subnets.SubnetPage{LinkedPageBase: pagination.LinkedPageBase{PageResult: r}}
		}).AllPages(ctx)
		if err != nil {
			return session.Error(err, typeSubnet, "")
		}
		found, err := subnets.ExtractSubnets(page)
		if err != nil {
			return session.Error(err, typeSubnet, "")
		}
		for i := range found {
			unknown[found[i].NetworkID] = append(unknown[found[i].NetworkID], found[i])
		}
	}
	for id, of := range unknown {
		s.NetworkSubnets.Put(id, of)
	}
	return nil
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
