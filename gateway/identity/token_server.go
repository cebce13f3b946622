package identity

import (
	"context"
	"crypto/sha256"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	tenantv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/tenant/v1"
)

type tokenServer struct {
	tenantv1.UnimplementedTokenServiceServer
	*Identity
}

var _ tenantv1.TokenServiceServer = (*tokenServer)(nil)

const (
	freeFailures = 5                // log-ins that may fail before the lock
	longestLock  = 15 * time.Minute // the lock doubles from a second up to this
)

// CreateToken implements TokenService. Every path costs one password hash.
func (s *tokenServer) CreateToken(ctx context.Context, request *tenantv1.CreateTokenRequest) (*tenantv1.CreateTokenResponse, error) {
	if err := s.checkLock(ctx, request.GetUserName()); err != nil {
		return nil, err
	}
	now := s.current.Load()
	user := now.usersByName[request.GetUserName()]
	hash := ""
	if user != nil {
		hash = user.PasswordHash
	}
	if !verifyPassword(hash, request.GetPassword()) {
		if err := s.countFailure(ctx, request.GetUserName()); err != nil {
			return nil, err
		}
		return nil, sdk.NewError(apiv1.Reason_REASON_CREDENTIALS_INVALID)
	}
	organizationID, err := s.workplace(now, user, request.GetTenantName())
	if err != nil {
		return nil, err
	}
	if _, err := s.principal(user.ID, organizationID, "password"); err != nil {
		return nil, err
	}
	if err := s.store.Write.WithContext(ctx).Delete(&failureRow{}, "name_hash = ?", nameHash(request.GetUserName())).Error; err != nil {
		return nil, err
	}
	token, expires, err := s.issue(ctx, user.ID, organizationID)
	if err != nil {
		return nil, err
	}
	return &tenantv1.CreateTokenResponse{
		Token: token, ExpiresAt: timestamppb.New(expires), UserId: user.ID, OrganizationId: organizationID,
	}, nil
}

// workplace finds the organization that a token is for: the user's own, or one in
// which the user has any grant.
func (s *tokenServer) workplace(now *snapshot, user *userRow, name string) (string, error) {
	if name == "" {
		return user.OrganizationID, nil
	}
	for id, o := range now.organizations {
		if o.Name == name && (id == user.OrganizationID || len(now.permissionsOf(user.ID, id, s.permissions)) > 0) {
			return id, nil
		}
	}
	return "", sdk.NewError(apiv1.Reason_REASON_CREDENTIALS_INVALID)
}

func (s *tokenServer) issue(ctx context.Context, userID, organizationID string) (token string, expires time.Time, err error) {
	token, expires = newToken(), s.now().Add(s.opts.TokenLife)
	err = s.store.Write.WithContext(ctx).Create(&tokenRow{
		Hash: hashToken(token), UserID: userID, OrganizationID: organizationID, CreatedAt: s.now(), ExpiresAt: &expires,
	}).Error
	return token, expires, err
}

// VerifyToken implements TokenService.
func (s *tokenServer) VerifyToken(ctx context.Context, request *tenantv1.VerifyTokenRequest) (*tenantv1.VerifyTokenResponse, error) {
	p := caller(ctx)
	var expires time.Time
	if request.GetToken() != "" {
		t, err := s.lookUp(ctx, request.GetToken())
		if err != nil {
			return nil, err
		}
		asked, err := s.principalOf(ctx, request.GetToken())
		if err != nil {
			return nil, err
		}
		if !s.current.Load().within(asked.TenantID, p.TenantID) && asked.UserID != p.UserID {
			return nil, invalidToken()
		}
		p, expires = asked, t.expiresAt
	}
	now := s.current.Load()
	response := &tenantv1.VerifyTokenResponse{
		UserId: p.UserID, UserName: p.UserName, OrganizationId: p.TenantID, OrganizationName: now.organizations[p.TenantID].Name,
	}
	if !expires.IsZero() {
		response.ExpiresAt = timestamppb.New(expires)
	}
	for _, g := range now.grants[p.UserID] {
		if set := now.permissions[g.TargetID]; set != nil && set.Kind == kindRole && now.within(p.TenantID, g.OrganizationID) {
			response.Roles = append(response.Roles, set.Name)
		}
	}
	for _, permission := range s.permissions {
		if now.permissionsOf(p.UserID, p.TenantID, s.permissions)[permission] {
			response.Permissions = append(response.Permissions, permission)
		}
	}
	return response, nil
}

// RefreshToken implements TokenService.
func (s *tokenServer) RefreshToken(ctx context.Context, _ *tenantv1.RefreshTokenRequest) (*tenantv1.RefreshTokenResponse, error) {
	call := pipeline.CallFrom(ctx)
	if call == nil || call.Principal.TokenHash == nil {
		return nil, sdk.NewError(apiv1.Reason_REASON_TOKEN_INVALID, sdk.Violation("Authorization", "only a token can be refreshed"))
	}
	token, expires, err := s.issue(ctx, call.Principal.UserID, call.Principal.TenantID)
	if err != nil {
		return nil, err
	}
	if err := s.revoke(ctx, call.Principal.TokenHash); err != nil {
		return nil, err
	}
	return &tenantv1.RefreshTokenResponse{Token: token, ExpiresAt: timestamppb.New(expires)}, nil
}

// RevokeToken implements TokenService. Whoever holds a token may end it.
func (s *tokenServer) RevokeToken(ctx context.Context, request *tenantv1.RevokeTokenRequest) (*tenantv1.RevokeTokenResponse, error) {
	hash := caller(ctx).TokenHash
	if request.GetToken() != "" {
		hash = hashToken(request.GetToken())
	}
	if hash == nil {
		return nil, sdk.NewError(apiv1.Reason_REASON_VALIDATION_FAILED, sdk.Violation("token", "is required where the call is signed with a key"))
	}
	return &tenantv1.RevokeTokenResponse{}, s.revoke(ctx, hash)
}

func (s *tokenServer) revoke(ctx context.Context, hash []byte) error {
	return s.change(ctx, func(tx *gorm.DB, _ *snapshot) error {
		return tx.Delete(&tokenRow{}, "hash = ?", hash).Error
	})
}

func nameHash(name string) []byte {
	sum := sha256.Sum256([]byte(strings.ToLower(name)))
	return sum[:]
}

// checkLock refuses a name that is locked after repeated failures.
func (i *Identity) checkLock(ctx context.Context, name string) error {
	var r failureRow
	if err := i.store.Read.WithContext(ctx).Where("name_hash = ?", nameHash(name)).Limit(1).Find(&r).Error; err != nil {
		return err
	}
	if wait := r.LockedUntil.Sub(i.now()); wait > 0 {
		return sdk.NewError(apiv1.Reason_REASON_RATE_LIMITED, sdk.RetryAfter(wait), sdk.Violation("user_name", "too many failed log-ins"))
	}
	return nil
}

// countFailure locks a name after repeated failures, longer each time.
func (i *Identity) countFailure(ctx context.Context, name string) error {
	return i.store.Write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		r := failureRow{NameHash: nameHash(name)}
		if err := tx.Where("name_hash = ?", r.NameHash).Limit(1).Find(&r).Error; err != nil {
			return err
		}
		r.NameHash = nameHash(name)
		r.Failures++
		r.LockedUntil = i.now()
		if over := r.Failures - freeFailures; over >= 0 {
			r.LockedUntil = i.now().Add(min(time.Second<<min(over, 20), longestLock))
		}
		return tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&r).Error
	})
}
