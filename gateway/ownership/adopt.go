package ownership

import (
	"context"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/account"
	"github.com/yunqiao/yunqiao/gateway/inventory"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/internal/publicid"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	tenantv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/tenant/v1"
)

// adoption is one call of AdoptResources on its way.
type adoption struct {
	*Server
	call           *pipeline.Call
	organizationID string
	since          time.Time
	response       *tenantv1.AdoptResourcesResponse
}

// AdoptResources implements OwnershipService. What nobody owns is the root's to
// give. What the organization owns already stays as it is.
func (s *Server) AdoptResources(ctx context.Context, request *tenantv1.AdoptResourcesRequest) (*tenantv1.AdoptResourcesResponse, error) {
	call := pipeline.CallFrom(ctx)
	if err := s.access.Organization(call.Principal, "organization_id", request.GetOrganizationId()); err != nil {
		return nil, err
	}
	if !s.access.Sees(call.Principal, "") {
		return nil, sdk.NewError(apiv1.Reason_REASON_RESOURCE_FORBIDDEN, sdk.Violation("organization_id", "what nobody owns is given by the root organization"))
	}
	since, err := s.since(request.GetSince())
	if err != nil {
		return nil, err
	}
	a := &adoption{Server: s, call: call, organizationID: request.GetOrganizationId(), since: since, response: &tenantv1.AdoptResourcesResponse{}}
	if len(request.GetIds()) > 0 {
		err = a.byIDs(ctx, request.GetIds(), request.GetResourceTypes())
	} else {
		err = a.byScan(ctx, request)
	}
	return a.response, err
}

// byScan adopts what an account's cloud lists.
func (a *adoption) byScan(ctx context.Context, request *tenantv1.AdoptResourcesRequest) error {
	acc, err := a.accounts.Get(request.GetAccountId())
	if err != nil {
		return err
	}
	if err := a.mayOwn(a.organizationID, acc.ID); err != nil {
		return err
	}
	if project := request.GetCloudProject(); project != "" && project != acc.Project {
		return sdk.NewError(apiv1.Reason_REASON_REFERENCE_MISMATCH, sdk.Violation("cloud_project", "is not the project of the account "+acc.ID))
	}
	for _, resourceType := range request.GetResourceTypes() {
		var batch []inventory.Observation
		err := a.clouds.Scan(ctx, a.call, acc, resourceType, request.GetTag(), func(seen inventory.Observation) error {
			if batch = append(batch, seen); len(batch) < batchSize {
				return nil
			}
			full := batch
			batch = nil
			return a.adopt(ctx, full)
		})
		if err == nil {
			err = a.adopt(ctx, batch)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// batchSize is how many resources one transaction adopts.
const batchSize = 100

// byIDs adopts resources of any account; what the inventory does not know is
// looked for at the cloud, as each of the types.
func (a *adoption) byIDs(ctx context.Context, ids, types []string) error {
	for chunk := range slices.Chunk(ids, batchSize) {
		var batch []inventory.Observation
		for _, id := range chunk {
			seen, ok, err := a.find(ctx, id, types)
			if err != nil {
				return err
			}
			if !ok {
				a.response.RefusedIds = append(a.response.RefusedIds, id)
				continue
			}
			batch = append(batch, seen)
		}
		if err := a.adopt(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

// find is what is to be adopted under an id, as the cloud tells it: it may have
// gone, or be shared with everybody. Of what is owned already the id will do.
func (a *adoption) find(ctx context.Context, id string, types []string) (inventory.Observation, bool, error) {
	accountID, _, err := publicid.Split("ids", id)
	if err != nil {
		return inventory.Observation{}, false, err
	}
	had, known, err := a.inventory.Lookup(a.store.Read.WithContext(ctx), id)
	if err != nil {
		return inventory.Observation{}, false, err
	}
	if known && !a.orphan(had) {
		return inventory.Observation{ID: id, AccountID: accountID}, true, nil
	}
	if known {
		types = []string{had.Type}
	}
	acc, err := a.accounts.Get(accountID)
	if err != nil {
		return inventory.Observation{}, false, nil //nolint:nilerr // an id of no account is one that does not exist
	}
	if len(types) == 0 {
		types = a.clouds.OwnedTypes(acc)
	}
	return a.findAs(ctx, acc, id, types)
}

func (a *adoption) findAs(ctx context.Context, acc *account.Account, id string, types []string) (inventory.Observation, bool, error) {
	for _, resourceType := range types {
		seen, err := a.clouds.Find(ctx, a.call, acc, resourceType, id)
		switch sdk.ReasonOf(err) {
		case apiv1.Reason_REASON_UNSPECIFIED:
			return seen, true, nil
		case apiv1.Reason_REASON_NOT_FOUND, apiv1.Reason_REASON_VALIDATION_FAILED, apiv1.Reason_REASON_UNSUPPORTED_METHOD:
		default:
			return inventory.Observation{}, false, err
		}
	}
	return inventory.Observation{}, false, nil
}

// adopt gives resources to the organization, in one transaction.
func (a *adoption) adopt(ctx context.Context, batch []inventory.Observation) error {
	if len(batch) == 0 {
		return nil
	}
	var owned []inventory.Owned
	var refused []string
	var applied []func()
	err := a.store.Write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		for _, seen := range batch {
			had, known, err := a.inventory.Lookup(tx, seen.ID)
			switch {
			case err != nil:
				return err
			case known && had.TenantID == a.organizationID && had.Managed != apiv1.Managed_MANAGED_DISCOVERED:
				owned = append(owned, had)
				continue
			case known && !a.orphan(had), !known && seen.Type == "", a.mayOwn(a.organizationID, seen.AccountID) != nil:
				refused = append(refused, seen.ID)
				continue
			}
			next, apply, err := a.inventory.SetOwner(tx, a.change(a.call, seen.ID, a.organizationID, apiv1.Managed_MANAGED_ADOPTED, a.since), &seen)
			if err != nil {
				return err
			}
			owned, applied = append(owned, next), append(applied, apply)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, apply := range applied {
		apply()
	}
	for _, o := range owned {
		a.response.Resources = append(a.response.Resources, toProtoOwned(o))
	}
	a.response.RefusedIds = append(a.response.RefusedIds, refused...)
	return nil
}

// orphan tells whether a resource may be adopted: nobody's, or only seen by the root.
func (a *adoption) orphan(o inventory.Owned) bool {
	return o.TenantID == "" || o.TenantID == a.access.Root() && o.Managed == apiv1.Managed_MANAGED_DISCOVERED
}
