package ledger

import (
	"fmt"
	"reflect"
	"strings"
	"sync"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/schema"

	"github.com/yunqiao/yunqiao/internal/db"
)

// columns of Row in the order of its fields, read once from its definition.
var columns = sync.OnceValues(func() ([]string, error) {
	parsed, err := schema.Parse(&Row{}, &sync.Map{}, schema.NamingStrategy{})
	if err != nil {
		return nil, err
	}
	return parsed.DBNames, nil
})

// Append adds rows and their sums in the caller's transaction. It goes beneath
// GORM, which costs more than the database does.
func Append(tx *gorm.DB, rows []Row) error {
	if len(rows) == 0 {
		return nil
	}
	names, err := columns()
	if err != nil {
		return err
	}
	table := `billing_lines ("` + strings.Join(names, `","`) + `") `
	if tx.Name() == "postgres" {
		err = db.Copy(tx, "COPY "+table+"FROM STDIN (FORMAT binary)", copyOf(rows))
	} else {
		err = insertOneByOne(tx, "INSERT INTO "+table, rows)
	}
	if err != nil {
		return fmt.Errorf("add lines of cost: %w", err)
	}
	return addUp(tx, rows)
}

// insertOneByOne runs one prepared statement for each row, which is what SQLite is
// fastest at.
func insertOneByOne(tx *gorm.DB, into string, rows []Row) error {
	ctx := tx.Statement.Context
	fields := reflect.TypeFor[Row]().NumField()
	statement, err := tx.Statement.ConnPool.PrepareContext(ctx, into+"VALUES (?"+strings.Repeat(",?", fields-1)+")")
	if err != nil {
		return err
	}
	defer func() { _ = statement.Close() }()
	values := make([]any, fields)
	for n := range rows {
		row := reflect.ValueOf(&rows[n]).Elem()
		for i := range values {
			values[i] = row.Field(i).Interface()
		}
		if _, err := statement.ExecContext(ctx, values...); err != nil {
			return err
		}
	}
	return nil
}

// addUp keeps the sums equal to the lines.
func addUp(tx *gorm.DB, rows []Row) error {
	sums := map[Rollup]*Rollup{}
	var order []*Rollup
	for n := range rows {
		key := rollupKey(&rows[n])
		sum := sums[key]
		if sum == nil {
			copied := key
			sum = &copied
			sums[key], order = sum, append(order, sum)
		}
		sum.List += rows[n].List
		sum.Cost += rows[n].Cost
		sum.Lines++
	}
	added := func(column string) clause.Expr {
		return gorm.Expr(fmt.Sprintf("billing_rollups.%[1]s + excluded.%[1]s", column))
	}
	err := tx.Clauses(clause.OnConflict{
		Columns: []clause.Column{{Name: "period"}, {Name: "organization_id"}, {Name: "account_id"}, {Name: "resource_type"},
			{Name: "category"}, {Name: "book"}, {Name: "currency"}, {Name: "meter"}, {Name: "unpriced"}},
		DoUpdates: clause.Assignments(map[string]any{"list": added("list"), "cost": added("cost"), "lines": added("lines")}),
	}).CreateInBatches(order, 500).Error
	if err != nil {
		return fmt.Errorf("add up lines of cost: %w", err)
	}
	return nil
}

func rollupKey(r *Row) Rollup {
	return Rollup{
		Period: r.Period, OrganizationID: r.OrganizationID, AccountID: r.AccountID, ResourceType: r.ResourceType, Category: r.Category,
		Book: r.Book, Currency: r.Currency, Meter: r.Meter, Unpriced: r.Reason == "UNPRICED" || r.Reason == "NO_QUANTITY",
	}
}
