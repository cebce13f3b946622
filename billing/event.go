package billing

import (
	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/outbox"
)

// event is something of billing that others may want to know.
type event struct {
	kind, objectID, objectType, organizationID, userID string
	payload                                            map[string]any
}

// tell records an event in the transaction of what it tells.
func (m *Module) tell(tx *gorm.DB, e event) error {
	return outbox.Append(tx, outbox.Event{
		Type: e.kind, ResourceID: e.objectID, ResourceType: e.objectType, TenantID: e.organizationID, ActorID: e.userID, Source: "MODULE",
		OccurredAt: m.now().UTC(), Payload: e.payload,
	})
}

func orderChanged(r *orderRow) event {
	return event{kind: "OrderChanged", objectID: r.ID, objectType: "billing.order", organizationID: r.OrganizationID, userID: r.ChangedBy,
		payload: map[string]any{"object_id": r.ID, "version": r.Version}}
}
