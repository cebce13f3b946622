package session

import (
	"context"
	"fmt"
	"slices"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"
)

// Right is one that the credentials lack.
type Right struct {
	Service    string // as the catalog names its type
	Role       string // that would give it
	Unreadable bool   // else only writes are refused
}

const (
	roleReader       = "reader"
	roleMember       = "member"
	roleLoadBalancer = "load-balancer_member"
)

// writers are the roles with which the services' default policies let a project's own
// things be changed. "_member_" is what member was called before Queens.
var writers = []string{roleMember, "_member_", "manager", "admin"}

// MissingRights finds what the credentials may not do: by one read of each service, and
// for writes by the roles of the token. A service that fails otherwise tells nothing.
//
// Source: the default policies of the services, "Consistent and Secure Default RBAC";
// Octavia Policies, which has roles of its own unless its operator chose the common
// ones.
func (s *Session) MissingRights(ctx context.Context) ([]Right, error) {
	roles, err := s.roles()
	if err != nil {
		return nil, err
	}
	may := func(wanted ...string) bool {
		return slices.ContainsFunc(roles, func(role string) bool { return slices.Contains(wanted, role) })
	}
	var missing []Right
	for _, service := range []struct {
		name, role, path string
		client           *gophercloud.ServiceClient
	}{
		{"compute", roleMember, "servers?limit=1", s.Compute},
		{"network", roleMember, "networks?limit=1&fields=id", s.Network},
		{"block-storage", roleMember, "volumes?limit=1", s.Volume},
		{"image", roleMember, "images?limit=1", s.Image},
		{"load-balancer", roleLoadBalancer, "lbaas/loadbalancers?limit=1&fields=id", s.LoadBalancer},
		{"container", roleMember, "containers?limit=1", s.Container},
		{"database", roleMember, "instances?limit=1", s.Database},
		{"metric", roleReader, "resource/generic?limit=1", s.Metric},
	} {
		if service.client == nil {
			continue
		}
		_, err := service.client.Get(ctx, service.client.ServiceURL(service.path), nil, &gophercloud.RequestOpts{OkCodes: []int{200}})
		switch {
		case ctx.Err() != nil:
			return nil, Error(ctx.Err(), "", "")
		case IsForbidden(err):
			missing = append(missing, Right{service.name, service.role, true})
		case service.role == roleLoadBalancer && may("load-balancer_observer") && !may(roleLoadBalancer, "load-balancer_admin", "admin"),
			service.role == roleMember && !may(writers...):
			missing = append(missing, Right{service.name, service.role, false})
		}
	}
	return missing, nil
}

// roles are the names of the token's roles; a session that was never opened has none.
func (s *Session) roles() ([]string, error) {
	if s.provider == nil {
		return nil, nil
	}
	r, ok := s.provider.GetAuthResult().(tokens.CreateResult)
	if !ok {
		return nil, nil
	}
	list, err := r.ExtractRoles()
	if err != nil {
		return nil, fmt.Errorf("read roles of token: %w", err)
	}
	var names []string
	for _, role := range list {
		names = append(names, role.Name)
	}
	return names, nil
}
