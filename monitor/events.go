package monitor

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/yunqiao/yunqiao/internal/outbox"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

const (
	eventsAtOnce = 500
	// eventLife is how long an alarm lasts that a module told of once and will not clear:
	// budgets and subscriptions are told of month by month.
	eventLife = 31 * 24 * time.Hour
)

// readEvents takes what other modules tell of: alarms, and objects that are no more.
// Events may commit out of their order: the last ones are read again, and those that
// this process has had are dropped.
func (m *Module) readEvents(ctx context.Context) error {
	var position counterRow
	if err := m.store.Read.WithContext(ctx).Where("name = ?", "outbox").Take(&position).Error; err != nil {
		return fmt.Errorf("read position: %w", err)
	}
	after, settled := position.Value, position.Value
	recent := map[string]bool{}
	for {
		events, err := outbox.Read(m.store.Read.WithContext(ctx), after, eventsAtOnce, "ResourceGone", "AlarmRaised", "AlarmCleared")
		if err != nil {
			return err
		}
		var gone []string
		var alarms []*command
		for i := range events {
			e := &events[i]
			after = e.Position
			if time.Since(e.RecordedAt) > outbox.Settling {
				settled = after
			} else {
				recent[e.EventID] = true
			}
			switch {
			case m.eventsHad[e.EventID]:
			case e.Type == "ResourceGone":
				gone = append(gone, e.ResourceID)
			default:
				alarms = append(alarms, alarmOfEvent(e))
			}
		}
		if err := m.submit(ctx, alarms); err != nil {
			return err
		}
		if err := m.clearObjects(ctx, gone); err != nil {
			return err
		}
		if len(events) < eventsAtOnce {
			break
		}
	}
	m.eventsHad = recent
	if settled == position.Value {
		return nil
	}
	return m.store.Write.WithContext(ctx).Model(&counterRow{}).Where("name = ? AND value < ?", "outbox", settled).Update("value", settled).Error
}

// alarmOfEvent reads an event AlarmRaised, {alarm_id, name, object_id, severity,
// description, until_cleared}, or AlarmCleared, {alarm_id, name, object_id}; the id
// makes it the same alarm.
func alarmOfEvent(e *outbox.Stored) *command {
	var told struct {
		AlarmID      string `json:"alarm_id"`
		Name         string `json:"name"`
		ObjectID     string `json:"object_id"`
		Severity     string `json:"severity"`
		Description  string `json:"description"`
		UntilCleared bool   `json:"until_cleared"`
	}
	if err := json.Unmarshal([]byte(e.Payload), &told); err != nil || told.Name == "" {
		told.Name, told.ObjectID = e.Type, e.ResourceID // an alarm that cannot be read is one still
	}
	r := &raise{
		tenant: e.TenantID, name: cutText(told.Name, 128), object: cutText(told.ObjectID, 512), description: cutText(told.Description, 2000), source: sourceEvent,
		labels: map[string]string{"event": told.AlarmID}, dataType: int32(monitorv1.AlarmDataType_ALARM_DATA_TYPE_EVENT),
		severity: int32(severityOf(told.Severity)), at: e.OccurredAt,
	}
	c := &command{identity: identity(r.tenant, r.name, r.object, r.labels)}
	switch {
	case e.Type == "AlarmCleared":
		c.clear, c.at = monitorv1.ClearType_CLEAR_TYPE_AUTOMATIC, e.OccurredAt
		return c
	case !told.UntilCleared:
		r.expires = e.OccurredAt.Add(eventLife)
	}
	c.raise = r
	return c
}

// clearObjects clears what is about objects that are no more, and forgets what rules
// found at them.
func (m *Module) clearObjects(ctx context.Context, objects []string) error {
	if len(objects) == 0 {
		return nil
	}
	if err := m.store.Write.WithContext(ctx).Where("vm_id IN ?", objects).Delete(&targetRow{}).Error; err != nil {
		return fmt.Errorf("forget what rules found: %w", err)
	}
	var ids []string
	if err := m.store.Read.WithContext(ctx).Model(&alarmRow{}).Where("active AND object_id IN ?", objects).Pluck("id", &ids).Error; err != nil {
		return fmt.Errorf("read alarms: %w", err)
	}
	commands := make([]*command, len(ids))
	for i, id := range ids {
		commands[i] = &command{id: id, clear: monitorv1.ClearType_CLEAR_TYPE_OBJECT_DELETED}
	}
	return m.submit(ctx, commands)
}
