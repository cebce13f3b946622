package bill

import (
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Add keeps lines of a pull; of two with one id the later is right: a line that moved
// to the next page meanwhile comes twice.
func Add(tx *gorm.DB, lines []Line) error {
	last := make(map[string]int, len(lines))
	for n := range lines {
		last[lines[n].ID] = n
	}
	once := make([]Line, 0, len(last))
	for n := range lines {
		if last[lines[n].ID] == n {
			once = append(once, lines[n])
		}
	}
	if len(once) == 0 {
		return nil
	}
	if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(once).Error; err != nil {
		return fmt.Errorf("keep lines of a bill: %w", err)
	}
	return nil
}

// Keep puts the lines of a pull that has come to its end in the place of those that
// were read before, and counts them.
func Keep(tx *gorm.DB, b *Bill) error {
	err := tx.Model(&Line{}).Where("account_id = ? AND period = ? AND pull = ?", b.AccountID, b.Period, b.Pull).Count(&b.Lines).Error
	if err == nil {
		err = tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(b).Error
	}
	if err != nil {
		return fmt.Errorf("keep a bill: %w", err)
	}
	return nil
}

// sweepBatch is how many lines are deleted at once.
const sweepBatch = 5000

// Sweep deletes some lines of an account's month that are of other pulls than its bill
// and a pull that goes on, if any, and tells whether there may be more.
func Sweep(tx *gorm.DB, accountID, period, pull string) (more bool, err error) {
	deleted := tx.Exec(`DELETE FROM billing_bill_lines WHERE (account_id, period, pull, id) IN (SELECT account_id, period, pull, id FROM billing_bill_lines
		WHERE account_id = @account AND period = @period AND pull <> @pull
			AND pull <> COALESCE((SELECT pull FROM billing_bills WHERE account_id = @account AND period = @period), '-') LIMIT @limit)`,
		map[string]any{"account": accountID, "period": period, "pull": pull, "limit": sweepBatch})
	if deleted.Error != nil {
		return false, fmt.Errorf("take out the old lines of a bill: %w", deleted.Error)
	}
	return deleted.RowsAffected == sweepBatch, nil
}

// Lines are those of an account's bill of a month.
func Lines(tx *gorm.DB, accountID, period string) *gorm.DB {
	return tx.Model(&Line{}).Where(`account_id = @account AND period = @period
		AND pull = (SELECT b.pull FROM billing_bills b WHERE b.account_id = @account AND b.period = @period)`,
		map[string]any{"account": accountID, "period": period})
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
	err := Lines(tx, accountID, period).
		Select("currency, CAST(SUM(list) AS BIGINT) AS list, CAST(SUM(cost) AS BIGINT) AS cost").Group("currency").Order("currency").Scan(&out).Error
	if err != nil {
		return nil, fmt.Errorf("add up a bill: %w", err)
	}
	return out, nil
}
