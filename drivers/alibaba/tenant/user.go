package tenant

import (
	"context"
	"time"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

const (
	keyActive   = "Active"
	keyInactive = "Inactive"
)

func userName(tenant string) string { return session.TenantUser + tenant }

type accessKey struct {
	AccessKeyID     string `json:"AccessKeyId"`
	AccessKeySecret string
	Status          string
}

// IssueCredentials implements TenantService.
func (t *server) IssueCredentials(ctx context.Context, req *driverv1.IssueCredentialsRequest) (*driverv1.IssueCredentialsResponse, error) {
	s, err := t.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	g, err := get(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	user := userName(g.Name)
	if err := ensureUser(ctx, s, g); err != nil {
		return nil, err
	}
	if err := grant(ctx, s, g); err != nil {
		return nil, err
	}
	if err := keepKey(ctx, s, user, req.GetCurrent()); err != nil {
		return nil, err
	}
	var made struct{ AccessKey accessKey }
	if err := s.Call(ctx, api.RAM, "CreateAccessKey", api.Params{}.Set("UserName", user), &made); err != nil {
		return nil, api.Error(err, typeTenant, g.ID)
	}
	settings, credentials := session.ForAccessKey(made.AccessKey.AccessKeyID, made.AccessKey.AccessKeySecret, g.ID)
	return &driverv1.IssueCredentialsResponse{CredentialId: made.AccessKey.AccessKeyID, Settings: settings, Credentials: credentials},
		taken(ctx, s, made.AccessKey)
}

// How often a new key is tried, and how many times: the cloud takes seconds to make it
// known everywhere.
const (
	takenPause = time.Second
	takenTries = 20
)

// taken waits until the cloud takes a new key.
func taken(ctx context.Context, s *session.Session, k accessKey) error {
	for try := 1; ; try++ {
		err := s.Accepts(ctx, k.AccessKeyID, sdk.Secret(k.AccessKeySecret))
		if sdk.ReasonOf(err) != apiv1.Reason_REASON_ACCOUNT_UNAUTHENTICATED || try == takenTries {
			return err
		}
		if err := pause(ctx, takenPause); err != nil {
			return err
		}
	}
}

// ensureUser makes the RAM user of a group. One of its name that is of something else is
// left alone.
func ensureUser(ctx context.Context, s *session.Session, g *group) error {
	owner, found, err := findUser(ctx, s, userName(g.Name))
	switch {
	case err != nil:
		return err
	case found && owner != g.ID:
		return sdk.NewError(apiv1.Reason_REASON_ALREADY_EXISTS, sdk.Violation("id", "a RAM user of the account has the name "+userName(g.Name)))
	case found:
		return nil
	}
	params := api.Params{}.Set("UserName", userName(g.Name)).Set("DisplayName", userName(g.Name)).Set("Comments", g.ID)
	return api.Error(s.Call(ctx, api.RAM, "CreateUser", params, nil), typeTenant, g.ID)
}

// findUser reads whose a RAM user is: the group of its comment.
func findUser(ctx context.Context, s *session.Session, name string) (groupID string, found bool, err error) {
	var out struct{ User struct{ Comments string } }
	err = s.Call(ctx, api.RAM, "GetUser", api.Params{}.Set("UserName", name), &out)
	if api.Reason(err) == apiv1.Reason_REASON_NOT_FOUND {
		return "", false, nil
	}
	return out.User.Comments, err == nil, api.Error(err, typeTenant, "")
}

// listKeys reads a user's keys; none where there is no such user.
func listKeys(ctx context.Context, s *session.Session, user string) ([]accessKey, error) {
	var out struct {
		AccessKeys struct{ AccessKey []accessKey }
	}
	err := s.Call(ctx, api.RAM, "ListAccessKeys", api.Params{}.Set("UserName", user), &out)
	if api.Reason(err) == apiv1.Reason_REASON_NOT_FOUND {
		return nil, nil
	}
	return out.AccessKeys.AccessKey, api.Error(err, typeTenant, "")
}

// eachKey calls an action for those of a user's keys that are wanted. A key that has gone
// meanwhile is no error.
func eachKey(ctx context.Context, s *session.Session, user, action string, more api.Params, wanted func(accessKey) bool) error {
	keys, err := listKeys(ctx, s, user)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if !wanted(k) {
			continue
		}
		params := api.Params{}.Set("UserName", user).Set("UserAccessKeyId", k.AccessKeyID)
		for name, value := range more {
			params.Set(name, value)
		}
		if err := s.Call(ctx, api.RAM, action, params, nil); err != nil && api.Reason(err) != apiv1.Reason_REASON_NOT_FOUND {
			return api.Error(err, typeTenant, "")
		}
	}
	return nil
}

// keepKey removes all keys of a user but one.
func keepKey(ctx context.Context, s *session.Session, user, keep string) error {
	return eachKey(ctx, s, user, "DeleteAccessKey", nil, func(k accessKey) bool { return k.AccessKeyID != keep })
}

// setKeys makes all keys of a user active, or inactive.
func setKeys(ctx context.Context, s *session.Session, user string, active bool) error {
	status := keyInactive
	if active {
		status = keyActive
	}
	return eachKey(ctx, s, user, "UpdateAccessKey", api.Params{"Status": status}, func(k accessKey) bool { return k.Status != status })
}

// RetireCredentials implements TenantService.
func (t *server) RetireCredentials(ctx context.Context, req *driverv1.RetireCredentialsRequest) (*driverv1.RetireCredentialsResponse, error) {
	s, err := t.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	g, err := get(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	owner, found, err := findUser(ctx, s, userName(g.Name))
	if err != nil || !found || owner != g.ID {
		return &driverv1.RetireCredentialsResponse{}, err
	}
	return &driverv1.RetireCredentialsResponse{}, keepKey(ctx, s, userName(g.Name), req.GetKeep())
}

// removeUser removes the RAM user of a group with its keys and policies, in the order in
// which the cloud lets them go.
func removeUser(ctx context.Context, s *session.Session, tenant, groupID string) error {
	user := userName(tenant)
	owner, found, err := findUser(ctx, s, user)
	if err != nil || found && owner != groupID {
		return err
	}
	g := &group{ID: groupID, Name: tenant}
	if found {
		if err := keepKey(ctx, s, user, ""); err != nil {
			return err
		}
		if err := revoke(ctx, s, g); err != nil {
			return err
		}
		err := s.Call(ctx, api.RAM, "DeleteUser", api.Params{}.Set("UserName", user), nil)
		if err != nil && api.Reason(err) != apiv1.Reason_REASON_NOT_FOUND {
			return api.Error(err, typeTenant, groupID)
		}
	}
	for _, p := range policiesOf(g, s.OwnerID) {
		if err := p.remove(ctx, s); err != nil {
			return err
		}
	}
	return nil
}
