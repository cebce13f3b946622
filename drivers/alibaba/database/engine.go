package database

import (
	"cmp"
	"context"
	"slices"

	databasev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/database/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/sdk/nativeid"
)

type engineServer struct {
	databasev1.UnimplementedEngineServiceServer
	base
}

var _ databasev1.EngineServiceServer = (*engineServer)(nil)

// ListEngines reads what the zones of the region sell: one call for each engine.
func (n *engineServer) ListEngines(ctx context.Context, req *databasev1.ListEnginesRequest) (*databasev1.ListEnginesResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	var all []*databasev1.Engine
	for _, engine := range allEngines(req.GetEngine()) {
		var answer struct{ AvailableZones []availableZone }
		params := api.Params{}.Set("Engine", engine).Set("CommodityCode", commodity(s))
		if err := s.Call(ctx, api.RDS, "DescribeAvailableZones", params, &answer); err != nil {
			return nil, api.Error(err, typeEngine, "")
		}
		all = append(all, toProtoEngines(answer.AvailableZones, s.Region)...)
	}
	p, err := kind.Slice(all, req, func(v **databasev1.Engine) string { return (*v).GetId() })
	if err != nil {
		return nil, err
	}
	resp := &databasev1.ListEnginesResponse{NextPageToken: p.Next, MissingIds: p.Missing}
	for _, v := range p.Items {
		if req.GetName() == "" || req.GetName() == v.GetName() {
			resp.Engines = append(resp.Engines, v)
		}
	}
	return resp, nil
}

// toProtoEngines turns zones with versions into versions with zones, ordered.
func toProtoEngines(zones []availableZone, region string) []*databasev1.Engine {
	byID := map[string]*databasev1.Engine{}
	for _, zone := range zones {
		for _, engine := range zone.SupportedEngines {
			for _, version := range engine.SupportedEngineVersions {
				id := nativeid.Join(engine.Engine, version.Version)
				v := byID[id]
				if v == nil {
					v = &databasev1.Engine{
						Id: id, Name: engine.Engine + " " + version.Version, RegionId: region,
						Engine: toProtoEngine(engine.Engine), Version: version.Version,
					}
					byID[id] = v
				}
				if !slices.Contains(v.ZoneIds, zone.ZoneID) {
					v.ZoneIds = append(v.ZoneIds, zone.ZoneID)
				}
			}
		}
	}
	all := make([]*databasev1.Engine, 0, len(byID))
	for _, v := range byID {
		all = append(all, v)
	}
	slices.SortFunc(all, func(a, b *databasev1.Engine) int { return cmp.Compare(a.GetId(), b.GetId()) })
	return all
}

type flavorServer struct {
	databasev1.UnimplementedDbFlavorServiceServer
	base
}

var _ databasev1.DbFlavorServiceServer = (*flavorServer)(nil)

// ListDbFlavors reads the classes of instances: one call for each engine. Which
// zone sells which is told when an instance is made.
func (n *flavorServer) ListDbFlavors(ctx context.Context, req *databasev1.ListDbFlavorsRequest) (*databasev1.ListDbFlavorsResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	var all []*databasev1.DbFlavor
	for _, engine := range allEngines(req.GetEngine()) {
		classes, err := classesOf(ctx, s, engine)
		if err != nil {
			return nil, err
		}
		all = append(all, toProtoFlavors(classes, engine, s.Region)...)
	}
	p, err := kind.Slice(all, req, func(v **databasev1.DbFlavor) string { return (*v).GetId() })
	if err != nil {
		return nil, err
	}
	resp := &databasev1.ListDbFlavorsResponse{NextPageToken: p.Next, MissingIds: p.Missing}
	for _, v := range p.Items {
		if req.GetName() == "" || req.GetName() == v.GetName() {
			resp.DbFlavors = append(resp.DbFlavors, v)
		}
	}
	return resp, nil
}

// toProtoFlavors maps classes; one that stands in several series comes once.
func toProtoFlavors(classes []class, engine, region string) []*databasev1.DbFlavor {
	var out []*databasev1.DbFlavor
	seen := map[string]bool{}
	for i := range classes {
		c := &classes[i]
		if seen[c.ClassCode] {
			continue
		}
		seen[c.ClassCode] = true
		out = append(out, &databasev1.DbFlavor{
			Id: c.ClassCode, Name: c.ClassCode, RegionId: region, Vcpus: int32(c.CPU), MemoryMib: memoryMiB(c.MemoryClass),
			Engines: []databasev1.EngineType{toProtoEngine(engine)}, Sellable: true,
		})
	}
	return out
}
