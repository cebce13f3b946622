package identity

import (
	"context"
	"net/http"
	"strings"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/identity/signature"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// Authenticate finds out who makes a request: by bearer token, or by signature.
func (i *Identity) Authenticate(ctx context.Context, r *http.Request, body []byte) (pipeline.Principal, error) {
	header := r.Header.Get("Authorization")
	if header == "" && len(r.Header.Values(signature.HeaderInput)) > 0 {
		return i.signer(ctx, r, body)
	}
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

// principalOf looks a token up by its hash, so that the time of the look-up tells
// nothing about tokens.
func (i *Identity) principalOf(ctx context.Context, token string) (pipeline.Principal, error) {
	t, err := i.lookUp(ctx, token)
	if err != nil {
		return pipeline.Principal{}, err
	}
	if t.userID == "" || !t.expiresAt.IsZero() && i.now().After(t.expiresAt) {
		return pipeline.Principal{}, invalidToken()
	}
	p, err := i.principal(t.userID, t.organizationID, "token")
	p.TokenHash = hashToken(token)
	return p, err
}

// principal checks that a user may call at all.
func (i *Identity) principal(userID, organizationID, credential string) (pipeline.Principal, error) {
	now := i.current.Load()
	user := now.users[userID]
	if user == nil {
		return pipeline.Principal{}, invalidToken()
	}
	if !user.Enabled || !now.enabled(user.OrganizationID) || !now.enabled(organizationID) {
		return pipeline.Principal{}, sdk.NewError(apiv1.Reason_REASON_PRINCIPAL_DISABLED)
	}
	return pipeline.Principal{UserID: userID, UserName: user.Name, TenantID: organizationID, Credential: credential}, nil
}

func (i *Identity) lookUp(ctx context.Context, token string) (cachedToken, error) {
	hash := tokenHash(hashToken(token))
	t, ok, generation := i.tokens.get(hash)
	if ok {
		return t, nil
	}
	if !strings.HasPrefix(token, tokenPrefix) {
		return cachedToken{}, nil
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
