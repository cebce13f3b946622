package monitor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

// heldRow is an alarm of which a channel is not told, because a silence matches it.
type heldRow struct {
	ChannelID string `gorm:"primaryKey;size:32"`
	AlarmID   string `gorm:"primaryKey;size:32"`
	Serial    int64  // of the last change that was held back
	Raise     bool   // the raise was held back, too: the channel does not know the alarm
}

func (heldRow) TableName() string { return "monitor_held" }

// errLost tells that another replica has moved the channel's position.
var errLost = errors.New("another replica reports to the channel")

// plan is what becomes of some changes: some are told, and the alarms held back change.
type plan struct {
	tell []*monitorv1.AlarmRecord
	held map[string]*heldRow // by alarm; nil: not any more
}

// route takes the next changes: those that are silenced are held back, the others are
// told, or put into their groups. The position moves behind what is done with.
func (c *courier) route(ctx context.Context, acting []*silence, now time.Time) (more bool, err error) {
	var position channelRow
	if err := c.store.Read.WithContext(ctx).Select("delivered").Where("id = ?", c.channel.ID).Take(&position).Error; err != nil {
		return false, fmt.Errorf("read position: %w", err)
	}
	var rows []changeRow
	err = c.store.Read.WithContext(ctx).Where("serial > ?", position.Delivered).Order("serial").Limit(reportedAtOnce).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return false, err
	}
	p, err := c.planFor(rows, acting)
	if err != nil {
		return false, err
	}
	last := rows[len(rows)-1].Serial
	told := len(p.tell)
	var failure error
	if c.spec.GetGrouping() == nil && told > 0 {
		told, failure = c.sender.Send(ctx, p.tell)
		if failure != nil && told == 0 {
			return false, failure
		}
		if failure != nil { // the rest is routed again
			last = serialOf(p.tell[told-1])
			end, _ := slices.BinarySearchFunc(rows, last+1, func(r changeRow, serial int64) int { return int(r.Serial - serial) })
			if p, err = c.planFor(rows[:end], acting); err != nil {
				return false, err
			}
		}
	}
	err = c.store.Write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		values := map[string]any{"delivered": last}
		if told > 0 && c.spec.GetGrouping() == nil {
			values["delivered_at"] = now
		}
		moved := tx.Model(&channelRow{}).Where("id = ? AND delivered = ?", c.channel.ID, position.Delivered).UpdateColumns(values)
		if moved.Error != nil {
			return moved.Error
		}
		if moved.RowsAffected == 0 {
			return errLost
		}
		if c.spec.GetGrouping() != nil {
			if err := c.gather(tx, p.tell, now); err != nil {
				return err
			}
		}
		return c.keepHeld(tx, p.held)
	})
	if err != nil {
		return false, err
	}
	c.remember(p.held)
	return len(rows) == reportedAtOnce, failure
}

// planFor decides about some changes, in their order.
func (c *courier) planFor(rows []changeRow, acting []*silence) (plan, error) {
	p := plan{held: map[string]*heldRow{}}
	tenants := c.access.Tenants(c.channel.TenantID)
	for i := range rows {
		if !c.wants(&rows[i], tenants) {
			continue
		}
		record, err := toProtoRecord(&rows[i])
		if err != nil {
			return plan{}, err
		}
		if matchAll(c.matchers, fixedLabels(record.GetAlarm())) {
			c.plan(&p, record, rows[i].Serial, len(silencedBy(acting, allLabels(record.GetAlarm()))) > 0)
		}
	}
	return p, nil
}

// plan decides about one change. The clear of an alarm that the channel knows is told
// though it is silenced, or the alarm would stay there; one that the channel does not
// know is forgotten with its clear.
func (c *courier) plan(p *plan, record *monitorv1.AlarmRecord, serial int64, silenced bool) {
	id := record.GetAlarm().GetId()
	before, changed := p.held[id]
	if known, ok := c.held[id]; !changed && ok {
		before = &known
	}
	unknown := before != nil && before.Raise
	switch {
	case record.GetChange() == monitorv1.AlarmChange_ALARM_CHANGE_CLEARED:
		if before != nil {
			p.held[id] = nil
		}
		if !unknown {
			p.tell = append(p.tell, record)
		}
	case silenced:
		p.held[id] = &heldRow{
			ChannelID: c.channel.ID, AlarmID: id, Serial: serial,
			Raise: unknown || record.GetChange() == monitorv1.AlarmChange_ALARM_CHANGE_RAISED,
		}
	default:
		if before != nil {
			p.held[id] = nil
		}
		if unknown {
			record.Change = monitorv1.AlarmChange_ALARM_CHANGE_RAISED
		}
		p.tell = append(p.tell, record)
	}
}

func (c *courier) keepHeld(tx *gorm.DB, held map[string]*heldRow) error {
	for id, h := range held {
		var err error
		if h == nil {
			err = tx.Where("channel_id = ? AND alarm_id = ?", c.channel.ID, id).Delete(&heldRow{}).Error
		} else {
			err = tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(h).Error
		}
		if err != nil {
			return fmt.Errorf("hold back alarm %s: %w", id, err)
		}
	}
	return nil
}

func (c *courier) remember(held map[string]*heldRow) {
	for id, h := range held {
		if h == nil {
			delete(c.held, id)
		} else {
			c.held[id] = *h
		}
	}
}

// release tells of alarms that no silence matches any more.
func (c *courier) release(ctx context.Context, acting []*silence, now time.Time) error {
	serials := make([]int64, 0, len(c.held))
	for _, h := range c.held {
		serials = append(serials, h.Serial)
	}
	slices.Sort(serials)
	for some := range slices.Chunk(serials, reportedAtOnce) {
		if err := c.releaseSome(ctx, acting, some, now); err != nil {
			return err
		}
	}
	return nil
}

func (c *courier) releaseSome(ctx context.Context, acting []*silence, serials []int64, now time.Time) error {
	var rows []changeRow
	if err := c.store.Read.WithContext(ctx).Where("serial IN ?", serials).Order("serial").Find(&rows).Error; err != nil {
		return fmt.Errorf("read what is held back: %w", err)
	}
	p := plan{held: map[string]*heldRow{}}
	for i := range rows {
		record, err := toProtoRecord(&rows[i])
		if err != nil {
			return err
		}
		if len(silencedBy(acting, allLabels(record.GetAlarm()))) == 0 {
			c.plan(&p, record, rows[i].Serial, false)
		}
	}
	if len(p.tell) == 0 {
		return nil
	}
	var failure error
	if c.spec.GetGrouping() == nil {
		told, err := c.sender.Send(ctx, p.tell)
		failure = err
		for _, r := range p.tell[told:] {
			delete(p.held, r.GetAlarm().GetId())
		}
	}
	err := c.store.Write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if c.spec.GetGrouping() != nil {
			if err := c.gather(tx, p.tell, now); err != nil {
				return err
			}
		}
		return c.keepHeld(tx, p.held)
	})
	if err == nil {
		c.remember(p.held)
	}
	return errors.Join(failure, err)
}
