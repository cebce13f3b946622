package identity

import (
	"context"
	"maps"
	"slices"

	"google.golang.org/protobuf/types/known/timestamppb"
	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/internal/rowid"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	tenantv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/tenant/v1"
)

type userServer struct {
	tenantv1.UnimplementedUserServiceServer
	*Identity
}

var _ tenantv1.UserServiceServer = (*userServer)(nil)

// CreateUser implements UserService.
func (s *userServer) CreateUser(ctx context.Context, request *tenantv1.CreateUserRequest) (*tenantv1.CreateUserResponse, error) {
	if err := checkPassword("password", request.GetPassword(), request.GetName()); err != nil {
		return nil, err
	}
	organizationID := request.GetOrganizationId()
	if organizationID == "" {
		organizationID = caller(ctx).TenantID
	}
	r := userRow{
		ID: rowid.New(), Name: request.GetName(), OrganizationID: organizationID, Description: request.GetDescription(), Enabled: true,
		PasswordHash: hashPassword(request.GetPassword()), CreatedAt: s.now(),
	}
	err := s.change(ctx, func(tx *gorm.DB, now *snapshot) error {
		if _, err := now.organization(caller(ctx), "organization_id", organizationID); err != nil {
			return err
		}
		return named(tx.Create(&r).Error)
	})
	if err != nil {
		return nil, err
	}
	return &tenantv1.CreateUserResponse{Id: r.ID, User: s.show(r.ID)}, nil
}

// ListUsers implements UserService.
func (s *userServer) ListUsers(ctx context.Context, request *tenantv1.ListUsersRequest) (*tenantv1.ListUsersResponse, error) {
	now := s.current.Load()
	ids := slices.Sorted(maps.Keys(now.users))
	ids = slices.DeleteFunc(ids, func(id string) bool {
		home := now.users[id].OrganizationID
		return !now.within(home, caller(ctx).TenantID) || request.GetOrganizationId() != "" && request.GetOrganizationId() != home
	})
	ids, next, err := page(ids, request.GetPageToken(), request.GetPageSize())
	if err != nil {
		return nil, err
	}
	response := &tenantv1.ListUsersResponse{NextPageToken: next}
	for _, id := range ids {
		if u := s.show(id); u != nil {
			response.Users = append(response.Users, u)
		}
	}
	return response, s.addLocks(ctx, response.GetUsers()...)
}

// addLocks tells of users whose log-in is refused for a time.
func (s *userServer) addLocks(ctx context.Context, users ...*tenantv1.User) error {
	byHash := map[tokenHash]*tenantv1.User{}
	var hashes [][]byte
	for _, u := range users {
		hash := nameHash(u.GetName())
		byHash[tokenHash(hash)] = u
		hashes = append(hashes, hash)
	}
	var rows []failureRow
	if err := s.store.Read.WithContext(ctx).Where("name_hash IN ? AND locked_until > ?", hashes, s.now()).Find(&rows).Error; err != nil {
		return err
	}
	for _, r := range rows {
		if u := byHash[tokenHash(r.NameHash)]; u != nil {
			u.LockedUntil = timestamppb.New(r.LockedUntil)
		}
	}
	return nil
}

// GetUser implements UserService.
func (s *userServer) GetUser(ctx context.Context, request *tenantv1.GetUserRequest) (*tenantv1.GetUserResponse, error) {
	if _, err := s.current.Load().user(caller(ctx), "id", request.GetId()); err != nil {
		return nil, err
	}
	user := s.show(request.GetId())
	if user == nil {
		return nil, absent("id", "user")
	}
	return &tenantv1.GetUserResponse{User: user}, s.addLocks(ctx, user)
}

// UpdateUser implements UserService. A caller may not change a user who may do
// more than itself.
func (s *userServer) UpdateUser(ctx context.Context, request *tenantv1.UpdateUserRequest) (*tenantv1.UpdateUserResponse, error) {
	changes := map[string]any{}
	if request.Description != nil {
		changes["description"] = request.GetDescription()
	}
	if request.Enabled != nil {
		changes["enabled"] = request.GetEnabled()
	}
	if request.Password != nil {
		changes["password_hash"] = hashPassword(request.GetPassword())
	}
	err := s.change(ctx, func(tx *gorm.DB, now *snapshot) error {
		u, err := now.user(caller(ctx), "id", request.GetId())
		if err != nil {
			return err
		}
		if err := s.outranks(ctx, now, u); err != nil {
			return err
		}
		if request.Password != nil {
			if err := checkPassword("password", request.GetPassword(), u.Name); err != nil {
				return err
			}
		}
		if err := tx.Model(&userRow{}).Where("id = ?", u.ID).Updates(changes).Error; err != nil {
			return err
		}
		if request.Password != nil || request.Enabled != nil && !request.GetEnabled() {
			if err := tx.Delete(&tokenRow{}, "user_id = ?", u.ID).Error; err != nil {
				return err
			}
		}
		return s.keepAdministrator(tx)
	})
	if err != nil {
		return nil, err
	}
	return &tenantv1.UpdateUserResponse{User: s.show(request.GetId())}, nil
}

// outranks refuses to touch a user who may do anything that the caller may not.
func (s *userServer) outranks(ctx context.Context, now *snapshot, u *userRow) error {
	for _, g := range now.grants[u.ID] {
		if set := now.permissions[g.TargetID]; set != nil {
			if err := s.holds(now, caller(ctx), g.OrganizationID, "id", set.Permissions); err != nil {
				return err
			}
		}
	}
	return nil
}

// DeleteUser implements UserService.
func (s *userServer) DeleteUser(ctx context.Context, request *tenantv1.DeleteUserRequest) (*tenantv1.DeleteUserResponse, error) {
	err := s.change(ctx, func(tx *gorm.DB, now *snapshot) error {
		u, err := now.user(caller(ctx), "id", request.GetId())
		if err != nil {
			return nil //nolint:nilerr // absent is success, and another's looks absent
		}
		if err := s.outranks(ctx, now, u); err != nil {
			return err
		}
		for _, table := range []any{&grantRow{}, &tokenRow{}, &keyRow{}} {
			if err := tx.Delete(table, "user_id = ?", u.ID).Error; err != nil {
				return err
			}
		}
		if err := tx.Delete(&userRow{}, "id = ?", u.ID).Error; err != nil {
			return err
		}
		return s.keepAdministrator(tx)
	})
	return &tenantv1.DeleteUserResponse{}, err
}

// ChangePassword implements UserService.
func (s *userServer) ChangePassword(ctx context.Context, request *tenantv1.ChangePasswordRequest) (*tenantv1.ChangePasswordResponse, error) {
	p := caller(ctx)
	if err := checkPassword("new_password", request.GetNewPassword(), p.UserName); err != nil {
		return nil, err
	}
	user := s.current.Load().users[p.UserID]
	if err := s.checkLock(ctx, p.UserName); err != nil {
		return nil, err
	}
	if user == nil || !verifyPassword(user.PasswordHash, request.GetOldPassword()) {
		if err := s.countFailure(ctx, p.UserName); err != nil {
			return nil, err
		}
		return nil, sdk.NewError(apiv1.Reason_REASON_CREDENTIALS_INVALID, sdk.Violation("old_password", "is wrong"))
	}
	hash := hashPassword(request.GetNewPassword())
	err := s.change(ctx, func(tx *gorm.DB, _ *snapshot) error {
		if err := tx.Model(&userRow{}).Where("id = ?", p.UserID).Update("password_hash", hash).Error; err != nil {
			return err
		}
		others := tx.Where("user_id = ?", p.UserID)
		if p.TokenHash != nil {
			others = others.Where("hash <> ?", p.TokenHash)
		}
		return others.Delete(&tokenRow{}).Error
	})
	return &tenantv1.ChangePasswordResponse{}, err
}

// show is a user as clients see it; nil if it has gone meanwhile.
func (s *userServer) show(id string) *tenantv1.User {
	now := s.current.Load()
	u := now.users[id]
	if u == nil {
		return nil
	}
	out := &tenantv1.User{
		Id: u.ID, Name: u.Name, OrganizationId: u.OrganizationID, Description: u.Description, Enabled: u.Enabled, CreatedAt: timestamppb.New(u.CreatedAt),
	}
	for _, g := range now.grants[id] {
		set := now.permissions[g.TargetID]
		switch {
		case set == nil:
		case set.Kind == kindRole:
			out.Roles = append(out.Roles, &tenantv1.RoleGrant{RoleId: set.ID, RoleName: set.Name, OrganizationId: g.OrganizationID})
		default:
			out.PermissionGroups = append(out.PermissionGroups, &tenantv1.PermissionGroupGrant{PermissionGroupId: set.ID, OrganizationId: g.OrganizationID})
		}
	}
	return out
}
