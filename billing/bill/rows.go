package bill

import (
	"time"

	"gorm.io/gorm"
)

// Bill is one month of an account's bill, as it was read last.
type Bill struct {
	AccountID string `gorm:"primaryKey;size:32"`
	Period    string `gorm:"primaryKey;size:7"` // in the cloud's zone
	Zone      string `gorm:"size:64;not null"`
	Final     bool   `gorm:"not null"`
	Lines     int    `gorm:"not null"`
	PulledAt  time.Time
}

// TableName implements gorm's Tabler.
func (Bill) TableName() string { return "billing_bills" }

// Line is one line of a bill. Amounts are whole numbers of 10⁻⁸; what the cloud
// gave with more digits is in Raw.
type Line struct {
	AccountID    string `gorm:"primaryKey;size:32"`
	Period       string `gorm:"primaryKey;size:7"`
	ID           string `gorm:"primaryKey;size:256"`
	ResourceID   string `gorm:"size:512;not null;index"`
	ResourceType string `gorm:"size:64;not null"`
	Day          string `gorm:"size:10;not null"` // "": the whole month
	Product      string `gorm:"size:128;not null"`
	Item         string `gorm:"size:256;not null"`
	Category     string `gorm:"size:16;not null"`
	Currency     string `gorm:"size:3;not null"`
	List         int64  `gorm:"not null"`
	Cost         int64  `gorm:"not null"`
	Quantity     string `gorm:"size:64;not null"`
	Unit         string `gorm:"size:64;not null"`
	Raw          string `gorm:"type:text;not null"`
}

// TableName implements gorm's Tabler.
func (Line) TableName() string { return "billing_bill_lines" }

// Tables makes the tables.
func Tables(tx *gorm.DB) error { return tx.Migrator().CreateTable(&Bill{}, &Line{}) }
