package memcloud

import (
	"context"
	"slices"

	databasev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/database/v1"
)

type engineService struct {
	databasev1.UnimplementedEngineServiceServer
	c *Cloud
}

var _ databasev1.EngineServiceServer = (*engineService)(nil)

// ListEngines reads a page of engines.
func (s *engineService) ListEngines(ctx context.Context, req *databasev1.ListEnginesRequest) (*databasev1.ListEnginesResponse, error) {
	p, err := list(s.c, ctx, engines, req, nil)
	return &databasev1.ListEnginesResponse{Engines: p.items, NextPageToken: p.next, MissingIds: p.missing}, err
}

type dbFlavorService struct {
	databasev1.UnimplementedDbFlavorServiceServer
	c *Cloud
}

var _ databasev1.DbFlavorServiceServer = (*dbFlavorService)(nil)

// ListDbFlavors reads a page of sizes.
func (s *dbFlavorService) ListDbFlavors(ctx context.Context, req *databasev1.ListDbFlavorsRequest) (*databasev1.ListDbFlavorsResponse, error) {
	p, err := list(s.c, ctx, dbFlavors, req, func(_ *view, f *databasev1.DbFlavor) bool {
		forEngine := req.GetEngine() == 0 || len(f.GetEngines()) == 0 || slices.Contains(f.GetEngines(), req.GetEngine())
		return forEngine && (req.GetZoneId() == "" || slices.Contains(f.GetZoneIds(), req.GetZoneId()))
	})
	return &databasev1.ListDbFlavorsResponse{DbFlavors: p.items, NextPageToken: p.next, MissingIds: p.missing}, err
}

func offersEngine(v *view, engine databasev1.EngineType, version string) bool {
	for _, e := range engines.all(v) {
		if e.GetEngine() == engine && e.GetVersion() == version {
			return true
		}
	}
	return false
}

func seedDatabases(v *view, zoneIDs []string) {
	for _, e := range []struct {
		name, version string
		engine        databasev1.EngineType
		isDefault     bool
	}{
		{"mysql", "5.7", databasev1.EngineType_ENGINE_TYPE_MYSQL, false},
		{"mysql", "8.0", databasev1.EngineType_ENGINE_TYPE_MYSQL, true},
		{"mariadb", "10.11", databasev1.EngineType_ENGINE_TYPE_MARIADB, true},
		{"postgresql", "15", databasev1.EngineType_ENGINE_TYPE_POSTGRESQL, false},
		{"postgresql", "16", databasev1.EngineType_ENGINE_TYPE_POSTGRESQL, true},
		{"sqlserver", "2019_std", databasev1.EngineType_ENGINE_TYPE_SQLSERVER, true},
	} {
		put(v, engines, e.name+"-"+e.version, &databasev1.Engine{Name: e.name + " " + e.version, Engine: e.engine, Version: e.version,
			IsDefault: e.isDefault, ZoneIds: zoneIDs})
	}
	for _, f := range []struct {
		id            string
		vcpus, memory int32
		sellable      bool
	}{
		{"db1.small", 1, 1024, true},
		{"db1.medium", 2, 4096, true},
		{"db1.large", 4, 8192, true},
		{"db1.xlarge", 8, 32768, true},
		{"db0.retired", 1, 512, false},
	} {
		put(v, dbFlavors, f.id, &databasev1.DbFlavor{Name: f.id, Vcpus: f.vcpus, MemoryMib: f.memory, ZoneIds: zoneIDs, Sellable: f.sellable})
	}
}
