package dbtest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/internal/db"
)

// Tables lists the tables of modules that belong into backups, by name.
func Tables(t testing.TB, store *db.Store, modules ...db.Module) []string {
	t.Helper()
	tables, err := store.Read.Migrator().GetTables()
	if err != nil {
		t.Fatal(err)
	}
	tables = slices.DeleteFunc(tables, func(table string) bool {
		return !slices.ContainsFunc(modules, func(m db.Module) bool {
			return strings.HasPrefix(table, m.Name+"_") && !m.IsApart(table)
		})
	})
	slices.Sort(tables)
	return tables
}

// Fill puts rows with a value in every column into every table of modules.
func Fill(t testing.TB, store *db.Store, rows int, modules ...db.Module) {
	t.Helper()
	for _, table := range Tables(t, store, modules...) {
		columns, err := store.Write.Migrator().ColumnTypes(table)
		if err != nil {
			t.Fatal(err)
		}
		for i := 1; i <= rows; i++ {
			row := map[string]any{}
			for _, c := range columns {
				row[c.Name()] = sample(t, table, c.Name(), c.DatabaseTypeName(), i)
			}
			if err := store.Write.Table(table).Create(row).Error; err != nil {
				t.Fatalf("fill %s: %v", table, err)
			}
		}
	}
}

func sample(t testing.TB, table, column, databaseType string, i int) any {
	t.Helper()
	name, _, _ := strings.Cut(strings.ToLower(databaseType), "(")
	switch name {
	case "text", "varchar":
		return fmt.Sprintf("%d值'", i) // short enough for a currency
	case "integer", "int2", "int4", "int8", "bigint", "smallint":
		return int64(i)
	case "numeric", "bool", "boolean":
		return i%2 == 1
	case "datetime", "timestamptz":
		return time.Date(2026, 1, 31, 23, 59, i, 123456000, time.UTC)
	case "blob", "bytea":
		return []byte{0, 0xff, byte(i)}
	default:
		t.Fatalf("%s.%s: no sample of type %q", table, column, name)
		return nil
	}
}

// Rows reads a table, with times and truth values as both databases give them, in
// the order of their texts.
func Rows(t testing.TB, store *db.Store, table string) []map[string]any {
	t.Helper()
	columns, err := store.Read.Migrator().ColumnTypes(table)
	if err != nil {
		t.Fatal(err)
	}
	found, err := store.Read.Table(table).Rows()
	if err != nil {
		t.Fatal(err)
	}
	names, err := found.Columns()
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]string{}
	for _, c := range columns {
		types[c.Name()] = c.DatabaseTypeName()
	}
	var rows []map[string]any
	for found.Next() {
		values, targets := make([]any, len(names)), make([]any, len(names))
		for i := range values {
			targets[i] = &values[i]
		}
		if err := found.Scan(targets...); err != nil {
			t.Fatal(err)
		}
		row := map[string]any{}
		for i, name := range names {
			row[name] = same(values[i], types[name])
		}
		rows = append(rows, row)
	}
	if err := errors.Join(found.Err(), found.Close()); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(rows, func(a, b map[string]any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return rows
}

func same(value any, databaseType string) any {
	switch v := value.(type) {
	case time.Time:
		return v.UTC()
	case int32:
		return int64(v)
	case []byte:
		return append([]byte{}, v...) // an empty one is not NULL
	case int64:
		if strings.EqualFold(databaseType, "numeric") {
			return v != 0
		}
	}
	return value
}
