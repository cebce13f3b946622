package ledger

import (
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/billing/rating"
	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/money"
)

// Row is a recorded line. Amounts are whole numbers of 10⁻⁸, times are Unix
// seconds, months are "2026-11" in the zone of the bills.
type Row struct {
	ID             string `gorm:"primaryKey;size:32"`
	Period         string `gorm:"size:7;not null;index:billing_lines_period,priority:1"` // in which it is billed
	UsageMonth     string `gorm:"size:7;not null;index"`                                 // in which the usage was
	Day            string `gorm:"size:10;not null"`                                      // of the usage
	Origin         string `gorm:"size:8;not null"`                                       // RATING, ORDER, ENTRY
	Category       string `gorm:"size:16;not null"`
	Class          string `gorm:"size:16;not null"`
	Digest         string `gorm:"size:32;not null"`       // of what it says, without revision
	Takes          string `gorm:"size:32;not null;index"` // the line that it takes back
	ResourceID     string `gorm:"size:512;not null;index"`
	ResourceType   string `gorm:"size:64;not null"`
	AccountID      string `gorm:"size:32;not null"`
	Driver         string `gorm:"size:64;not null"`
	Region         string `gorm:"size:64;not null"`
	OrganizationID string `gorm:"size:64;not null;index:billing_lines_period,priority:2"`
	ApplicantID    string `gorm:"size:32;not null"`
	OrderID        string `gorm:"size:32;not null"`
	Programme      string `gorm:"size:64;not null"`
	Tag            string `gorm:"size:128;not null"`
	Begins         int64  `gorm:"not null"`
	Ends           int64  `gorm:"not null"`
	State          string `gorm:"size:64;not null"`
	Spec           string `gorm:"not null"`
	Unmanaged      bool   `gorm:"not null"`
	Meter          string `gorm:"size:64;not null"`
	Quantity       int64  `gorm:"not null"` // 10⁻⁴
	Usage          int64  `gorm:"not null"` // 10⁻⁴ × seconds; negative where taken back
	Unit           string `gorm:"size:8;not null"`
	PriceID        string `gorm:"size:32;not null"`
	PriceVersion   int32  `gorm:"not null"`
	UnitPrice      int64  `gorm:"not null"` // 10⁻¹⁰
	Book           string `gorm:"size:64;not null"`
	Currency       string `gorm:"size:3;not null"`
	DiscountID     string `gorm:"size:32;not null"`
	List           int64  `gorm:"not null"`
	Cost           int64  `gorm:"not null"`
	Reason         string `gorm:"size:256;not null"`
	FirstEvent     string `gorm:"size:32;not null"`
	LastEvent      string `gorm:"size:32;not null"`
	Corrects       string `gorm:"size:64;not null"`
	RecordedAt     int64  `gorm:"not null"`
}

// TableName implements gorm's Tabler.
func (Row) TableName() string { return "billing_lines" }

// Rollup is the sum of the lines that agree in its key. It is written with them.
type Rollup struct {
	Period         string `gorm:"primaryKey;size:7"`
	OrganizationID string `gorm:"primaryKey;size:64"`
	AccountID      string `gorm:"primaryKey;size:32"`
	ResourceType   string `gorm:"primaryKey;size:64"`
	Category       string `gorm:"primaryKey;size:16"`
	Book           string `gorm:"primaryKey;size:64"`
	Currency       string `gorm:"primaryKey;size:3"`
	Meter          string `gorm:"primaryKey;size:64"`
	Unpriced       bool   `gorm:"primaryKey"`
	List           int64  `gorm:"not null"`
	Cost           int64  `gorm:"not null"`
	Lines          int64  `gorm:"not null"`
}

// TableName implements gorm's Tabler.
func (Rollup) TableName() string { return "billing_rollups" }

// States of a period.
const (
	Open   = "OPEN"
	Review = "REVIEW"
	Closed = "CLOSED"
)

// PeriodChange is one change of the state of a month; the newest counts. A month
// without any is open.
type PeriodChange struct {
	Period    string `gorm:"primaryKey;size:7"`
	Version   int32  `gorm:"primaryKey;autoIncrement:false"`
	State     string `gorm:"size:8;not null"`
	Zone      string `gorm:"size:64;not null"`
	UserID    string `gorm:"size:64;not null"`
	Reason    string `gorm:"size:512;not null"`
	ChangedAt time.Time
}

// TableName implements gorm's Tabler.
func (PeriodChange) TableName() string { return "billing_period_changes" }

// Cut is a time until which a month was rated before its end: lines end there, so
// that what was recorded stays as it is.
type Cut struct {
	Period string `gorm:"primaryKey;size:7"`
	At     int64  `gorm:"primaryKey;autoIncrement:false"` // Unix seconds
}

// TableName implements gorm's Tabler.
func (Cut) TableName() string { return "billing_cuts" }

// Tables makes the tables.
func Tables(tx *gorm.DB) error {
	return tx.Migrator().CreateTable(&Row{}, &Rollup{}, &PeriodChange{}, &Cut{})
}

// lock is the name under which writers of the ledger follow each other.
const lock = "billing/ledger"

// Lock lets one writer of the ledger at a time go on until its transaction ends:
// no line is added to a month while it is being closed.
func Lock(tx *gorm.DB) error { return db.Exclusive(tx, lock) }

// Line is the row as rating made it.
func (r *Row) Line() rating.Line {
	return rating.Line{
		Category: rating.Category(r.Category), ResourceID: r.ResourceID, ResourceType: r.ResourceType, AccountID: r.AccountID, Driver: r.Driver,
		Region: r.Region, OrganizationID: r.OrganizationID,
		Attribution: rating.Attribution{ApplicantID: r.ApplicantID, OrderID: r.OrderID, Programme: r.Programme, Tag: r.Tag},
		From:        time.Unix(r.Begins, 0).UTC(), To: time.Unix(r.Ends, 0).UTC(), State: r.State, Spec: r.Spec, Unmanaged: r.Unmanaged,
		Meter: r.Meter, Quantity: money.Quantity(r.Quantity), Usage: uint64(max(r.Usage, -r.Usage)), Unit: r.Unit, PriceID: r.PriceID, PriceVersion: r.PriceVersion,
		UnitPrice: money.Price(r.UnitPrice), Book: r.Book, Currency: r.Currency, DiscountID: r.DiscountID, List: money.Amount(r.List),
		Cost: money.Amount(r.Cost), Reason: r.Reason, FirstEvent: r.FirstEvent, LastEvent: r.LastEvent, Corrects: r.Corrects,
	}
}

// toRow makes the row of a line; revision tells apart lines that say the same.
func toRow(l *rating.Line, origin, period string, revision int, zone *time.Location, recordedAt time.Time) Row {
	from := l.From.In(zone)
	return Row{
		ID: l.Digest(revision), Period: period, UsageMonth: from.Format("2006-01"), Day: from.Format("2006-01-02"), Origin: origin, Category: string(l.Category), Digest: l.Digest(0),
		ResourceID: l.ResourceID, ResourceType: l.ResourceType, AccountID: l.AccountID, Driver: l.Driver, Region: l.Region,
		OrganizationID: l.OrganizationID, ApplicantID: l.ApplicantID, OrderID: l.OrderID, Programme: l.Programme, Tag: l.Tag,
		Begins: l.From.Unix(), Ends: l.To.Unix(), State: l.State, Spec: l.Spec, Unmanaged: l.Unmanaged, Meter: l.Meter,
		Quantity: int64(l.Quantity), Usage: int64(l.Usage), Unit: l.Unit, PriceID: l.PriceID, PriceVersion: l.PriceVersion,
		UnitPrice: int64(l.UnitPrice), Book: l.Book, Currency: l.Currency, DiscountID: l.DiscountID, List: int64(l.List), Cost: int64(l.Cost),
		Reason: l.Reason, FirstEvent: l.FirstEvent, LastEvent: l.LastEvent, Corrects: l.Corrects, RecordedAt: recordedAt.Unix(),
	}
}
