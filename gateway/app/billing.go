package app

import (
	"context"

	"github.com/yunqiao/yunqiao/billing"
	"github.com/yunqiao/yunqiao/gateway/account"
	"github.com/yunqiao/yunqiao/gateway/identity"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
)

// billingAccess shows billing who calls, and the organizations.
type billingAccess struct{ identity *identity.Identity }

// Caller implements billing.Access.
func (b billingAccess) Caller(ctx context.Context) billing.Caller {
	call := pipeline.CallFrom(ctx)
	if call == nil {
		return billing.Caller{}
	}
	return billing.Caller{UserID: call.Principal.UserID, OrganizationID: call.Principal.TenantID}
}

// Subtree implements billing.Access.
func (b billingAccess) Subtree(organizationID string) []string {
	return b.identity.Tenants(pipeline.Principal{TenantID: organizationID})
}

// Name implements billing.Access.
func (b billingAccess) Name(organizationID string) string {
	return b.identity.OrganizationName(organizationID)
}

// billingAccounts shows billing where accounts are.
type billingAccounts struct{ registry *account.Registry }

// Cloud implements billing.Accounts.
func (b billingAccounts) Cloud(id string) (driver, region string) {
	a, err := b.registry.Get(id)
	if err != nil {
		return "", ""
	}
	return a.Driver, a.RegionID
}
