package cloudtenant

import (
	"maps"
	"slices"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/limit"
	"github.com/yunqiao/yunqiao/internal/fault"
	accountv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/account/v1"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

// ToProtoCloudTenant shows a tenant; its limits are those that were set.
func ToProtoCloudTenant(r *row) *accountv1.CloudTenant {
	p := &accountv1.CloudTenant{
		Id: r.ID, AdminAccountId: r.AdminAccountID, OrganizationId: r.OrganizationID, Description: r.Description,
		State: r.state(), CloudProject: r.Native, CreatedAt: timestamppb.New(r.CreatedAt),
	}
	setReason(p, apiv1.Reason(r.Reason))
	if r.CredentialsAt != nil {
		p.CredentialsAt = timestamppb.New(*r.CredentialsAt)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Quotas)) {
		q := &apiv1.Quota{Name: name}
		if n := r.Quotas[name]; n >= 0 {
			q.Limit = &n
		}
		p.Quotas = append(p.Quotas, q)
	}
	return p
}

func setReason(p *accountv1.CloudTenant, reason apiv1.Reason) {
	if reason != 0 {
		p.StateReason = sdk.ReasonName(reason)
		p.StateMessage = fault.Fault{Reason: reason}.Client(false).GetMessage()
	}
}

// fromProtoQuotas takes limits by name; the last of a name holds.
func fromProtoQuotas(quotas []*accountv1.CloudTenantQuota) map[string]int32 {
	out := map[string]int32{}
	for _, q := range quotas {
		out[q.GetName()] = q.GetLimit()
	}
	return out
}

func toDriverQuotas(quotas map[string]int32) []*driverv1.TenantQuota {
	var out []*driverv1.TenantQuota
	for _, name := range slices.Sorted(maps.Keys(quotas)) {
		out = append(out, &driverv1.TenantQuota{Name: name, Limit: quotas[name]})
	}
	return out
}

// tenantSettings are those of a tenant's account: the administrative account's, without
// the rates that are its own, and over them what came with the credentials.
func tenantSettings(admin, issued map[string]string) map[string]string {
	out := maps.Clone(admin)
	if out == nil {
		out = map[string]string{}
	}
	maps.Copy(out, issued)
	maps.DeleteFunc(out, func(name, value string) bool { return value == "" || limit.Owns(name) })
	return out
}
