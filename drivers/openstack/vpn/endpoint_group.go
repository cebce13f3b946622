package vpn

import (
	"context"
	"net/netip"
	"net/url"
	"slices"
	"time"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

const (
	// stepGroups is the next step in which endpoint groups that a connection no
	// longer has are removed, with their ids.
	stepGroups = "groups"
	// pollAfter is how soon such a group is worth trying again.
	pollAfter = time.Second

	groupOfSubnets = "subnet"
	groupOfCIDRs   = "cidr"
)

// makeGroup makes an endpoint group, or finds the one that an earlier attempt of
// the request made. Errors: the cloud's own.
func makeGroup(ctx context.Context, client *rest.Client, name, kind string, endpoints []string) (string, error) {
	v, err := endpointGroups.FindOrCreate(ctx, client,
		map[string]any{"name": name, "type": kind, "endpoints": endpoints},
		rest.MarkStep("", sdk.CallFrom(ctx).RequestID, kind))
	if err != nil {
		return "", err
	}
	return v.ID, nil
}

// takeBack removes the groups of a connection that was refused for good. After an
// error that leaves the outcome open they stay for the repeat.
func takeBack(ctx context.Context, client *rest.Client, refused error, ids ...string) error {
	var undo []func(context.Context) error
	for _, id := range ids {
		if id != "" {
			undo = append(undo, func(ctx context.Context) error {
				return session.Error(endpointGroups.Delete(ctx, client, id), endpointGroups.Type, id)
			})
		}
	}
	return sdk.TakeBack(ctx, refused, undo...)
}

// ownGroups are those of the groups that the driver made, which have its mark.
func ownGroups(ctx context.Context, client *rest.Client, ids ...string) ([]string, error) {
	query := url.Values{}
	for _, id := range ids {
		if id != "" {
			query.Add("id", id)
		}
	}
	if len(query) == 0 {
		return nil, nil
	}
	found, err := endpointGroups.List(ctx, client, query)
	if err != nil {
		return nil, err
	}
	var own []string
	for i := range found {
		if rest.Marker(found[i].Description) != "" {
			own = append(own, found[i].ID)
		}
	}
	return own, nil
}

// nextGroups sets the next step that removes groups, if there are any.
func nextGroups(ctx context.Context, ids []string) {
	if len(ids) > 0 {
		sdk.SetNextStep(ctx, sdk.JoinStep(stepGroups, ids...), pollAfter)
	}
}

// removeGroups takes the step that a list of groups names. A group that another
// connection uses too stays; one that this connection still holds is tried again.
func removeGroups(ctx context.Context, client *rest.Client, groups []string, connectionID string) error {
	var left []string
	for _, id := range groups {
		err := session.Error(endpointGroups.Delete(ctx, client, id), endpointGroups.Type, connectionID)
		if err != nil && sdk.ReasonOf(err) != apiv1.Reason_REASON_IN_USE {
			return err
		}
		if err == nil {
			continue
		}
		held, err := isShared(ctx, client, id, connectionID)
		if err != nil {
			return err
		}
		if !held {
			left = append(left, id)
		}
	}
	nextGroups(ctx, left)
	return nil
}

// isShared tells whether a connection other than the given one uses a group.
func isShared(ctx context.Context, client *rest.Client, groupID, connectionID string) (bool, error) {
	for _, attribute := range []string{"local_ep_group_id", "peer_ep_group_id"} {
		users, err := connections.List(ctx, client, url.Values{attribute: {groupID}})
		if err != nil {
			return false, err
		}
		if slices.ContainsFunc(users, func(v connection) bool { return v.ID != connectionID }) {
			return true, nil
		}
	}
	return false, nil
}

// checkTraffic refuses subnets of this end that do not exist, and ranges behind
// the peer that overlap them: Neutron looks at neither. Errors: REFERENCE_NOT_FOUND,
// PARAMETER_REJECTED.
func checkTraffic(ctx context.Context, client *rest.Client, subnetIDs, peerCIDRs []string) error {
	for _, id := range subnetIDs {
		if err := session.ReferenceUUID(subnets.Type, id, "local_subnet_ids"); err != nil {
			return err
		}
	}
	found, err := subnets.List(ctx, client, url.Values{"id": subnetIDs})
	if err != nil {
		return err
	}
	for _, id := range subnetIDs {
		at := slices.IndexFunc(found, func(v subnet) bool { return v.ID == id })
		if at < 0 {
			return sdk.NewError(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, sdk.Resource(subnets.Type, id), sdk.Field("local_subnet_ids"))
		}
		if slices.ContainsFunc(peerCIDRs, func(cidr string) bool { return overlaps(cidr, found[at].CIDR) }) {
			return sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field("peer_cidrs"),
				sdk.Violation("peer_cidrs", "must not overlap the subnets of this end"))
		}
	}
	return nil
}

func overlaps(a, b string) bool {
	x, errX := netip.ParsePrefix(a)
	y, errY := netip.ParsePrefix(b)
	return errX == nil && errY == nil && x.Overlaps(y)
}
