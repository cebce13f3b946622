package inventory

import (
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/db"
)

// Migrations of the tables of resources.
func Migrations() db.Module {
	return db.Module{Name: "inventory", Migrations: []db.Migration{
		{Version: 1, Name: "resources and passwords", Up: func(tx *gorm.DB) error {
			return tx.Migrator().CreateTable(&resourceV1{}, &passwordRow{})
		}},
		{Version: 2, Name: "owned since, spec, digest of listings, sources", Up: func(tx *gorm.DB) error {
			for _, column := range []string{"OwnedSince", "Spec", "Listed"} {
				if err := tx.Migrator().AddColumn(&row{}, column); err != nil {
					return err
				}
			}
			return tx.Migrator().CreateTable(&sourceRow{})
		}},
	}}
}

// resourceV1 is the table of resources as version 1 made it.
type resourceV1 struct {
	ID                string `gorm:"primaryKey;size:512"`
	Type              string `gorm:"size:64;not null;index:inventory_list,priority:1"`
	AccountID         string `gorm:"size:32;not null;index:inventory_list,priority:2"`
	TenantID          string `gorm:"size:64;not null;index:idx_inventory_resources_tenant_id"`
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

func (resourceV1) TableName() string { return "inventory_resources" }
