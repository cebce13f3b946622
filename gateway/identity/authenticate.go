package identity

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/identity/signature"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// Authenticate finds out who makes a request: by bearer token, or by signature. With
// some errors it tells who it was, for the record of calls: a caller who is disabled,
// a signature that is right and stale or sent again.
func (i *Identity) Authenticate(ctx context.Context, r *http.Request, body []byte) (pipeline.Principal, error) {
	if i.NeedsBody(r) {
		return i.signer(ctx, r, body)
	}
	header := r.Header.Get("Authorization")
	if header == "" {
		return pipeline.Principal{}, sdk.NewError(apiv1.Reason_REASON_TOKEN_MISSING,
			sdk.Violation("Authorization", "give the header Authorization: Bearer <token>, or sign the request with an access key"))
	}
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return pipeline.Principal{}, invalidToken()
	}
	return i.principalOf(ctx, token)
}

// NeedsBody implements edge.Authenticator: a signature covers the body.
func (i *Identity) NeedsBody(r *http.Request) bool {
	return r.Header.Get("Authorization") == "" && len(r.Header.Values(signature.HeaderInput)) > 0
}

// Still implements edge.Authenticator: the credential has not been taken back, and
// who has it still has the permission.
func (i *Identity) Still(ctx context.Context, p pipeline.Principal, permission string) error {
	if id, signed := strings.CutPrefix(p.Credential, keyCredential); signed {
		if key, err := i.current.Load().accessKey(i.box, id); err != nil || key == nil {
			return cmp.Or(err, invalidToken())
		}
	} else {
		t, err := i.lookUpHash(ctx, tokenHash(p.TokenHash))
		if err != nil {
			return err
		}
		if t.userID != p.UserID || t.expired(i.now()) {
			return invalidToken()
		}
	}
	if _, err := i.principal(p.UserID, p.TenantID, p.Credential); err != nil {
		return err
	}
	return i.Permit(p, permission)
}

// principalOf looks a token up by its hash, so that the time of the look-up tells
// nothing about tokens.
func (i *Identity) principalOf(ctx context.Context, token string) (pipeline.Principal, error) {
	t, err := i.lookUp(ctx, token)
	if err != nil {
		return pipeline.Principal{}, err
	}
	if t.userID == "" || t.expired(i.now()) {
		return pipeline.Principal{}, invalidToken()
	}
	p, err := i.principal(t.userID, t.organizationID, "token")
	p.TokenHash = hashToken(token)
	return p, err
}

// principal is who a user is, and checks that he may call at all.
func (i *Identity) principal(userID, organizationID, credential string) (pipeline.Principal, error) {
	now := i.current.Load()
	user := now.users[userID]
	if user == nil {
		return pipeline.Principal{}, invalidToken()
	}
	p := pipeline.Principal{UserID: userID, UserName: user.Name, TenantID: organizationID, Credential: credential}
	if !user.Enabled || !now.enabled(user.OrganizationID) || !now.enabled(organizationID) {
		return p, sdk.NewError(apiv1.Reason_REASON_PRINCIPAL_DISABLED)
	}
	return p, nil
}

func (i *Identity) lookUp(ctx context.Context, token string) (cachedToken, error) {
	if !strings.HasPrefix(token, tokenPrefix) {
		return cachedToken{}, nil
	}
	return i.lookUpHash(ctx, tokenHash(hashToken(token)))
}

func (i *Identity) lookUpHash(ctx context.Context, hash tokenHash) (cachedToken, error) {
	t, ok, generation := i.tokens.get(hash)
	if ok {
		return t, nil
	}
	var r tokenRow
	found := i.store.Read.WithContext(ctx).Where("hash = ?", hash[:]).Limit(1).Find(&r)
	if found.Error != nil {
		return cachedToken{}, found.Error
	}
	t = cachedToken{userID: r.UserID, organizationID: r.OrganizationID}
	if r.ExpiresAt != nil {
		t.expiresAt = *r.ExpiresAt
	}
	i.tokens.put(hash, t, generation)
	return t, nil
}

func invalidToken() error { return sdk.NewError(apiv1.Reason_REASON_TOKEN_INVALID) }
