package billing

import (
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// accountRow is where a cloud account is, as billing has learnt it. It is kept so
// that lines come out the same while an account cannot be opened.
type accountRow struct {
	ID     string `gorm:"primaryKey;size:32"`
	Driver string `gorm:"size:64;not null"`
	Region string `gorm:"size:64;not null"`
}

// TableName implements gorm's Tabler.
func (accountRow) TableName() string { return "billing_accounts" }

// clouds answers where accounts are, in one transaction.
type clouds struct {
	*Module
	tx    *gorm.DB
	known map[string]accountRow
}

func (m *Module) clouds(tx *gorm.DB) (*clouds, error) {
	var rows []accountRow
	if err := tx.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	c := &clouds{Module: m, tx: tx, known: map[string]accountRow{}}
	for _, r := range rows {
		c.known[r.ID] = r
	}
	return c, nil
}

// of is where an account is: what was learnt first stays.
func (c *clouds) of(accountID string) (accountRow, error) {
	r := c.known[accountID]
	if r.Driver != "" && r.Region != "" || accountID == "" {
		return r, nil
	}
	driver, region := c.accounts.Cloud(accountID)
	if driver == "" || r.Driver != "" && region == "" {
		return r, nil
	}
	r = accountRow{ID: accountID, Driver: driver, Region: region}
	c.known[accountID] = r
	if err := c.tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&r).Error; err != nil {
		return r, fmt.Errorf("keep where account %s is: %w", accountID, err)
	}
	return r, nil
}
