package policy

import (
	"context"
	"sync"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/account"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/internal/publicid"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// usedID is one id in a request.
type usedID struct {
	path, resourceType string
	id, native         string // public, and as the driver knows it
	changed            bool   // the call changes the resource itself
}

// mayUse refuses an id of a resource that is not the caller's. What nobody owns
// may be used, not changed, if the cloud shares it with everybody: flavors, public
// images, external networks. Whether a foreign resource exists is not told.
func (r *Runner) mayUse(ctx context.Context, call *pipeline.Call, a *account.Account, u usedID) error {
	owner, known := r.inventory.Owner(u.id)
	if r.access.Sees(call.Principal, owner.TenantID) {
		return nil
	}
	if known && owner.TenantID != "" {
		return foreign(u.path)
	}
	if !r.owned(u.resourceType) && !u.changed {
		return nil
	}
	recorded, gone, ok, err := r.inventory.Recall(ctx, u.id)
	if err != nil {
		return err
	}
	if ok && r.access.Sees(call.Principal, recorded.TenantID) {
		return nil // recorded by another replica; or gone: the driver says so, and deleting it again succeeds
	}
	if ok && !gone && recorded.TenantID != "" {
		return foreign(u.path)
	}
	if u.changed || !r.isCommon(ctx, call, a, u) {
		return foreign(u.path)
	}
	return nil
}

func foreign(path string) error {
	return sdk.NewError(apiv1.Reason_REASON_RESOURCE_FORBIDDEN, sdk.Violation(path, "is no resource that you may use"))
}

// owned tells whether resources of a type belong to organizations: their message
// has a tenant.
func (r *Runner) owned(resourceType string) bool {
	getter := r.contract.Getter(resourceType)
	return getter != nil && getter.Output.Descriptor().Fields().Get(0).Message().Fields().ByName("tenant_id") != nil
}

// shared tells whether a resource is the cloud's own or shared with everybody, by
// the fields that say so wherever a resource has them.
func shared(resource protoreflect.Message) bool {
	fields := resource.Descriptor().Fields()
	for _, name := range []protoreflect.Name{"shared", "external", "system"} {
		if field := fields.ByName(name); field != nil && field.Kind() == protoreflect.BoolKind && resource.Get(field).Bool() {
			return true
		}
	}
	origin := fields.ByName("origin")
	if origin == nil || origin.Enum() == nil {
		return false
	}
	switch value := origin.Enum().Values().ByNumber(resource.Get(origin).Enum()); {
	case value == nil:
		return false
	default:
		return value.Name() == "IMAGE_ORIGIN_PUBLIC" || value.Name() == "IMAGE_ORIGIN_SHARED" || value.Name() == "IMAGE_ORIGIN_MARKETPLACE"
	}
}

// commonLife is how long it is remembered that a resource is shared.
const commonLife = 5 * time.Minute

// commonCache remembers which unowned resources are shared.
type commonCache struct {
	mu   sync.Mutex
	byID map[string]commonEntry
}

type commonEntry struct {
	shared bool
	until  time.Time
}

func (r *Runner) isCommon(ctx context.Context, call *pipeline.Call, a *account.Account, u usedID) bool {
	now := r.now()
	r.common.mu.Lock()
	entry, ok := r.common.byID[u.id]
	r.common.mu.Unlock()
	if ok && now.Before(entry.until) {
		return entry.shared
	}
	resource, err := r.fetch(ctx, call, a, u.resourceType, u.native)
	if err != nil && sdk.ReasonOf(err) != apiv1.Reason_REASON_NOT_FOUND {
		return false // not known now: refused, not remembered
	}
	entry = commonEntry{shared: err == nil && r.sharedAt(ctx, call, a, u.resourceType, resource), until: now.Add(commonLife)}
	r.common.mu.Lock()
	defer r.common.mu.Unlock()
	if r.common.byID == nil || len(r.common.byID) > 10_000 {
		r.common.byID = map[string]commonEntry{}
	}
	r.common.byID[u.id] = entry
	return entry.shared
}

// visible tells whether a resource of a list, with public ids, may be shown.
func (r *Runner) visible(ctx context.Context, call *pipeline.Call, a *account.Account, resource protoreflect.Message, id protoreflect.FieldDescriptor) bool {
	tenant := resource.Descriptor().Fields().ByName("tenant_id")
	if tenant == nil || !contract.FieldRule(tenant).GetGateway() {
		return true
	}
	owner, _ := r.inventory.Owner(resource.Get(id).String())
	if r.access.Sees(call.Principal, owner.TenantID) || owner.TenantID == "" && shared(resource) {
		return true
	}
	whole := wholeOf(call.Method.ResourceType, resource)
	if owner.TenantID != "" || whole == nil {
		return false
	}
	wholeID := resource.Get(whole).String()
	_, native, err := publicid.Split("", wholeID)
	return err == nil && r.isCommon(ctx, call, a, usedID{resourceType: contract.FieldRule(whole).GetRef(), id: wholeID, native: native})
}
