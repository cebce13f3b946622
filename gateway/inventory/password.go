package inventory

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/seal"
)

type passwordRow struct {
	ResourceID string `gorm:"primaryKey;size:512"`
	Sealed     []byte
	CreatedAt  time.Time
}

func (passwordRow) TableName() string { return "inventory_passwords" }

// Passwords keeps the password of the administrator of VMs and databases, sealed:
// no public cloud gives a password back.
type Passwords struct {
	db  *db.Store
	box *seal.Box
}

// NewPasswords keeps passwords in the store.
func NewPasswords(store *db.Store, box *seal.Box) *Passwords { return &Passwords{store, box} }

func passwordLabel(id string) string { return "inventory_passwords/" + id }

// Remember stores a password in the caller's transaction, over an earlier one.
func (p *Passwords) Remember(tx *gorm.DB, resourceID, password string) error {
	r := passwordRow{ResourceID: resourceID, Sealed: p.box.Seal([]byte(password), passwordLabel(resourceID)), CreatedAt: tx.NowFunc()}
	return tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&r).Error
}

// Forget removes a password in the caller's transaction.
func (p *Passwords) Forget(tx *gorm.DB, resourceID string) error {
	return tx.Where("resource_id = ?", resourceID).Delete(&passwordRow{}).Error
}

// Recall reads a password; ok is false if none is known.
func (p *Passwords) Recall(ctx context.Context, resourceID string) (password string, ok bool, err error) {
	var r passwordRow
	found := p.db.Read.WithContext(ctx).Where("resource_id = ?", resourceID).Limit(1).Find(&r)
	if found.Error != nil || found.RowsAffected == 0 {
		return "", false, found.Error
	}
	plain, err := p.box.Open(r.Sealed, passwordLabel(resourceID))
	if err != nil {
		return "", false, fmt.Errorf("password of %s: %w", resourceID, err)
	}
	return string(plain), true, nil
}
