package inventory

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm/clause"
)

// sourceRow tells when one account was last read for one type.
type sourceRow struct {
	AccountID  string     `gorm:"primaryKey;size:32"`
	Type       string     `gorm:"primaryKey;size:64"`
	ObservedAt *time.Time // of the last complete reading; NULL: never
	Complete   bool       // the last reading was
	Reason     string     `gorm:"size:64"` // why it was not
}

func (sourceRow) TableName() string { return "inventory_sources" }

// Source is how fresh the cache of one type in one account is.
type Source struct {
	ObservedAt time.Time // of the last complete reading; zero: never
	Complete   bool      // the last reading was
	Reason     string    // why it was not, from the error table
}

// RecordReading records that an account was read for a type: completely at a time, or, with
// a reason, not. What was read completely before keeps its time.
func (i *Inventory) RecordReading(ctx context.Context, accountID, resourceType string, at time.Time, reason string) error {
	r := sourceRow{AccountID: accountID, Type: resourceType, Complete: reason == "", Reason: reason}
	changed := []string{"complete", "reason"}
	if r.Complete {
		r.ObservedAt = &at
		changed = append(changed, "observed_at")
	}
	err := i.db.Write.WithContext(ctx).Clauses(clause.OnConflict{
		Columns: []clause.Column{{Name: "account_id"}, {Name: "type"}}, DoUpdates: clause.AssignmentColumns(changed),
	}).Create(&r).Error
	if err != nil {
		return fmt.Errorf("record the reading of %s in %s: %w", resourceType, accountID, err)
	}
	return nil
}

// RecordUnread records for all types of an account that they could not be read.
func (i *Inventory) RecordUnread(ctx context.Context, accountID, reason string) error {
	err := i.db.Write.WithContext(ctx).Model(&sourceRow{}).Where("account_id = ?", accountID).
		Updates(map[string]any{"complete": false, "reason": reason}).Error
	if err != nil {
		return fmt.Errorf("record that %s could not be read: %w", accountID, err)
	}
	return nil
}

// Sources tells how fresh the cache of each account is. An account that was never
// read is absent.
func (i *Inventory) Sources(ctx context.Context, resourceType string, accountIDs []string) (map[string]Source, error) {
	var rows []sourceRow
	if err := i.db.Read.WithContext(ctx).Where("type = ? AND account_id IN ?", resourceType, accountIDs).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("sources of the inventory: %w", err)
	}
	sources := make(map[string]Source, len(rows))
	for _, r := range rows {
		s := Source{Complete: r.Complete, Reason: r.Reason}
		if r.ObservedAt != nil {
			s.ObservedAt = r.ObservedAt.UTC()
		}
		sources[r.AccountID] = s
	}
	return sources, nil
}
