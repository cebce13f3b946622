package memcloud

import (
	"context"
	"crypto/sha256"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// How long the cloud remembers a client token, and how often it looks for those
// that it may forget.
const (
	tokenLife  = 24 * time.Hour
	tokenSweep = time.Hour
)

type tokenKey struct {
	project string
	method  string
	token   string
}

// token is the first answer that a client token was given.
type token struct {
	Digest [sha256.Size]byte // of the request
	Answer []byte            // wire form
	At     time.Time
}

// repeated is a write under a client token, to be remembered with its changes.
type repeated struct {
	key   tokenKey
	token token
}

// replay finds the stored answer of an earlier call with the same client token.
// Without a token, or on a cloud that takes none, both results are nil.
func (c *Cloud) replay(ctx context.Context, v *view) (*repeated, []byte, error) {
	call := callFrom(ctx)
	if call == nil || call.ClientToken == "" || !v.knobs.ClientTokens {
		return nil, nil, nil
	}
	wire, err := proto.MarshalOptions{Deterministic: true}.Marshal(call.request)
	if err != nil {
		return nil, nil, err
	}
	r := &repeated{
		key:   tokenKey{call.Project, call.method, call.ClientToken},
		token: token{Digest: sha256.Sum256(wire), At: v.now},
	}
	prior, ok := c.tokens[r.key]
	switch {
	case !ok || v.now.Sub(prior.At) > tokenLife:
		return r, nil, nil
	case prior.Digest != r.token.Digest:
		return nil, nil, sdk.NewError(apiv1.Reason_REASON_IDEMPOTENCY_CONFLICT)
	default:
		return nil, append([]byte{}, prior.Answer...), nil
	}
}

func (r *repeated) remember(answer proto.Message) error {
	wire, err := proto.Marshal(answer)
	r.token.Answer = wire
	return err
}

// expiredTokens finds, now and then, the tokens to forget. The caller holds writing.
func (c *Cloud) expiredTokens(now time.Time) []tokenKey {
	if now.Sub(c.swept) < tokenSweep {
		return nil
	}
	c.swept = now
	var expired []tokenKey
	for k, t := range c.tokens {
		if now.Sub(t.At) > tokenLife {
			expired = append(expired, k)
		}
	}
	return expired
}
