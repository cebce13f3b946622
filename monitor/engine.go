package monitor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"
	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/rowid"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

// An alarm that was raised anew so often in so short a time is flapping: its clear
// waits until it has been quiet, and what comes and goes meanwhile is one alarm.
const (
	flapRaises = 5
	flapWindow = 10 * time.Minute
	flapQuiet  = 5 * time.Minute
)

const (
	maxBatch = 2000 // changes in one commit
	lockName = "monitor alarms"
)

// errClosed is the answer to commands after the end of Run.
var errClosed = errors.New("the monitor is closed")

// raise is an alarm as somebody reports it.
type raise struct {
	tenant, name, object, description, cause, source string
	labels                                           map[string]string
	kind, dataType, severity                         int32
	at                                               time.Time // zero: now
	expires                                          time.Time // zero: never
}

// command is one change that is asked for; one of raise, clear and acknowledge.
type command struct {
	identity string // or
	id       string

	raise       *raise
	clear       monitorv1.ClearType
	at          time.Time // of a clear; zero: now
	acknowledge bool
	user        string
	comment     string

	alarm *alarmRow // the result; nil: there is none
	err   error
}

// submit applies commands in their order and returns when they are on disk.
// Commands of several callers share a commit.
func (m *Module) submit(ctx context.Context, commands []*command) error {
	for len(commands) > 0 {
		n := min(len(commands), maxBatch)
		b := &batch{commands: commands[:n], done: make(chan error, 1)}
		select {
		case m.queue <- b:
		case <-ctx.Done():
			return ctx.Err()
		case <-m.closed:
			return errClosed
		}
		select {
		case err := <-b.done:
			if err != nil {
				return err
			}
		case <-m.closed:
			select {
			case err := <-b.done:
				if err != nil {
					return err
				}
			default:
				return errClosed
			}
		}
		commands = commands[n:]
	}
	return nil
}

type batch struct {
	commands []*command
	done     chan error
}

// write applies what comes until the context ends; what was taken is applied.
func (m *Module) write(ctx context.Context) {
	defer close(m.closed)
	for {
		select {
		case first := <-m.queue:
			m.flush(context.WithoutCancel(ctx), first)
		case <-ctx.Done():
			for {
				select {
				case first := <-m.queue:
					m.flush(context.WithoutCancel(ctx), first)
				default:
					return
				}
			}
		}
	}
}

func (m *Module) flush(ctx context.Context, first *batch) {
	all := []*batch{first}
	count := len(first.commands)
gather:
	for count < maxBatch {
		select {
		case next := <-m.queue:
			all = append(all, next)
			count += len(next.commands)
		default:
			break gather
		}
	}
	var commands []*command
	for _, b := range all {
		commands = append(commands, b.commands...)
	}
	err := m.apply(ctx, commands)
	for _, b := range all {
		b.done <- err
	}
	if err == nil {
		m.wake()
	}
}

// work is one transaction over alarms.
type work struct {
	tx         *gorm.DB
	now        time.Time
	serial     int64
	number     int64
	byIdentity map[string]*alarmRow // active ones
	byID       map[string]*alarmRow
	recent     map[string]int64     // raises anew within the window, by identity
	dirty      map[string]*alarmRow // of those that were stored before
	fresh      []*alarmRow
	changes    []changeRow
}

func (m *Module) apply(ctx context.Context, commands []*command) error {
	return m.store.Write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := db.Exclusive(tx, lockName); err != nil {
			return err
		}
		w := &work{
			tx: tx, now: m.opts.Now().UTC(), byIdentity: map[string]*alarmRow{}, byID: map[string]*alarmRow{},
			recent: map[string]int64{}, dirty: map[string]*alarmRow{},
		}
		if err := w.load(commands); err != nil {
			return fmt.Errorf("read alarms: %w", err)
		}
		for _, c := range commands {
			c.alarm, c.err = nil, nil
			if err := w.run(c); err != nil {
				return err
			}
		}
		if err := w.save(); err != nil {
			return fmt.Errorf("store alarms: %w", err)
		}
		return nil
	})
}

func (w *work) load(commands []*command) error {
	var counters []counterRow
	if err := w.tx.Find(&counters).Error; err != nil {
		return err
	}
	for _, c := range counters {
		switch c.Name {
		case "serial":
			w.serial = c.Value
		case "number":
			w.number = c.Value
		}
	}
	identities, ids := map[string]bool{}, map[string]bool{}
	for _, c := range commands {
		if c.identity != "" {
			identities[c.identity] = true
		} else {
			ids[c.id] = true
		}
	}
	var rows []*alarmRow
	if len(identities) > 0 {
		if err := w.tx.Where(db.AnyOf(w.tx, "identity", keys(identities))).Where("ended = 0").Find(&rows).Error; err != nil {
			return err
		}
		w.remember(rows)
		var fresh []string
		for id := range identities {
			if w.byIdentity[id] == nil {
				fresh = append(fresh, id)
			}
		}
		var counts []struct {
			Identity string
			N        int64
		}
		err := w.tx.Model(&alarmRow{}).Select("identity, COUNT(*) AS n").Where(db.AnyOf(w.tx, "identity", fresh)).
			Where("raised_at > ?", w.now.Add(-flapWindow)).Group("identity").Scan(&counts).Error
		if err != nil {
			return err
		}
		for _, c := range counts {
			w.recent[c.Identity] = c.N
		}
	}
	if len(ids) > 0 {
		rows = nil
		if err := w.tx.Where(db.AnyOf(w.tx, "id", keys(ids))).Find(&rows).Error; err != nil {
			return err
		}
		for _, r := range rows {
			if known := w.byIdentity[r.Identity]; known == nil || known.ID != r.ID {
				w.remember([]*alarmRow{r})
			}
		}
	}
	return nil
}

func (w *work) remember(rows []*alarmRow) {
	for _, r := range rows {
		w.byID[r.ID] = r
		if r.Active {
			w.byIdentity[r.Identity] = r
		}
	}
}

func keys[V any](set map[string]V) []string {
	out := make([]string, 0, len(set))
	for k := range set {
		out = append(out, k)
	}
	return out
}

func (w *work) run(c *command) error {
	if c.raise != nil {
		return w.raise(c)
	}
	row := w.byID[c.id]
	if c.identity != "" {
		row = w.byIdentity[c.identity]
	}
	if row == nil {
		return nil // a clear before its raise, or a second clear: there is nothing to do
	}
	c.alarm = row
	switch {
	case c.acknowledge && !row.Active:
		c.err = errNotActive
		return nil
	case c.acknowledge:
		at := w.now
		row.AcknowledgedBy, row.AcknowledgedAt, row.Comment = c.user, &at, c.comment
		return w.change(row, monitorv1.AlarmChange_ALARM_CHANGE_ACKNOWLEDGED)
	case !row.Active:
		return nil
	case row.Flapping && c.clear == monitorv1.ClearType_CLEAR_TYPE_AUTOMATIC && !c.due(w.now, row):
		due := w.now.Add(flapQuiet)
		row.DueAt, row.DueType = &due, int32(c.clear)
		w.dirty[row.ID] = row
		return nil
	case c.clear == monitorv1.ClearType_CLEAR_TYPE_EXPIRED && !c.due(w.now, row):
		return nil // it was raised again since it was due
	}
	return w.clear(row, c)
}

var errNotActive = errors.New("the alarm is cleared")

// due tells whether a row's own time is over.
func (c *command) due(now time.Time, row *alarmRow) bool {
	return row.DueAt != nil && !row.DueAt.After(now)
}

func (w *work) raise(c *command) error {
	r := c.raise
	at := r.at
	if at.IsZero() {
		at = w.now
	}
	at = at.UTC()
	var due *time.Time
	if !r.expires.IsZero() {
		expires := r.expires.UTC()
		due = &expires
	}
	row := w.byIdentity[c.identity]
	if row != nil {
		c.alarm = row
		row.Raises++
		if at.After(row.LastRaisedAt) {
			row.LastRaisedAt = at
		}
		row.DueAt, row.DueType = due, int32(monitorv1.ClearType_CLEAR_TYPE_EXPIRED)
		w.dirty[row.ID] = row
		if row.Severity == r.severity && row.Description == r.description {
			return nil
		}
		row.Severity, row.Description, row.Peak = r.severity, r.description, max(row.Peak, r.severity)
		return w.change(row, monitorv1.AlarmChange_ALARM_CHANGE_CHANGED)
	}
	labels, err := json.Marshal(r.labels)
	if err != nil {
		return err
	}
	w.number++
	w.recent[c.identity]++
	row = &alarmRow{
		ID: rowid.New(), Identity: c.identity, Number: w.number, Active: true, Severity: r.severity, Peak: r.severity, TenantID: r.tenant,
		Name: r.name, ObjectID: r.object, Type: r.kind, DataType: r.dataType, ProbableCause: r.cause, Description: r.description,
		Labels: string(labels), labels: r.labels, Source: r.source, RaisedAt: at, LastRaisedAt: at, Raises: 1, DueAt: due,
		DueType: int32(monitorv1.ClearType_CLEAR_TYPE_EXPIRED), Flapping: w.recent[c.identity] >= flapRaises,
	}
	w.remember([]*alarmRow{row})
	w.fresh = append(w.fresh, row)
	c.alarm = row
	return w.change(row, monitorv1.AlarmChange_ALARM_CHANGE_RAISED)
}

// clear ends an alarm. A clear that claims to be older than the raise counts from
// the raise: the order of arrival decides what is active, times only tell.
func (w *work) clear(row *alarmRow, c *command) error {
	at := c.at.UTC()
	if c.at.IsZero() {
		at = w.now
	}
	if at.Before(row.RaisedAt) {
		at = row.RaisedAt
	}
	kind := c.clear
	if c.clear == monitorv1.ClearType_CLEAR_TYPE_EXPIRED { // by the sweep: as was set
		kind = monitorv1.ClearType(row.DueType)
	}
	row.Active, row.Ended, row.ClearedAt, row.ClearType, row.DueAt = false, row.Number, &at, int32(kind), nil
	if c.comment != "" {
		row.Comment = c.comment
	}
	delete(w.byIdentity, row.Identity)
	return w.change(row, monitorv1.AlarmChange_ALARM_CHANGE_CLEARED)
}

func (w *work) change(row *alarmRow, kind monitorv1.AlarmChange) error {
	w.serial++
	row.Serial = w.serial
	w.dirty[row.ID] = row
	body, err := proto.Marshal(toProtoAlarm(row))
	if err != nil {
		return fmt.Errorf("write change %d: %w", w.serial, err)
	}
	w.changes = append(w.changes, changeRow{
		Serial: w.serial, AlarmID: row.ID, TenantID: row.TenantID, Kind: int32(kind), Peak: row.Peak, At: w.now, Body: body,
	})
	return nil
}

// sweepPause is between two looks for alarms whose time is over.
const sweepPause = time.Second

// sweep clears alarms whose time is over.
func (m *Module) sweep(ctx context.Context) error {
	for {
		var ids []string
		err := m.store.Read.WithContext(ctx).Model(&alarmRow{}).Where("active AND due_at IS NOT NULL AND due_at <= ?", m.opts.Now().UTC()).
			Limit(maxBatch).Pluck("id", &ids).Error
		if err != nil || len(ids) == 0 {
			return err
		}
		commands := make([]*command, len(ids))
		for i, id := range ids {
			commands[i] = &command{id: id, clear: monitorv1.ClearType_CLEAR_TYPE_EXPIRED}
		}
		if err := m.submit(ctx, commands); err != nil {
			return err
		}
		if len(ids) < maxBatch {
			return nil
		}
	}
}
