package operation

import (
	"context"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/gateway/inventory"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/internal/publicid"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// parts are the resources that a cloud has made together with the one that was
// asked for: the NICs and disks of a VM. They are found in the lists of its
// message, and told from what it merely uses by pointing back at it. Those that
// somebody owns already are left out.
func (t *task) parts(ctx context.Context, body []byte) ([]inventory.Observation, error) {
	getter := t.engine.contract.Getter(t.method.ResourceType)
	if t.method.Kind != apiv1.Kind_KIND_CREATE || getter == nil || body == nil {
		return nil, nil
	}
	whole := getter.Output.Descriptor().Fields().Get(0).Message()
	message := getter.Output.New().NewField(resourceField(getter)).Message()
	if err := proto.Unmarshal(body, message.Interface()); err != nil {
		return nil, err
	}
	acc, err := t.engine.accounts.Get(t.row.AccountID)
	if err != nil {
		return nil, err
	}
	var out []inventory.Observation
	add := func(_ string, rule *apiv1.FieldRule, native string) (string, error) {
		id := publicid.Join(t.row.AccountID, native)
		if owner, _ := t.engine.inventory.Owner(id); owner.TenantID != "" || native == "" || !t.isPart(rule.GetRef()) {
			return native, nil
		}
		state, body := t.glance(ctx, acc, rule.GetRef(), id)
		part := t.observation(id, state, body)
		part.Type, part.Name, part.Created, part.Owner.DeletionProtected = rule.GetRef(), "", true, false
		out = append(out, *part)
		return native, nil
	}
	for i := range whole.Fields().Len() {
		field := whole.Fields().Get(i)
		if !field.IsList() || !message.Has(field) {
			continue
		}
		only := message.New() // the visitor descends into this list alone
		only.Set(field, message.Get(field))
		if err := pipeline.RewriteIDs(only, add); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// isPart tells whether resources of a type point back at the one of this operation.
func (t *task) isPart(resourceType string) bool {
	getter := t.engine.contract.Getter(resourceType)
	if getter == nil || resourceType == t.method.ResourceType {
		return false
	}
	fields := getter.Output.Descriptor().Fields().Get(0).Message().Fields()
	if fields.ByName("tenant_id") == nil {
		return false
	}
	for i := range fields.Len() {
		if field := fields.Get(i); !field.IsList() && field.Kind() == protoreflect.StringKind &&
			contract.FieldRule(field).GetRef() == t.method.ResourceType {
			return true
		}
	}
	return false
}
