package identity

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"gorm.io/gorm/clause"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/identity/signature"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/internal/seal"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	tenantv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/tenant/v1"
)

// keyCredential stands before the id of a key in Principal.Credential.
const keyCredential = "key:"

// signer finds out whose access key has signed a request. The key acts in the
// organization of its user. A request may be sent once: a write in the whole
// installation, a read to this process.
func (i *Identity) signer(ctx context.Context, r *http.Request, body []byte) (pipeline.Principal, error) {
	signed, err := signature.Read(r, body)
	if err != nil {
		return pipeline.Principal{}, signatureFault(err)
	}
	now := i.current.Load()
	key, err := now.accessKey(i.box, signed.KeyID)
	if err != nil {
		return pipeline.Principal{}, err
	}
	if key == nil {
		return pipeline.Principal{}, signatureFault(&signature.Error{Header: signature.HeaderInput, Problem: "keyid is of no key that can be used"})
	}
	stale := signed.Verify(key.verifier, i.now())
	if stale != nil && !errors.Is(stale, signature.ErrStale) {
		return pipeline.Principal{}, signatureFault(stale)
	}
	p, err := i.principal(key.userID, key.organizationID, keyCredential+signed.KeyID)
	if err == nil && stale != nil {
		err = signatureFault(stale)
	}
	if err != nil {
		return p, err
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		if !i.reads.first(signed.KeyID, signed.Nonce, i.now()) {
			return p, replayed()
		}
		return p, nil
	}
	return p, i.useNonce(ctx, signed)
}

// useNonce records the nonce of a signed write for all replicas. It is kept twice
// as long as the signature is taken, since their clocks differ.
func (i *Identity) useNonce(ctx context.Context, signed *signature.Signed) error {
	used := i.store.Write.WithContext(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&nonceRow{
		KeyID: signed.KeyID, Nonce: signed.Nonce, ExpiresAt: signed.Created.Add(2 * signature.Window),
	})
	if used.Error != nil {
		return fmt.Errorf("record a nonce: %w", used.Error)
	}
	if used.RowsAffected == 0 {
		return replayed()
	}
	return nil
}

func replayed() error {
	return sdk.NewError(apiv1.Reason_REASON_REPLAY_REJECTED, sdk.Violation(signature.HeaderInput, "nonce was used before"))
}

func signatureFault(err error) error {
	if errors.Is(err, signature.ErrStale) {
		return sdk.NewError(apiv1.Reason_REASON_REPLAY_REJECTED, sdk.Violation(signature.HeaderInput, err.Error()))
	}
	if told, ok := errors.AsType[*signature.Error](err); ok {
		return sdk.NewError(apiv1.Reason_REASON_SIGNATURE_INVALID, sdk.Violation(told.Header, told.Problem))
	}
	return err
}

// accessKey is an enabled key, opened.
type accessKey struct {
	userID, organizationID string
	verifier               *signature.Verifier
}

// accessKey opens a key when it is first used; nil if there is none that can be
// used. What is open goes with the snapshot.
func (s *snapshot) accessKey(box *seal.Box, id string) (*accessKey, error) {
	if opened, ok := s.opened.Load(id); ok {
		return opened.(*accessKey), nil
	}
	row := s.keys[id]
	if row == nil || !row.Enabled || s.users[row.UserID] == nil {
		return nil, nil
	}
	verifier, err := openVerifier(box, row)
	if err != nil {
		return nil, fmt.Errorf("access key %s: %w", id, err)
	}
	key := &accessKey{row.UserID, s.users[row.UserID].OrganizationID, verifier}
	s.opened.Store(id, key)
	return key, nil
}

func openVerifier(box *seal.Box, row *keyRow) (*signature.Verifier, error) {
	if tenantv1.SignatureAlgorithm(row.Algorithm) == tenantv1.SignatureAlgorithm_SIGNATURE_ALGORITHM_SM2 {
		return signature.NewSM2Verifier(row.PublicKey)
	}
	secret, err := box.Open(row.Secret, keyLabel(row.ID))
	if err != nil {
		return nil, err
	}
	algorithm := signature.HMACSM3
	if tenantv1.SignatureAlgorithm(row.Algorithm) == tenantv1.SignatureAlgorithm_SIGNATURE_ALGORITHM_HMAC_SHA256 {
		algorithm = signature.HMACSHA256
	}
	return signature.NewHMACVerifier(algorithm, secret)
}
