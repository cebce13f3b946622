package container

import (
	"context"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

const (
	typeSubnet = "network.subnet"
	typeGroup  = "network.security_group"
)

// networkOf is the network of a subnet, whose only one of its family it must be.
// Errors: REFERENCE_NOT_FOUND, REFERENCE_MISMATCH.
func networkOf(ctx context.Context, s *session.Session, subnetID string) (string, error) {
	if err := session.ReferenceUUID(typeSubnet, subnetID, "subnet_id"); err != nil {
		return "", err
	}
	v, err := subnets.Get(ctx, s.Network, subnetID).Extract()
	if err != nil {
		return "", rest.AsReference(session.Error(err, typeSubnet, subnetID), "subnet_id")
	}
	page, err := subnets.List(s.Network, subnets.ListOpts{NetworkID: v.NetworkID, IPVersion: v.IPVersion}).AllPages(ctx)
	if err != nil {
		return "", session.Error(err, typeSubnet, "")
	}
	list, err := subnets.ExtractSubnets(page)
	if err != nil {
		return "", session.Error(err, typeSubnet, "")
	}
	if len(list) > 1 {
		return "", sdk.NewError(apiv1.Reason_REASON_REFERENCE_MISMATCH, sdk.Resource(typeSubnet, subnetID), sdk.Field("subnet_id"),
			sdk.Violation("subnet_id", "must be the only subnet of its network, for this cloud chooses among them"))
	}
	return v.NetworkID, nil
}

// groupNames are the names of security groups, which must be unambiguous. Errors:
// REFERENCE_NOT_FOUND, REFERENCE_MISMATCH.
func groupNames(ctx context.Context, s *session.Session, ids []string) ([]string, error) {
	page, err := groups.List(s.Network, groups.ListOpts{}).AllPages(ctx)
	if err != nil {
		return nil, session.Error(err, typeGroup, "")
	}
	all, err := groups.ExtractGroups(page)
	if err != nil {
		return nil, session.Error(err, typeGroup, "")
	}
	count := map[string]int{}
	nameOf := map[string]string{}
	for _, g := range all {
		count[g.Name]++
		nameOf[g.ID] = g.Name
	}
	var names []string
	for _, id := range ids {
		name, found := nameOf[id]
		switch {
		case !found:
			return nil, sdk.NewError(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, sdk.Resource(typeGroup, id), sdk.Field("security_group_ids"))
		case count[name] > 1:
			return nil, sdk.NewError(apiv1.Reason_REASON_REFERENCE_MISMATCH, sdk.Resource(typeGroup, id), sdk.Field("security_group_ids"),
				sdk.Violation("security_group_ids", "must have a name that no other group has, for this cloud looks by name"))
		}
		names = append(names, name)
	}
	return names, nil
}
