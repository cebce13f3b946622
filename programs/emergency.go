package programs

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/rowid"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	"github.com/yunqiao/yunqiao/programs/gyt345"
)

// The states of an emergency.
const (
	emergencyRequested = "REQUESTED" // a second person must confirm it
	emergencyActive    = "ACTIVE"    // the lock holds
	emergencyRejected  = "REJECTED"
	emergencyLifted    = "LIFTED"
)

// The targets of an emergency, and the states of its delivery there.
const (
	targetPlatform  = "CONTENT_PLATFORM"
	targetTerminals = "TERMINALS"
	targetCDN       = "CDN:"      // with its name
	targetCDNLift   = "CDN-LIFT:" // with its name: the end of its redirects

	deliveryPending   = "PENDING"
	deliveryConfirmed = "CONFIRMED"
	deliveryFailed    = "FAILED" // given up after a day
	deliveryCancelled = "CANCELLED"
)

func (e *emergencyRow) ids() []string {
	var ids []string
	_ = json.Unmarshal([]byte(e.Records), &ids) // we wrote it
	return ids
}

// emergencyIDs reads ids as receivers of the message will, so that the locks here are
// of the same records.
func emergencyIDs(written []string) ([]string, error) {
	var ids []string
	for i, w := range written {
		id, ok := gyt345.ID(w)
		if !ok {
			return nil, invalid(fmt.Sprintf("record_ids[%d]", i), "an id has 1 to 128 characters, and neither control characters nor commas, half or full width")
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// requestEmergency records what one person wants taken off.
func (m *Module) requestEmergency(ctx context.Context, groupID string, kind Kind, ids []string, reason string) (*emergencyRow, error) {
	s, err := m.partners.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	if s.peers[groupID] == nil {
		return nil, notFound("group_id")
	}
	if ids, err = emergencyIDs(ids); err != nil {
		return nil, err
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	row := &emergencyRow{
		ID: rowid.New(), GroupID: groupID, Kind: kind, Records: string(list), Reason: reason, State: emergencyRequested,
		RequestedBy: m.opts.Caller(ctx), RequestedAt: m.opts.Now(),
	}
	return row, m.store.Write.WithContext(ctx).Create(row).Error
}

// decide confirms or rejects an emergency. Confirming takes another person than
// requesting; the lock holds when it returns, and the deliveries are under way.
func (m *Module) decideEmergency(ctx context.Context, id string, confirm bool) (*emergencyRow, error) {
	var row emergencyRow
	err := m.change(ctx, func(tx *gorm.DB) error {
		if err := takeEmergency(tx, id, emergencyRequested, &row); err != nil {
			return err
		}
		caller, now := m.opts.Caller(ctx), m.opts.Now()
		if confirm && caller == row.RequestedBy {
			return failure(codes.PermissionDenied, apiv1.Reason_REASON_RESOURCE_FORBIDDEN, "id", "must be confirmed by another person than the one who requested it")
		}
		row.State, row.DecidedBy, row.DecidedAt = emergencyRejected, caller, &now
		if confirm {
			row.State, row.MsgTime = emergencyActive, now.UnixMilli()
			if err := m.lock(tx, &row, now); err != nil {
				return err
			}
		}
		return tx.Save(&row).Error
	})
	if err == nil {
		m.wake()
	}
	return &row, err
}

// lift ends an emergency: what its partner says counts again. Deliveries that have not
// been confirmed are dropped.
func (m *Module) liftEmergency(ctx context.Context, id string) (*emergencyRow, error) {
	var row emergencyRow
	err := m.change(ctx, func(tx *gorm.DB) error {
		if err := takeEmergency(tx, id, emergencyActive, &row); err != nil {
			return err
		}
		now := m.opts.Now()
		row.State, row.LiftedBy, row.LiftedAt = emergencyLifted, m.opts.Caller(ctx), &now
		keys, err := affected(tx, &row)
		if err != nil {
			return err
		}
		if err := tx.Where("emergency_id = ?", id).Delete(&lockRow{}).Error; err != nil {
			return fmt.Errorf("lift locks: %w", err)
		}
		if err := relock(tx, keys, now, change{causeLift, id}); err != nil {
			return err
		}
		if err := m.endDeliveries(tx, &row, now); err != nil {
			return err
		}
		return tx.Save(&row).Error
	})
	if err == nil {
		m.wake()
	}
	return &row, err
}

// endDeliveries drops what has not been confirmed, and ends the redirects of CDNs, each
// when an attempt there that is under way has ended.
func (m *Module) endDeliveries(tx *gorm.DB, row *emergencyRow, now time.Time) error {
	dropped := tx.Model(&deliveryRow{}).Where("emergency_id = ? AND state = ?", row.ID, deliveryPending).Update("state", deliveryCancelled)
	if dropped.Error != nil {
		return fmt.Errorf("drop deliveries: %w", dropped.Error)
	}
	var ends []deliveryRow
	for _, n := range m.opts.CDNs {
		if n.Notice == "" {
			continue
		}
		var until int64
		err := tx.Model(&deliveryRow{}).Where("emergency_id = ? AND target = ? AND state = ?", row.ID, targetCDN+n.Name(), deliveryCancelled).
			Select("COALESCE(MAX(next_at), 0)").Scan(&until).Error
		if err != nil {
			return fmt.Errorf("dropped deliveries: %w", err)
		}
		ends = append(ends, deliveryRow{
			ID: rowid.New(), EmergencyID: row.ID, GroupID: row.GroupID, Target: targetCDNLift + n.Name(), State: deliveryPending,
			NextAt: max(now.UnixMilli(), until), CreatedAt: now,
		})
	}
	return db.InsertAll(tx, ends)
}

func takeEmergency(tx *gorm.DB, id, state string, row *emergencyRow) error {
	found := tx.Where("id = ?", id).Limit(1).Find(row)
	switch {
	case found.Error != nil:
		return found.Error
	case found.RowsAffected == 0:
		return notFound("id")
	case row.State != state:
		return wrongState("id", "the emergency is "+row.State)
	}
	return nil
}

// change runs a transaction that no batch of messages runs beside.
func (m *Module) change(ctx context.Context, do func(tx *gorm.DB) error) error {
	return m.store.Write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := db.Exclusive(tx, writeLock); err != nil {
			return err
		}
		return do(tx)
	})
}

// lock sets the locks of an emergency and notes what is to be reached.
func (m *Module) lock(tx *gorm.DB, row *emergencyRow, now time.Time) error {
	keys, err := affected(tx, row)
	if err != nil {
		return err
	}
	if err := db.InsertAll(tx, row.locks(keys)); err != nil {
		return fmt.Errorf("set locks: %w", err)
	}
	if err := takeOver(tx, row.ID); err != nil {
		return err
	}
	if err := m.takeUnfollowed(tx, row.ID, keys); err != nil {
		return err
	}
	if err := relock(tx, keys, now, change{causeEmergency, row.ID}); err != nil {
		return err
	}
	deliveries := []deliveryRow{{Target: targetPlatform, State: deliveryPending}}
	for _, c := range m.opts.CDNs {
		deliveries = append(deliveries, deliveryRow{Target: targetCDN + c.Name(), State: deliveryPending})
	}
	// Terminals read the change feed, which has the change by the end of this transaction.
	deliveries = append(deliveries, deliveryRow{Target: targetTerminals, State: deliveryConfirmed, ConfirmedAt: &now})
	for i := range deliveries {
		d := &deliveries[i]
		d.ID, d.EmergencyID, d.GroupID, d.NextAt, d.CreatedAt = rowid.New(), row.ID, row.GroupID, now.UnixMilli(), now
	}
	return db.InsertAll(tx, deliveries)
}

// locks are those of an emergency of the records with the keys.
func (e *emergencyRow) locks(keys map[string]bool) []lockRow {
	series := map[string]bool{}
	if e.Kind == KindSeries {
		for _, id := range e.ids() {
			series[recordKey(KindSeries, e.GroupID, id)] = true
		}
	}
	var locks []lockRow
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		locks = append(locks, lockRow{RecordKey: k, EmergencyID: e.ID, Series: series[k]})
	}
	return locks
}

// relock works out anew what the records of an emergency are, and notes the play URLs
// also of those that were locked before.
func relock(tx *gorm.DB, keys map[string]bool, now time.Time, why change) error {
	s := newState(now)
	if err := s.loadRecords(tx, keys); err != nil {
		return err
	}
	if err := s.loadLocks(tx, keys, s.series()); err != nil {
		return err
	}
	for _, r := range s.records {
		s.refresh(r.ID, why)
		s.take(r)
	}
	return s.save(tx)
}

// affected are the keys of the records of an emergency, and of the programs that are or
// were in its series.
func affected(tx *gorm.DB, row *emergencyRow) (map[string]bool, error) {
	keys := map[string]bool{}
	for _, id := range row.ids() {
		keys[recordKey(row.Kind, row.GroupID, id)] = true
	}
	if row.Kind != KindSeries {
		return keys, nil
	}
	var programs []string
	if err := tx.Model(&lockRow{}).Where("emergency_id = ?", row.ID).Pluck("record_key", &programs).Error; err != nil {
		return nil, fmt.Errorf("locks of the emergency: %w", err)
	}
	var naming []string
	err := tx.Model(&recordRow{}).Where("group_id = ? AND kind = ? AND series_id IN ?", row.GroupID, KindProgram, row.ids()).Pluck("id", &naming).Error
	if err != nil {
		return nil, fmt.Errorf("programs of the series: %w", err)
	}
	programs = append(programs, naming...)
	for _, part := range chunks(keys) {
		var listed []string
		if err := tx.Model(&relationRow{}).Where(db.AnyOf(tx, "series_key", part)).Pluck("program_key", &listed).Error; err != nil {
			return nil, fmt.Errorf("lists of the series: %w", err)
		}
		programs = append(programs, listed...)
	}
	for _, id := range programs {
		keys[id] = true
	}
	return keys, nil
}
