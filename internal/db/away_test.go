package db_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
)

// TestIsAway tells the errors of a database that is full, read-only or gone from
// those of a bad statement.
func TestIsAway(t *testing.T) {
	t.Parallel()
	fill := func(s *db.Store) error {
		return s.Write.Exec("INSERT INTO filled (text) VALUES (?)", string(make([]byte, 1<<20))).Error
	}
	prepare := func(t *testing.T, dsn string) *db.Store {
		t.Helper()
		s := dbtest.Open(t, dsn)
		for _, statement := range []string{"CREATE TABLE filled (text " + map[bool]string{true: "BLOB", false: "TEXT"}[s.Embedded] + ")", "CREATE TABLE one (id INTEGER PRIMARY KEY)", "INSERT INTO one VALUES (1)"} {
			if err := s.Write.Exec(statement).Error; err != nil {
				t.Fatal(err)
			}
		}
		return s
	}
	check := func(t *testing.T, what string, err error, want bool) {
		t.Helper()
		if err == nil || db.IsAway(fmt.Errorf("wrapped: %w", err)) != want {
			t.Errorf("%s: away is %v for %v", what, !want, err)
		}
	}
	both := func(t *testing.T, s *db.Store) {
		t.Helper()
		check(t, "duplicate", s.Write.Exec("INSERT INTO one VALUES (1)").Error, false)
		check(t, "bad statement", s.Write.Exec("SELECT nothing FROM nowhere").Error, false)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		check(t, "cancelled", s.Read.WithContext(ended).Exec("SELECT 1").Error, false)
	}
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		s := prepare(t, dbtest.SQLite(t))
		both(t, s)
		check(t, "read-only", s.Read.Exec("INSERT INTO one VALUES (2)").Error, true)
		if err := s.Write.Exec("PRAGMA max_page_count = 20").Error; err != nil {
			t.Fatal(err)
		}
		check(t, "full", fill(s), true)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		server := dbtest.OwnServer(t)
		s := prepare(t, server.DSN)
		both(t, s)
		read := s.Write.Begin()
		if err := read.Exec("SET TRANSACTION READ ONLY").Error; err != nil {
			t.Fatal(err)
		}
		check(t, "read-only", read.Exec("INSERT INTO one VALUES (2)").Error, true)
		server.Stop(t)
		check(t, "in a transaction while the server stops", read.Exec("SELECT 1").Error, true)
		check(t, "stopped", s.Write.Exec("SELECT 1").Error, true)
		server.Start(t)
		var err error
		for range 20 { // one for each connection of before
			if err = s.Write.Exec("SELECT 1").Error; err == nil {
				break
			}
			check(t, "just started", err, true)
		}
		if err != nil {
			t.Errorf("does not come back: %v", err)
		}
	})
	check(t, "none", errors.New("something else"), false)
}
