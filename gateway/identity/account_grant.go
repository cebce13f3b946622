package identity

import (
	"context"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// GiveAccount lets an organization use an account, with every one above it, without
// which it could not. Repeating it is safe. The error is NOT_FOUND.
func (i *Identity) GiveAccount(ctx context.Context, organizationID, accountID string) error {
	return i.change(ctx, func(tx *gorm.DB, now *snapshot) error {
		o := now.organizations[organizationID]
		if o == nil {
			return absent("organization_id", "organization")
		}
		for _, id := range o.path {
			if id == now.root {
				continue
			}
			if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&organizationAccountRow{id, accountID}).Error; err != nil {
				return err
			}
		}
		return nil
	})
}

// TakeAccount takes an account that is no more from all organizations, with its quotas.
func (i *Identity) TakeAccount(ctx context.Context, accountID string) error {
	return i.change(ctx, func(tx *gorm.DB, _ *snapshot) error {
		if err := tx.Delete(&quotaRow{}, "account_id = ?", accountID).Error; err != nil {
			return err
		}
		return tx.Delete(&organizationAccountRow{}, "account_id = ?", accountID).Error
	})
}
