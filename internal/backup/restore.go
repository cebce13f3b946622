package backup

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/db"
)

// File is an opened backup.
type File struct {
	Manifest *Manifest
	archive  *zip.Reader
}

// Open reads what a file says of itself.
func Open(r io.ReaderAt, size int64) (*File, error) {
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("this is no backup: %w", err)
	}
	f := &File{Manifest: &Manifest{}, archive: archive}
	part, err := archive.Open(manifestName)
	if err != nil {
		return nil, fmt.Errorf("this is no backup: %w", err)
	}
	err = json.NewDecoder(part).Decode(f.Manifest)
	if err := errors.Join(err, part.Close()); err != nil {
		return nil, fmt.Errorf("read %s: %w", manifestName, err)
	}
	if f.Manifest.Format != format {
		return nil, fmt.Errorf("the backup has format %d, this program knows %d: use the newer program", f.Manifest.Format, format)
	}
	return f, nil
}

// Restore fills an empty store and brings it to this program's schema. It refuses a
// store that has rows and a file of a newer schema; after an error the store has no
// rows.
func (f *File) Restore(ctx context.Context, store *db.Store, modules []db.Module) error {
	if err := f.Manifest.checkModules(modules); err != nil {
		return err
	}
	if err := checkEmpty(store.Read.WithContext(ctx), modules); err != nil {
		return err
	}
	if err := store.Migrate(ctx, f.Manifest.asOf(modules)...); err != nil {
		return fmt.Errorf("make the schema of the backup: %w", err)
	}
	if err := clearTables(store.Write.WithContext(ctx), modules); err != nil {
		return err
	}
	err := store.Write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		for _, table := range f.Manifest.Tables {
			if err := f.restoreTable(tx, table); err != nil {
				return fmt.Errorf("restore %s: %w", table.Name, err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return store.Migrate(ctx, modules...)
}

func checkEmpty(tx *gorm.DB, modules []db.Module) error {
	names, err := tables(tx, modules)
	if err != nil {
		return err
	}
	for _, name := range names {
		var one []int
		if err := tx.Table(name).Select("1").Limit(1).Find(&one).Error; err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		if len(one) > 0 {
			return fmt.Errorf("the store is not empty: %s has rows", name)
		}
	}
	return nil
}

// clearTables takes out the rows that migrations have put into an empty store: the
// file has them as they were.
func clearTables(tx *gorm.DB, modules []db.Module) error {
	names, err := tables(tx, modules)
	if err != nil {
		return err
	}
	return tx.Transaction(func(tx *gorm.DB) error {
		for _, name := range names {
			if err := tx.Exec(fmt.Sprintf("DELETE FROM %q", name)).Error; err != nil { // the program's own name
				return fmt.Errorf("clear %s: %w", name, err)
			}
		}
		return nil
	})
}

// valuesAtOnce bounds the parameters of one statement, for both databases.
const valuesAtOnce = 4000

func (f *File) restoreTable(tx *gorm.DB, table Table) (err error) {
	if err := sameColumns(tx, table); err != nil {
		return err
	}
	part, err := f.archive.Open(table.file())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, part.Close()) }()
	decoder := json.NewDecoder(part)
	decoder.UseNumber()
	atOnce := max(1, valuesAtOnce/len(table.Columns))
	rows, read := make([]map[string]any, 0, atOnce), 0
	flush := func() error {
		if len(rows) == 0 {
			return nil
		}
		err := tx.Table(table.Name).Create(rows).Error
		rows = rows[:0]
		return err
	}
	for {
		row, err := readLine(decoder, table.Columns)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("row %d: %w", read+1, err)
		}
		read++
		if rows = append(rows, row); len(rows) == atOnce {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	if read != table.Rows {
		return fmt.Errorf("the file has %d rows, its manifest says %d", read, table.Rows)
	}
	return moveSequences(tx, table)
}

// sameColumns compares the file's columns with those that the schema of its version
// has here.
func sameColumns(tx *gorm.DB, table Table) error {
	have, err := columns(tx, table.Name)
	if err != nil {
		return err
	}
	for _, c := range table.Columns {
		if !slices.Contains(have, c) {
			return fmt.Errorf("the schema has no column %s of kind %s", c.Name, c.Kind)
		}
	}
	return nil
}

func readLine(decoder *json.Decoder, columns []Column) (map[string]any, error) {
	var line []any
	if err := decoder.Decode(&line); err != nil {
		return nil, err
	}
	if len(line) != len(columns) {
		return nil, fmt.Errorf("%d values for %d columns", len(line), len(columns))
	}
	row := make(map[string]any, len(columns))
	for i, c := range columns {
		value, err := c.Kind.decode(line[i])
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", c.Name, err)
		}
		row[c.Name] = value
	}
	return row, nil
}

// moveSequences lets PostgreSQL number new rows after the restored ones. SQLite does
// so by itself.
func moveSequences(tx *gorm.DB, table Table) error {
	if tx.Name() != "postgres" {
		return nil
	}
	for _, c := range table.Columns {
		if c.Kind != Integer {
			continue
		}
		var sequence *string
		if err := tx.Raw("SELECT pg_get_serial_sequence(?, ?)", table.Name, c.Name).Scan(&sequence).Error; err != nil {
			return err
		}
		if sequence == nil {
			continue
		}
		// Names of tables and columns are the program's own.
		err := tx.Exec(fmt.Sprintf("SELECT setval(?, (SELECT COALESCE(MAX(%q), 0) + 1 FROM %q), false)", c.Name, table.Name), *sequence).Error
		if err != nil {
			return fmt.Errorf("sequence of %s: %w", c.Name, err)
		}
	}
	return nil
}
