package inventory

import (
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/db"
)

// row is one resource. Body is the resource's message with native ids as the
// driver last gave it.
type row struct {
	ID                string `gorm:"primaryKey;size:512"`
	Type              string `gorm:"size:64;not null;index:inventory_list,priority:1"`
	AccountID         string `gorm:"size:32;not null;index:inventory_list,priority:2"`
	TenantID          string `gorm:"size:64;not null;index"`
	OwnerID           string `gorm:"size:64"`
	Managed           int32
	DeletionProtected bool
	OperationID       string `gorm:"size:32"`
	Name              string `gorm:"size:255"`
	State             string `gorm:"size:64"`
	Body              []byte
	Sequence          int32
	CreatedAt         time.Time
	ObservedAt        time.Time
	GoneAt            *time.Time `gorm:"index:inventory_list,priority:3"`
}

func (row) TableName() string { return "inventory_resources" }

// Migrations of the table of resources.
func Migrations() db.Module {
	return db.Module{Name: "inventory", Migrations: []db.Migration{
		{Version: 1, Name: "resources and passwords", Up: func(tx *gorm.DB) error { return tx.Migrator().CreateTable(&row{}, &passwordRow{}) }},
	}}
}
