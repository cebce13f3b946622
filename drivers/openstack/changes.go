package main

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/compute"
	"github.com/yunqiao/yunqiao/drivers/openstack/loadbalancer"
	"github.com/yunqiao/yunqiao/drivers/openstack/network"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/openstack/storage"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// overlap is how far back of its own time a cursor points: for what was written
// with an earlier time but could not be read yet, and for clocks that differ.
const overlap = time.Minute

// feedsOf are the types whose changes the account's cloud tells. Images, snapshots
// and what belongs to VPN have no query for it.
func feedsOf(s *session.Session) session.Feeds {
	return session.Feeds{}.With(compute.Feeds(s), network.Feeds(s), loadbalancer.Feeds(s), storage.Feeds(s))
}

func changeTypes(s *session.Session) []string { return slices.Sorted(maps.Keys(feedsOf(s))) }

func formatCursor(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }

// ListChanges asks the cloud what changed since the cursor, which is a time in Unix
// seconds.
func (d *driver) ListChanges(ctx context.Context, req *driverv1.ListChangesRequest) (*driverv1.ListChangesResponse, error) {
	s, err := d.accounts.Get(req.GetAccountId())
	if err != nil {
		return nil, err
	}
	feed := feedsOf(s)[req.GetResourceType()]
	if feed == nil {
		return nil, sdk.NewError(apiv1.Reason_REASON_UNSUPPORTED_METHOD, sdk.Resource(req.GetResourceType(), ""))
	}
	resp := &driverv1.ListChangesResponse{NextCursor: formatCursor(s.Now().Add(-overlap))}
	if req.GetCursor() == "" {
		return resp, nil
	}
	seconds, err := strconv.ParseInt(req.GetCursor(), 10, 64)
	if err != nil {
		return nil, sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field("cursor"), sdk.Cause(err))
	}
	changed, err := feed(ctx, s, time.Unix(seconds, 0))
	if err != nil {
		return nil, err
	}
	for _, id := range changed.IDs {
		resp.Changes = append(resp.Changes, &driverv1.Change{Id: id})
	}
	for _, id := range changed.Deleted {
		resp.Changes = append(resp.Changes, &driverv1.Change{Id: id, Deleted: true})
	}
	resp.Total = changed.Total
	return resp, nil
}
