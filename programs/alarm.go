package programs

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/outbox"
)

// alarm raises or clears the alarm EventPlayBroken about a program.
func (m *Module) alarm(tx *gorm.DB, record *recordRow, cleared bool, problems string) error {
	now := m.opts.Now()
	payload := map[string]any{"alarm_id": "play/" + record.ID, "name": EventPlayBroken, "object_id": record.ID}
	event := outbox.Event{Type: "AlarmCleared", ResourceID: record.ID, ResourceType: "program.alarm", TenantID: m.opts.Tenant, Source: "MODULE", OccurredAt: now, Payload: payload}
	if !cleared {
		event.Type = "AlarmRaised"
		payload["severity"], payload["raised_at"], payload["until_cleared"] = "MAJOR", now, true
		payload["description"] = fmt.Sprintf("program %s of partner %s (%s) does not play: %s", record.RecordID, record.GroupID, record.Title, problems)
	}
	if err := outbox.Append(tx, event); err != nil {
		return fmt.Errorf("alarm about a program: %w", err)
	}
	return nil
}

// forgetBroken ends what was found of broken programs that are not online any more, or
// that nobody watches, with their alarms: nothing else would.
func (m *Module) forgetBroken(ctx context.Context) error {
	broken := m.store.Read.WithContext(ctx).Model(&watchRow{}).Where("playable = ?", false)
	if m.opts.ProbeInterval > 0 {
		broken = broken.Where("record_key IN (?)", m.store.Read.Model(&recordRow{}).Select("id").Where("online = ?", false))
	}
	var ids []string
	if err := broken.Pluck("record_key", &ids).Error; err != nil {
		return fmt.Errorf("broken programs: %w", err)
	}
	for _, id := range ids {
		err := m.store.Write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
			return m.forgetOne(tx, id)
		})
		if err != nil {
			return fmt.Errorf("forget a broken program: %w", err)
		}
	}
	return nil
}

func (m *Module) forgetOne(tx *gorm.DB, id string) error {
	var record recordRow
	if err := tx.Where("id = ?", id).Take(&record).Error; err != nil {
		return err
	}
	if record.Online && m.opts.ProbeInterval > 0 {
		return nil // it came back meanwhile
	}
	ended := tx.Model(&watchRow{}).Where("record_key = ? AND playable = ?", id, false).
		Updates(map[string]any{"playable": true, "probed_at": (*time.Time)(nil), "problems": "", "next_at": 0})
	if ended.Error != nil || ended.RowsAffected == 0 {
		return ended.Error
	}
	return m.alarm(tx, &record, true, "")
}
