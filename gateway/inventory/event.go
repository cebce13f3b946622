package inventory

import (
	"cmp"
	"encoding/json"
	"time"

	"github.com/yunqiao/yunqiao/internal/outbox"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// stateEvent tells of a resource's first sight, change of state or end.
func stateEvent(r row, o Observation, isNew bool, before string, lastSeen time.Time) outbox.Event {
	e := event(r, o)
	switch {
	case o.Gone:
		e.Type = "ResourceGone"
		cause := cmp.Or(o.Cause, DeletedByUs)
		e.Payload = map[string]any{
			"from_state": before, "to_state": r.State, "last_state": before, "spec": stored(r.Spec), "cause": cause,
			"last_seen_at": lastSeen.UTC().Format(time.RFC3339Nano),
		}
	case isNew && o.Source == SourceReconciler:
		e.Type = "ResourceDiscovered"
		e.Payload = map[string]any{"state": r.State, "spec": stored(r.Spec), "managed": apiv1.Managed(r.Managed).String()}
	default:
		e.Type = "ResourceStateChanged"
		e.Payload = map[string]any{"from_state": before, "to_state": r.State, "spec": stored(r.Spec)}
	}
	return e
}

// specEvent tells of a resize.
func specEvent(r row, o Observation, before string) outbox.Event {
	e := event(r, o)
	e.Type = "ResourceSpecChanged"
	e.Payload = map[string]any{"from_spec": stored(before), "to_spec": stored(r.Spec), "state": r.State}
	return e
}

func event(r row, o Observation) outbox.Event {
	return outbox.Event{
		ResourceID: r.ID, ResourceType: r.Type, AccountID: r.AccountID, TenantID: r.TenantID,
		Source: o.Source, OperationID: o.OperationID, RequestID: o.RequestID, ActorID: o.ActorID, OccurredAt: o.At,
	}
}

// stored is a stored spec as it goes into an event.
func stored(spec string) json.RawMessage { return json.RawMessage(cmp.Or(spec, "{}")) }
