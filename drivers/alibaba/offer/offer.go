package offer

import (
	"context"
	"slices"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
)

// available is the status of what is in stock.
const available = "Available"

// Offer is something on sale in a zone.
type Offer struct {
	Zone    string
	Value   string // instance type, disk category
	InStock bool
	// Min and Max bound its size; 0: not told.
	Min, Max int32
}

// List is all that one question brought.
type List []Offer

// Read asks what is on sale in the region, one call for all zones.
func Read(ctx context.Context, caller api.Caller, params api.Params) (List, error) {
	var out struct {
		AvailableZones struct {
			AvailableZone []struct {
				ZoneID             string `json:"ZoneId"`
				Status             string
				AvailableResources struct{ AvailableResource []resource }
			}
		}
	}
	if err := caller.Call(ctx, api.ECS, "DescribeAvailableResource", params, &out); err != nil {
		return nil, api.Error(err, "", "")
	}
	var all List
	for _, zone := range out.AvailableZones.AvailableZone {
		for _, r := range zone.AvailableResources.AvailableResource {
			for _, v := range r.SupportedResources.SupportedResource {
				all = append(all, Offer{
					Zone: zone.ZoneID, Value: v.Value, Min: int32(v.Min), Max: int32(v.Max),
					InStock: zone.Status == available && v.Status == available,
				})
			}
		}
	}
	return all, nil
}

type resource struct {
	Type               string
	SupportedResources struct {
		SupportedResource []struct {
			Value, Status string
			Min, Max      api.Number
		}
	}
}

// Zones are the zones that have something in stock, sorted.
func (l List) Zones(value string) []string {
	var zones []string
	for _, o := range l {
		if o.Value == value && o.InStock {
			zones = append(zones, o.Zone)
		}
	}
	slices.Sort(zones)
	return slices.Compact(zones)
}
