package identity

import (
	"maps"
	"slices"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// Permit implements pipeline.Permitter.
func (i *Identity) Permit(p pipeline.Principal, permission string) error {
	now := i.current.Load()
	if p.UserID != "" && now.permissionsOf(p.UserID, p.TenantID, i.permissions)[permission] {
		if p.TenantID == now.root || !InstallationWide(permission) {
			return nil
		}
		return sdk.NewError(apiv1.Reason_REASON_PERMISSION_DENIED, sdk.Violation("permission", permission+" holds in the root organization only"))
	}
	return sdk.NewError(apiv1.Reason_REASON_PERMISSION_DENIED, sdk.Violation("permission", permission+" is needed"))
}

// Account implements policy.Access: the organization must have been given the account.
func (i *Identity) Account(p pipeline.Principal, accountID string) error {
	if i.current.Load().mayUse(p.TenantID, accountID) {
		return nil
	}
	return sdk.NewError(apiv1.Reason_REASON_RESOURCE_FORBIDDEN, sdk.Violation("account_id", "is of an account that you may not use"))
}

// Sees implements policy.Access: an organization sees what it and those below it
// own. What nobody owns belongs to the root.
func (i *Identity) Sees(p pipeline.Principal, ownerID string) bool {
	now := i.current.Load()
	if ownerID == "" {
		ownerID = now.root
	}
	return now.within(ownerID, p.TenantID)
}

// Tenants implements policy.Access.
func (i *Identity) Tenants(p pipeline.Principal) []string {
	now := i.current.Load()
	if p.TenantID == now.root {
		return nil
	}
	if below := now.subtree(p.TenantID); len(below) > 0 {
		return below
	}
	return []string{p.TenantID} // of an organization that has just gone
}

// Organization implements policy.Access and ownership.Access: it refuses one that the caller does not
// see with NOT_FOUND.
func (i *Identity) Organization(p pipeline.Principal, field, id string) error {
	_, err := i.current.Load().organization(p, field, id)
	return err
}

// User implements policy.Access: it refuses one whose organization the caller does
// not see with NOT_FOUND.
func (i *Identity) User(p pipeline.Principal, field, id string) error {
	_, err := i.current.Load().user(p, field, id)
	return err
}

// Root is the organization at the top.
func (i *Identity) Root() string { return i.current.Load().root }

// OrganizationName is what an organization is called; "" where there is none.
func (i *Identity) OrganizationName(id string) string {
	if o := i.current.Load().organizations[id]; o != nil {
		return o.Name
	}
	return ""
}

// Owner implements policy.Access: who will own what a caller makes.
func (i *Identity) Owner(p pipeline.Principal, wanted string) (string, error) {
	if wanted == "" {
		return p.TenantID, nil
	}
	if !i.Sees(p, wanted) || i.current.Load().organizations[wanted] == nil {
		return "", sdk.NewError(apiv1.Reason_REASON_RESOURCE_FORBIDDEN, sdk.Violation("tenant_id", "is of an organization that is not yours"))
	}
	return wanted, nil
}

// Quotas implements policy.Access: the limits that a new resource of an
// organization counts against, of the organization itself and those above it.
func (i *Identity) Quotas(ownerID, resourceType, accountID string) []pipeline.Quota {
	now := i.current.Load()
	o := now.organizations[ownerID]
	if o == nil {
		return nil
	}
	var out []pipeline.Quota
	for _, id := range o.path {
		for _, q := range now.organizations[id].quotas {
			if q.ResourceType == resourceType && (q.AccountID == "" || q.AccountID == accountID) {
				out = append(out, pipeline.Quota{
					TenantIDs: now.subtree(id), ResourceType: resourceType, AccountID: q.AccountID, Limit: int(q.Maximum),
				})
			}
		}
	}
	return out
}

// AllQuotas are the limits of all organizations; the first of TenantIDs is the
// organization that the limit was set for.
func (i *Identity) AllQuotas() []pipeline.Quota {
	now := i.current.Load()
	var out []pipeline.Quota
	for _, id := range slices.Sorted(maps.Keys(now.organizations)) {
		for _, q := range now.organizations[id].quotas {
			others := slices.DeleteFunc(slices.Clone(now.subtree(id)), func(other string) bool { return other == id })
			out = append(out, pipeline.Quota{
				TenantIDs: append([]string{id}, others...), ResourceType: q.ResourceType, AccountID: q.AccountID, Limit: int(q.Maximum),
			})
		}
	}
	return out
}
