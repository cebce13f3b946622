package monitor

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"
	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/db"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

type alarmRow struct {
	ID             string `gorm:"primaryKey;size:32"`
	Identity       string `gorm:"size:64;index:monitor_alarms_identity,priority:1"`
	Number         int64
	Serial         int64  `gorm:"index:monitor_alarms_state,priority:2;index:monitor_alarms_severity,priority:3"`
	Active         bool   `gorm:"index:monitor_alarms_state,priority:1;index:monitor_alarms_severity,priority:1"`
	Severity       int32  `gorm:"index:monitor_alarms_severity,priority:2"`
	Peak           int32  // greatest severity so far
	TenantID       string `gorm:"size:64"`
	Name           string `gorm:"size:128;index"`
	ObjectID       string `gorm:"size:512;index"`
	Type           int32
	DataType       int32
	ProbableCause  string `gorm:"size:64"`
	Description    string
	Labels         string    // JSON object
	Source         string    `gorm:"size:32"`
	RaisedAt       time.Time `gorm:"index:monitor_alarms_identity,priority:2"`
	LastRaisedAt   time.Time
	Raises         int64
	ClearedAt      *time.Time
	ClearType      int32
	AcknowledgedBy string `gorm:"size:64"`
	AcknowledgedAt *time.Time
	Comment        string
	Flapping       bool
	DueAt          *time.Time `gorm:"index"` // when it is cleared by itself
	DueType        int32      // how, then
}

func (alarmRow) TableName() string { return "monitor_alarms" }

type changeRow struct {
	Serial   int64  `gorm:"primaryKey;autoIncrement:false"`
	AlarmID  string `gorm:"size:32;index"`
	TenantID string `gorm:"size:64"`
	Kind     int32
	Peak     int32
	At       time.Time
	Document string // the alarm as it was, as JSON
}

func (changeRow) TableName() string { return "monitor_changes" }

type counterRow struct {
	Name  string `gorm:"primaryKey;size:32"`
	Value int64
}

func (counterRow) TableName() string { return "monitor_counters" }

type channelRow struct {
	ID          string `gorm:"primaryKey;size:32"`
	TenantID    string `gorm:"size:64"`
	Name        string `gorm:"size:64"`
	Kind        int32
	Address     string
	MinSeverity int32
	Secret      []byte // sealed
	Enabled     bool
	Delivered   int64 // serial
	DeliveredAt *time.Time
	CreatedAt   time.Time
}

func (channelRow) TableName() string { return "monitor_channels" }

// Migrations of the module's tables.
func Migrations() db.Module {
	return db.Module{Name: "monitor", Migrations: []db.Migration{{Version: 1, Name: "alarms", Up: func(tx *gorm.DB) error {
		if err := tx.Migrator().CreateTable(&alarmRow{}, &changeRow{}, &counterRow{}, &channelRow{}); err != nil {
			return err
		}
		if err := tx.Create(&[]counterRow{{Name: "serial"}, {Name: "number"}}).Error; err != nil {
			return err
		}
		// At most one active alarm of an identity, whatever happens.
		return tx.Exec(`CREATE UNIQUE INDEX monitor_alarms_one ON monitor_alarms (identity) WHERE active`).Error
	}}}}
}

// identity is what makes two raises the same alarm.
func identity(tenant, name, object string, labels map[string]string) string {
	h := sha256.New()
	part := func(s string) { fmt.Fprintf(h, "%d:%s", len(s), s) }
	part(tenant)
	part(name)
	part(object)
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		part(key)
		part(labels[key])
	}
	return hex.EncodeToString(h.Sum(nil))
}

func toProtoAlarm(r *alarmRow) *monitorv1.Alarm {
	a := &monitorv1.Alarm{
		Id: r.ID, Number: strconv.FormatInt(r.Number, 10), Name: r.Name, ObjectId: r.ObjectID, Serial: strconv.FormatInt(r.Serial, 10),
		Type: monitorv1.AlarmType(r.Type), DataType: monitorv1.AlarmDataType(r.DataType), RaisedAt: timestamppb.New(r.RaisedAt),
		ClearType: monitorv1.ClearType(r.ClearType), Description: r.Description, Severity: monitorv1.Severity(r.Severity),
		ProbableCause: r.ProbableCause, TenantId: r.TenantID, Labels: labelsOf(r), Source: r.Source, RaiseCount: int32(min(r.Raises, math.MaxInt32)),
		LastRaisedAt: timestamppb.New(r.LastRaisedAt), AcknowledgedBy: r.AcknowledgedBy, Comment: r.Comment, Flapping: r.Flapping,
	}
	for _, t := range []struct {
		from *time.Time
		to   **timestamppb.Timestamp
	}{{r.ClearedAt, &a.ClearedAt}, {r.AcknowledgedAt, &a.AcknowledgedAt}, {r.DueAt, &a.ExpiresAt}} {
		if t.from != nil {
			*t.to = timestamppb.New(*t.from)
		}
	}
	return a
}

func labelsOf(r *alarmRow) map[string]string {
	var labels map[string]string
	if json.Unmarshal([]byte(r.Labels), &labels) != nil {
		return nil // written by ourselves: it can be read
	}
	return labels
}

func toProtoRecord(r *changeRow) (*monitorv1.AlarmRecord, error) {
	var alarm monitorv1.Alarm
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal([]byte(r.Document), &alarm); err != nil {
		return nil, fmt.Errorf("read change %d: %w", r.Serial, err)
	}
	return &monitorv1.AlarmRecord{
		Serial: strconv.FormatInt(r.Serial, 10), Change: monitorv1.AlarmChange(r.Kind), At: timestamppb.New(r.At), Alarm: &alarm,
	}, nil
}
