package ledger

import (
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/billing/calendar"
)

// Current is the state of a month: its newest change.
func Current(tx *gorm.DB, period string) (PeriodChange, error) {
	var c PeriodChange
	found := tx.Where("period = ?", period).Order("version DESC").Limit(1).Find(&c)
	if found.Error != nil {
		return c, fmt.Errorf("state of %s: %w", period, found.Error)
	}
	if found.RowsAffected == 0 {
		return PeriodChange{Period: period, State: Open}, nil
	}
	return c, nil
}

// firstOpen is the first month from one on that is not closed.
func firstOpen(tx *gorm.DB, month time.Time) (string, error) {
	for {
		c, err := Current(tx, calendar.Name(month))
		if err != nil || c.State != Closed {
			return calendar.Name(month), err
		}
		month = month.AddDate(0, 1, 0)
	}
}
