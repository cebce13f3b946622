package database

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	databasev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/database/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

type flavorServer struct {
	databasev1.UnimplementedDbFlavorServiceServer
	base
}

var _ databasev1.DbFlavorServiceServer = (*flavorServer)(nil)

// ListDbFlavors reads a page of the sizes; for one kind of database those that at
// least one of its versions allows.
func (f *flavorServer) ListDbFlavors(ctx context.Context, req *databasev1.ListDbFlavorsRequest) (*databasev1.ListDbFlavorsResponse, error) {
	s, err := f.open(ctx)
	if err != nil {
		return nil, err
	}
	var list []flavors.Flavor
	if req.GetEngine() == databasev1.EngineType_ENGINE_TYPE_UNSPECIFIED {
		list, err = allFlavors(ctx, s)
	} else {
		list, err = flavorsForEngine(ctx, s, req.GetEngine())
	}
	if err != nil {
		return nil, err
	}
	resp := &databasev1.ListDbFlavorsResponse{}
	key := func(v flavors.Flavor) string { return v.ID }
	if len(req.GetIds()) > 0 {
		list, resp.MissingIds = sdk.PickIDs(list, key, req.GetIds())
	} else {
		list, resp.NextPageToken = sdk.CutPage(list, key, req)
	}
	for i := range list {
		if req.GetName() == "" || req.GetName() == list[i].Name {
			resp.DbFlavors = append(resp.DbFlavors, toProtoFlavor(&list[i], s.Region))
		}
	}
	return resp, nil
}

func toProtoFlavor(v *flavors.Flavor, region string) *databasev1.DbFlavor {
	return &databasev1.DbFlavor{
		Id: v.ID, Name: v.Name, RegionId: region, Vcpus: int32(v.VCPUs), MemoryMib: int32(v.RAM), Sellable: true,
	}
}

// cachedFlavors is the key of Trove's flavors among the session's.
const cachedFlavors = "database"

// allFlavors are those that Trove may use, read at most every ten minutes.
func allFlavors(ctx context.Context, s *session.Session) ([]flavors.Flavor, error) {
	list, err := s.Flavors.Get(ctx, cachedFlavors, func(ctx context.Context) ([]flavors.Flavor, error) {
		return readFlavors(ctx, s, s.Database.ServiceURL("flavors"))
	})
	return list, session.Error(err, typeFlavor, "")
}

// flavorsOf are those that a version of a datastore allows.
func flavorsOf(ctx context.Context, s *session.Session, o *offer) ([]flavors.Flavor, error) {
	list, err := readFlavors(ctx, s, s.Database.ServiceURL("datastores", o.store.ID, "versions", o.version.ID, "flavors"))
	return list, session.Error(err, typeFlavor, "")
}

func flavorsForEngine(ctx context.Context, s *session.Session, engine databasev1.EngineType) ([]flavors.Flavor, error) {
	offers, err := readOffers(ctx, s)
	if err != nil {
		return nil, err
	}
	var all []flavors.Flavor
	for i := range offers {
		if offers[i].engine != engine {
			continue
		}
		some, err := flavorsOf(ctx, s, &offers[i])
		if err != nil {
			return nil, err
		}
		for _, v := range some {
			if !slices.ContainsFunc(all, func(other flavors.Flavor) bool { return other.ID == v.ID }) {
				all = append(all, v)
			}
		}
	}
	return all, nil
}

// readFlavors reads one list; Trove's flavors are Nova's, but for how it spells ids.
// The error is the cloud's own.
func readFlavors(ctx context.Context, s *session.Session, address string) ([]flavors.Flavor, error) {
	var body struct {
		Flavors []struct {
			ID    *int   `json:"id"`
			StrID string `json:"str_id"`
			Name  string `json:"name"`
			RAM   int    `json:"ram"` // MiB
			VCPUs int    `json:"vcpus"`
		} `json:"flavors"`
	}
	_, err := s.Database.Get(ctx, address, &body, &gophercloud.RequestOpts{OkCodes: []int{http.StatusOK}})
	var list []flavors.Flavor
	for _, v := range body.Flavors {
		id := v.StrID
		if id == "" && v.ID != nil {
			id = strconv.Itoa(*v.ID)
		}
		list = append(list, flavors.Flavor{ID: id, Name: v.Name, RAM: v.RAM, VCPUs: v.VCPUs})
	}
	return list, err
}

// chooseFlavor is the size that a request means: the named one, or of those with
// enough of both the one with least memory, then fewest processors. Errors:
// REFERENCE_NOT_FOUND, REFERENCE_MISMATCH, PARAMETER_REJECTED.
func chooseFlavor(ctx context.Context, s *session.Session, o *offer, req *databasev1.CreateInstanceRequest) (string, error) {
	allowed, err := flavorsOf(ctx, s, o)
	if err != nil {
		return "", err
	}
	if id := req.GetDbFlavorId(); id != "" {
		return id, checkFlavor(ctx, s, allowed, id)
	}
	fits := slices.DeleteFunc(allowed, func(v flavors.Flavor) bool {
		return v.RAM < int(req.GetMemoryMib()) || v.VCPUs < int(req.GetVcpus())
	})
	if len(fits) == 0 {
		return "", sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field("memory_mib"),
			sdk.Violation("memory_mib", "is more than any size for this engine has, with so many processors"))
	}
	return slices.MinFunc(fits, func(a, b flavors.Flavor) int {
		return cmp.Or(cmp.Compare(a.RAM, b.RAM), cmp.Compare(a.VCPUs, b.VCPUs), cmp.Compare(a.ID, b.ID))
	}).ID, nil
}

// checkFlavor refuses a size that does not exist, or that the version does not allow.
func checkFlavor(ctx context.Context, s *session.Session, allowed []flavors.Flavor, id string) error {
	has := func(list []flavors.Flavor) bool {
		return slices.ContainsFunc(list, func(v flavors.Flavor) bool { return v.ID == id })
	}
	if has(allowed) {
		return nil
	}
	all, err := allFlavors(ctx, s)
	if err != nil {
		return err
	}
	reason := apiv1.Reason_REASON_REFERENCE_NOT_FOUND
	if has(all) {
		reason = apiv1.Reason_REASON_REFERENCE_MISMATCH
	}
	return sdk.NewError(reason, sdk.Resource(typeFlavor, id), sdk.Field("db_flavor_id"))
}
