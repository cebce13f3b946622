package backup

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/db"
)

// format is the version of the file itself.
const format = 1

const manifestName = "manifest.json"

// Manifest says what a file holds.
type Manifest struct {
	Format    int            `json:"format"`
	Program   string         `json:"program"` // version of the program that wrote it
	CreatedAt time.Time      `json:"created_at"`
	Database  string         `json:"database"` // sqlite or postgres; any file restores into both
	SealKey   string         `json:"seal_key"` // tells which key seals the secrets, not the key
	Modules   map[string]int `json:"modules"`  // schema version of each module
	Tables    []Table        `json:"tables"`
	Apart     []string       `json:"apart"` // beginnings of names of tables that are not in the file
}

// Table is one table in a file.
type Table struct {
	Name    string   `json:"name"`
	Columns []Column `json:"columns"`
	Rows    int      `json:"rows"`
}

// Column is one column, in the order of the values in a line.
type Column struct {
	Name string `json:"name"`
	Kind Kind   `json:"kind"`
}

// Rows counts the rows of all tables.
func (m *Manifest) Rows() int {
	n := 0
	for _, t := range m.Tables {
		n += t.Rows
	}
	return n
}

func (t Table) file() string { return "tables/" + t.Name + ".jsonl" }

// tables lists the tables of modules that belong into a file, by name.
func tables(tx *gorm.DB, modules []db.Module) ([]string, error) {
	all, err := tx.Migrator().GetTables()
	if err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	all = slices.DeleteFunc(all, func(table string) bool {
		return !slices.ContainsFunc(modules, func(m db.Module) bool {
			return strings.HasPrefix(table, m.Name+"_") && !m.IsApart(table)
		})
	})
	slices.Sort(all)
	return all, nil
}

// columns reads a table's columns, in the order of the table.
func columns(tx *gorm.DB, table string) ([]Column, error) {
	types, err := tx.Migrator().ColumnTypes(table)
	if err != nil {
		return nil, fmt.Errorf("columns of %s: %w", table, err)
	}
	out := make([]Column, 0, len(types))
	for _, t := range types {
		kind, err := kindOf(t.DatabaseTypeName())
		if err != nil {
			return nil, fmt.Errorf("column %s.%s: %w", table, t.Name(), err)
		}
		out = append(out, Column{t.Name(), kind})
	}
	return out, nil
}

// checkModules refuses a file that this program is too old for.
func (m *Manifest) checkModules(modules []db.Module) error {
	known := map[string]int{}
	for _, module := range modules {
		known[module.Name] = len(module.Migrations)
	}
	for name, version := range m.Modules {
		if newest, ok := known[name]; !ok || version > newest {
			return fmt.Errorf("the backup has version %d of module %s, this program knows %d: use the newer program", version, name, newest)
		}
	}
	return nil
}

// asOf are the modules as the file has them.
func (m *Manifest) asOf(modules []db.Module) []db.Module {
	out := make([]db.Module, 0, len(modules))
	for _, module := range modules {
		module.Migrations = module.Migrations[:m.Modules[module.Name]]
		out = append(out, module)
	}
	return out
}

func versions(ctx context.Context, tx *gorm.DB) (map[string]int, error) {
	var rows []struct {
		Module  string
		Version int
	}
	err := tx.WithContext(ctx).Table("schema_migrations").Select("module, MAX(version) AS version").Group("module").Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read schema versions: %w", err)
	}
	out := map[string]int{}
	for _, r := range rows {
		out[r.Module] = r.Version
	}
	return out, nil
}
