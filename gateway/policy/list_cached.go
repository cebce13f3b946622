package policy

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/inventory"
	"github.com/yunqiao/yunqiao/internal/publicid"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// cacheable are the filters that the inventory answers; any other is refused
// rather than ignored.
var cacheable = map[protoreflect.Name]bool{
	"account_id": true, "ids": true, "name": true, "name_contains": true, "state": true, "page_size": true,
	"page_number": true, "order_by": true, "view": true,
}

// cached reads the page from the inventory.
func (l *listing) cached(ctx context.Context) (proto.Message, error) {
	query, err := l.query()
	if err != nil {
		return nil, err
	}
	answer := l.call.Method.Output.New()
	if len(query.AccountIDs) == 0 {
		return answer.Interface(), nil
	}
	found, total, err := l.runner.inventory.List(ctx, query)
	if err != nil {
		return nil, err
	}
	sources, err := l.runner.inventory.Sources(ctx, query.Type, query.AccountIDs)
	if err != nil {
		return nil, err
	}
	for run := range runs(found) {
		one := l.call.Method.Output.New() // published by itself: the ids of each account get its own prefix
		list := items(one)
		for _, item := range run {
			if at := sources[item.AccountID].ObservedAt; at.After(item.ObservedAt) {
				item.ObservedAt = at // a complete reading found it unchanged
			}
			if err := restore(list.AppendMutable().Message(), item); err != nil {
				return nil, err
			}
		}
		l.runner.publish(one, run[0].AccountID, l.call.Language)
		for i := range list.Len() {
			items(answer).Append(list.Get(i))
		}
	}
	if field := answer.Descriptor().Fields().ByName("total_size"); field != nil {
		answer.Set(field, protoreflect.ValueOfInt32(int32(total)))
	}
	for _, id := range query.AccountIDs {
		source := &apiv1.Source{AccountId: id, Complete: sources[id].Complete}
		if at := sources[id].ObservedAt; !at.IsZero() {
			source.ObservedAt = timestamppb.New(at)
		}
		appendMessage(answer, "sources", source)
	}
	return answer.Interface(), nil
}

// runs are the items in their order, cut where the account changes.
func runs(found []inventory.Cached) iter.Seq[[]inventory.Cached] {
	return func(yield func([]inventory.Cached) bool) {
		for len(found) > 0 {
			n := slices.IndexFunc(found, func(c inventory.Cached) bool { return c.AccountID != found[0].AccountID })
			if n < 0 {
				n = len(found)
			}
			if !yield(found[:n]) {
				return
			}
			found = found[n:]
		}
	}
}

// restore makes the resource again as the driver gave it.
func restore(element protoreflect.Message, item inventory.Cached) error {
	if err := proto.Unmarshal(item.Body, element.Interface()); err != nil {
		return fmt.Errorf("decode cached %s: %w", item.ID, err)
	}
	setCached(element, item)
	if field := element.Descriptor().Fields().ByName("observed_at"); field != nil {
		element.Set(field, protoreflect.ValueOfMessage(timestamppb.New(item.ObservedAt).ProtoReflect()))
	}
	_, native, err := publicid.Split("id", item.ID)
	if err != nil {
		return err
	}
	if field := element.Descriptor().Fields().ByName("id"); field != nil {
		element.Set(field, protoreflect.ValueOfString(native))
	}
	return nil
}

// setCached shows name and state as they are recorded: a state is often known
// before the whole resource has been read.
func setCached(element protoreflect.Message, item inventory.Cached) {
	fields := element.Descriptor().Fields()
	if field := fields.ByName("name"); field != nil && item.Name != "" {
		element.Set(field, protoreflect.ValueOfString(item.Name))
	}
	if field := fields.ByName("state"); field != nil && field.Enum() != nil {
		if value := field.Enum().Values().ByName(protoreflect.Name(item.State)); value != nil {
			element.Set(field, protoreflect.ValueOfEnum(value.Number()))
		}
	}
}

func (l *listing) query() (inventory.Query, error) {
	var problems []sdk.ErrorOption
	l.request.Range(func(field protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		if !cacheable[field.Name()] {
			problems = append(problems, sdk.Violation(string(field.Name()), "cannot be used with view=cached"))
		}
		return true
	})
	if err := invalid(problems); err != nil {
		return inventory.Query{}, err
	}
	q := inventory.Query{
		Type: l.call.Method.ResourceType, TenantIDs: l.runner.access.Tenants(l.call.Principal), IDs: l.strings("ids"),
		Name: l.text("name"), NameContains: l.text("name_contains"), OrderBy: l.text("order_by"),
		Page: max(1, l.integer("page_number")), PageSize: l.size,
	}
	if field := l.field("state"); field != nil && l.request.Has(field) {
		q.State = string(field.Enum().Values().ByNumber(l.request.Get(field).Enum()).Name())
	}
	for _, a := range l.accounts {
		q.AccountIDs = append(q.AccountIDs, a.ID)
	}
	return q, nil
}
