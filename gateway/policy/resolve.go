package policy

import (
	"context"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/account"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/internal/publicid"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// target is what a call resolves to: one account, and the request in its words.
type target struct {
	account    *account.Account
	native     proto.Message               // native ids, without the gateway's own fields
	resourceID string                      // public id of what is acted on; empty for creates
	check      func(context.Context) error // before a new intent is recorded; nil: none
}

// resolve finds the account of a call and turns the request into its words. All
// ids must be of that account, and the caller must be allowed to use each.
func (r *Runner) resolve(ctx context.Context, call *pipeline.Call) (*target, error) {
	native := proto.Clone(call.Request)
	message := native.ProtoReflect()
	if err := requireFields(message); err != nil {
		return nil, err
	}
	accountID := accountField(message)
	if accountID != "" {
		if err := r.access.Account(call.Principal, accountID); err != nil {
			return nil, err
		}
	}
	t := &target{native: native}
	var used []usedID
	err := pipeline.RewriteIDs(message, func(path string, rule *apiv1.FieldRule, id string) (string, error) {
		idAccount, nativeID, err := publicid.Split(path, id)
		if err != nil {
			return "", err
		}
		if r.access.Account(call.Principal, idAccount) != nil {
			return "", foreign(path)
		}
		if accountID == "" {
			accountID = idAccount
		}
		if idAccount != accountID && !rule.GetRefAnyAccount() {
			return "", sdk.NewError(apiv1.Reason_REASON_REFERENCE_MISMATCH,
				sdk.Violation(path, "is of account "+idAccount+", the request is for account "+accountID))
		}
		if path == call.Method.IDField {
			t.resourceID = id
		}
		used = append(used, usedID{path: path, resourceType: rule.GetRef(), id: id, native: nativeID})
		return nativeID, nil
	})
	if err != nil {
		return nil, err
	}
	if t.account, err = r.account(call, accountID, t.resourceID != ""); err != nil {
		return nil, err
	}
	if err := usable(t.account, call.Method); err != nil {
		return nil, err
	}
	for _, u := range used {
		u.changed = u.path == call.Method.IDField && call.Method.IsWrite() && call.Method.Kind != apiv1.Kind_KIND_CREATE
		if err := r.mayUse(ctx, call, t.account, u); err != nil {
			return nil, err
		}
	}
	if call.Method.Kind == apiv1.Kind_KIND_CREATE {
		t.resourceID = ""
	}
	if err := checkFeatures(message, t.account); err != nil {
		return nil, err
	}
	clearGatewayFields(message)
	return t, nil
}

// account finds an account that the caller may use. One that is only known from
// an id is never said to be absent.
func (r *Runner) account(call *pipeline.Call, id string, fromID bool) (*account.Account, error) {
	if id == "" {
		return nil, sdk.NewError(apiv1.Reason_REASON_VALIDATION_FAILED, sdk.Violation("account_id", "is required"))
	}
	if err := r.access.Account(call.Principal, id); err != nil {
		return nil, err
	}
	a, err := r.accounts.Get(id)
	if err != nil && fromID {
		return nil, sdk.NewError(apiv1.Reason_REASON_RESOURCE_FORBIDDEN, sdk.Violation(call.Method.IDField, "is of an account that you may not use"))
	}
	return a, err
}

// accountField reads the account_id of a request, if it has one.
func accountField(m protoreflect.Message) string {
	field := m.Descriptor().Fields().ByName("account_id")
	if field == nil || field.IsList() {
		return ""
	}
	return m.Get(field).String()
}
