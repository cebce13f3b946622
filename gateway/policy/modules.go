package policy

import (
	"context"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/internal/publicid"
)

// knowsOwners are the services that check these ids themselves.
var knowsOwners = []string{"account", "operation", "tenant"}

// Modules refuses requests to modules that name an account, resource, organization
// or user which is not the caller's: modules know of none of them. The fields are
// found by their names.
func (r *Runner) Modules(next pipeline.Handler) pipeline.Handler {
	return func(ctx context.Context, call *pipeline.Call) (proto.Message, error) {
		if !call.Method.Module || call.Method.Public || slices.Contains(knowsOwners, call.Method.Service) {
			return next(ctx, call)
		}
		var refused error
		visitFields(call.Request.ProtoReflect(), "", false, func(path string, _ bool, field protoreflect.FieldDescriptor, m protoreflect.Message) {
			if refused != nil || field.Kind() != protoreflect.StringKind || field.IsMap() || !m.Has(field) {
				return
			}
			check := r.checkNamed(field.Name())
			if check == nil {
				return
			}
			values := []string{}
			if field.IsList() {
				for i := range m.Get(field).List().Len() {
					values = append(values, m.Get(field).List().Get(i).String())
				}
			} else {
				values = append(values, m.Get(field).String())
			}
			for _, id := range values {
				if refused = check(ctx, call.Principal, path, id); refused != nil {
					return
				}
			}
		})
		if refused != nil {
			return nil, refused
		}
		return next(ctx, call)
	}
}

type idCheck func(ctx context.Context, p pipeline.Principal, path, id string) error

// checkNamed is the check for fields of a name; nil if they hold none of these ids.
func (r *Runner) checkNamed(name protoreflect.Name) idCheck {
	switch name {
	case "account_id", "account_ids":
		return func(_ context.Context, p pipeline.Principal, path, id string) error {
			if r.access.Account(p, id) != nil {
				return foreign(path)
			}
			return nil
		}
	case "resource_id", "resource_ids", "vm_id", "vm_ids":
		return r.checkOwned
	case "object_id", "object_ids":
		return r.checkObject
	case "organization_id", "organization_ids", "tenant_id", "tenant_ids":
		return func(_ context.Context, p pipeline.Principal, path, id string) error {
			return r.access.Organization(p, path, id)
		}
	case "user_id", "user_ids":
		return func(_ context.Context, p pipeline.Principal, path, id string) error {
			return r.access.User(p, path, id)
		}
	default:
		return nil
	}
}

// checkOwned refuses a resource that is not the caller's, also one that is gone.
func (r *Runner) checkOwned(ctx context.Context, p pipeline.Principal, path, id string) error {
	owner, known := r.inventory.Owner(id)
	if !known {
		var err error
		if owner, _, _, err = r.inventory.Recall(ctx, id); err != nil {
			return err
		}
	}
	if !r.access.Sees(p, owner.TenantID) {
		return foreign(path)
	}
	return nil
}

// checkObject is checkOwned for what may as well be a name of the caller's own
// choice: what looks like an id in an account that the caller may use is taken for one.
func (r *Runner) checkObject(ctx context.Context, p pipeline.Principal, path, id string) error {
	account, _, err := publicid.Split(path, id)
	if err != nil || r.access.Account(p, account) != nil {
		return nil //nolint:nilerr // it is a name
	}
	return r.checkOwned(ctx, p, path, id)
}
