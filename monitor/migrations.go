package monitor

import (
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/lease"
)

// leaseTable says which replica reports to a channel, and which looks at rules.
const leaseTable = "monitor_leases"

// Migrations of the module's tables.
func Migrations() db.Module {
	return db.Module{Name: "monitor", Migrations: []db.Migration{
		{Version: 1, Name: "alarms", Up: createAlarms},
		{Version: 2, Name: "silences, groups, rules and leases", Up: createSilencesAndRules},
		{Version: 3, Name: "active alarms by their instance", Up: indexInstances},
		{Version: 4, Name: "active alarms of clouds", Up: indexClouds},
	}}
}

// The tables as version 1 made them.
type (
	alarmV1 struct {
		ID             string `gorm:"primaryKey;size:32"`
		Identity       string `gorm:"size:64;index:monitor_alarms_identity,priority:1"`
		Number         int64
		Serial         int64 `gorm:"index:monitor_alarms_state,priority:2;index:monitor_alarms_severity,priority:3"`
		Active         bool  `gorm:"index:monitor_alarms_state,priority:1;index:monitor_alarms_severity,priority:1"`
		Severity       int32 `gorm:"index:monitor_alarms_severity,priority:2"`
		Peak           int32
		TenantID       string `gorm:"size:64"`
		Name           string `gorm:"size:128;index"`
		ObjectID       string `gorm:"size:512;index"`
		Type           int32
		DataType       int32
		ProbableCause  string `gorm:"size:64"`
		Description    string
		Labels         string
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
		DueAt          *time.Time `gorm:"index"`
		DueType        int32
	}
	changeV1 struct {
		Serial   int64  `gorm:"primaryKey;autoIncrement:false"`
		AlarmID  string `gorm:"size:32;index"`
		TenantID string `gorm:"size:64"`
		Kind     int32
		Peak     int32
		At       time.Time
		Document string
	}
	channelV1 struct {
		ID          string `gorm:"primaryKey;size:32"`
		TenantID    string `gorm:"size:64"`
		Name        string `gorm:"size:64"`
		Kind        int32
		Address     string
		MinSeverity int32
		Secret      []byte
		Enabled     bool
		Delivered   int64
		DeliveredAt *time.Time
		CreatedAt   time.Time
	}
)

func (alarmV1) TableName() string   { return "monitor_alarms" }
func (changeV1) TableName() string  { return "monitor_changes" }
func (channelV1) TableName() string { return "monitor_channels" }

func createAlarms(tx *gorm.DB) error {
	if err := tx.Migrator().CreateTable(&alarmV1{}, &changeV1{}, &counterRow{}, &channelV1{}); err != nil {
		return err
	}
	if err := tx.Create(&[]counterRow{{Name: "serial"}, {Name: "number"}}).Error; err != nil {
		return err
	}
	return tx.Exec(`CREATE UNIQUE INDEX monitor_alarms_one ON monitor_alarms (identity) WHERE active`).Error
}

// createSilencesAndRules also has alarms indexed for what is asked of them: fewer
// indexes, and pages in their order.
func createSilencesAndRules(tx *gorm.DB) error {
	if err := tx.Migrator().CreateTable(&silenceRow{}, &pendingRow{}, &groupRow{}, &heldRow{}, &ruleRow{}, &targetRow{}); err != nil {
		return err
	}
	if err := lease.CreateTable(tx, leaseTable); err != nil {
		return err
	}
	for _, column := range []string{"Spec", "Privacy", "CACertificate", "Failures", "LastError", "Revision"} {
		if err := tx.Migrator().AddColumn(&channelRow{}, column); err != nil {
			return err
		}
	}
	if err := tx.Migrator().AddColumn(&changeRow{}, "Body"); err != nil {
		return err
	}
	if err := tx.Migrator().AddColumn(&alarmRow{}, "Ended"); err != nil {
		return err
	}
	if err := tx.Create(&[]counterRow{{Name: "outbox"}}).Error; err != nil {
		return err
	}
	for _, statement := range []string{
		`UPDATE monitor_channels SET spec = '{}', ca_certificate = '', failures = 0, last_error = '', revision = 0`,
		`UPDATE monitor_alarms SET ended = CASE WHEN active THEN 0 ELSE number END`,
		`DROP INDEX monitor_alarms_one`,
		`DROP INDEX monitor_alarms_identity`,
		`DROP INDEX monitor_alarms_state`,
		`DROP INDEX monitor_alarms_severity`,
		`DROP INDEX idx_monitor_alarms_name`,
		`DROP INDEX idx_monitor_alarms_object_id`,
		`DROP INDEX idx_monitor_alarms_due_at`,
		// At most one active alarm of an identity, whatever happens: ended is 0 while it is.
		`CREATE UNIQUE INDEX monitor_alarms_one ON monitor_alarms (identity, ended)`,
		`CREATE INDEX monitor_alarms_serial ON monitor_alarms (serial)`,
		`CREATE INDEX monitor_alarms_active ON monitor_alarms (severity, serial) WHERE active`,
		`CREATE INDEX monitor_alarms_name ON monitor_alarms (name, serial)`,
		`CREATE INDEX monitor_alarms_object ON monitor_alarms (object_id, serial)`,
		`CREATE INDEX monitor_alarms_own ON monitor_alarms (source) WHERE active AND source IN ('gateway', 'rule')`,
		`CREATE INDEX monitor_alarms_due ON monitor_alarms (due_at) WHERE active AND due_at IS NOT NULL`,
	} {
		if err := tx.Exec(statement).Error; err != nil {
			return err
		}
	}
	return nil
}

// indexInstances has active alarms found by the label that Prometheus gives all. It is
// not known of those that were stored without it: before this step, or by a replica of an
// older version.
func indexInstances(tx *gorm.DB) error {
	if err := tx.Migrator().AddColumn(&alarmRow{}, "Instance"); err != nil {
		return err
	}
	return tx.Exec(`CREATE INDEX monitor_alarms_instance ON monitor_alarms (instance, serial) WHERE active`).Error
}

func indexClouds(tx *gorm.DB) error {
	return tx.Exec(`CREATE INDEX monitor_alarms_clouds ON monitor_alarms (source) WHERE ` + ofClouds).Error
}
