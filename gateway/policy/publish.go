package policy

import (
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/internal/fault"
	"github.com/yunqiao/yunqiao/internal/publicid"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// publish makes a driver's answer the client's: public ids, and in every resource
// the fields that only the gateway knows.
func (r *Runner) publish(answer protoreflect.Message, accountID string, language pipeline.Language) {
	pipeline.PrefixIDs(answer, publicid.Join(accountID, ""))
	now := timestamppb.New(r.now())
	for _, field := range stampedFields(answer.Descriptor()) {
		if !answer.Has(field.descriptor) {
			continue
		}
		if !field.descriptor.IsList() {
			r.stamp(answer.Get(field.descriptor).Message(), field.plan, accountID, now, language)
			continue
		}
		list := answer.Get(field.descriptor).List()
		for i := range list.Len() {
			r.stamp(list.Get(i).Message(), field.plan, accountID, now, language)
		}
	}
}

// stamp fills one resource. A state message that it has already is the cloud's own
// words, which follow the reason.
func (r *Runner) stamp(m protoreflect.Message, plan *stampPlan, accountID string, at *timestamppb.Timestamp, language pipeline.Language) {
	if plan.accountID != nil {
		m.Set(plan.accountID, protoreflect.ValueOfString(accountID))
	}
	if plan.observedAt != nil && !m.Has(plan.observedAt) {
		m.Set(plan.observedAt, protoreflect.ValueOfMessage(at.ProtoReflect()))
	}
	if plan.stateMessage != nil && m.Has(plan.stateReason) {
		reason := apiv1.Reason(apiv1.Reason_value["REASON_"+m.Get(plan.stateReason).String()])
		words := fault.Fault{Reason: reason}.Client(language == pipeline.English).GetMessage()
		if told := m.Get(plan.stateMessage).String(); told != "" {
			words += " (" + told + ")"
		}
		m.Set(plan.stateMessage, protoreflect.ValueOfString(words))
	}
	if plan.tenantID == nil || plan.id == nil {
		return
	}
	owner, known := r.inventory.Owner(m.Get(plan.id).String())
	if !known {
		owner.Managed = apiv1.Managed_MANAGED_DISCOVERED
	}
	m.Set(plan.tenantID, protoreflect.ValueOfString(owner.TenantID))
	if plan.ownerID != nil {
		m.Set(plan.ownerID, protoreflect.ValueOfString(owner.OwnerID))
	}
	if plan.managed != nil {
		m.Set(plan.managed, protoreflect.ValueOfEnum(owner.Managed.Number()))
	}
	if plan.protected != nil && owner.DeletionProtected {
		m.Set(plan.protected, protoreflect.ValueOfBool(true))
	}
}

// stampPlan is where a resource message has the gateway's fields, worked out once.
type stampPlan struct {
	id, accountID, tenantID, ownerID, managed, observedAt, protected, stateReason, stateMessage protoreflect.FieldDescriptor
}

type stampedField struct {
	descriptor protoreflect.FieldDescriptor
	plan       *stampPlan
}

var stampPlans sync.Map // protoreflect.FullName of an answer -> []stampedField

// stampedFields are the fields of an answer that hold resources.
func stampedFields(answer protoreflect.MessageDescriptor) []stampedField {
	if plan, ok := stampPlans.Load(answer.FullName()); ok {
		return plan.([]stampedField)
	}
	var out []stampedField
	for i := range answer.Fields().Len() {
		field := answer.Fields().Get(i)
		if field.Message() == nil || field.IsMap() {
			continue
		}
		if account := field.Message().Fields().ByName("account_id"); account != nil && contract.FieldRule(account).GetGateway() {
			out = append(out, stampedField{field, newStampPlan(field.Message())})
		}
	}
	stampPlans.Store(answer.FullName(), out)
	return out
}

func newStampPlan(d protoreflect.MessageDescriptor) *stampPlan {
	f := d.Fields()
	plan := &stampPlan{
		id: f.ByName("id"), accountID: f.ByName("account_id"), tenantID: f.ByName("tenant_id"), ownerID: f.ByName("owner_id"),
		managed: f.ByName("managed"), observedAt: f.ByName("observed_at"), protected: f.ByName("deletion_protected"),
		stateReason: f.ByName("state_reason"), stateMessage: f.ByName("state_message"),
	}
	if plan.stateReason == nil {
		plan.stateMessage = nil
	}
	return plan
}
