package database

import (
	"cmp"
	"context"
	"slices"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	databasev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/database/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

const defaultStorageType = "cloud_essd"

// commodity is how the two sites call instances that are paid for as they go.
func commodity(s *session.Session) string {
	if s.Site == api.SiteInternational {
		return "bards_intl"
	}
	return "bards"
}

// classesOf reads all classes of an engine with processors and memory.
func classesOf(ctx context.Context, s *session.Session, engine string) ([]class, error) {
	var answer struct{ Items []class }
	params := api.Params{}.Set("CommodityCode", commodity(s)).Set("OrderType", "BUY").Set("Engine", engine)
	if err := s.Call(ctx, api.RDS, "ListClasses", params, &answer); err != nil {
		return nil, api.Error(err, typeFlavor, "")
	}
	return answer.Items, nil
}

// choice is what a new instance shall be of.
type choice struct {
	class   string
	storage int32 // GB
}

// choose finds the class that a request means among those that the zone sells now:
// the named one, or the smallest that is enough. Errors: OUT_OF_STOCK.
func choose(ctx context.Context, s *session.Session, req *databasev1.CreateInstanceRequest, zone, category, storageType string) (choice, error) {
	engine := fromProtoEngine(req.GetEngine())
	var answer struct{ DBInstanceClasses []availableClass }
	params := api.Params{}.Set("ZoneId", zone).Set("Engine", engine).Set("EngineVersion", req.GetEngineVersion()).
		Set("DBInstanceStorageType", storageType).Set("Category", category).Set("CommodityCode", commodity(s)).
		Set("InstanceChargeType", "Postpaid").Set("OrderType", "BUY")
	if err := s.Call(ctx, api.RDS, "DescribeAvailableClasses", params, &answer); err != nil {
		return choice{}, api.Error(err, typeInstance, "")
	}
	wanted := req.GetDbFlavorId()
	if wanted == "" {
		all, err := classesOf(ctx, s, engine)
		if err != nil {
			return choice{}, err
		}
		wanted = smallest(all, answer.DBInstanceClasses, req.GetVcpus(), req.GetMemoryMib())
	}
	at := slices.IndexFunc(answer.DBInstanceClasses, func(c availableClass) bool { return c.DBInstanceClass == wanted })
	if at < 0 {
		return choice{}, sdk.NewError(apiv1.Reason_REASON_OUT_OF_STOCK, sdk.Resource(typeFlavor, wanted), sdk.Field("db_flavor_id"))
	}
	found := answer.DBInstanceClasses[at].DBInstanceStorageRange
	storage := roundUp(req.GetStorageGib(), found.MinValue, found.Step)
	if found.MaxValue > 0 && storage > found.MaxValue {
		return choice{}, sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field("storage_gib"),
			sdk.Violation("storage_gib", "is more than this size of instance may have"))
	}
	return choice{wanted, storage}, nil
}

// smallest is the class with least memory, then fewest processors, that is enough
// and that is sold; empty: none is.
func smallest(all []class, sold []availableClass, vcpus, memory int32) string {
	fits := slices.DeleteFunc(slices.Clone(all), func(c class) bool {
		return int32(c.CPU) < vcpus || memoryMiB(c.MemoryClass) < memory ||
			!slices.ContainsFunc(sold, func(s availableClass) bool { return s.DBInstanceClass == c.ClassCode })
	})
	if len(fits) == 0 {
		return ""
	}
	return slices.MinFunc(fits, func(a, b class) int {
		return cmp.Or(cmp.Compare(memoryMiB(a.MemoryClass), memoryMiB(b.MemoryClass)), cmp.Compare(a.CPU, b.CPU),
			cmp.Compare(a.ClassCode, b.ClassCode))
	}).ClassCode
}
