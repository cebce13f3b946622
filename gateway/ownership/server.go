package ownership

import (
	"context"
	"encoding/base64"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"
	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/account"
	"github.com/yunqiao/yunqiao/gateway/inventory"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/internal/db"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	tenantv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/tenant/v1"
)

// Accounts are the accounts as they stand now.
type Accounts interface {
	Get(id string) (*account.Account, error)
	All() []*account.Account
}

// Access says what a caller and an organization may use.
type Access interface {
	// Organization refuses one that the caller does not see with NOT_FOUND.
	Organization(p pipeline.Principal, field, id string) error
	// Account refuses with RESOURCE_FORBIDDEN.
	Account(p pipeline.Principal, accountID string) error
	// Sees tells whether what an organization owns is the caller's to use; "" is
	// nobody's.
	Sees(p pipeline.Principal, ownerID string) bool
	// Quotas are the limits that a resource of an organization counts against.
	Quotas(ownerID, resourceType, accountID string) []pipeline.Quota
	// Root is the organization to which falls what nobody owns.
	Root() string
}

// Inventory records who owns what.
type Inventory interface {
	Lookup(tx *gorm.DB, id string) (inventory.Owned, bool, error)
	SetOwner(tx *gorm.DB, c inventory.OwnerChange, seen *inventory.Observation) (inventory.Owned, func(), error)
	Orphans(ctx context.Context, q inventory.OrphanQuery) ([]inventory.Orphan, error)
}

// Clouds are asked for resources that the inventory does not know.
type Clouds interface {
	OwnedTypes(a *account.Account) []string
	Shared(ctx context.Context, call *pipeline.Call, a *account.Account, resourceType string, body []byte) bool
	Find(ctx context.Context, call *pipeline.Call, a *account.Account, resourceType, id string) (inventory.Observation, error)
	Scan(ctx context.Context, call *pipeline.Call, a *account.Account, resourceType, tag string, visit func(inventory.Observation) error) error
}

// QuotaCheck refuses, in the caller's transaction, what is over a limit.
type QuotaCheck func(tx *gorm.DB, quotas []pipeline.Quota) error

// Server is OwnershipService.
type Server struct {
	tenantv1.UnimplementedOwnershipServiceServer
	store     *db.Store
	inventory Inventory
	accounts  Accounts
	clouds    Clouds
	access    Access
	quotas    QuotaCheck
	now       func() time.Time
}

var _ tenantv1.OwnershipServiceServer = (*Server)(nil)

// NewServer serves the ownership of an inventory in a store.
func NewServer(store *db.Store, things Inventory, accounts Accounts, clouds Clouds, access Access, quotas QuotaCheck, now func() time.Time) *Server {
	return &Server{store: store, inventory: things, accounts: accounts, clouds: clouds, access: access, quotas: quotas, now: now}
}

// since reads the date from which on something is owned: now, unless the request
// says a time in the past.
func (s *Server) since(text string) (time.Time, error) {
	now := s.now().UTC()
	if text == "" {
		return now, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, sdk.NewError(apiv1.Reason_REASON_VALIDATION_FAILED, sdk.Violation("since", "must be a time such as 2026-01-31T08:00:00Z"))
	}
	if at.After(now) {
		return time.Time{}, sdk.NewError(apiv1.Reason_REASON_VALIDATION_FAILED, sdk.Violation("since", "must not be in the future"))
	}
	return at.UTC(), nil
}

// mayOwn refuses an organization that has not been given an account.
func (s *Server) mayOwn(organizationID, accountID string) error {
	if s.access.Account(pipeline.Principal{TenantID: organizationID}, accountID) != nil {
		return sdk.NewError(apiv1.Reason_REASON_RESOURCE_FORBIDDEN,
			sdk.Violation("organization_id", "is of an organization that may not use the account "+accountID))
	}
	return nil
}

// TransferResources implements OwnershipService: all of them, or none.
func (s *Server) TransferResources(ctx context.Context, request *tenantv1.TransferResourcesRequest) (*tenantv1.TransferResourcesResponse, error) {
	call := pipeline.CallFrom(ctx)
	target := request.GetOrganizationId()
	if err := s.access.Organization(call.Principal, "organization_id", target); err != nil {
		return nil, err
	}
	since, err := s.since(request.GetSince())
	if err != nil {
		return nil, err
	}
	var owned []inventory.Owned
	var applied []func()
	was := &tenantv1.TransferResourcesResponse{}
	err = s.store.Write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		type limited struct{ resourceType, accountID string }
		moved := map[limited]bool{}
		for n, id := range request.GetIds() {
			had, known, err := s.inventory.Lookup(tx, id)
			if err != nil {
				return err
			}
			if !known || !s.access.Sees(call.Principal, had.TenantID) || s.access.Account(call.Principal, had.AccountID) != nil {
				return sdk.NewError(apiv1.Reason_REASON_RESOURCE_FORBIDDEN, sdk.Violation(fmt.Sprintf("ids[%d]", n), "is no resource that you may use"))
			}
			if err := s.mayOwn(target, had.AccountID); err != nil {
				return err
			}
			was.Resources = append(was.Resources, toProtoOwned(had))
			if had.TenantID == target {
				owned = append(owned, had)
				continue
			}
			next, apply, err := s.inventory.SetOwner(tx, s.change(call, id, target, had.Managed, since), nil)
			if err != nil {
				return err
			}
			owned, applied = append(owned, next), append(applied, apply)
			moved[limited{had.Type, had.AccountID}] = true
		}
		// What has been moved is counted already, so the limits are asked for no more.
		for m := range moved {
			if err := s.quotas(tx, s.access.Quotas(target, m.resourceType, m.accountID)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, apply := range applied {
		apply()
	}
	call.Before = was
	response := &tenantv1.TransferResourcesResponse{}
	for _, o := range owned {
		response.Resources = append(response.Resources, toProtoOwned(o))
	}
	return response, nil
}

func (s *Server) change(call *pipeline.Call, id, organizationID string, managed apiv1.Managed, since time.Time) inventory.OwnerChange {
	return inventory.OwnerChange{
		ID: id, TenantID: organizationID, Managed: managed, Since: since, At: s.now().UTC(), RequestID: call.RequestID, ActorID: call.Principal.UserID,
	}
}

// ListOrphans implements OwnershipService. The page token is the last id of the
// page before. Orphans are the root's, so that others see none.
func (s *Server) ListOrphans(ctx context.Context, request *tenantv1.ListOrphansRequest) (*tenantv1.ListOrphansResponse, error) {
	call := pipeline.CallFrom(ctx)
	response := &tenantv1.ListOrphansResponse{}
	if id := request.GetAccountId(); id != "" {
		if err := s.access.Account(call.Principal, id); err != nil {
			return nil, err
		}
		if _, err := s.accounts.Get(id); err != nil {
			return nil, err
		}
	}
	after, err := base64.RawURLEncoding.DecodeString(request.GetPageToken())
	if err != nil {
		return nil, sdk.NewError(apiv1.Reason_REASON_PAGE_TOKEN_INVALID, sdk.Violation("page_token", "is none of ours"))
	}
	if !s.access.Sees(call.Principal, "") {
		return response, nil
	}
	size := int(request.GetPageSize())
	if size == 0 {
		size = 50
	}
	query := inventory.OrphanQuery{Type: request.GetResourceType(), TenantID: s.access.Root(), After: string(after), Limit: size + 1}
	for _, a := range s.accounts.All() {
		if request.GetAccountId() == "" || request.GetAccountId() == a.ID {
			query.AccountIDs = append(query.AccountIDs, a.ID)
		}
	}
	for {
		found, err := s.inventory.Orphans(ctx, query)
		if err != nil {
			return nil, err
		}
		for _, o := range found {
			if len(response.Resources) == size {
				response.NextPageToken = base64.RawURLEncoding.EncodeToString([]byte(query.After))
				return response, nil
			}
			query.After = o.ID
			if a, err := s.accounts.Get(o.AccountID); err != nil || s.clouds.Shared(ctx, call, a, o.Type, o.Body) {
				continue // the cloud's own, or of an account that has just gone
			}
			o.TenantID, o.Since = "", nil // seen by the root, owned by nobody
			response.Resources = append(response.Resources, toProtoOwned(o.Owned))
		}
		if len(found) < query.Limit {
			return response, nil
		}
	}
}

func toProtoOwned(o inventory.Owned) *tenantv1.OwnedResource {
	out := &tenantv1.OwnedResource{Id: o.ID, ResourceType: o.Type, Name: o.Name, AccountId: o.AccountID, OrganizationId: o.TenantID}
	if o.Since != nil {
		out.Since = timestamppb.New(*o.Since)
	}
	return out
}
