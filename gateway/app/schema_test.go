package app

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yunqiao/yunqiao/internal/backup"
	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
)

// describe lists the columns of all tables with their types, and the indexes.
func describe(t *testing.T, store *db.Store) []string {
	t.Helper()
	var out []string
	for _, table := range dbtest.Tables(t, store, Schema()...) {
		columns, err := store.Read.Migrator().ColumnTypes(table)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range columns {
			out = append(out, fmt.Sprintf("%s.%s %s", table, c.Name(), c.DatabaseTypeName()))
		}
		indexes, err := store.Read.Migrator().GetIndexes(table)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range indexes {
			out = append(out, fmt.Sprintf("%s %s %v", table, i.Name(), i.Columns()))
		}
	}
	slices.Sort(out)
	return out
}

// TestMigrations brings each module from each earlier version, with rows, to the
// newest: nothing is lost, and the schema is that of a new store.
func TestMigrations(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, fresh *db.Store) {
		if err := fresh.Migrate(t.Context(), Schema()...); err != nil {
			t.Fatal(err)
		}
		want := describe(t, fresh)
		name := dbtest.Postgres
		if fresh.Embedded {
			name = dbtest.SQLite
		}
		for _, module := range Schema() {
			for version := 1; version < len(module.Migrations); version++ {
				t.Run(fmt.Sprintf("%s from %d", module.Name, version), func(t *testing.T) {
					dsn := name(t)
					store, old := dbtest.Open(t, dsn), module
					old.Migrations = module.Migrations[:version]
					if err := store.Migrate(t.Context(), old); err != nil {
						t.Fatal(err)
					}
					dbtest.Fill(t, store, 3, old)
					before := map[string]int{}
					for _, table := range dbtest.Tables(t, store, old) {
						before[table] = len(dbtest.Rows(t, store, table))
					}
					// One step at a time, as releases come, and then all modules.
					for step := version + 1; step <= len(module.Migrations); step++ {
						old.Migrations = module.Migrations[:step]
						if err := store.Migrate(t.Context(), old); err != nil {
							t.Fatalf("to version %d: %v", step, err)
						}
					}
					if err := store.Migrate(t.Context(), Schema()...); err != nil {
						t.Fatal(err)
					}
					store = dbtest.Open(t, dsn)
					for table, n := range before {
						if got := len(dbtest.Rows(t, store, table)); got < n { // a step may add its own
							t.Errorf("%s has %d rows, had %d", table, got, n)
						}
					}
					if diff := cmp.Diff(want, describe(t, store)); diff != "" {
						t.Errorf("schema (-new +migrated):\n%s", diff)
					}
				})
			}
		}
	})
}

// TestBackupOfEverything restores every table of the product, from each database
// into the other.
func TestBackupOfEverything(t *testing.T) {
	for name, dsns := range map[string][2]string{
		"sqlite to postgres": {dbtest.SQLite(t), dbtest.Postgres(t)},
		"postgres to sqlite": {dbtest.Postgres(t), dbtest.SQLite(t)},
	} {
		t.Run(name, func(t *testing.T) {
			source, target := dbtest.Open(t, dsns[0]), dbtest.Open(t, dsns[1])
			if err := source.Migrate(t.Context(), Schema()...); err != nil {
				t.Fatal(err)
			}
			dbtest.Fill(t, source, 5, Schema()...)
			var file bytes.Buffer
			m, err := backup.Write(t.Context(), source, Schema(), &file, backup.Info{At: time.Now()})
			if err != nil {
				t.Fatal(err)
			}
			opened, err := backup.Open(bytes.NewReader(file.Bytes()), int64(file.Len()))
			if err != nil {
				t.Fatal(err)
			}
			if err := opened.Restore(t.Context(), target, Schema()); err != nil {
				t.Fatal(err)
			}
			tables := dbtest.Tables(t, source, Schema()...)
			if len(tables) != len(m.Tables) || m.Rows() < 5*len(tables) {
				t.Errorf("%d tables with %d rows in the file, %d tables in the store", len(m.Tables), m.Rows(), len(tables))
			}
			for _, table := range tables {
				if diff := cmp.Diff(dbtest.Rows(t, source, table), dbtest.Rows(t, target, table)); diff != "" {
					t.Errorf("%s:\n%s", table, diff)
				}
			}
		})
	}
}
