package dbtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yunqiao/yunqiao/internal/db"
)

// envOnly names the one database to test on, for a quick look: sqlite or postgres.
const envOnly = "YUNQIAO_TEST_STORE"

// current is the database that DSN names stores of.
var current = "sqlite"

// Main runs a package's tests; of testing.M and what is made of it.
type Main interface{ Run() int }

type both struct{ main Main }

// Both makes a Main that runs all tests of a package on each database: those whose
// stores come from New and DSN.
func Both(m Main) Main { return both{m} }

// Run implements Main.
func (b both) Run() int {
	code := 0
	for _, current = range []string{"sqlite", "postgres"} {
		if only := os.Getenv(envOnly); only != "" && only != current {
			continue
		}
		fmt.Println("=== database:", current)
		code = max(code, b.main.Run())
	}
	return code
}

// DSN names an empty store of the database that the tests run on.
func DSN(t testing.TB) string {
	t.Helper()
	if current == "postgres" {
		return Postgres(t)
	}
	return SQLite(t)
}

// New opens an empty store of the database that the tests run on.
func New(t testing.TB) *db.Store {
	t.Helper()
	return Open(t, DSN(t))
}

// Content is everything that a store holds, as it is stored: of SQLite its files,
// of PostgreSQL its rows.
func Content(t testing.TB, dsn string) string {
	t.Helper()
	var out strings.Builder
	config := db.Config{DSN: dsn}
	if !config.Postgres() {
		files, err := filepath.Glob(dsn + "*")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			out.Write(text)
		}
		return out.String()
	}
	store := Open(t, dsn)
	tables, err := store.Read.Migrator().GetTables()
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		for _, row := range Rows(t, store, table) {
			for _, value := range row {
				if raw, ok := value.([]byte); ok {
					value = string(raw)
				}
				fmt.Fprintln(&out, value)
			}
		}
	}
	return out.String()
}
