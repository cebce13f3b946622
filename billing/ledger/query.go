package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/billing/rating"
	"github.com/yunqiao/yunqiao/internal/db"
)

// Filter chooses lines. Zero values choose all.
type Filter struct {
	Period                                                                                      string
	From, Until                                                                                 time.Time // of the beginning of usage
	Organizations                                                                               []string  // nil: all
	ApplicantID, AccountID, Driver, ResourceID, ResourceType, OrderID, Tag, Programme, Currency string
	Unpriced                                                                                    bool
}

func (f *Filter) apply(tx *gorm.DB) *gorm.DB {
	for _, equal := range []struct{ column, value string }{
		{"period", f.Period}, {"applicant_id", f.ApplicantID}, {"account_id", f.AccountID}, {"driver", f.Driver}, {"resource_id", f.ResourceID},
		{"resource_type", f.ResourceType}, {"order_id", f.OrderID}, {"tag", f.Tag}, {"programme", f.Programme}, {"currency", f.Currency},
	} {
		if equal.value != "" {
			tx = tx.Where(equal.column+" = ?", equal.value)
		}
	}
	if !f.From.IsZero() {
		tx = tx.Where("begins >= ?", f.From.Unix())
	}
	if !f.Until.IsZero() {
		tx = tx.Where("begins < ?", f.Until.Unix())
	}
	if f.Organizations != nil {
		tx = tx.Where("organization_id IN ?", f.Organizations)
	}
	if f.Unpriced {
		tx = tx.Where("reason IN ?", []string{rating.Unpriced, rating.NoQuantity})
	}
	return tx
}

// Sum is what lines come to in one currency.
type Sum struct {
	Currency        string
	List, Cost      int64
	Lines, Unpriced int64
}

// Group is the sum of lines that agree in the values of the dimensions.
type Group struct {
	Keys []string
	Sum
}

// Snapshot runs reads that all see the store at one moment.
func Snapshot(ctx context.Context, store *db.Store, read func(tx *gorm.DB) error) error {
	options := &sql.TxOptions{}
	if !store.Embedded {
		options.Isolation, options.ReadOnly = sql.LevelRepeatableRead, true
	}
	return store.Read.WithContext(ctx).Transaction(read, options)
}

// FirstMonth is the oldest month of use of which there are lines; "": there are none.
func FirstMonth(tx *gorm.DB) (string, error) {
	var month string
	if err := tx.Model(&Row{}).Select("COALESCE(MIN(usage_month), '')").Scan(&month).Error; err != nil {
		return "", fmt.Errorf("read the oldest month of lines: %w", err)
	}
	return month, nil
}

// Page reads lines by beginning and id, after a line; limit bounds them.
func Page(tx *gorm.DB, f Filter, afterBegins int64, afterID string, limit int) ([]Row, error) {
	query := f.apply(tx.Model(&Row{}))
	if afterID != "" {
		query = query.Where("begins > ? OR begins = ? AND id > ?", afterBegins, afterBegins, afterID)
	}
	var rows []Row
	if err := query.Order("begins, id").Limit(limit).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read lines of cost: %w", err)
	}
	return rows, nil
}

// Find reads one line; ok is false where there is none.
func Find(tx *gorm.DB, id string) (r Row, ok bool, err error) {
	found := tx.Where("id = ?", id).Limit(1).Find(&r)
	return r, found.RowsAffected > 0, found.Error
}

// Related reads the ids of lines that take a line back or correct it.
func Related(tx *gorm.DB, id string) ([]string, error) {
	var ids []string
	err := tx.Model(&Row{}).Where("corrects = ? OR takes = ?", id, id).Order("id").Pluck("id", &ids).Error
	return ids, err
}

const sums = "currency, CAST(SUM(list) AS BIGINT) AS list, CAST(SUM(cost) AS BIGINT) AS cost"

// Totals adds up all lines of a filter by currency.
func Totals(tx *gorm.DB, f Filter) ([]Sum, error) {
	var out []Sum
	err := f.apply(tx.Model(&Row{})).Select(sums + ", COUNT(*) AS lines, " + countUnpriced).Group("currency").Order("currency").Scan(&out).Error
	if err != nil {
		return nil, fmt.Errorf("add up lines of cost: %w", err)
	}
	return out, nil
}

const countUnpriced = "CAST(SUM(CASE WHEN reason IN ('UNPRICED', 'NO_QUANTITY') THEN 1 ELSE 0 END) AS BIGINT) AS unpriced"

// Hour is the dimension that no column has: lines are cut into hours.
const Hour = "hour"

// rolled are the dimensions that rollups know.
var rolled = []string{"period", "organization_id", "account_id", "resource_type", "category", "meter"}

// FromRollups tells whether the sums of a filter and dimensions can be read from
// the rollups.
func FromRollups(f Filter, dimensions []string) bool {
	empty := f.From.IsZero() && f.Until.IsZero() && f.ApplicantID+f.Driver+f.ResourceID+f.OrderID+f.Tag+f.Programme == ""
	return empty && !slices.ContainsFunc(dimensions, func(d string) bool { return !slices.Contains(rolled, d) })
}

// Summarize adds lines up by dimensions, which are columns of Row or Hour, in the
// order of the keys and the currency.
func Summarize(tx *gorm.DB, f Filter, dimensions []string, zone *time.Location) ([]Group, error) {
	if slices.Contains(dimensions, Hour) {
		return summarizeHours(tx, f, dimensions, zone)
	}
	columns := strings.Join(append(slices.Clone(dimensions), "currency"), ", ")
	query := f.apply(tx.Model(&Row{})).Select(columns + ", CAST(SUM(list) AS BIGINT), CAST(SUM(cost) AS BIGINT), COUNT(*), " + countUnpriced)
	if FromRollups(f, dimensions) {
		query = f.rollup(tx.Model(&Rollup{})).Select(columns + `, CAST(SUM(list) AS BIGINT), CAST(SUM(cost) AS BIGINT), CAST(SUM(lines) AS BIGINT),
			CAST(SUM(CASE WHEN unpriced THEN lines ELSE 0 END) AS BIGINT)`)
	}
	rows, err := query.Group(columns).Order(columns).Rows()
	if err != nil {
		return nil, fmt.Errorf("add up lines of cost: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Group
	for rows.Next() {
		g := Group{Keys: make([]string, len(dimensions))}
		into := make([]any, 0, len(dimensions)+5)
		for n := range g.Keys {
			into = append(into, &g.Keys[n])
		}
		if err := rows.Scan(append(into, &g.Currency, &g.List, &g.Cost, &g.Lines, &g.Unpriced)...); err != nil {
			return nil, fmt.Errorf("add up lines of cost: %w", err)
		}
		out = append(out, g)
	}
	sortGroups(out) // databases order texts by their own rules
	return out, rows.Err()
}

// rollup applies the filter to the sums, which have fewer columns.
func (f *Filter) rollup(tx *gorm.DB) *gorm.DB {
	plain := *f
	plain.Unpriced = false
	tx = plain.apply(tx)
	if f.Unpriced {
		tx = tx.Where("unpriced")
	}
	return tx
}

func sortGroups(groups []Group) {
	slices.SortFunc(groups, func(a, b Group) int {
		return cmp.Or(slices.Compare(a.Keys, b.Keys), strings.Compare(a.Currency, b.Currency))
	})
}

// summarizeHours cuts each line at the hours. What a line comes to until a time is
// its share of the line's time, rounded down, so that the hours add up to the line.
func summarizeHours(tx *gorm.DB, f Filter, dimensions []string, zone *time.Location) ([]Group, error) {
	var plain []string
	for _, d := range dimensions {
		if d != Hour {
			plain = append(plain, d)
		}
	}
	columns := strings.Join(append(plain, "currency", "begins", "ends", "list", "cost", "reason"), ", ")
	rows, err := f.apply(tx.Model(&Row{})).Select(columns).Rows()
	if err != nil {
		return nil, fmt.Errorf("add up lines of cost: %w", err)
	}
	defer func() { _ = rows.Close() }()
	groups := map[string]*Group{}
	for rows.Next() {
		values := make([]string, len(plain))
		into := make([]any, 0, len(plain)+6)
		for n := range values {
			into = append(into, &values[n])
		}
		var currency, reason string
		var begins, ends, list, cost int64
		if err := rows.Scan(append(into, &currency, &begins, &ends, &list, &cost, &reason)...); err != nil {
			return nil, fmt.Errorf("add up lines of cost: %w", err)
		}
		for from := begins; from < ends; {
			to := min(ends, from-mod(from, 3600)+3600)
			keys := make([]string, 0, len(dimensions))
			next := 0
			for _, d := range dimensions {
				if d == Hour {
					keys = append(keys, time.Unix(from, 0).In(zone).Format("2006-01-02T15"))
					continue
				}
				keys, next = append(keys, values[next]), next+1
			}
			id := strings.Join(append(keys, currency), "\x00")
			g := groups[id]
			if g == nil {
				g = &Group{Keys: keys, Sum: Sum{Currency: currency}}
				groups[id] = g
			}
			g.List += share(list, to-begins, ends-begins) - share(list, from-begins, ends-begins)
			g.Cost += share(cost, to-begins, ends-begins) - share(cost, from-begins, ends-begins)
			g.Lines++
			if reason == rating.Unpriced || reason == rating.NoQuantity {
				g.Unpriced++
			}
			from = to
		}
	}
	out := make([]Group, 0, len(groups))
	for _, g := range groups {
		out = append(out, *g)
	}
	sortGroups(out)
	return out, rows.Err()
}

func mod(a, b int64) int64 { return (a%b + b) % b }

// share is amount × part ÷ whole, towards zero, without leaving 64 bits.
func share(amount, part, whole int64) int64 {
	return amount/whole*part + amount%whole*part/whole
}

// Token and ParseToken write and read where a page ended.
func Token(r *Row) string { return strconv.FormatInt(r.Begins, 10) + "." + r.ID }

// ParseToken reads what Token wrote.
func ParseToken(text string) (begins int64, id string, ok bool) {
	if text == "" {
		return 0, "", true
	}
	at, id, found := strings.Cut(text, ".")
	begins, err := strconv.ParseInt(at, 10, 64)
	return begins, id, found && err == nil && len(id) == 32
}

// Enter adds a line that is not of usage, in the first open month from the month
// of its beginning on, in the caller's transaction, under Lock. The same line
// again is left alone.
func Enter(tx *gorm.DB, l *rating.Line, origin string, month time.Time, now time.Time) (Row, error) {
	period, err := firstOpen(tx, month)
	if err != nil {
		return Row{}, err
	}
	if recorded, ok, err := Find(tx, l.Digest(0)); ok || err != nil {
		return recorded, err
	}
	row := toRow(l, origin, period, 0, month.Location(), now)
	if period != month.Format("2006-01") {
		row.Class = rating.Correction
	}
	return row, Append(tx, []Row{row})
}
