package db

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
)

// Migration is one forward step of a module's schema. A step that has been
// released is never edited.
type Migration struct {
	Version int
	Name    string
	Up      func(tx *gorm.DB) error
}

// Module is a named list of migrations, in the order of their versions from 1.
type Module struct {
	Name       string
	Migrations []Migration
	// Apart are the beginnings of names of tables that a backup leaves out: they are
	// large, and of another form on each database.
	Apart []string
}

// IsApart tells whether a backup leaves a table of the module out.
func (m Module) IsApart(table string) bool {
	return slices.ContainsFunc(m.Apart, func(prefix string) bool { return strings.HasPrefix(table, prefix) })
}

// AddColumns adds the columns of fields to a table that was made without them. A step
// that makes a table makes it as the model is today, so that they may be there.
func AddColumns(tx *gorm.DB, model any, fields ...string) error {
	for _, field := range fields {
		if tx.Migrator().HasColumn(model, field) {
			continue
		}
		if err := tx.Migrator().AddColumn(model, field); err != nil {
			return err
		}
	}
	return nil
}

type schemaMigration struct {
	Module    string `gorm:"primaryKey;size:64"`
	Version   int    `gorm:"primaryKey"`
	Name      string `gorm:"size:128"`
	AppliedAt time.Time
}

func (schemaMigration) TableName() string { return "schema_migrations" }

// schemaLock keeps replicas that start together from migrating together.
const schemaLock = "schema"

// Migrate brings every module to its newest version. A store that is newer than
// the program is refused, so that an old binary never writes to it.
func (s *Store) Migrate(ctx context.Context, modules ...Module) error {
	handle := s.Write.WithContext(ctx)
	err := handle.Transaction(func(tx *gorm.DB) error {
		if err := Exclusive(tx, schemaLock); err != nil {
			return err
		}
		return tx.AutoMigrate(&schemaMigration{})
	})
	if err != nil {
		return fmt.Errorf("prepare migrations: %w", err)
	}
	for _, module := range modules {
		if err := migrateModule(handle, module); err != nil {
			return err
		}
	}
	return nil
}

func migrateModule(handle *gorm.DB, module Module) error {
	return handle.Transaction(func(tx *gorm.DB) error {
		if err := Exclusive(tx, schemaLock); err != nil {
			return err
		}
		var current int
		err := tx.Model(&schemaMigration{}).Where("module = ?", module.Name).
			Select("COALESCE(MAX(version), 0)").Scan(&current).Error
		if err != nil {
			return fmt.Errorf("read schema version of %s: %w", module.Name, err)
		}
		if current > len(module.Migrations) {
			return fmt.Errorf("the store has version %d of module %s, this program knows %d: use the newer program",
				current, module.Name, len(module.Migrations))
		}
		for _, m := range module.Migrations[current:] {
			if err := m.Up(tx); err != nil {
				return fmt.Errorf("migrate %s to version %d (%s): %w", module.Name, m.Version, m.Name, err)
			}
			row := schemaMigration{Module: module.Name, Version: m.Version, Name: m.Name, AppliedAt: tx.NowFunc()}
			if err := tx.Create(&row).Error; err != nil {
				return fmt.Errorf("record migration %d of %s: %w", m.Version, module.Name, err)
			}
		}
		return nil
	})
}
