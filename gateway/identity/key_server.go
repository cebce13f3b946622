package identity

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"maps"
	"slices"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"
	"google.golang.org/protobuf/types/known/timestamppb"
	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/internal/rowid"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	tenantv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/tenant/v1"
)

type keyServer struct {
	tenantv1.UnimplementedAccessKeyServiceServer
	*Identity
}

var _ tenantv1.AccessKeyServiceServer = (*keyServer)(nil)

// maxKeys is how many keys a user may have.
const maxKeys = 4

func keyLabel(id string) string { return "identity_access_keys/" + id }

// CreateAccessKey implements AccessKeyService.
func (s *keyServer) CreateAccessKey(ctx context.Context, request *tenantv1.CreateAccessKeyRequest) (*tenantv1.CreateAccessKeyResponse, error) {
	userID := request.GetUserId()
	if userID == "" {
		userID = caller(ctx).UserID
	}
	algorithm := request.GetAlgorithm()
	if algorithm == tenantv1.SignatureAlgorithm_SIGNATURE_ALGORITHM_UNSPECIFIED {
		algorithm = tenantv1.SignatureAlgorithm_SIGNATURE_ALGORITHM_HMAC_SM3
	}
	r := keyRow{ID: rowid.New(), UserID: userID, Algorithm: int32(algorithm), Description: request.GetDescription(), Enabled: true, CreatedAt: s.now()}
	secret := ""
	if algorithm == tenantv1.SignatureAlgorithm_SIGNATURE_ALGORITHM_SM2 {
		der, err := parseSM2(request.GetPublicKey())
		if err != nil {
			return nil, sdk.NewError(apiv1.Reason_REASON_VALIDATION_FAILED, sdk.Violation("public_key", err.Error()))
		}
		r.PublicKey = der
	} else {
		if request.GetPublicKey() != "" {
			return nil, sdk.NewError(apiv1.Reason_REASON_VALIDATION_FAILED, sdk.Violation("public_key", "is for SM2 only"))
		}
		raw := make([]byte, 32)
		_, _ = rand.Read(raw) // never fails, see crypto/rand
		r.Secret = s.box.Seal(raw, keyLabel(r.ID))
		secret = base64.StdEncoding.EncodeToString(raw)
	}
	err := s.change(ctx, func(tx *gorm.DB, now *snapshot) error {
		if err := s.mayManage(ctx, now, userID); err != nil {
			return err
		}
		held := 0
		for _, k := range now.keys {
			if k.UserID == userID {
				held++
			}
		}
		if held >= maxKeys {
			return sdk.NewError(apiv1.Reason_REASON_TENANT_QUOTA_EXCEEDED, sdk.Violation("user_id", fmt.Sprintf("has %d keys already", held)))
		}
		return tx.Create(&r).Error
	})
	if err != nil {
		return nil, err
	}
	return &tenantv1.CreateAccessKeyResponse{Id: r.ID, AccessKey: toProtoKey(&r), Secret: secret}, nil
}

// parseSM2 reads a public key in PEM and returns it in DER.
func parseSM2(text string) ([]byte, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "PUBLIC KEY" {
		return nil, fmt.Errorf("must be a PEM block PUBLIC KEY")
	}
	key, err := smx509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("is no SubjectPublicKeyInfo")
	}
	if ec, ok := key.(*ecdsa.PublicKey); !ok || ec.Curve != sm2.P256() {
		return nil, fmt.Errorf("is no SM2 key")
	}
	return block.Bytes, nil
}

// mayManage: everybody manages his own keys; others' only who outranks them.
func (s *keyServer) mayManage(ctx context.Context, now *snapshot, userID string) error {
	if userID == caller(ctx).UserID {
		return nil
	}
	u, err := now.user(caller(ctx), "user_id", userID)
	if err != nil {
		return err
	}
	if !now.permissionsOf(caller(ctx).UserID, caller(ctx).TenantID, s.permissions)["tenant.user.update"] {
		return sdk.NewError(apiv1.Reason_REASON_PERMISSION_DENIED, sdk.Violation("user_id", "keys of others need the permission tenant.user.update"))
	}
	return (&userServer{Identity: s.Identity}).outranks(ctx, now, u)
}

// ListAccessKeys implements AccessKeyService.
func (s *keyServer) ListAccessKeys(ctx context.Context, request *tenantv1.ListAccessKeysRequest) (*tenantv1.ListAccessKeysResponse, error) {
	userID := request.GetUserId()
	if userID == "" {
		userID = caller(ctx).UserID
	}
	now := s.current.Load()
	if err := s.mayManage(ctx, now, userID); err != nil {
		return nil, err
	}
	response := &tenantv1.ListAccessKeysResponse{}
	for _, id := range slices.Sorted(maps.Keys(now.keys)) {
		if k := now.keys[id]; k.UserID == userID {
			response.AccessKeys = append(response.AccessKeys, toProtoKey(k))
		}
	}
	return response, nil
}

// UpdateAccessKey implements AccessKeyService.
func (s *keyServer) UpdateAccessKey(ctx context.Context, request *tenantv1.UpdateAccessKeyRequest) (*tenantv1.UpdateAccessKeyResponse, error) {
	err := s.change(ctx, func(tx *gorm.DB, now *snapshot) error {
		k := now.keys[request.GetId()]
		if k == nil || s.mayManage(ctx, now, k.UserID) != nil {
			return absent("id", "access key")
		}
		before(ctx, toProtoKey(k))
		return tx.Model(&keyRow{}).Where("id = ?", k.ID).Update("enabled", request.GetEnabled()).Error
	})
	if err != nil {
		return nil, err
	}
	return &tenantv1.UpdateAccessKeyResponse{AccessKey: toProtoKey(s.current.Load().keys[request.GetId()])}, nil
}

// DeleteAccessKey implements AccessKeyService.
func (s *keyServer) DeleteAccessKey(ctx context.Context, request *tenantv1.DeleteAccessKeyRequest) (*tenantv1.DeleteAccessKeyResponse, error) {
	err := s.change(ctx, func(tx *gorm.DB, now *snapshot) error {
		k := now.keys[request.GetId()]
		if k == nil || s.mayManage(ctx, now, k.UserID) != nil {
			return nil // absent is success, and another's looks absent
		}
		before(ctx, toProtoKey(k))
		return tx.Delete(&keyRow{}, "id = ?", k.ID).Error
	})
	return &tenantv1.DeleteAccessKeyResponse{}, err
}

func toProtoKey(k *keyRow) *tenantv1.AccessKey {
	if k == nil {
		return nil
	}
	return &tenantv1.AccessKey{
		Id: k.ID, UserId: k.UserID, Algorithm: tenantv1.SignatureAlgorithm(k.Algorithm), Description: k.Description,
		Enabled: k.Enabled, CreatedAt: timestamppb.New(k.CreatedAt),
	}
}
