package main

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/alibaba/trail"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// overlap is how far back of its own time a cursor points: ActionTrail shows a call
// up to ten minutes later, and a change goes on after the call that began it.
const overlap = 15 * time.Minute

// feed is how the changes of a type are found: the trail's word for it, and the
// action that counts what is there, for what goes without a call.
type feed struct {
	trailType string
	product   api.Product
	count     string
}

// feeds are the types whose changes are told.
func feeds() map[string]feed {
	return map[string]feed{
		"compute.vm":             {"ACS::ECS::Instance", api.ECS, "DescribeInstances"},
		"storage.disk":           {"ACS::ECS::Disk", api.ECS, "DescribeDisks"},
		"storage.snapshot":       {"ACS::ECS::Snapshot", api.ECS, "DescribeSnapshots"},
		"network.security_group": {"ACS::ECS::SecurityGroup", api.ECS, "DescribeSecurityGroups"},
		"network.network":        {"ACS::VPC::VPC", api.VPC, "DescribeVpcs"},
		"network.subnet":         {"ACS::VPC::VSwitch", api.VPC, "DescribeVSwitches"},
	}
}

func changeTypes() []string { return slices.Sorted(maps.Keys(feeds())) }

// ListChanges asks ActionTrail which calls were made since the cursor, a time in Unix
// seconds, and how many resources there are now: two calls, and one more for every
// 50 recorded changes. What changed without a call is left to the next whole
// listing.
func (d *driver) ListChanges(ctx context.Context, req *driverv1.ListChangesRequest) (*driverv1.ListChangesResponse, error) {
	s, err := d.accounts.Get(req.GetAccountId())
	if err != nil {
		return nil, err
	}
	f, found := feeds()[req.GetResourceType()]
	if !found {
		return nil, sdk.NewError(apiv1.Reason_REASON_UNSUPPORTED_METHOD, sdk.Resource(req.GetResourceType(), ""))
	}
	now := s.Now()
	resp := &driverv1.ListChangesResponse{NextCursor: strconv.FormatInt(now.Add(-overlap).Unix(), 10)}
	if req.GetCursor() == "" {
		return resp, nil
	}
	since, err := strconv.ParseInt(req.GetCursor(), 10, 64)
	if err != nil {
		return nil, sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field("cursor"), sdk.Cause(err))
	}
	ids, err := trail.Touched(ctx, s, f.trailType, time.Unix(since, 0), now)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		resp.Changes = append(resp.Changes, &driverv1.Change{Id: id})
	}
	total, err := f.total(ctx, s)
	if err != nil {
		return nil, err
	}
	resp.Total = &total
	return resp, nil
}

// total is how many resources a whole listing would have.
func (f feed) total(ctx context.Context, s *session.Session) (int32, error) {
	var out struct{ TotalCount int32 }
	params := api.Params{}.Int("PageNumber", 1).Int("PageSize", 1).Set("ResourceGroupId", s.ResourceGroup)
	err := s.Call(ctx, f.product, f.count, params, &out)
	return out.TotalCount, api.Error(err, "", "")
}
