package logging

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"gorm.io/gorm"

	loggingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/logging/v1"
)

// totals are the counters of a place, over all replicas as far as they have saved.
type totals struct {
	stored, lost, lostBytes, refused atomic.Int64

	saved [4]int64 // the part of each that the store knows; of save alone
}

func (t *totals) all() [4]*atomic.Int64 {
	return [4]*atomic.Int64{&t.stored, &t.lost, &t.lostBytes, &t.refused}
}

func (r *locationRow) counts() [4]int64 { return [4]int64{r.Stored, r.Lost, r.LostBytes, r.Refused} }

// load takes over what the store has.
func (t *totals) load(r *locationRow) {
	t.saved = r.counts()
	for i, counter := range t.all() {
		counter.Store(t.saved[i])
	}
}

// saveCollector adds what was counted since the last save, with how the collector does where it
// runs in this replica, and takes over what others have added.
func (m *Module) saveCollector(ctx context.Context, id string, c *collector) error {
	c.saving.Lock()
	defer c.saving.Unlock()
	values := c.told()
	var now [4]int64
	for i, name := range [4]string{"stored", "lost", "lost_bytes", "refused"} {
		now[i] = c.all()[i].Load()
		if added := now[i] - c.saved[i]; added != 0 {
			values[name] = gorm.Expr(name+" + ?", added)
		}
	}
	if now[1] > c.saved[1] {
		values["lost_at"] = m.opts.Now().UTC()
	}
	if len(values) > 0 {
		if err := m.store.Write.WithContext(ctx).Model(&locationRow{}).Where("id = ?", id).UpdateColumns(values).Error; err != nil {
			return err
		}
	}
	c.saved = now
	if m.store.Embedded {
		return nil
	}
	var row locationRow
	found := m.store.Read.WithContext(ctx).Where("id = ?", id).Limit(1).Find(&row)
	if found.Error != nil || found.RowsAffected == 0 {
		return found.Error
	}
	for i, counter := range c.all() {
		counter.Add(row.counts()[i] - now[i])
	}
	c.saved = row.counts()
	return nil
}

// told is how the collector does, for the other replicas; empty where it does not run
// here.
func (c *collector) told() map[string]any {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.here {
		return map[string]any{}
	}
	at := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		t = t.UTC()
		return &t
	}
	return map[string]any{
		"state": int32(c.state), "last_error": c.lastError, "error_at": at(c.errorAt), "record_at": at(c.lastRecord), "lag": c.lag,
	}
}

// heard takes over how the collector does in another replica.
func (c *collector) heard(r *locationRow) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.here || r.State == 0 {
		return
	}
	c.state, c.lastError, c.lag = loggingv1.LocationState(r.State), r.LastError, r.Lag
	for _, t := range []struct {
		from *time.Time
		to   *time.Time
	}{{r.ErrorAt, &c.errorAt}, {r.RecordAt, &c.lastRecord}} {
		if t.from != nil {
			*t.to = *t.from
		}
	}
}

// Trouble is a place of logs that cannot be read, or at which something was lost.
type Trouble struct {
	LocationID, TenantID string
	Failing              bool // otherwise something was lost
	Text                 string
}

// lossLife is how long a loss is told of after the last one.
const lossLife = time.Hour

// Troubles are those of all replicas, as far as they have saved.
func (m *Module) Troubles(ctx context.Context) ([]Trouble, error) {
	var rows []locationRow
	err := m.store.Read.WithContext(ctx).Where("state = ? OR lost_at > ?", int32(loggingv1.LocationState_LOCATION_STATE_FAILING), m.opts.Now().UTC().Add(-lossLife)).
		Order("id").Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read locations: %w", err)
	}
	var out []Trouble
	for i := range rows {
		r := &rows[i]
		if r.State == int32(loggingv1.LocationState_LOCATION_STATE_FAILING) {
			out = append(out, Trouble{LocationID: r.ID, TenantID: r.TenantID, Failing: true, Text: r.LastError})
		}
		if r.LostAt != nil && m.opts.Now().Sub(*r.LostAt) < lossLife {
			out = append(out, Trouble{LocationID: r.ID, TenantID: r.TenantID, Text: fmt.Sprintf("%d records or rotations with losses in all", r.Lost)})
		}
	}
	return out, nil
}
