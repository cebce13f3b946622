package bill

import (
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// batch is how many lines one statement writes: SQLite takes 32,766 values.
const batch = 1000

// Replace puts a bill in the place of what was read before, in the caller's
// transaction. No two lines have one id.
func Replace(tx *gorm.DB, b Bill, lines []Line) error {
	if err := tx.Where("account_id = ? AND period = ?", b.AccountID, b.Period).Delete(&Line{}).Error; err != nil {
		return fmt.Errorf("take out the old bill: %w", err)
	}
	if len(lines) > 0 {
		if err := tx.CreateInBatches(lines, batch).Error; err != nil {
			return fmt.Errorf("keep the lines of a bill: %w", err)
		}
	}
	if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&b).Error; err != nil {
		return fmt.Errorf("keep a bill: %w", err)
	}
	return nil
}

// Find reads the bills of an account and month; "" stands for all of them. The
// newest month comes first.
func Find(tx *gorm.DB, accountID, period string) ([]Bill, error) {
	query := tx.Order("period DESC, account_id")
	if accountID != "" {
		query = query.Where("account_id = ?", accountID)
	}
	if period != "" {
		query = query.Where("period = ?", period)
	}
	var bills []Bill
	if err := query.Find(&bills).Error; err != nil {
		return nil, fmt.Errorf("read bills: %w", err)
	}
	return bills, nil
}

// Total is what the lines of a bill come to in one currency, in 10⁻⁸.
type Total struct {
	Currency   string
	List, Cost int64
}

// Totals adds a bill up by currency.
func Totals(tx *gorm.DB, accountID, period string) ([]Total, error) {
	var out []Total
	err := tx.Model(&Line{}).Where("account_id = ? AND period = ?", accountID, period).
		Select("currency, CAST(SUM(list) AS BIGINT) AS list, CAST(SUM(cost) AS BIGINT) AS cost").Group("currency").Order("currency").Scan(&out).Error
	if err != nil {
		return nil, fmt.Errorf("add up a bill: %w", err)
	}
	return out, nil
}
