package db_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/db"
)

type thing struct {
	ID   int    `gorm:"primaryKey"`
	Name string `gorm:"uniqueIndex"`
}

func module(versions int) db.Module {
	steps := []db.Migration{
		{Version: 1, Name: "things", Up: func(tx *gorm.DB) error { return tx.Migrator().CreateTable(&thing{}) }},
		{Version: 2, Name: "rows", Up: func(tx *gorm.DB) error { return tx.Create(&thing{ID: 1, Name: "a"}).Error }},
	}
	return db.Module{Name: "test", Migrations: steps[:versions]}
}

func TestMigrate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b%20?.db")
	open := func() *db.Store {
		s, err := db.Open(t.Context(), db.Config{DSN: path})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	s := open()
	for _, versions := range []int{1, 2, 2} {
		if err := s.Migrate(t.Context(), module(versions)); err != nil {
			t.Fatalf("migrate to %d: %v", versions, err)
		}
	}
	err := s.Write.Create(&thing{ID: 2, Name: "a"}).Error
	if !db.IsDuplicate(err) {
		t.Errorf("second row of the same name: got %v, want a duplicate", err)
	}
	if err := open().Migrate(t.Context(), module(1)); err == nil || !strings.Contains(err.Error(), "newer program") {
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
	if err := s.Read.Create(&thing{ID: 9, Name: "z"}).Error; err == nil {
		t.Error("the reading handle wrote")
	}
}
