package app

import (
	"context"
	"net/http"
	"strings"

	"github.com/yunqiao/yunqiao/billing"
	"github.com/yunqiao/yunqiao/gateway/account"
	"github.com/yunqiao/yunqiao/gateway/identity"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/internal/fault"
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

// readCosts is the permission to read lines of cost.
const readCosts = "billing.cost.list"

// costDownload serves lines of cost as files to those who may list them. The
// gateway's face has authenticated the caller; who he is is asked for again here.
func (a *App) costDownload() http.Handler {
	download := a.billing.Download(refuseDownload)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := a.identity.Authenticate(r.Context(), r, nil)
		if err == nil {
			err = a.identity.Permit(who, readCosts)
		}
		if err != nil {
			refuseDownload(w, r, err)
			return
		}
		ctx := pipeline.WithCall(r.Context(), &pipeline.Call{Principal: who})
		download.ServeHTTP(w, r.WithContext(ctx))
	})
}

// refuseDownload answers an error as the rpcs do.
func refuseDownload(w http.ResponseWriter, r *http.Request, err error) {
	f := fault.Decode(err)
	client := f.Client(strings.HasPrefix(r.Header.Get("Accept-Language"), "en"))
	writeJSON(w, fault.HTTPStatus(f.Reason), map[string]any{
		"code": client.GetCode(), "message": client.GetMessage(),
		"data": map[string]any{"reason": client.GetReason(), "violations": client.GetViolations()},
	})
}
