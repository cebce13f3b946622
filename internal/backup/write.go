package backup

import (
	"archive/zip"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/db"
)

// Info is what a caller knows of a backup that it makes.
type Info struct {
	Program string
	SealKey string
	At      time.Time
}

// Write writes a consistent snapshot of the store, while others go on writing to it.
func Write(ctx context.Context, store *db.Store, modules []db.Module, w io.Writer, info Info) (*Manifest, error) {
	m := &Manifest{Format: format, Program: info.Program, SealKey: info.SealKey, CreatedAt: info.At.UTC(), Database: store.Read.Name()}
	for _, module := range modules {
		m.Apart = append(m.Apart, module.Apart...)
	}
	archive := zip.NewWriter(w)
	// On SQLite the options are without effect: a reading transaction is a snapshot.
	options := &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead}
	if store.Embedded {
		options = &sql.TxOptions{ReadOnly: true}
	}
	err := store.Read.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		var err error
		if m.Modules, err = versions(ctx, tx); err != nil {
			return err
		}
		if err := m.checkModules(modules); err != nil {
			return fmt.Errorf("the store is newer than this program: %w", err)
		}
		names, err := tables(tx, modules)
		if err != nil {
			return err
		}
		for _, name := range names {
			table, err := writeTable(archive, tx, name)
			if err != nil {
				return err
			}
			m.Tables = append(m.Tables, table)
		}
		return nil
	}, options)
	if err != nil {
		return nil, err
	}
	part, err := archive.Create(manifestName)
	if err != nil {
		return nil, err
	}
	encoder := json.NewEncoder(part)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(m); err != nil {
		return nil, err
	}
	return m, archive.Close()
}

// writeTable writes one table, a row a line, without holding it in memory.
func writeTable(archive *zip.Writer, tx *gorm.DB, name string) (t Table, err error) {
	t = Table{Name: name}
	if t.Columns, err = columns(tx, name); err != nil {
		return Table{}, err
	}
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = tx.Statement.Quote(c.Name) // one may be a word of SQL
	}
	part, err := archive.Create(t.file())
	if err != nil {
		return Table{}, err
	}
	encoder := json.NewEncoder(part)
	encoder.SetEscapeHTML(false)
	rows, err := tx.Table(name).Select(names).Rows()
	if err != nil {
		return Table{}, fmt.Errorf("read %s: %w", name, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		line, err := readRow(rows, t.Columns)
		if err != nil {
			return Table{}, fmt.Errorf("read %s: %w", name, err)
		}
		if err := encoder.Encode(line); err != nil {
			return Table{}, err
		}
		t.Rows++
	}
	return t, rows.Err()
}

func readRow(rows *sql.Rows, columns []Column) ([]any, error) {
	values, targets := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		targets[i] = &values[i]
	}
	if err := rows.Scan(targets...); err != nil {
		return nil, err
	}
	for i, c := range columns {
		var err error
		if values[i], err = c.Kind.encode(values[i]); err != nil {
			return nil, fmt.Errorf("column %s: %w", c.Name, err)
		}
	}
	return values, nil
}
