package api

import (
	"context"
	"time"

	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Credential is what a request is signed with.
type Credential struct {
	AccessKeyID     string
	AccessKeySecret sdk.Secret
	// SecurityToken goes with a temporary key; empty: the key is permanent.
	SecurityToken sdk.Secret
}

// Credentials gives what to sign with. It is safe for concurrent use.
type Credentials interface {
	// Get returns a credential that is valid now.
	Get(ctx context.Context) (Credential, error)
	// Refused tells that the cloud calls a credential expired; false: there is no
	// other to be had.
	Refused(used Credential) bool
}

// Static returns credentials that never change.
func Static(c Credential) Credentials { return static{c} }

type static struct{ credential Credential }

func (s static) Get(context.Context) (Credential, error) { return s.credential, nil }
func (static) Refused(Credential) bool                   { return false }

// Role is a RAM role to take on.
type Role struct {
	ARN         string // acs:ram::123456789012:role/yunqiao
	SessionName string // stands in the cloud's audit trail
	ExternalID  string // what the role's trust policy asks for; empty: nothing
	Seconds     int32  // how long one credential is valid, 900..43200; 0: the cloud's default, 3600
}

// renewBefore is how long before its end a credential is renewed.
const renewBefore = 5 * time.Minute

// AssumeRole returns credentials of a role, renewed before they expire. sts signs
// with those of a user who may take the role on; now is the clock.
func AssumeRole(sts Caller, role Role, now func() time.Time) Credentials {
	return &assumed{sts: sts, role: role, now: now, turn: make(chan struct{}, 1)}
}

type assumed struct {
	sts  Caller
	role Role
	now  func() time.Time

	turn    chan struct{} // holds one token while the members below are in use
	current Credential
	expires time.Time
}

func (a *assumed) Get(ctx context.Context) (Credential, error) {
	select {
	case a.turn <- struct{}{}:
	case <-ctx.Done():
		return Credential{}, &NoAnswer{Product: STS, Action: actionAssumeRole, Err: context.Cause(ctx)}
	}
	defer func() { <-a.turn }()
	left := a.expires.Sub(a.now())
	if left > renewBefore {
		return a.current, nil
	}
	if err := a.renew(ctx); err != nil && left <= 0 {
		return Credential{}, err
	}
	return a.current, nil
}

func (a *assumed) Refused(used Credential) bool {
	a.turn <- struct{}{}
	defer func() { <-a.turn }()
	if a.current == used {
		a.expires = time.Time{}
	}
	return true
}

const actionAssumeRole = "AssumeRole"

func (a *assumed) renew(ctx context.Context) error {
	var out struct {
		Credentials struct {
			AccessKeyId, AccessKeySecret, SecurityToken string
			Expiration                                  time.Time
		}
	}
	params := Params{}.Set("RoleArn", a.role.ARN).Set("RoleSessionName", a.role.SessionName).
		Set("ExternalId", a.role.ExternalID).Int("DurationSeconds", a.role.Seconds)
	if err := a.sts.Call(ctx, STS, actionAssumeRole, params, &out); err != nil {
		return err
	}
	c := out.Credentials
	a.current = Credential{AccessKeyID: c.AccessKeyId, AccessKeySecret: sdk.Secret(c.AccessKeySecret), SecurityToken: sdk.Secret(c.SecurityToken)}
	a.expires = c.Expiration
	return nil
}
