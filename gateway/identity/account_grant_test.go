package identity_test

import (
	"testing"

	"github.com/yunqiao/yunqiao/gateway/pipeline"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	tenantv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/tenant/v1"
)

// TestGiveAccount: who is given an account can use it, and the neighbour cannot.
func TestGiveAccount(t *testing.T) {
	r := newRig(t)
	usable := func(organization string) bool {
		return r.Account(pipeline.Principal{TenantID: r.ids[organization]}, "account-9") == nil
	}
	for range 2 {
		if err := r.GiveAccount(t.Context(), r.ids["village"], "account-9"); err != nil {
			t.Fatal(err)
		}
	}
	if !usable("village") || !usable("north") || usable("south") {
		t.Errorf("given to village: village %t, north %t, south %t", usable("village"), usable("north"), usable("south"))
	}
	if err := r.TakeAccount(t.Context(), "account-9"); err != nil || usable("village") || usable("north") {
		t.Errorf("taken: %v, village %t, north %t", err, usable("village"), usable("north"))
	}
	expect(t, "an organization that is not there", r.GiveAccount(t.Context(), "none", "account-9"), apiv1.Reason_REASON_NOT_FOUND)
}

// TestDeleteWithCloudTenant: an organization that works in a tenant at a cloud stays.
func TestDeleteWithCloudTenant(t *testing.T) {
	r := newRig(t)
	r.tenants[r.ids["village"]] = []string{"os-village"}
	remove := func() error {
		_, err := r.organizations().DeleteOrganization(r.admin, &tenantv1.DeleteOrganizationRequest{Id: r.ids["village"]})
		return err
	}
	expect(t, "with a cloud tenant", remove(), apiv1.Reason_REASON_IN_USE)
	delete(r.tenants, r.ids["village"])
	expect(t, "without", remove(), none)
}
