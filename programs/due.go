package programs

import (
	"context"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/db"
)

// deliveriesOnce is how many attempts are under way at one receiver.
const deliveriesOnce = 8

// dueDelivery is one that this replica has to itself for an attempt.
type dueDelivery struct {
	row       deliveryRow
	emergency *emergencyRow
}

// receiver is who a delivery is for: deliveries to one do not wait for those to another.
func (d *deliveryRow) receiver() string {
	if d.Target == targetPlatform {
		return d.Target + " " + d.GroupID
	}
	return targetCDN + strings.TrimPrefix(strings.TrimPrefix(d.Target, targetCDNLift), targetCDN)
}

// dueDeliveries takes what is due and can be tried now: nothing older about one of the
// ids is still to be confirmed there, no other replica has it, and not too many are
// under way at its receiver. Each must be given to deliver.
func (m *Module) dueDeliveries(ctx context.Context) ([]dueDelivery, error) {
	now := m.opts.Now()
	var first []deliveryRow
	pending := m.store.Read.WithContext(ctx).Where("state = ?", deliveryPending).Order("id")
	if err := pending.Session(&gorm.Session{}).Where("next_at <= ?", now.UnixMilli()).Limit(1).Find(&first).Error; err != nil {
		return nil, fmt.Errorf("look for deliveries: %w", err)
	}
	if len(first) == 0 {
		return nil, nil
	}
	var rows []deliveryRow
	if err := pending.Session(&gorm.Session{}).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read deliveries: %w", err)
	}
	emergencies, err := m.emergenciesOf(ctx, rows)
	if err != nil {
		return nil, err
	}
	var taken []dueDelivery
	for _, d := range unblocked(rows, emergencies) {
		if d.NextAt > now.UnixMilli() || !m.underWay.Begin(d.receiver()) {
			continue
		}
		claim := m.store.Write.WithContext(ctx).Model(&deliveryRow{}).Where("id = ? AND state = ? AND next_at = ?", d.ID, deliveryPending, d.NextAt).
			Update("next_at", now.Add(deliveryLease).UnixMilli())
		if claim.Error != nil || claim.RowsAffected == 0 {
			m.underWay.End(d.receiver())
			if claim.Error != nil {
				return taken, fmt.Errorf("take a delivery: %w", claim.Error)
			}
			continue
		}
		d.NextAt = now.Add(deliveryLease).UnixMilli()
		taken = append(taken, dueDelivery{d, emergencies[d.EmergencyID]})
	}
	return taken, nil
}

// emergenciesOf are the emergencies of deliveries, by their id.
func (m *Module) emergenciesOf(ctx context.Context, rows []deliveryRow) (map[string]*emergencyRow, error) {
	ids := map[string]bool{}
	for i := range rows {
		ids[rows[i].EmergencyID] = true
	}
	out := map[string]*emergencyRow{}
	for _, part := range chunks(ids) {
		var found []*emergencyRow
		tx := m.store.Read.WithContext(ctx)
		if err := tx.Where(db.AnyOf(tx, "id", part)).Find(&found).Error; err != nil {
			return nil, fmt.Errorf("emergencies of deliveries: %w", err)
		}
		for _, e := range found {
			out[e.ID] = e
		}
	}
	return out, nil
}

// unblocked are the deliveries without an older one to the same target that shares an
// id. They are given by their age, and are all that are pending.
func unblocked(rows []deliveryRow, emergencies map[string]*emergencyRow) []deliveryRow {
	type record struct {
		group, target, id string
		kind              Kind
	}
	older := map[record]bool{}
	var out []deliveryRow
	for i := range rows {
		d := &rows[i]
		e := emergencies[d.EmergencyID]
		if e == nil {
			continue // it came while they were read
		}
		blocked := false
		for _, id := range e.ids() {
			r := record{d.GroupID, d.Target, id, e.Kind}
			blocked = blocked || older[r]
			older[r] = true
		}
		if !blocked {
			out = append(out, *d)
		}
	}
	return out
}
