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

	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

type alarmRow struct {
	ID             string `gorm:"primaryKey;size:32"`
	Identity       string `gorm:"size:64"`
	Number         int64
	Serial         int64
	Active         bool
	Severity       int32
	Peak           int32  // greatest severity so far
	TenantID       string `gorm:"size:64"`
	Name           string `gorm:"size:128"`
	ObjectID       string `gorm:"size:512"`
	Type           int32
	DataType       int32
	ProbableCause  string `gorm:"size:64"`
	Description    string
	Labels         string // JSON object
	Source         string `gorm:"size:32"`
	RaisedAt       time.Time
	LastRaisedAt   time.Time
	Raises         int64
	ClearedAt      *time.Time
	ClearType      int32
	AcknowledgedBy string `gorm:"size:64"`
	AcknowledgedAt *time.Time
	Comment        string
	Flapping       bool
	DueAt          *time.Time // when it is cleared by itself
	DueType        int32      // how, then
	Ended          int64      // 0 while it is active, then its number
	Instance       string     `gorm:"not null;default:'*'"` // the label, to find it; cut

	labels map[string]string // what Labels says, where it is known already
}

// labelInstance is the label that Prometheus gives all alarms.
const (
	labelInstance = "instance"
	maxInstance   = 512
	// unknownInstance is of alarms that were stored without it: the column's default.
	unknownInstance = "*"
)

// setInstance notes the label of an alarm that is to be stored.
func (r *alarmRow) setInstance() { r.Instance = cutText(labelsOf(r)[labelInstance], maxInstance) }

func (alarmRow) TableName() string { return "monitor_alarms" }

type changeRow struct {
	Serial   int64  `gorm:"primaryKey;autoIncrement:false"`
	AlarmID  string `gorm:"size:32;index"`
	TenantID string `gorm:"size:64"`
	Kind     int32
	Peak     int32
	At       time.Time
	Document string // the alarm as it was, as JSON; of versions before 2
	Body     []byte // the alarm as it was, as protobuf
}

func (changeRow) TableName() string { return "monitor_changes" }

type counterRow struct {
	Name  string `gorm:"primaryKey;size:32"`
	Value int64
}

func (counterRow) TableName() string { return "monitor_counters" }

// channelRow is one third party. Spec holds what it is told and how, as JSON of a
// Channel: matchers, grouping, snmp and mail.
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

	Spec          string
	Privacy       []byte // sealed password of encryption, SNMP v3
	CACertificate string `gorm:"column:ca_certificate"` // PEM
	Failures      int
	LastError     string
	Revision      int64 // grows with each change of what it is told and how
}

func (channelRow) TableName() string { return "monitor_channels" }

// identity is what makes two raises the same alarm.
func identity(tenant, name, object string, labels map[string]string) string {
	var all []byte
	part := func(s string) {
		all = strconv.AppendInt(all, int64(len(s)), 10)
		all = append(append(all, ':'), s...)
	}
	part(tenant)
	part(name)
	part(object)
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		part(key)
		part(labels[key])
	}
	sum := sha256.Sum256(all)
	return hex.EncodeToString(sum[:])
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
	if r.labels == nil && json.Unmarshal([]byte(r.Labels), &r.labels) != nil {
		return nil // written by ourselves: it can be read
	}
	return r.labels
}

func toProtoRecord(r *changeRow) (*monitorv1.AlarmRecord, error) {
	var alarm monitorv1.Alarm
	var err error
	if len(r.Body) > 0 {
		err = proto.Unmarshal(r.Body, &alarm)
	} else {
		err = protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal([]byte(r.Document), &alarm)
	}
	if err != nil {
		return nil, fmt.Errorf("read change %d: %w", r.Serial, err)
	}
	return &monitorv1.AlarmRecord{
		Serial: strconv.FormatInt(r.Serial, 10), Change: monitorv1.AlarmChange(r.Kind), At: timestamppb.New(r.At), Alarm: &alarm,
	}, nil
}
