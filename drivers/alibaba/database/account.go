package database

import (
	"cmp"
	"context"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	databasev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/database/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

const (
	// defaultAdministrator is the contract's name of an administrator without one.
	defaultAdministrator = "yqadmin"

	superAccount     = "Super"
	accountAvailable = "Available"
)

// accountsOf reads the accounts of an instance.
func accountsOf(ctx context.Context, s *session.Session, id string) ([]account, error) {
	var answer struct {
		Accounts struct{ DBInstanceAccount []account }
	}
	if err := s.Call(ctx, api.RDS, "DescribeAccounts", api.Params{}.Set("DBInstanceId", id), &answer); err != nil {
		return nil, refusal(ctx, s, err, id)
	}
	return answer.Accounts.DBInstanceAccount, nil
}

// administrator is the account of type Super; nil: there is none.
func administrator(all []account) *account {
	for i := range all {
		if strings.EqualFold(all[i].AccountType, superAccount) {
			return &all[i]
		}
	}
	return nil
}

// administer makes the administrator of a new instance as soon as it runs, and
// waits until the account can be used.
func administer(ctx context.Context, s *session.Session, id string, req *databasev1.CreateInstanceRequest) (*databasev1.CreateInstanceResponse, error) {
	v, err := readInstance(ctx, s, id)
	if err != nil {
		return nil, err
	}
	out := &databasev1.CreateInstanceResponse{Id: id, State: toProtoState(v.DBInstanceStatus)}
	if out.GetState() != databasev1.InstanceState_INSTANCE_STATE_RUNNING {
		sdk.SetNextStep(ctx, stepAccount+id, instancePoll)
		return out, nil
	}
	all, err := accountsOf(ctx, s, id)
	if err != nil {
		return nil, err
	}
	switch made := administrator(all); {
	case made == nil:
		if err := makeAdministrator(ctx, s, id, req); err != nil {
			return nil, err
		}
		sdk.SetNextStep(ctx, stepAccount+id, pollAfter)
	case !strings.EqualFold(made.AccountStatus, accountAvailable):
		sdk.SetNextStep(ctx, stepAccount+id, pollAfter)
	}
	return out, nil
}

// makeAdministrator makes the account. There is no token for it: one of that name
// gets the password, so that the request's holds.
func makeAdministrator(ctx context.Context, s *session.Session, id string, req *databasev1.CreateInstanceRequest) error {
	name := cmp.Or(req.GetUsername(), defaultAdministrator)
	params := api.Params{}.Set("DBInstanceId", id).Set("AccountName", name).Set("AccountPassword", req.GetPassword())
	err := s.Call(ctx, api.RDS, "CreateAccount", params.Set("AccountType", superAccount), nil)
	switch {
	case api.HasCode(err, "InvalidAccountName.Duplicate"):
		return setPassword(ctx, s, id, name, req.GetPassword())
	case api.HasCode(err, "InvalidAccountName.*", "InvalidCharacter.DbOrAccount", "InstanceAccountSameWithOsAccount"):
		return api.As(apiv1.Reason_REASON_PARAMETER_REJECTED, err, typeInstance, id, sdk.Field("username"))
	case api.HasCode(err, "InvalidAccountPassword.Format"):
		return api.As(apiv1.Reason_REASON_PARAMETER_REJECTED, err, typeInstance, id, sdk.Field("password"))
	}
	return refusal(ctx, s, err, id)
}

func setPassword(ctx context.Context, s *session.Session, id, name, password string) error {
	params := api.Params{}.Set("DBInstanceId", id).Set("AccountName", name).Set("AccountPassword", password)
	return refusal(ctx, s, s.Call(ctx, api.RDS, "ResetAccountPassword", params, nil), id)
}

// ResetInstancePassword sets the password of the administrator.
func (n *instanceServer) ResetInstancePassword(ctx context.Context, req *databasev1.ResetInstancePasswordRequest) (*databasev1.ResetInstancePasswordResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	v, err := readInstance(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	all, err := accountsOf(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	found := administrator(all)
	if found == nil {
		return nil, sdk.InvalidState(typeInstance, req.GetId(), nil) // it has no administrator
	}
	if err := setPassword(ctx, s, req.GetId(), found.AccountName, req.GetPassword()); err != nil {
		return nil, err
	}
	return &databasev1.ResetInstancePasswordResponse{Id: req.GetId(), State: toProtoState(v.DBInstanceStatus)}, nil
}
