package compute

import (
	"context"
	"slices"

	"github.com/gophercloud/gophercloud/v2"

	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Services that have availability zones, by the contract's names.
const (
	serviceCompute = "compute"
	serviceStorage = "storage"
	serviceNetwork = "network"
)

// extensionNetworkZones is the network service's extension that has zones.
const extensionNetworkZones = "availability_zone"

// Zones serves cloud.compute.v1.ZoneService from a list that is read at most
// every hour.
type Zones struct {
	computev1.UnimplementedZoneServiceServer
	base
}

var _ computev1.ZoneServiceServer = (*Zones)(nil)

// ListZones reads the zones of compute, storage and network; zones of one name
// are one.
func (z *Zones) ListZones(ctx context.Context, req *computev1.ListZonesRequest) (*computev1.ListZonesResponse, error) {
	s, err := z.open(ctx)
	if err != nil {
		return nil, err
	}
	zones, err := allZones(ctx, s)
	if err != nil {
		return nil, err
	}
	resp := &computev1.ListZonesResponse{}
	if len(req.GetIds()) > 0 {
		zones, resp.MissingIds = sdk.PickIDs(zones, zoneKey, req.GetIds())
	} else {
		zones, resp.NextPageToken = sdk.CutPage(matchingZones(zones, req), zoneKey, req)
	}
	for _, zone := range zones {
		resp.Zones = append(resp.Zones, &computev1.Zone{
			Id:        zone.Name,
			Name:      zone.Name,
			RegionId:  s.Region,
			Available: zone.Available,
			Services:  zone.Services,
		})
	}
	return resp, nil
}

func zoneKey(z session.Zone) string { return z.Name }

func matchingZones(zones []session.Zone, req *computev1.ListZonesRequest) []session.Zone {
	return slices.DeleteFunc(slices.Clone(zones), func(z session.Zone) bool {
		return req.GetName() != "" && z.Name != req.GetName() ||
			req.GetService() != "" && !slices.Contains(z.Services, req.GetService())
	})
}

// allZones reads the zones of all services, one call for each.
func allZones(ctx context.Context, s *session.Session) ([]session.Zone, error) {
	zones, err := s.Zones.Get(ctx, "", func(ctx context.Context) ([]session.Zone, error) {
		var list []session.Zone
		for _, source := range []struct {
			service string
			client  *gophercloud.ServiceClient
		}{{serviceCompute, s.Compute}, {serviceStorage, s.Volume}} {
			if source.client == nil {
				continue
			}
			names, err := readZones(ctx, source.client)
			if err != nil {
				return nil, err
			}
			list = addZones(list, source.service, names)
		}
		names, err := readNetworkZones(ctx, s)
		return addZones(list, serviceNetwork, names), err
	})
	return zones, session.Error(err, "", "")
}

// readZones reads the zones of compute or storage: name to availability.
func readZones(ctx context.Context, client *gophercloud.ServiceClient) (map[string]bool, error) {
	var body struct {
		Zones []struct {
			Name  string `json:"zoneName"`
			State struct {
				Available bool `json:"available"`
			} `json:"zoneState"`
		} `json:"availabilityZoneInfo"`
	}
	if _, err := client.Get(ctx, client.ServiceURL("os-availability-zone"), &body, nil); err != nil {
		return nil, err
	}
	zones := make(map[string]bool, len(body.Zones))
	for _, z := range body.Zones {
		zones[z.Name] = z.State.Available
	}
	return zones, nil
}

func readNetworkZones(ctx context.Context, s *session.Session) (map[string]bool, error) {
	if s.Network == nil || !s.Extensions[extensionNetworkZones] {
		return nil, nil
	}
	var body struct {
		Zones []struct {
			Name  string `json:"name"`
			State string `json:"state"`
		} `json:"availability_zones"`
	}
	if _, err := s.Network.Get(ctx, s.Network.ServiceURL("availability_zones"), &body, nil); err != nil {
		return nil, err
	}
	zones := make(map[string]bool, len(body.Zones))
	for _, z := range body.Zones {
		zones[z.Name] = zones[z.Name] || z.State == "available"
	}
	return zones, nil
}

// addZones adds the zones of one service; a zone is available if one of its
// services has it so.
func addZones(list []session.Zone, service string, found map[string]bool) []session.Zone {
	for name, available := range found {
		i := slices.IndexFunc(list, func(z session.Zone) bool { return z.Name == name })
		if i < 0 {
			list = append(list, session.Zone{Name: name, Available: available, Services: []string{service}})
			continue
		}
		list[i].Available = list[i].Available || available
		list[i].Services = append(list[i].Services, service)
	}
	return list
}
