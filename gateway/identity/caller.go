package identity

import (
	"context"

	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/internal/idpage"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// caller is who makes the module call being served; nobody on public routes.
func caller(ctx context.Context) pipeline.Principal {
	if call := pipeline.CallFrom(ctx); call != nil {
		return call.Principal
	}
	return pipeline.Principal{}
}

// before keeps for the record of calls what a call is about to change.
func before(ctx context.Context, message proto.Message) {
	if call := pipeline.CallFrom(ctx); call != nil && message.ProtoReflect().IsValid() {
		call.Before = message
	}
}

// after keeps for the record of calls what a call has changed, where its answer does
// not say it.
func after(ctx context.Context, message proto.Message) {
	if call := pipeline.CallFrom(ctx); call != nil && message.ProtoReflect().IsValid() {
		call.After = message
	}
}

// organization finds one that the caller sees. One that is not there and one that
// is another's get the same answer.
func (s *snapshot) organization(p pipeline.Principal, field, id string) (*organization, error) {
	o := s.organizations[id]
	if o == nil || !s.within(id, p.TenantID) {
		return nil, absent(field, "organization")
	}
	return o, nil
}

// user finds one whose organization the caller sees.
func (s *snapshot) user(p pipeline.Principal, field, id string) (*userRow, error) {
	u := s.users[id]
	if u == nil || !s.within(u.OrganizationID, p.TenantID) {
		return nil, absent(field, "user")
	}
	return u, nil
}

// permissionSet finds a role or group.
func (s *snapshot) permissionSet(kind, field, id string) (*permissionSet, error) {
	set := s.permissions[id]
	if set == nil || set.Kind != kind {
		return nil, absent(field, map[string]string{kindRole: "role", kindGroup: "permission group"}[kind])
	}
	return set, nil
}

func absent(field, what string) error {
	return sdk.NewError(apiv1.Reason_REASON_NOT_FOUND, sdk.Violation(field, "there is no such "+what))
}

func taken(field string) error {
	return sdk.NewError(apiv1.Reason_REASON_ALREADY_EXISTS, sdk.Violation(field, "is in use"))
}

// holds refuses to give what the caller does not have: nobody raises himself.
func (i *Identity) holds(s *snapshot, p pipeline.Principal, organizationID, field string, patterns []string) error {
	own := s.permissionsOf(p.UserID, organizationID, i.permissions)
	for _, permission := range i.permissions {
		if matchesAny(patterns, permission) && !own[permission] {
			return sdk.NewError(apiv1.Reason_REASON_PERMISSION_DENIED, sdk.Violation(field, "holds "+permission+", which you do not have there"))
		}
	}
	return nil
}

// page cuts a sorted list of ids: those after the token, at most size.
func page(ids []string, token string, size int32) (cut []string, next string, err error) {
	if size == 0 {
		size = 50
	}
	after, err := idpage.Decode(token)
	if err != nil {
		return nil, "", err
	}
	for _, id := range ids {
		if id <= after {
			continue
		}
		if len(cut) == int(size) {
			return cut, idpage.Encode(cut[size-1]), nil
		}
		cut = append(cut, id)
	}
	return cut, "", nil
}
