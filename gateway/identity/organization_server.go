package identity

import (
	"context"
	"fmt"
	"slices"

	"google.golang.org/protobuf/types/known/timestamppb"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/rowid"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	tenantv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/tenant/v1"
)

// Resources counts what organizations own.
type Resources interface {
	Owned(tx *gorm.DB, tenantIDs []string, resourceType, accountID string) (int, error)
}

// Accounts says which cloud accounts there are.
type Accounts interface{ Known(id string) bool }

// CloudTenants tells which tenants at clouds an organization works in.
type CloudTenants interface {
	Of(tx *gorm.DB, organizationID string) ([]string, error)
}

type organizationServer struct {
	tenantv1.UnimplementedOrganizationServiceServer
	*Identity
	resources Resources
	accounts  Accounts
	tenants   CloudTenants
}

var _ tenantv1.OrganizationServiceServer = (*organizationServer)(nil)

// CreateOrganization implements OrganizationService.
func (s *organizationServer) CreateOrganization(ctx context.Context, request *tenantv1.CreateOrganizationRequest) (*tenantv1.CreateOrganizationResponse, error) {
	parent := request.GetParentId()
	if parent == "" {
		parent = caller(ctx).TenantID
	}
	r := organizationRow{
		ID: rowid.New(), Name: request.GetName(), ParentID: parent, Description: request.GetDescription(), Enabled: true, CreatedAt: s.now(),
	}
	err := s.change(ctx, func(tx *gorm.DB, now *snapshot) error {
		if _, err := now.organization(caller(ctx), "parent_id", parent); err != nil {
			return err
		}
		return named(tx.Create(&r).Error)
	})
	if err != nil {
		return nil, err
	}
	o, err := s.show(ctx, r.ID)
	return &tenantv1.CreateOrganizationResponse{Id: r.ID, Organization: o}, err
}

// named words the violation of a unique name.
func named(err error) error {
	if db.IsDuplicate(err) {
		return taken("name")
	}
	return err
}

// ListOrganizations implements OrganizationService.
func (s *organizationServer) ListOrganizations(ctx context.Context, request *tenantv1.ListOrganizationsRequest) (*tenantv1.ListOrganizationsResponse, error) {
	now := s.current.Load()
	ids := now.subtree(caller(ctx).TenantID)
	if parent := request.GetParentId(); parent != "" {
		ids = slices.DeleteFunc(ids, func(id string) bool { return now.organizations[id].ParentID != parent })
	}
	ids, next, err := page(ids, request.GetPageToken(), request.GetPageSize())
	if err != nil {
		return nil, err
	}
	response := &tenantv1.ListOrganizationsResponse{NextPageToken: next}
	for _, id := range ids {
		o, err := s.show(ctx, id)
		if err != nil {
			return nil, err
		}
		response.Organizations = append(response.Organizations, o)
	}
	return response, nil
}

// GetOrganization implements OrganizationService.
func (s *organizationServer) GetOrganization(ctx context.Context, request *tenantv1.GetOrganizationRequest) (*tenantv1.GetOrganizationResponse, error) {
	if _, err := s.current.Load().organization(caller(ctx), "id", request.GetId()); err != nil {
		return nil, err
	}
	o, err := s.show(ctx, request.GetId())
	return &tenantv1.GetOrganizationResponse{Organization: o}, err
}

// UpdateOrganization implements OrganizationService.
func (s *organizationServer) UpdateOrganization(ctx context.Context, request *tenantv1.UpdateOrganizationRequest) (*tenantv1.UpdateOrganizationResponse, error) {
	changes := map[string]any{}
	if request.Name != nil {
		changes["name"] = request.GetName()
	}
	if request.Description != nil {
		changes["description"] = request.GetDescription()
	}
	if request.Enabled != nil {
		changes["enabled"] = request.GetEnabled()
	}
	err := s.change(ctx, func(tx *gorm.DB, now *snapshot) error {
		if _, err := now.organization(caller(ctx), "id", request.GetId()); err != nil {
			return err
		}
		if request.Enabled != nil && !request.GetEnabled() && slices.Contains(now.organizations[caller(ctx).TenantID].path, request.GetId()) {
			return sdk.NewError(apiv1.Reason_REASON_INVALID_STATE, sdk.Violation("enabled", "you cannot disable the organization that you work in"))
		}
		return named(tx.Model(&organizationRow{}).Where("id = ?", request.GetId()).Updates(changes).Error)
	})
	if err != nil {
		return nil, err
	}
	o, err := s.show(ctx, request.GetId())
	return &tenantv1.UpdateOrganizationResponse{Organization: o}, err
}

// DeleteOrganization implements OrganizationService.
func (s *organizationServer) DeleteOrganization(ctx context.Context, request *tenantv1.DeleteOrganizationRequest) (*tenantv1.DeleteOrganizationResponse, error) {
	id := request.GetId()
	err := s.change(ctx, func(tx *gorm.DB, now *snapshot) error {
		if _, err := now.organization(caller(ctx), "id", id); err != nil {
			return nil //nolint:nilerr // absent is success, and another's looks absent
		}
		var blocking []sdk.ErrorOption
		block := func(format string, args ...any) {
			blocking = append(blocking, sdk.Violation("id", fmt.Sprintf(format, args...)))
		}
		if id == now.root {
			block("the root organization cannot be removed")
		}
		for other, o := range now.organizations {
			if o.ParentID == id {
				block("has the organization %s below it", other)
			}
		}
		for _, u := range now.users {
			if u.OrganizationID == id {
				block("has the user %s", u.ID)
			}
		}
		owned, err := s.resources.Owned(tx, []string{id}, "", "")
		if err != nil {
			return err
		}
		if owned > 0 {
			block("owns %d resources", owned)
		}
		tenants, err := s.tenants.Of(tx, id)
		if err != nil {
			return err
		}
		for _, tenant := range tenants {
			block("works in the cloud tenant %s", tenant)
		}
		if len(blocking) > 0 {
			return sdk.NewError(apiv1.Reason_REASON_IN_USE, blocking...)
		}
		for _, table := range []any{&grantRow{}, &quotaRow{}, &organizationAccountRow{}} {
			if err := tx.Delete(table, "organization_id = ?", id).Error; err != nil {
				return err
			}
		}
		return tx.Delete(&organizationRow{}, "id = ?", id).Error
	})
	return &tenantv1.DeleteOrganizationResponse{}, err
}

// GrantRole implements OrganizationService.
func (s *organizationServer) GrantRole(ctx context.Context, request *tenantv1.GrantRoleRequest) (*tenantv1.GrantRoleResponse, error) {
	err := s.grant(ctx, "id", grantRow{request.GetId(), request.GetUserId(), kindRole, request.GetRoleId()})
	return &tenantv1.GrantRoleResponse{}, err
}

// RevokeRole implements OrganizationService.
func (s *organizationServer) RevokeRole(ctx context.Context, request *tenantv1.RevokeRoleRequest) (*tenantv1.RevokeRoleResponse, error) {
	err := s.withdraw(ctx, "id", grantRow{request.GetId(), request.GetUserId(), kindRole, request.GetRoleId()})
	return &tenantv1.RevokeRoleResponse{}, err
}

// grant gives a role or permission group that the caller holds there.
func (i *Identity) grant(ctx context.Context, field string, g grantRow) error {
	return i.changeGrants(ctx, g.UserID, func(tx *gorm.DB, now *snapshot) error {
		p := caller(ctx)
		if _, err := now.organization(p, field, g.OrganizationID); err != nil {
			return err
		}
		if _, err := now.user(p, "user_id", g.UserID); err != nil {
			return err
		}
		set, err := now.permissionSet(g.Kind, targetField(g.Kind), g.TargetID)
		if err != nil {
			return err
		}
		if err := i.holds(now, p, g.OrganizationID, targetField(g.Kind), set.Permissions); err != nil {
			return err
		}
		return tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&g).Error
	})
}

// changeGrants is change, and keeps for the record what its user may do before and after.
func (i *Identity) changeGrants(ctx context.Context, userID string, f func(tx *gorm.DB, now *snapshot) error) error {
	users := &userServer{Identity: i}
	if i.User(caller(ctx), "user_id", userID) != nil {
		return i.change(ctx, f)
	}
	before(ctx, users.show(userID))
	err := i.change(ctx, f)
	if err == nil {
		after(ctx, users.show(userID))
	}
	return err
}

// withdraw takes a grant away; what the caller could not give, it cannot take.
func (i *Identity) withdraw(ctx context.Context, field string, g grantRow) error {
	return i.changeGrants(ctx, g.UserID, func(tx *gorm.DB, now *snapshot) error {
		p := caller(ctx)
		if _, err := now.organization(p, field, g.OrganizationID); err != nil {
			return err
		}
		set, err := now.permissionSet(g.Kind, targetField(g.Kind), g.TargetID)
		if err != nil {
			return err
		}
		if err := i.holds(now, p, g.OrganizationID, targetField(g.Kind), set.Permissions); err != nil {
			return err
		}
		if err := tx.Delete(&grantRow{}, "organization_id = ? AND user_id = ? AND kind = ? AND target_id = ?",
			g.OrganizationID, g.UserID, g.Kind, g.TargetID).Error; err != nil {
			return err
		}
		return i.keepAdministrator(tx)
	})
}

func targetField(kind string) string {
	if kind == kindRole {
		return "role_id"
	}
	return "permission_group_id"
}

// keepAdministrator refuses a change that leaves nobody who may do everything.
func (i *Identity) keepAdministrator(tx *gorm.DB) error {
	next, err := load(tx, i.builtIn)
	if err != nil {
		return err
	}
	for _, u := range next.users {
		for _, g := range next.grants[u.ID] {
			if u.Enabled && g.TargetID == i.builtIn[0].ID && g.OrganizationID == next.root {
				return nil
			}
		}
	}
	return sdk.NewError(apiv1.Reason_REASON_INVALID_STATE, sdk.Violation("user_id", "is the last administrator"))
}

// SetOrganizationAccounts implements OrganizationService.
func (s *organizationServer) SetOrganizationAccounts(ctx context.Context, request *tenantv1.SetOrganizationAccountsRequest) (*tenantv1.SetOrganizationAccountsResponse, error) {
	err := s.change(ctx, func(tx *gorm.DB, now *snapshot) error {
		p := caller(ctx)
		o, err := now.organization(p, "id", request.GetId())
		if err != nil {
			return err
		}
		if o.ID == p.TenantID && o.ID != now.root {
			return sdk.NewError(apiv1.Reason_REASON_PERMISSION_DENIED, sdk.Violation("id", "is given its accounts from above"))
		}
		if err := tx.Delete(&organizationAccountRow{}, "organization_id = ?", o.ID).Error; err != nil {
			return err
		}
		for n, id := range request.GetAccountIds() {
			if err := s.Account(p, id); err != nil {
				return sdk.NewError(apiv1.Reason_REASON_RESOURCE_FORBIDDEN, sdk.Violation(fmt.Sprintf("account_ids[%d]", n), "is of an account that you may not use"))
			}
			if !s.accounts.Known(id) {
				return sdk.NewError(apiv1.Reason_REASON_ACCOUNT_NOT_FOUND, sdk.Violation(fmt.Sprintf("account_ids[%d]", n), "no account has this name"))
			}
			if err := tx.Create(&organizationAccountRow{o.ID, id}).Error; err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	o, err := s.show(ctx, request.GetId())
	return &tenantv1.SetOrganizationAccountsResponse{Organization: o}, err
}

// SetOrganizationQuota implements OrganizationService.
func (s *organizationServer) SetOrganizationQuota(ctx context.Context, request *tenantv1.SetOrganizationQuotaRequest) (*tenantv1.SetOrganizationQuotaResponse, error) {
	err := s.change(ctx, func(tx *gorm.DB, now *snapshot) error {
		p := caller(ctx)
		o, err := now.organization(p, "id", request.GetId())
		if err != nil {
			return err
		}
		if o.ID == p.TenantID && o.ID != now.root {
			return sdk.NewError(apiv1.Reason_REASON_PERMISSION_DENIED, sdk.Violation("id", "is given its quota from above"))
		}
		if err := tx.Delete(&quotaRow{}, "organization_id = ?", o.ID).Error; err != nil {
			return err
		}
		for n, q := range request.GetQuotas() {
			if !slices.Contains(s.types, q.GetResourceType()) {
				return sdk.NewError(apiv1.Reason_REASON_VALIDATION_FAILED, sdk.Violation(fmt.Sprintf("quotas[%d].resource_type", n), "is no type of resources such as compute.vm"))
			}
			if q.GetAccountId() != "" && !s.accounts.Known(q.GetAccountId()) {
				return sdk.NewError(apiv1.Reason_REASON_ACCOUNT_NOT_FOUND, sdk.Violation(fmt.Sprintf("quotas[%d].account_id", n), "no account has this name"))
			}
			err := tx.Create(&quotaRow{o.ID, q.GetResourceType(), q.GetAccountId(), q.GetLimit()}).Error
			if db.IsDuplicate(err) {
				return sdk.NewError(apiv1.Reason_REASON_VALIDATION_FAILED, sdk.Violation(fmt.Sprintf("quotas[%d]", n), "is there twice"))
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	o, err := s.show(ctx, request.GetId())
	return &tenantv1.SetOrganizationQuotaResponse{Organization: o}, err
}

// show is an organization as clients see it.
func (s *organizationServer) show(ctx context.Context, id string) (*tenantv1.Organization, error) {
	now := s.current.Load()
	o := now.organizations[id]
	if o == nil {
		return nil, absent("id", "organization")
	}
	out := &tenantv1.Organization{
		Id: o.ID, Name: o.Name, ParentId: o.ParentID, Description: o.Description, Enabled: o.Enabled, CreatedAt: timestamppb.New(o.CreatedAt),
	}
	for account := range o.accounts {
		out.AccountIds = append(out.AccountIds, account)
	}
	slices.Sort(out.AccountIds)
	for _, q := range o.quotas {
		used, err := s.resources.Owned(s.store.Read.WithContext(ctx), now.subtree(id), q.ResourceType, q.AccountID)
		if err != nil {
			return nil, err
		}
		out.Quotas = append(out.Quotas, &tenantv1.OrganizationQuota{
			ResourceType: q.ResourceType, AccountId: q.AccountID, Limit: q.Maximum, Used: int32(used),
		})
	}
	return out, nil
}
