package dbtest

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/rowid"
)

// Each runs a test on an empty store of each database.
func Each(t *testing.T, test func(t *testing.T, store *db.Store)) {
	t.Helper()
	EachDSN(t, func(t *testing.T, dsn string) {
		t.Helper()
		test(t, Open(t, dsn))
	})
}

// EachDSN runs a test with the name of an empty store of each database, for tests
// that open it more than once.
func EachDSN(t *testing.T, test func(t *testing.T, dsn string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, Postgres(t)) })
}

// SQLite names a file that does not exist yet.
func SQLite(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "store.db")
}

// Postgres makes an empty database and drops it at the end of the test.
func Postgres(t testing.TB) string {
	t.Helper()
	server, err := startOnce()
	if err != nil {
		t.Fatalf("PostgreSQL for tests: %v", err)
	}
	name := "test_" + rowid.New()
	run := func(statement string) {
		t.Helper()
		ctx := context.WithoutCancel(t.Context()) // cleanup comes after its end
		conn, err := pgx.Connect(ctx, server.dsn)
		if err != nil {
			t.Fatalf("connect to PostgreSQL for tests: %v", err)
		}
		if _, err := conn.Exec(ctx, statement); err != nil {
			t.Errorf("%s: %v", statement, err)
		}
		if err := conn.Close(ctx); err != nil {
			t.Error(err)
		}
	}
	run("CREATE DATABASE " + name)
	t.Cleanup(func() { run("DROP DATABASE " + name + " WITH (FORCE)") })
	dsn, err := inDatabase(server.dsn, name)
	if err != nil {
		t.Fatal(err)
	}
	return dsn
}

// inDatabase is a server's DSN with another database.
func inDatabase(server, name string) (string, error) {
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return "", fmt.Errorf("%s must be postgres://…", envServer)
	}
	u.Path = "/" + name
	return u.String(), nil
}

// Open opens a store and closes it at the end of the test.
func Open(t testing.TB, dsn string) *db.Store {
	t.Helper()
	store, err := db.Open(t.Context(), db.Config{DSN: dsn, MaxConnections: 8})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}
