package bill

import (
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/db"
)

// Bill is one month of an account's bill, as it was read last.
type Bill struct {
	AccountID string `gorm:"primaryKey;size:32"`
	Period    string `gorm:"primaryKey;size:7"` // in the cloud's zone
	Zone      string `gorm:"size:64;not null"`
	Final     bool   `gorm:"not null"`
	Lines     int64  `gorm:"not null"`
	PulledAt  time.Time
	Pull      string `gorm:"size:32;not null;default:''"` // whose lines are the bill's
}

// TableName implements gorm's Tabler.
func (Bill) TableName() string { return "billing_bills" }

// Line is one line of a bill. Amounts are whole numbers of 10⁻⁸; what the cloud
// gave with more digits is in Raw. Lines of another pull than the bill's are of one that
// goes on, or has ended before its time.
type Line struct {
	AccountID    string `gorm:"primaryKey;size:32"`
	Period       string `gorm:"primaryKey;size:7"`
	Pull         string `gorm:"primaryKey;size:32"`
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

// AddPulls lets lines of several pulls stand beside each other, in tables that were made
// without it.
func AddPulls(tx *gorm.DB) error {
	if tx.Migrator().HasColumn(&Line{}, "Pull") {
		return nil
	}
	if err := db.AddColumns(tx, &Bill{}, "Pull"); err != nil {
		return err
	}
	// A primary key cannot be changed everywhere: the lines wait in a table without one.
	const columns = "account_id, period, id, resource_id, resource_type, day, product, item, category, currency, list, cost, quantity, unit, raw"
	if err := tx.Exec("CREATE TABLE billing_bill_lines_before AS SELECT * FROM billing_bill_lines").Error; err != nil {
		return fmt.Errorf("put lines of bills aside: %w", err)
	}
	if err := tx.Migrator().DropTable(&Line{}); err != nil {
		return err
	}
	if err := tx.Migrator().CreateTable(&Line{}); err != nil {
		return err
	}
	if err := tx.Exec("INSERT INTO billing_bill_lines (" + columns + ", pull) SELECT " + columns + ", '' FROM billing_bill_lines_before").Error; err != nil {
		return fmt.Errorf("take lines of bills back: %w", err)
	}
	return tx.Exec("DROP TABLE billing_bill_lines_before").Error
}
