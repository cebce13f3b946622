package metering

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/yunqiao/yunqiao/internal/outbox"
)

// eventRow is an event that billing has heard of.
type eventRow struct {
	EventID      string `gorm:"primaryKey;size:32"`
	Kind         string `gorm:"size:32;not null"`
	ResourceID   string `gorm:"size:512;not null;index"`
	ResourceType string `gorm:"size:64;not null"`
	AccountID    string `gorm:"size:32;not null"`
	TenantID     string `gorm:"size:64;not null"`
	ActorID      string `gorm:"size:64;not null"`
	Source       string `gorm:"size:16;not null"`
	Sequence     int32  `gorm:"not null"`
	At           int64  `gorm:"not null;index"` // Unix microseconds
	State        string `gorm:"size:64;not null"`
	Spec         string // JSON; "" is unchanged
	FromTenant   string `gorm:"size:64;not null"`
	Since        int64  // Unix microseconds; 0 is none
	Samples      string // JSON
	HeardAt      int64  `gorm:"not null"` // Unix microseconds
}

// TableName implements gorm's Tabler.
func (eventRow) TableName() string { return "billing_events" }

// position is how far the outbox was read.
type position struct {
	Reader   string `gorm:"primaryKey;size:32"`
	Position int64  `gorm:"not null"`
}

// TableName implements gorm's Tabler.
func (position) TableName() string { return "billing_positions" }

// Tables makes the tables.
func Tables(tx *gorm.DB) error { return tx.Migrator().CreateTable(&eventRow{}, &position{}) }

// payload holds the fields of all kinds of events that metering reads.
type payload struct {
	ToState    string                     `json:"to_state"`
	State      string                     `json:"state"`
	Spec       map[string]json.RawMessage `json:"spec"`
	ToSpec     map[string]json.RawMessage `json:"to_spec"`
	FromTenant string                     `json:"from_tenant"`
	ToTenant   string                     `json:"to_tenant"`
	Since      string                     `json:"since"`
	Samples    []Sample                   `json:"samples"`
}

// Kinds are the types of events that metering reads.
func Kinds() []string {
	return []string{string(StateChanged), string(Discovered), string(SpecChanged), string(Gone), string(OwnerChanged), string(Sampled)}
}

// FromStored reads an event of the outbox.
func FromStored(s outbox.Stored) (Event, error) {
	var p payload
	if err := json.Unmarshal([]byte(s.Payload), &p); err != nil {
		return Event{}, fmt.Errorf("payload of event %s: %w", s.EventID, err)
	}
	e := Event{
		ID: s.EventID, Kind: Kind(s.Type), ResourceID: s.ResourceID, ResourceType: s.ResourceType, AccountID: s.AccountID, TenantID: s.TenantID,
		ActorID: s.ActorID, Source: s.Source, Sequence: s.Sequence, At: s.OccurredAt.UTC(), State: p.ToState, FromTenant: p.FromTenant, Samples: p.Samples,
	}
	if e.State == "" {
		e.State = p.State
	}
	if e.Kind == OwnerChanged {
		e.TenantID = p.ToTenant
		since, err := time.Parse(time.RFC3339, p.Since)
		if err != nil {
			return Event{}, fmt.Errorf("event %s: since: %w", s.EventID, err)
		}
		e.Since = since.UTC()
	}
	spec := p.Spec
	if spec == nil {
		spec = p.ToSpec
	}
	if len(spec) > 0 {
		e.Spec = make(map[string]string, len(spec))
		for key, raw := range spec {
			e.Spec[key] = scalar(raw)
		}
	}
	return e, nil
}

// scalar is a JSON string or number as text; numbers keep every digit.
func scalar(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return strings.TrimSpace(string(raw))
}

func toRow(e Event, heard time.Time) (eventRow, error) {
	r := eventRow{
		EventID: e.ID, Kind: string(e.Kind), ResourceID: e.ResourceID, ResourceType: e.ResourceType, AccountID: e.AccountID, TenantID: e.TenantID,
		ActorID: e.ActorID, Source: e.Source, Sequence: e.Sequence, At: e.At.UnixMicro(), State: e.State, FromTenant: e.FromTenant, HeardAt: heard.UnixMicro(),
	}
	if !e.Since.IsZero() {
		r.Since = e.Since.UnixMicro()
	}
	if e.Spec != nil {
		r.Spec = SpecText(e.Spec)
	}
	if len(e.Samples) > 0 {
		text, err := json.Marshal(e.Samples)
		if err != nil {
			return r, fmt.Errorf("samples of event %s: %w", e.ID, err)
		}
		r.Samples = string(text)
	}
	return r, nil
}

func (r *eventRow) event() (Event, error) {
	e := Event{
		ID: r.EventID, Kind: Kind(r.Kind), ResourceID: r.ResourceID, ResourceType: r.ResourceType, AccountID: r.AccountID, TenantID: r.TenantID,
		ActorID: r.ActorID, Source: r.Source, Sequence: r.Sequence, At: time.UnixMicro(r.At).UTC(), State: r.State, FromTenant: r.FromTenant,
	}
	if r.Since != 0 {
		e.Since = time.UnixMicro(r.Since).UTC()
	}
	if r.Spec != "" {
		if err := json.Unmarshal([]byte(r.Spec), &e.Spec); err != nil {
			return e, fmt.Errorf("stored spec of event %s: %w", r.EventID, err)
		}
	}
	if r.Samples != "" {
		if err := json.Unmarshal([]byte(r.Samples), &e.Samples); err != nil {
			return e, fmt.Errorf("stored samples of event %s: %w", r.EventID, err)
		}
	}
	return e, nil
}

// Record keeps an event in the caller's transaction, once, and tells whether it is new.
// Unmark goes with it.
func Record(tx *gorm.DB, e Event, heard time.Time) (fresh bool, err error) {
	r, err := toRow(e, heard)
	if err != nil {
		return false, err
	}
	added := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&r)
	if added.Error != nil {
		return false, fmt.Errorf("record event %s: %w", e.ID, added.Error)
	}
	return added.RowsAffected > 0, nil
}

// reader is the name of billing's position in the outbox.
const reader = "billing"

// Position is how far the outbox was read.
func Position(tx *gorm.DB) (int64, error) {
	var p position
	err := tx.Where("reader = ?", reader).Limit(1).Find(&p).Error
	return p.Position, err
}

// Advance moves the position, never back.
func Advance(tx *gorm.DB, to int64) error {
	return tx.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "reader"}},
		DoUpdates: clause.Assignments(map[string]any{"position": to}),
		Where:     clause.Where{Exprs: []clause.Expression{gorm.Expr("billing_positions.position < ?", to)}},
	}).Create(&position{Reader: reader, Position: to}).Error
}

// EventsOf reads what was heard of a resource, in order.
func EventsOf(tx *gorm.DB, resourceID string) ([]Event, error) {
	var rows []eventRow
	if err := tx.Where("resource_id = ?", resourceID).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read the events of %s: %w", resourceID, err)
	}
	out := make([]Event, len(rows))
	for n := range rows {
		var err error
		if out[n], err = rows[n].event(); err != nil {
			return nil, err
		}
	}
	Order(out)
	return out, nil
}

// First is the time of the oldest event; zero: there is none.
func First(tx *gorm.DB) (time.Time, error) {
	var oldest struct{ At *int64 }
	if err := tx.Model(&eventRow{}).Select("MIN(at) AS at").Scan(&oldest).Error; err != nil {
		return time.Time{}, fmt.Errorf("read the oldest event of usage: %w", err)
	}
	if oldest.At == nil {
		return time.Time{}, nil
	}
	return time.UnixMicro(*oldest.At), nil
}

// Owner is whose a resource is, as far as billing has heard; "" is nobody's.
func Owner(tx *gorm.DB, resourceID string) (string, error) {
	var r eventRow
	err := tx.Where("resource_id = ?", resourceID).Order("sequence DESC").Limit(1).Find(&r).Error
	return r.TenantID, err
}

// Heard tells which of some events were recorded.
func Heard(tx *gorm.DB, ids []string) (map[string]bool, error) {
	var known []string
	if err := tx.Model(&eventRow{}).Where("event_id IN ?", ids).Pluck("event_id", &known).Error; err != nil {
		return nil, fmt.Errorf("look up events: %w", err)
	}
	out := make(map[string]bool, len(known))
	for _, id := range known {
		out[id] = true
	}
	return out, nil
}
