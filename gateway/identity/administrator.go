package identity

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/rowid"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// tokenPrefix makes a leaked token findable by scanners.
const tokenPrefix = "yq_"

// Identity holds who may call. It is read without a lock: it does not change
// after Open.
type Identity struct {
	principals map[[sha256.Size]byte]pipeline.Principal // by hash of the token
}

var _ pipeline.Permitter = (*Identity)(nil)

// Open reads the administrator, or makes one at the first start. The token is
// returned then, and never again.
func Open(ctx context.Context, store *db.Store) (identity *Identity, firstToken string, err error) {
	var rows []administratorRow
	err = store.Write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := tx.Find(&rows).Error; err != nil || len(rows) > 0 {
			return err
		}
		firstToken = newToken()
		hash := sha256.Sum256([]byte(firstToken))
		rows = []administratorRow{{UserID: rowid.New(), TenantID: rowid.New(), TokenHash: hash[:], CreatedAt: tx.NowFunc()}}
		return tx.Create(&rows[0]).Error
	})
	if err != nil {
		return nil, "", fmt.Errorf("read administrators: %w", err)
	}
	identity = &Identity{principals: map[[sha256.Size]byte]pipeline.Principal{}}
	for _, r := range rows {
		identity.principals[[sha256.Size]byte(r.TokenHash)] = pipeline.Principal{UserID: r.UserID, TenantID: r.TenantID}
	}
	return identity, firstToken, nil
}

func newToken() string {
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails, see crypto/rand
	return tokenPrefix + base64.RawURLEncoding.EncodeToString(raw[:])
}

// Authenticate reads the bearer token. The look-up is by the token's hash, so its
// time tells nothing about tokens.
func (i *Identity) Authenticate(_ context.Context, r *http.Request) (pipeline.Principal, error) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return pipeline.Principal{}, sdk.NewError(apiv1.Reason_REASON_TOKEN_MISSING,
			sdk.Violation("Authorization", "give the header Authorization: Bearer <token>"))
	}
	scheme, token, _ := strings.Cut(header, " ")
	principal, ok := i.principals[sha256.Sum256([]byte(token))]
	if !strings.EqualFold(scheme, "Bearer") || !ok {
		return pipeline.Principal{}, sdk.NewError(apiv1.Reason_REASON_TOKEN_INVALID)
	}
	return principal, nil
}

// Permit implements pipeline.Permitter: an administrator may do everything.
func (i *Identity) Permit(p pipeline.Principal, _ string) error {
	if p.UserID == "" {
		return sdk.NewError(apiv1.Reason_REASON_PERMISSION_DENIED)
	}
	return nil
}

// Account implements policy.Access: an administrator may use every account.
func (i *Identity) Account(p pipeline.Principal, _ string) error { return i.Permit(p, "") }

// Resource implements policy.Access: an administrator may use every resource.
func (i *Identity) Resource(p pipeline.Principal, _ string) error { return i.Permit(p, "") }

// Tenants implements policy.Access: an administrator sees all organizations.
func (i *Identity) Tenants(pipeline.Principal) []string { return nil }
