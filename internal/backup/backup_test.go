package backup_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/backup"
	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
)

type thing struct {
	Number int64  `gorm:"primaryKey;autoIncrement"`
	Name   string `gorm:"size:64;uniqueIndex"`
	Long   string
	Small  int32
	Yes    bool
	At     time.Time
	Maybe  *time.Time
	Raw    []byte
}

func (thing) TableName() string { return "shop_things" }

type other struct {
	ID string `gorm:"primaryKey;size:32"`
}

func (other) TableName() string { return "shop_others" }

// shop has as many versions as are asked for.
func shop(versions int) db.Module {
	return db.Module{Name: "shop", Migrations: []db.Migration{
		{Version: 1, Name: "things", Up: func(tx *gorm.DB) error {
			if err := tx.Migrator().CreateTable(&thing{}); err != nil {
				return err
			}
			return tx.Create(&thing{Number: 2000, Name: "of the migration", At: time.Unix(0, 0)}).Error
		}},
		{Version: 2, Name: "others", Up: func(tx *gorm.DB) error { return tx.Migrator().CreateTable(&other{}) }},
	}[:versions]}
}

func open(t *testing.T, kind string, versions int) *db.Store {
	t.Helper()
	dsn := map[string]func(testing.TB) string{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres}[kind]
	store := dbtest.Open(t, dsn(t))
	if versions > 0 {
		if err := store.Migrate(t.Context(), shop(versions)); err != nil {
			t.Fatal(err)
		}
	}
	return store
}

func write(t *testing.T, store *db.Store, versions int) []byte {
	t.Helper()
	var out bytes.Buffer
	m, err := backup.Write(t.Context(), store, []db.Module{shop(versions)}, &out, backup.Info{Program: "test", At: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if m.Rows() == 0 {
		t.Fatal("the backup is empty")
	}
	return out.Bytes()
}

func restore(t *testing.T, file []byte, store *db.Store, versions int) error {
	t.Helper()
	opened, err := backup.Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return err
	}
	return opened.Restore(t.Context(), store, []db.Module{shop(versions)})
}

func TestBetweenDatabases(t *testing.T) {
	kinds := []string{"sqlite", "postgres"}
	for _, from := range kinds {
		for _, to := range kinds {
			t.Run(from+" to "+to, func(t *testing.T) {
				source, target := open(t, from, 1), open(t, to, 0)
				dbtest.Fill(t, source, 1000, shop(1))
				empty := thing{Number: 5000, Name: "nothing in it", At: time.Unix(0, 0).UTC(), Raw: []byte{}}
				if err := source.Write.Create(&empty).Error; err != nil {
					t.Fatal(err)
				}
				if err := restore(t, write(t, source, 1), target, 2); err != nil { // a newer program
					t.Fatal(err)
				}
				if diff := cmp.Diff(dbtest.Rows(t, source, "shop_things"), dbtest.Rows(t, target, "shop_things")); diff != "" {
					t.Error(diff)
				}
				next := thing{Name: "the next", At: time.Now()}
				if err := target.Write.Create(&next).Error; err != nil || next.Number != 5001 {
					t.Errorf("the next row has number %d, %v", next.Number, err)
				}
				if err := target.Write.Create(&other{ID: "of version 2"}).Error; err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestRefusals(t *testing.T) {
	dbtest.EachDSN(t, func(t *testing.T, dsn string) {
		source := open(t, "sqlite", 2)
		dbtest.Fill(t, source, 3, shop(2))
		file := write(t, source, 2)
		target := dbtest.Open(t, dsn)
		for name, tc := range map[string]struct {
			file     []byte
			versions int
			want     string
		}{
			"newer schema":   {file, 1, "use the newer program"},
			"no zip":         {[]byte("hello"), 2, "this is no backup"},
			"other zip":      {rewrite(t, file, "manifest.json", nil), 2, "this is no backup"},
			"rows missing":   {rewrite(t, file, "tables/shop_things.jsonl", func(b []byte) []byte { return b[:bytes.IndexByte(b, '\n')+1] }), 2, "its manifest says 4"},
			"column missing": {rewrite(t, file, "manifest.json", func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(`"long"`), []byte(`"length"`)) }), 2, "no column length"},
			"wrong value":    {rewrite(t, file, "tables/shop_things.jsonl", func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("true"), []byte(`"yes"`)) }), 2, "column yes"},
		} {
			t.Run(name, func(t *testing.T) {
				if err := restore(t, tc.file, target, tc.versions); err == nil || !strings.Contains(err.Error(), tc.want) {
					t.Errorf("got %v, want %q", err, tc.want)
				}
			})
		}
		if err := restore(t, file, target, 2); err != nil {
			t.Errorf("after failures the store must be empty still: %v", err)
		}
		if err := restore(t, file, target, 2); err == nil || !strings.Contains(err.Error(), "not empty") {
			t.Errorf("a store with rows: got %v", err)
		}
	})
}

// rewrite changes one part of a file, or leaves it out.
func rewrite(t *testing.T, file []byte, name string, change func([]byte) []byte) []byte {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range archive.File {
		part, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(part)
		if err != nil {
			t.Fatal(err)
		}
		if f.Name == name && change == nil {
			continue
		}
		if f.Name == name {
			text = change(text)
		}
		p, err := w.Create(f.Name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Write(text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestSnapshot writes a backup while rows are added to two tables at a time: it
// holds as many of both, beside the one of the migration.
func TestSnapshot(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.Store) {
		if err := store.Migrate(t.Context(), shop(2)); err != nil {
			t.Fatal(err)
		}
		done, stopped := make(chan struct{}), make(chan struct{})
		started := make(chan struct{}, 1)
		go func() {
			defer close(stopped)
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				err := store.Write.Transaction(func(tx *gorm.DB) error {
					if err := tx.Create(&other{ID: fmt.Sprint(i)}).Error; err != nil {
						return err
					}
					return tx.Create(&thing{Name: fmt.Sprint(i), At: time.Now()}).Error
				})
				if err != nil {
					t.Error(err)
					return
				}
				if i == 50 {
					started <- struct{}{}
				}
			}
		}()
		<-started
		for range 5 {
			var out bytes.Buffer
			m, err := backup.Write(t.Context(), store, []db.Module{shop(2)}, &out, backup.Info{At: time.Now()})
			if err != nil {
				t.Fatal(err)
			}
			if len(m.Tables) != 2 || m.Tables[0].Rows+1 != m.Tables[1].Rows || m.Tables[0].Rows < 50 {
				t.Errorf("tables %v", m.Tables)
			}
		}
		close(done)
		<-stopped
	})
}
