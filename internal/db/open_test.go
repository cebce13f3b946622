package db_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
)

type thing struct {
	ID   int    `gorm:"primaryKey"`
	Name string `gorm:"uniqueIndex"`
	At   time.Time
}

func module(versions int) db.Module {
	steps := []db.Migration{
		{Version: 1, Name: "things", Up: func(tx *gorm.DB) error { return tx.Migrator().CreateTable(&thing{}) }},
		{Version: 2, Name: "rows", Up: func(tx *gorm.DB) error { return tx.Create(&thing{ID: 1, Name: "a"}).Error }},
	}
	return db.Module{Name: "test", Migrations: steps[:versions]}
}

func TestMigrate(t *testing.T) {
	dbtest.EachDSN(t, func(t *testing.T, dsn string) {
		s := dbtest.Open(t, dsn)
		for _, versions := range []int{1, 2, 2} {
			if err := s.Migrate(t.Context(), module(versions)); err != nil {
				t.Fatalf("migrate to %d: %v", versions, err)
			}
		}
		if err := dbtest.Open(t, dsn).Migrate(t.Context(), module(1)); err == nil || !strings.Contains(err.Error(), "newer program") {
			t.Errorf("old program on a new store: got %v, want a refusal", err)
		}
		failing := module(2)
		failing.Migrations = append(failing.Migrations, db.Migration{Version: 3, Name: "bad", Up: func(tx *gorm.DB) error {
			if err := tx.Create(&thing{ID: 3, Name: "c"}).Error; err != nil {
				return err
			}
			return errors.New("no")
		}})
		if err := s.Migrate(t.Context(), failing); err == nil {
			t.Error("failing migration: got no error")
		}
		var n int64
		s.Read.Model(&thing{}).Count(&n)
		if n != 1 {
			t.Errorf("rows after a failed migration: got %d, want 1", n)
		}
	})
}

func TestReplicasMigrateTogether(t *testing.T) {
	dbtest.EachDSN(t, func(t *testing.T, dsn string) {
		var work sync.WaitGroup
		for range 4 {
			s := dbtest.Open(t, dsn)
			work.Go(func() {
				if err := s.Migrate(t.Context(), module(2)); err != nil {
					t.Error(err)
				}
			})
		}
		work.Wait()
	})
}

func TestDuplicate(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, s *db.Store) {
		if err := s.Migrate(t.Context(), module(2)); err != nil {
			t.Fatal(err)
		}
		for name, row := range map[string]thing{"primary key": {ID: 1, Name: "other"}, "unique index": {ID: 2, Name: "a"}} {
			if err := s.Write.Create(&row).Error; !db.IsDuplicate(err) {
				t.Errorf("%s: got %v, want a duplicate", name, err)
			}
		}
	})
}

func TestTimesAreUTC(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, s *db.Store) {
		if err := s.Migrate(t.Context(), module(2)); err != nil {
			t.Fatal(err)
		}
		at := time.Date(2026, 1, 31, 23, 59, 59, 123456000, time.FixedZone("elsewhere", 8*3600))
		if err := s.Write.Create(&thing{ID: 7, Name: "t", At: at.UTC()}).Error; err != nil {
			t.Fatal(err)
		}
		var got thing
		if err := s.Read.Where("at = ?", at.UTC()).Take(&got).Error; err != nil {
			t.Fatal(err)
		}
		if got.At.Location() != time.UTC || !got.At.Equal(at) {
			t.Errorf("got %v, want %v in UTC", got.At, at)
		}
	})
}

// TestExclusive holds two writers of one name apart where the database would let
// both count and add.
func TestExclusive(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, s *db.Store) {
		if err := s.Migrate(t.Context(), module(1)); err != nil {
			t.Fatal(err)
		}
		add := func(ctx context.Context) error {
			return s.Write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
				if err := db.Exclusive(tx, "things"); err != nil {
					return err
				}
				var n int64
				if err := tx.Model(&thing{}).Count(&n).Error; err != nil {
					return err
				}
				return tx.Create(&thing{ID: int(n) + 1, Name: strings.Repeat("x", int(n)+1)}).Error
			})
		}
		var work sync.WaitGroup
		for range 8 {
			work.Go(func() {
				if err := add(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		work.Wait()
	})
}

func TestSQLiteReadsDoNotWrite(t *testing.T) {
	s := dbtest.Open(t, filepath.Join(t.TempDir(), "a b%20?.db"))
	if err := s.Migrate(t.Context(), module(2)); err != nil {
		t.Fatal(err)
	}
	if err := s.Read.Create(&thing{ID: 9, Name: "z"}).Error; err == nil {
		t.Error("the reading handle wrote")
	}
}

func TestPostgresErrorsHideTheDSN(t *testing.T) {
	for name, dsn := range map[string]string{
		"no server":  "postgres://someone:hush@127.0.0.1:1/x?connect_timeout=2",
		"unreadable": "postgres://someone:hush@127.0.0.1:port/x",
		"no socket":  "postgres://someone:hush@/x?host=/nowhere",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := db.Open(t.Context(), db.Config{DSN: dsn})
			if err == nil || strings.Contains(err.Error(), "hush") || strings.Contains(err.Error(), "someone") {
				t.Errorf("got %v, want an error without the DSN", err)
			}
		})
	}
}

// TestWritersDoNotLockEachOtherOut lets transactions and single statements, all of
// them new to the store, wait for the one connection that writes on SQLite.
func TestWritersDoNotLockEachOtherOut(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, s *db.Store) {
		if err := s.Migrate(t.Context(), module(1)); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var writers sync.WaitGroup
		for round := range 50 {
			for range 4 { // the same statement at the same time
				writers.Go(func() {
					if err := s.Write.WithContext(ctx).Exec(fmt.Sprintf("UPDATE things SET name = name WHERE id = %d", round)).Error; err != nil {
						t.Error(err)
					}
				})
			}
			writers.Go(func() {
				err := s.Write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
					return errors.Join(
						tx.Exec(fmt.Sprintf("DELETE FROM things WHERE id = %d", round)).Error,
						tx.Exec(fmt.Sprintf("DELETE FROM things WHERE id = %d AND name = ''", round)).Error)
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		writers.Wait()
	})
}

// TestManyStatements asks more different things than are kept prepared.
func TestManyStatements(t *testing.T) {
	t.Parallel()
	s := dbtest.Open(t, dbtest.SQLite(t))
	ask := func(tx *gorm.DB, n int) {
		t.Helper()
		var got int
		if err := tx.Raw(fmt.Sprintf("SELECT %d", n)).Scan(&got).Error; err != nil || got != n {
			t.Errorf("asked for %d: %d, %v", n, got, err)
		}
	}
	for range 2 {
		for n := range 400 {
			ask(s.Read, n)
		}
		err := s.Write.Transaction(func(tx *gorm.DB) error {
			for n := range 400 {
				ask(tx, n)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}
