// Package outbox records events in the same transaction as the change they tell
// of, so that no change is without its event and no event without its change.
//
// It owns the table of events and the sequence of each resource. Whoever reads
// events keeps the position it has come to.
package outbox

import (
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/rowid"
)

// Event is one thing that happened to one resource.
type Event struct {
	Type         string // "ResourceStateChanged"
	ResourceID   string // public id
	ResourceType string // "compute.vm"
	AccountID    string
	TenantID     string
	Source       string // FOLLOWER, RECONCILER, REQUEST
	Sequence     int32  // of the resource, gap-free from 1
	OperationID  string
	RequestID    string
	ActorID      string
	OccurredAt   time.Time
	Payload      any // marshalled to JSON
}

type row struct {
	Position     int64  `gorm:"primaryKey;autoIncrement"`
	EventID      string `gorm:"size:32;uniqueIndex;not null"`
	Type         string `gorm:"size:64;not null"`
	ResourceID   string `gorm:"size:512;index"`
	ResourceType string `gorm:"size:64"`
	AccountID    string `gorm:"size:32"`
	TenantID     string `gorm:"size:64"`
	Source       string `gorm:"size:16"`
	Sequence     int32
	OperationID  string `gorm:"size:32"`
	RequestID    string `gorm:"size:64"`
	ActorID      string `gorm:"size:64"`
	OccurredAt   time.Time
	RecordedAt   time.Time
	Payload      string
}

func (row) TableName() string { return "outbox_events" }

// Migrations of the table of events.
func Migrations() db.Module {
	return db.Module{Name: "outbox", Migrations: []db.Migration{
		{Version: 1, Name: "events", Up: func(tx *gorm.DB) error { return tx.Migrator().CreateTable(&row{}) }},
	}}
}

// OfOperation reads the first 200 events that an operation caused, in their order.
func OfOperation(tx *gorm.DB, operationID string) ([]Event, error) {
	var rows []row
	if err := tx.Where("operation_id = ?", operationID).Order("position").Limit(200).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("events of operation %s: %w", operationID, err)
	}
	events := make([]Event, len(rows))
	for i, r := range rows {
		events[i] = Event{
			Type: r.Type, ResourceID: r.ResourceID, ResourceType: r.ResourceType, AccountID: r.AccountID, TenantID: r.TenantID,
			Source: r.Source, Sequence: r.Sequence, OperationID: r.OperationID, RequestID: r.RequestID, ActorID: r.ActorID,
			OccurredAt: r.OccurredAt, Payload: json.RawMessage(r.Payload),
		}
	}
	return events, nil
}

// LastResources names the resources of the last so many events.
func LastResources(tx *gorm.DB, events int) ([]string, error) {
	var ids []string
	last := tx.Model(&row{}).Select("resource_id").Order("position DESC").Limit(events)
	if err := tx.Table("(?) AS recent", last).Distinct("resource_id").Pluck("resource_id", &ids).Error; err != nil {
		return nil, fmt.Errorf("last events: %w", err)
	}
	return ids, nil
}

// Append writes an event in the transaction of its change. Times are kept in UTC:
// SQLite cannot read back those of every zone.
func Append(tx *gorm.DB, e Event) error {
	payload, err := json.Marshal(e.Payload)
	if err != nil {
		return fmt.Errorf("payload of event %s: %w", e.Type, err)
	}
	return tx.Create(&row{
		EventID: rowid.New(), Type: e.Type, ResourceID: e.ResourceID, ResourceType: e.ResourceType,
		AccountID: e.AccountID, TenantID: e.TenantID, Source: e.Source, Sequence: e.Sequence, OperationID: e.OperationID,
		RequestID: e.RequestID, ActorID: e.ActorID, OccurredAt: e.OccurredAt.UTC(), RecordedAt: tx.NowFunc(), Payload: string(payload),
	}).Error
}
