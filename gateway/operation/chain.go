package operation

import (
	"cmp"
	"context"
	"fmt"
	"strconv"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/gateway/account"
	"github.com/yunqiao/yunqiao/internal/fault"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// chainItem is one rpc that follows when the first resource has settled.
type chainItem struct {
	method  *contract.Method
	request proto.Message // without the first resource's id
	parent  protoreflect.FieldDescriptor
}

// withoutChains is the request as the driver gets it.
func withoutChains(request proto.Message) proto.Message {
	m := request.ProtoReflect()
	var chained []protoreflect.FieldDescriptor
	m.Range(func(field protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		if contract.FieldRule(field).GetChain() != nil {
			chained = append(chained, field)
		}
		return true
	})
	if len(chained) == 0 {
		return request
	}
	clean := proto.Clone(request).ProtoReflect()
	for _, field := range chained {
		clean.Clear(field)
	}
	return clean.Interface()
}

// chainItems reads the chained fields of the request, in the order of their numbers.
func (t *task) chainItems() ([]chainItem, error) {
	if t.request == nil {
		return nil, nil
	}
	m := t.request.ProtoReflect()
	var items []chainItem
	for i := range m.Descriptor().Fields().Len() {
		field := m.Descriptor().Fields().Get(i)
		rule := contract.FieldRule(field).GetChain()
		if rule == nil || !m.Has(field) {
			continue
		}
		method := t.engine.contract.Method(rule.GetRpc())
		if method == nil {
			return nil, fmt.Errorf("chain of %s: no rpc %s", field.FullName(), rule.GetRpc())
		}
		parent := method.Input.Descriptor().Fields().ByName(protoreflect.Name(rule.GetParentField()))
		values := []protoreflect.Value{m.Get(field)}
		if field.IsList() {
			values = values[:0]
			for j := range m.Get(field).List().Len() {
				values = append(values, m.Get(field).List().Get(j))
			}
		}
		for _, value := range values {
			items = append(items, chainItem{method, chainRequest(method, rule, value), parent})
		}
	}
	return items, nil
}

func chainRequest(method *contract.Method, rule *apiv1.Chain, value protoreflect.Value) proto.Message {
	if rule.GetValueField() == "" {
		return proto.Clone(value.Message().Interface())
	}
	request := method.Input.New()
	request.Set(request.Descriptor().Fields().ByName(protoreflect.Name(rule.GetValueField())), value)
	return request.Interface()
}

// runChain submits the chained rpcs one after the other, each with a key of its
// own, so that a repeat after a crash finds what was begun.
func (t *task) runChain(ctx context.Context, acc *account.Account) error {
	items, err := t.chainItems()
	if err != nil {
		return t.fail(ctx, err, true)
	}
	native, err := t.native()
	if err != nil {
		return t.fail(ctx, err, true)
	}
	for i, item := range items {
		item.request.ProtoReflect().Set(item.parent, protoreflect.ValueOfString(native))
		child, _, err := t.engine.begin(ctx, Submission{
			Method: item.method, AccountID: t.row.AccountID, TenantID: t.row.TenantID, ActorID: t.row.ActorID,
			RequestID: t.row.RequestID + "/" + strconv.Itoa(i+2), Key: "chain:" + t.row.ID + "/" + strconv.Itoa(i+2),
			Request: item.request, ResourceID: t.chainTarget(item), parentID: t.row.ID,
		})
		if err != nil {
			return err
		}
		if err := t.awaitChild(ctx, child); err != nil {
			return err
		}
		switch row := child.snapshot(); {
		case row.status() == apiv1.OperationStatus_OPERATION_STATUS_SUCCEEDED:
		case row.ended():
			return t.fail(ctx, fault.Remember(row.error()), true)
		default:
			return nil // let go by this process; looked at again
		}
	}
	state, body := t.glance(ctx, acc, t.method.ResourceType, t.row.ResourceID)
	return t.succeed(ctx, cmp.Or(state, t.row.ResourceState), body, false)
}

// chainTarget is the public id that a chained rpc acts on: the first resource,
// unless the rpc makes another.
func (t *task) chainTarget(item chainItem) string {
	if item.method.Kind == apiv1.Kind_KIND_CREATE {
		return ""
	}
	return t.row.ResourceID
}

// awaitChild waits for the end of a chained operation that runs here, and paces
// the looks at one that another replica runs.
func (t *task) awaitChild(ctx context.Context, child *task) error {
	if r := child.snapshot(); t.engine.task(r.ID) == nil && !r.ended() {
		return t.patience.wait(ctx, 0)
	}
	select {
	case <-child.done.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
