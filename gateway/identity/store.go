package identity

import (
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/db"
)

// administratorRow is the first administrator. Only the hash of the token is kept.
type administratorRow struct {
	UserID    string `gorm:"primaryKey;size:32"`
	TenantID  string `gorm:"size:64;not null"`
	TokenHash []byte `gorm:"not null"`
	CreatedAt time.Time
}

func (administratorRow) TableName() string { return "identity_administrators" }

// Migrations of the tables of identity.
func Migrations() db.Module {
	return db.Module{Name: "identity", Migrations: []db.Migration{
		{Version: 1, Name: "administrators", Up: func(tx *gorm.DB) error { return tx.Migrator().CreateTable(&administratorRow{}) }},
	}}
}
