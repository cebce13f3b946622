package vpn

import (
	"context"
	"net/url"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
)

// maxIDs bounds how many ids a query names, so that its address stays below the
// 4 KiB that proxies allow; beyond it all objects of the kind are read.
const maxIDs = 50

// readSurroundings reads what connections refer to, one call for each kind.
func readSurroundings(ctx context.Context, s *session.Session, list []connection) (surroundings, error) {
	var with surroundings
	if len(list) == 0 {
		return with, nil
	}
	var serviceIDs, groupIDs, ikeIDs, ipsecIDs []string
	for i := range list {
		serviceIDs = append(serviceIDs, list[i].ServiceID)
		groupIDs = append(groupIDs, list[i].LocalGroupID, list[i].PeerGroupID)
		ikeIDs = append(ikeIDs, list[i].IKEPolicyID)
		ipsecIDs = append(ipsecIDs, list[i].IPsecID)
	}
	client := rest.For(s, s.Network)
	var err error
	if with.services, err = byID(ctx, client, services, serviceIDs); err != nil {
		return with, err
	}
	if s.Extensions[extensionGroups] {
		if with.groups, err = byID(ctx, client, endpointGroups, groupIDs); err != nil {
			return with, err
		}
	}
	if with.ike, err = byID(ctx, client, ikePolicies, ikeIDs); err != nil {
		return with, err
	}
	with.ipsec, err = byID(ctx, client, ipsecPolicies, ipsecIDs)
	return with, err
}

// byID reads objects by their ids; empty ids are left out, absent ones missing.
func byID[T any](ctx context.Context, client *rest.Client, c rest.Collection[T], ids []string) (map[string]T, error) {
	query, seen := url.Values{}, map[string]bool{"": true}
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			query.Add("id", id)
		}
	}
	switch {
	case len(query) == 0:
		return nil, nil
	case len(query["id"]) > maxIDs:
		query = url.Values{}
	}
	found, err := c.List(ctx, client, query)
	if err != nil {
		return nil, err
	}
	out := make(map[string]T, len(found))
	for i := range found {
		out[c.Common(&found[i]).ID] = found[i]
	}
	return out, nil
}
