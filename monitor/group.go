package monitor

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

// pendingRow is a change that waits for the message of its group.
type pendingRow struct {
	ChannelID string `gorm:"primaryKey;size:32;index:monitor_pending_group,priority:1;index:monitor_pending_object,priority:1"`
	Serial    int64  `gorm:"primaryKey;autoIncrement:false"`
	GroupKey  string `gorm:"index:monitor_pending_group,priority:2"`
	ObjectID  string `gorm:"size:512;index:monitor_pending_object,priority:2"`
	Kind      int32  // as it is told
	DueAt     time.Time
}

func (pendingRow) TableName() string { return "monitor_pending" }

// groupRow is when the last message of a group was taken.
type groupRow struct {
	ChannelID string `gorm:"primaryKey;size:32"`
	GroupKey  string `gorm:"primaryKey"`
	SentAt    time.Time
}

func (groupRow) TableName() string { return "monitor_groups" }

func (c *courier) groupKey(a *monitorv1.Alarm) string {
	labels := allLabels(a)
	var out strings.Builder
	for _, name := range c.spec.GetGrouping().GetBy() {
		fmt.Fprintf(&out, "%d:%s", len(labels[name]), labels[name])
	}
	return out.String()
}

// gather puts changes into their groups.
func (c *courier) gather(tx *gorm.DB, records []*monitorv1.AlarmRecord, now time.Time) error {
	if len(records) == 0 {
		return nil
	}
	grouping := c.spec.GetGrouping()
	due := map[string]time.Time{}
	rows := make([]pendingRow, len(records))
	for i, r := range records {
		key := c.groupKey(r.GetAlarm())
		rows[i] = pendingRow{
			ChannelID: c.channel.ID, Serial: serialOf(r), GroupKey: key, ObjectID: r.GetAlarm().GetObjectId(), Kind: int32(r.GetChange()),
		}
		due[key] = now.Add(time.Duration(grouping.GetWaitSeconds()) * time.Second)
	}
	keys := make([]string, 0, len(due))
	for key := range due {
		keys = append(keys, key)
	}
	var sent []groupRow
	if err := tx.Where("channel_id = ? AND group_key IN ?", c.channel.ID, keys).Find(&sent).Error; err != nil {
		return fmt.Errorf("read groups: %w", err)
	}
	for _, g := range sent {
		if next := g.SentAt.Add(time.Duration(grouping.GetIntervalSeconds()) * time.Second); next.After(due[g.GroupKey]) {
			due[g.GroupKey] = next
		}
	}
	for i := range rows {
		rows[i].DueAt = due[rows[i].GroupKey]
	}
	return tx.Clauses(clause.OnConflict{DoNothing: true}).CreateInBatches(rows, 100).Error
}

// flushGroups sends the groups whose time has come.
func (c *courier) flushGroups(ctx context.Context, now time.Time) error {
	var keys []string
	err := c.store.Read.WithContext(ctx).Model(&pendingRow{}).Where("channel_id = ? AND due_at <= ?", c.channel.ID, now).
		Distinct("group_key").Order("group_key").Pluck("group_key", &keys).Error
	if err != nil {
		return fmt.Errorf("read groups: %w", err)
	}
	for _, key := range keys {
		if err := c.flushGroup(ctx, key, now); err != nil {
			return err
		}
	}
	return nil
}

// flushGroup sends all changes of a group, before each those of the same object in
// other groups that are older: an object's changes arrive in their order.
func (c *courier) flushGroup(ctx context.Context, key string, now time.Time) error {
	read := c.store.Read.WithContext(ctx)
	var rows []pendingRow
	last := read.Model(&pendingRow{}).Select("MAX(serial)").Where("channel_id = ? AND group_key = ?", c.channel.ID, key)
	objects := read.Model(&pendingRow{}).Select("object_id").Where("channel_id = ? AND group_key = ?", c.channel.ID, key)
	err := read.Where("channel_id = ? AND (group_key = ? OR object_id IN (?) AND serial < (?))", c.channel.ID, key, objects, last).Order("serial").Find(&rows).Error
	if err != nil {
		return fmt.Errorf("read group: %w", err)
	}
	for len(rows) > 0 {
		n := min(len(rows), reportedAtOnce)
		taken, err := c.sendPending(ctx, rows[:n])
		if taken > 0 {
			if err := c.taken(ctx, key, rows[:taken], now); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

func (c *courier) sendPending(ctx context.Context, rows []pendingRow) (taken int, err error) {
	serials := make([]int64, len(rows))
	kinds := map[int64]int32{}
	for i, r := range rows {
		serials[i] = r.Serial
		kinds[r.Serial] = r.Kind
	}
	var changes []changeRow
	if err := c.store.Read.WithContext(ctx).Where("serial IN ?", serials).Order("serial").Find(&changes).Error; err != nil {
		return 0, fmt.Errorf("read changes of a group: %w", err)
	}
	records := make([]*monitorv1.AlarmRecord, len(changes))
	for i := range changes {
		changes[i].Kind = kinds[changes[i].Serial]
		if records[i], err = toProtoRecord(&changes[i]); err != nil {
			return 0, err
		}
	}
	return c.sender.Send(ctx, records)
}

func (c *courier) taken(ctx context.Context, key string, rows []pendingRow, now time.Time) error {
	serials := make([]int64, len(rows))
	for i, r := range rows {
		serials[i] = r.Serial
	}
	return c.store.Write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := tx.Where("channel_id = ? AND serial IN ?", c.channel.ID, serials).Delete(&pendingRow{}).Error; err != nil {
			return err
		}
		if err := tx.Model(&channelRow{}).Where("id = ?", c.channel.ID).UpdateColumn("delivered_at", now).Error; err != nil {
			return err
		}
		old := now.Add(-time.Duration(c.spec.GetGrouping().GetIntervalSeconds()) * time.Second)
		if err := tx.Where("channel_id = ? AND sent_at < ?", c.channel.ID, old).Delete(&groupRow{}).Error; err != nil {
			return err
		}
		return tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&groupRow{ChannelID: c.channel.ID, GroupKey: key, SentAt: now}).Error
	})
}

// serialOf is the number of a record that we made.
func serialOf(r *monitorv1.AlarmRecord) int64 {
	n, err := strconv.ParseInt(r.GetSerial(), 10, 64)
	if err != nil {
		return 0
	}
	return n
}
