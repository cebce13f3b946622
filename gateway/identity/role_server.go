package identity

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/internal/rowid"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	tenantv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/tenant/v1"
)

type roleServer struct {
	tenantv1.UnimplementedRoleServiceServer
	*Identity
}

type groupServer struct {
	tenantv1.UnimplementedPermissionGroupServiceServer
	*Identity
}

type groupGrantServer struct {
	tenantv1.UnimplementedPermissionGroupGrantServiceServer
	*Identity
}

var (
	_ tenantv1.RoleServiceServer                 = (*roleServer)(nil)
	_ tenantv1.PermissionGroupServiceServer      = (*groupServer)(nil)
	_ tenantv1.PermissionGroupGrantServiceServer = (*groupGrantServer)(nil)
)

// sets lists roles or groups, built-in ones first.
func (s *snapshot) sets(kind string) []*permissionSet {
	var out []*permissionSet
	for _, set := range s.permissions {
		if set.Kind == kind {
			out = append(out, set)
		}
	}
	slices.SortFunc(out, func(a, b *permissionSet) int {
		if a.BuiltIn != b.BuiltIn {
			if a.BuiltIn {
				return -1
			}
			return 1
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out
}

// createSet stores a role or group of permissions that the caller has.
func (i *Identity) createSet(ctx context.Context, kind, name, description string, permissions []string) (*permissionSet, error) {
	if err := i.known(permissions); err != nil {
		return nil, err
	}
	encoded, err := json.Marshal(permissions)
	if err != nil {
		return nil, err
	}
	r := permissionsRow{ID: rowid.New(), Kind: kind, Name: name, Description: description, Permissions: string(encoded)}
	err = i.change(ctx, func(tx *gorm.DB, now *snapshot) error {
		if err := i.mayDefine(ctx, now, permissions); err != nil {
			return err
		}
		for _, set := range now.sets(kind) {
			if set.Name == name {
				return taken("name")
			}
		}
		return named(tx.Create(&r).Error)
	})
	if err != nil {
		return nil, err
	}
	return i.current.Load().permissionSet(kind, "id", r.ID)
}

// known refuses what names no permission: it would never hold.
func (i *Identity) known(patterns []string) error {
	for n, pattern := range patterns {
		if !slices.ContainsFunc(i.permissions, func(p string) bool { return matches(pattern, p) }) {
			return sdk.NewError(apiv1.Reason_REASON_VALIDATION_FAILED,
				sdk.Violation(fmt.Sprintf("permissions[%d]", n), "is no permission, and covers none: see docs/roles.md, or yunqiao routes"))
		}
	}
	return nil
}

// mayDefine: roles and groups are known in the whole installation, so only the
// root's people define them, and nobody more than he has.
func (i *Identity) mayDefine(ctx context.Context, now *snapshot, permissions []string) error {
	p := caller(ctx)
	if p.TenantID != now.root {
		return sdk.NewError(apiv1.Reason_REASON_PERMISSION_DENIED, sdk.Violation("permission", "roles and groups are defined in the root organization"))
	}
	return i.holds(now, p, p.TenantID, "permissions", permissions)
}

// deleteSet removes a role or group that is not granted to anybody.
func (i *Identity) deleteSet(ctx context.Context, kind, id string) error {
	return i.change(ctx, func(tx *gorm.DB, now *snapshot) error {
		set, err := now.permissionSet(kind, "id", id)
		if err != nil {
			return nil //nolint:nilerr // absent is success
		}
		if set.BuiltIn {
			return builtInSet()
		}
		if err := i.mayDefine(ctx, now, set.Permissions); err != nil {
			return err
		}
		for _, grants := range now.grants {
			for _, g := range grants {
				if g.TargetID == id {
					return sdk.NewError(apiv1.Reason_REASON_IN_USE, sdk.Violation("id", "is granted to the user "+g.UserID))
				}
			}
		}
		return tx.Delete(&permissionsRow{}, "id = ?", id).Error
	})
}

func builtInSet() error {
	return sdk.NewError(apiv1.Reason_REASON_INVALID_STATE, sdk.Violation("id", "is built in"))
}

// ListRoles implements RoleService.
func (s *roleServer) ListRoles(context.Context, *tenantv1.ListRolesRequest) (*tenantv1.ListRolesResponse, error) {
	response := &tenantv1.ListRolesResponse{}
	for _, set := range s.current.Load().sets(kindRole) {
		response.Roles = append(response.Roles, toProtoRole(set))
	}
	return response, nil
}

// CreateRole implements RoleService.
func (s *roleServer) CreateRole(ctx context.Context, request *tenantv1.CreateRoleRequest) (*tenantv1.CreateRoleResponse, error) {
	set, err := s.createSet(ctx, kindRole, request.GetName(), request.GetDescription(), request.GetPermissions())
	if err != nil {
		return nil, err
	}
	return &tenantv1.CreateRoleResponse{Id: set.ID, Role: toProtoRole(set)}, nil
}

// UpdateRole implements RoleService.
func (s *roleServer) UpdateRole(ctx context.Context, request *tenantv1.UpdateRoleRequest) (*tenantv1.UpdateRoleResponse, error) {
	if err := s.known(request.GetPermissions()); err != nil {
		return nil, err
	}
	err := s.change(ctx, func(tx *gorm.DB, now *snapshot) error {
		set, err := now.permissionSet(kindRole, "id", request.GetId())
		if err != nil {
			return err
		}
		if set.BuiltIn {
			return builtInSet()
		}
		if err := s.mayDefine(ctx, now, slices.Concat(set.Permissions, request.GetPermissions())); err != nil {
			return err
		}
		changes := map[string]any{}
		if request.Description != nil {
			changes["description"] = request.GetDescription()
		}
		if len(request.GetPermissions()) > 0 {
			encoded, err := json.Marshal(request.GetPermissions())
			if err != nil {
				return err
			}
			changes["permissions"] = string(encoded)
		}
		return tx.Model(&permissionsRow{}).Where("id = ?", set.ID).Updates(changes).Error
	})
	if err != nil {
		return nil, err
	}
	set, err := s.current.Load().permissionSet(kindRole, "id", request.GetId())
	if err != nil {
		return nil, err
	}
	return &tenantv1.UpdateRoleResponse{Role: toProtoRole(set)}, nil
}

// DeleteRole implements RoleService.
func (s *roleServer) DeleteRole(ctx context.Context, request *tenantv1.DeleteRoleRequest) (*tenantv1.DeleteRoleResponse, error) {
	return &tenantv1.DeleteRoleResponse{}, s.deleteSet(ctx, kindRole, request.GetId())
}

func toProtoRole(set *permissionSet) *tenantv1.Role {
	return &tenantv1.Role{Id: set.ID, Name: set.Name, Description: set.Description, Permissions: set.Permissions, BuiltIn: set.BuiltIn}
}

// ListPermissionGroups implements PermissionGroupService.
func (s *groupServer) ListPermissionGroups(context.Context, *tenantv1.ListPermissionGroupsRequest) (*tenantv1.ListPermissionGroupsResponse, error) {
	response := &tenantv1.ListPermissionGroupsResponse{}
	for _, set := range s.current.Load().sets(kindGroup) {
		response.PermissionGroups = append(response.PermissionGroups, toProtoGroup(set))
	}
	return response, nil
}

// CreatePermissionGroup implements PermissionGroupService.
func (s *groupServer) CreatePermissionGroup(ctx context.Context, request *tenantv1.CreatePermissionGroupRequest) (*tenantv1.CreatePermissionGroupResponse, error) {
	set, err := s.createSet(ctx, kindGroup, request.GetName(), request.GetDescription(), request.GetPermissions())
	if err != nil {
		return nil, err
	}
	return &tenantv1.CreatePermissionGroupResponse{Id: set.ID, PermissionGroup: toProtoGroup(set)}, nil
}

// DeletePermissionGroup implements PermissionGroupService.
func (s *groupServer) DeletePermissionGroup(ctx context.Context, request *tenantv1.DeletePermissionGroupRequest) (*tenantv1.DeletePermissionGroupResponse, error) {
	return &tenantv1.DeletePermissionGroupResponse{}, s.deleteSet(ctx, kindGroup, request.GetId())
}

func toProtoGroup(set *permissionSet) *tenantv1.PermissionGroup {
	return &tenantv1.PermissionGroup{
		Id: set.ID, Name: set.Name, Description: set.Description, Permissions: set.Permissions, BuiltIn: set.BuiltIn,
	}
}

// CreatePermissionGroupGrant implements PermissionGroupGrantService.
func (s *groupGrantServer) CreatePermissionGroupGrant(ctx context.Context, request *tenantv1.CreatePermissionGroupGrantRequest) (*tenantv1.CreatePermissionGroupGrantResponse, error) {
	err := s.grant(ctx, "organization_id", grantRow{request.GetOrganizationId(), request.GetUserId(), kindGroup, request.GetPermissionGroupId()})
	return &tenantv1.CreatePermissionGroupGrantResponse{}, err
}

// DeletePermissionGroupGrant implements PermissionGroupGrantService.
func (s *groupGrantServer) DeletePermissionGroupGrant(ctx context.Context, request *tenantv1.DeletePermissionGroupGrantRequest) (*tenantv1.DeletePermissionGroupGrantResponse, error) {
	err := s.withdraw(ctx, "organization_id", grantRow{request.GetOrganizationId(), request.GetUserId(), kindGroup, request.GetPermissionGroupId()})
	return &tenantv1.DeletePermissionGroupGrantResponse{}, err
}
