package database

import (
	"context"
	"slices"

	databasev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/database/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

type engineServer struct {
	databasev1.UnimplementedEngineServiceServer
	base
}

var _ databasev1.EngineServiceServer = (*engineServer)(nil)

// ListEngines reads the versions of all datastores in one call.
func (e *engineServer) ListEngines(ctx context.Context, req *databasev1.ListEnginesRequest) (*databasev1.ListEnginesResponse, error) {
	s, err := e.open(ctx)
	if err != nil {
		return nil, err
	}
	list, err := readOffers(ctx, s)
	if err != nil {
		return nil, err
	}
	resp := &databasev1.ListEnginesResponse{}
	key := func(o offer) string { return o.version.ID }
	if len(req.GetIds()) > 0 {
		list, resp.MissingIds = sdk.PickIDs(list, key, req.GetIds())
	} else {
		list = slices.DeleteFunc(list, func(o offer) bool { return req.GetEngine() != 0 && req.GetEngine() != o.engine })
		list, resp.NextPageToken = sdk.CutPage(list, key, req)
	}
	for i := range list {
		if v := toProtoOffer(&list[i], s.Region); req.GetName() == "" || req.GetName() == v.GetName() {
			resp.Engines = append(resp.Engines, v)
		}
	}
	return resp, nil
}

func readOffers(ctx context.Context, s *session.Session) ([]offer, error) {
	stores, err := readDatastores(ctx, s)
	return offersOf(stores), err
}
