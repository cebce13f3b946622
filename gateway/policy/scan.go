package policy

import (
	"context"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/account"
	"github.com/yunqiao/yunqiao/gateway/inventory"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/internal/publicid"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// scanPage is how many resources a scan reads with one call.
const scanPage = 100

// OwnedTypes lists the resource types of an account that belong to organizations.
func (r *Runner) OwnedTypes(a *account.Account) []string {
	var out []string
	for _, m := range r.contract.Methods {
		if m.Kind == apiv1.Kind_KIND_GET && !m.Module && r.owned(m.ResourceType) && usable(a, m) == nil {
			out = append(out, m.ResourceType)
		}
	}
	return out
}

// Find reads one resource at its cloud. The error is NOT_FOUND for one that is not
// there, and for one that the cloud shares with everybody: it can be nobody's.
func (r *Runner) Find(ctx context.Context, call *pipeline.Call, a *account.Account, resourceType, id string) (inventory.Observation, error) {
	if !r.owned(resourceType) {
		return inventory.Observation{}, sdk.NewError(apiv1.Reason_REASON_NOT_FOUND)
	}
	_, native, err := publicid.Split("id", id)
	if err != nil {
		return inventory.Observation{}, err
	}
	resource, err := r.fetch(ctx, call, a, resourceType, native)
	if err != nil {
		return inventory.Observation{}, err
	}
	if r.sharedAt(ctx, call, a, resourceType, resource) {
		return inventory.Observation{}, sdk.NewError(apiv1.Reason_REASON_NOT_FOUND)
	}
	return r.seen(a, resourceType, id, resource)
}

// Shared tells whether a resource, by its message as the inventory keeps it, is one
// that the cloud shares with everybody.
func (r *Runner) Shared(ctx context.Context, call *pipeline.Call, a *account.Account, resourceType string, body []byte) bool {
	getter := r.contract.Getter(resourceType)
	if getter == nil || len(body) == 0 {
		return false
	}
	resource := getter.Output.New().NewField(getter.Output.Descriptor().Fields().Get(0)).Message()
	return proto.Unmarshal(body, resource.Interface()) == nil && r.sharedAt(ctx, call, a, resourceType, resource)
}

// Scan reads all resources of a type at a cloud, page by page, but those that the
// cloud shares with everybody. A tag, "key" or "key=value", narrows them.
func (r *Runner) Scan(ctx context.Context, call *pipeline.Call, a *account.Account, resourceType, tag string, visit func(inventory.Observation) error) error {
	lister := r.contract.Lister(resourceType)
	if lister == nil || lister.Module || !r.owned(resourceType) {
		return sdk.NewError(apiv1.Reason_REASON_VALIDATION_FAILED, sdk.Violation("resource_types", resourceType+" is no type that organizations own"))
	}
	if err := usable(a, lister); err != nil {
		return err
	}
	request := lister.Input.New()
	if field := request.Descriptor().Fields().ByName("page_size"); field != nil {
		request.Set(field, protoreflect.ValueOfInt32(scanPage))
	}
	for {
		answer, err := r.invoke(ctx, call, a, lister, request.Interface())
		if err != nil {
			return err
		}
		page := answer.ProtoReflect()
		list := items(page)
		for i := range list.Len() {
			resource := list.Get(i).Message()
			if !tagged(resource, tag) || r.sharedAt(ctx, call, a, resourceType, resource) {
				continue
			}
			id := publicid.Join(a.ID, resource.Get(resource.Descriptor().Fields().ByName("id")).String())
			seen, err := r.seen(a, resourceType, id, resource)
			if err == nil {
				err = visit(seen)
			}
			if err != nil {
				return err
			}
		}
		next, token := page.Descriptor().Fields().ByName("next_page_token"), request.Descriptor().Fields().ByName("page_token")
		if next == nil || token == nil || page.Get(next).String() == "" {
			return nil
		}
		request.Set(token, page.Get(next))
	}
}

// tagged tells whether a resource carries a tag; all carry the empty one.
func tagged(resource protoreflect.Message, tag string) bool {
	if tag == "" {
		return true
	}
	tags := resource.Descriptor().Fields().ByName("tags")
	if tags == nil || !tags.IsMap() {
		return false
	}
	key, value, exact := strings.Cut(tag, "=")
	entries := resource.Get(tags).Map()
	mapKey := protoreflect.ValueOfString(key).MapKey()
	return entries.Has(mapKey) && (!exact || entries.Get(mapKey).String() == value)
}

// seen is what a cloud's answer tells the inventory; nobody owns it.
func (r *Runner) seen(a *account.Account, resourceType, id string, resource protoreflect.Message) (inventory.Observation, error) {
	body, err := proto.Marshal(resource.Interface())
	if err != nil {
		return inventory.Observation{}, err
	}
	o := inventory.Observation{
		ID: id, Type: resourceType, AccountID: a.ID, Body: body, At: r.now(), Source: "REQUEST",
		Owner: inventory.Ownership{Managed: apiv1.Managed_MANAGED_DISCOVERED},
	}
	if field := resource.Descriptor().Fields().ByName("name"); field != nil {
		o.Name = resource.Get(field).String()
	}
	if field := resource.Descriptor().Fields().ByName("state"); field != nil && field.Enum() != nil {
		if value := field.Enum().Values().ByNumber(resource.Get(field).Enum()); value != nil {
			o.State = string(value.Name())
		}
	}
	return o, nil
}

// sharedAt tells whether a resource, with native ids, is the cloud's own or shared
// with everybody, by itself or because it is part of something that is: a subnet
// of an external network.
func (r *Runner) sharedAt(ctx context.Context, call *pipeline.Call, a *account.Account, resourceType string, resource protoreflect.Message) bool {
	if shared(resource) {
		return true
	}
	whole := wholeOf(resourceType, resource)
	if whole == nil || resource.Get(whole).String() == "" {
		return false
	}
	native := resource.Get(whole).String()
	return r.isCommon(ctx, call, a, usedID{
		resourceType: contract.FieldRule(whole).GetRef(), id: publicid.Join(a.ID, native), native: native,
	})
}

// wholeOf is the field that names what a resource is a part of, where being shared
// passes from the whole to its parts; nil for other types.
func wholeOf(resourceType string, resource protoreflect.Message) protoreflect.FieldDescriptor {
	if resourceType != "network.subnet" {
		return nil
	}
	return resource.Descriptor().Fields().ByName("network_id")
}
