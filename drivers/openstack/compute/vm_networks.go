package compute

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/ports"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// attachNetworks turns the request's NICs into Nova's networks. made are the
// ports that it had to make; on failure it has removed them again.
func attachNetworks(ctx context.Context, s *session.Session, req *computev1.CreateVmRequest) (networks []servers.Network, made []string, err error) {
	defer func() {
		if err != nil {
			_ = ports.Delete(ctx, s, made)
		}
	}()
	for i, nic := range req.GetNics() {
		network, port, err := attachNetwork(ctx, s, req, i, nic)
		if err != nil {
			return nil, made, err
		}
		if port != "" {
			made = append(made, port)
		}
		networks = append(networks, network)
	}
	return networks, made, nil
}

func attachNetwork(ctx context.Context, s *session.Session, req *computev1.CreateVmRequest, index int, nic *computev1.NicSpec) (_ servers.Network, made string, _ error) {
	if id := nic.GetNicId(); id != "" {
		field := fmt.Sprintf("nics[%d].nic_id", index)
		return servers.Network{Port: id}, "", session.ReferenceUUID(typeNIC, id, field)
	}
	field := fmt.Sprintf("nics[%d].subnet_id", index)
	subnet, err := subnetByID(ctx, s, nic.GetSubnetId(), field)
	if err != nil {
		return servers.Network{}, "", err
	}
	if err := checkAddress(subnet, nic.GetPrivateIpAddress(), index); err != nil {
		return servers.Network{}, "", err
	}
	siblings, err := networkSubnets(ctx, s, subnet.NetworkID)
	if err != nil {
		return servers.Network{}, "", err
	}
	if isOnlyOfFamily(subnet, siblings) {
		return servers.Network{UUID: subnet.NetworkID, FixedIP: nic.GetPrivateIpAddress()}, "", nil
	}
	made, err = ports.Create(ctx, s, ports.Spec{
		NetworkID:      subnet.NetworkID,
		IP:             ports.IP{SubnetID: subnet.ID, Address: nic.GetPrivateIpAddress()},
		SecurityGroups: req.GetSecurityGroupIds(),
		Marker:         nicMarker(ctx, index),
	})
	return servers.Network{Port: made}, made, session.Error(err, typeNIC, "", sdk.Field(field))
}

// nicMarker marks the port made for the NIC at index.
func nicMarker(ctx context.Context, index int) string {
	return session.Marker(ctx, "nic"+strconv.Itoa(index))
}

// isOnlyOfFamily tells whether Nova, given the network, can only choose this subnet.
func isOnlyOfFamily(subnet *subnets.Subnet, siblings []subnets.Subnet) bool {
	for i := range siblings {
		if siblings[i].IPVersion == subnet.IPVersion && siblings[i].ID != subnet.ID {
			return false
		}
	}
	return true
}

func checkAddress(subnet *subnets.Subnet, address string, index int) error {
	if address == "" {
		return nil
	}
	field := fmt.Sprintf("nics[%d].private_ip_address", index)
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field(field), sdk.Violation(field, "is not an IP address"))
	}
	prefix, err := netip.ParsePrefix(subnet.CIDR)
	if err == nil && !prefix.Contains(ip) {
		return sdk.NewError(apiv1.Reason_REASON_REFERENCE_MISMATCH, sdk.Field(field), sdk.Violation(field, "is not in the subnet"))
	}
	return nil
}

func subnetByID(ctx context.Context, s *session.Session, id, field string) (*subnets.Subnet, error) {
	if err := session.ReferenceUUID(typeSubnet, id, field); err != nil {
		return nil, err
	}
	if err := session.Require(s.Network); err != nil {
		return nil, err
	}
	subnet, err := s.Subnets.Get(ctx, id, func(ctx context.Context) (*subnets.Subnet, error) {
		return subnets.Get(ctx, s.Network, id).Extract()
	})
	if session.IsNotFound(err) {
		return nil, session.As(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, err, typeSubnet, id, sdk.Field(field))
	}
	return subnet, session.Error(err, typeSubnet, id, sdk.Field(field))
}

func networkSubnets(ctx context.Context, s *session.Session, networkID string) ([]subnets.Subnet, error) {
	list, err := s.NetworkSubnets.Get(ctx, networkID, func(ctx context.Context) ([]subnets.Subnet, error) {
		page, err := subnets.List(s.Network, subnets.ListOpts{NetworkID: networkID}).AllPages(ctx)
		if err != nil {
			return nil, err
		}
		return subnets.ExtractSubnets(page)
	})
	return list, session.Error(err, "network.network", networkID)
}
