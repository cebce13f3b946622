package programs

import (
	"slices"
	"testing"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	programv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/program/v1"
)

// before3 are the tables as version 2 had them, where version 3 changes them.
var before3 = []string{
	"ALTER TABLE programs_records DROP COLUMN last_change",
	"ALTER TABLE programs_changes DROP COLUMN previous",
	"CREATE INDEX programs_changes_record ON programs_changes (record_key, version)",
	"CREATE INDEX idx_programs_seen_at ON programs_seen (at)",
	"DROP TABLE programs_relations",
	`CREATE TABLE programs_relations (series_key varchar(32), program_key varchar(32), group_id varchar(64) NOT NULL, series_id varchar(512) NOT NULL,
		program varchar(512) NOT NULL, seq bigint, data text, PRIMARY KEY (series_key, program_key))`,
	"CREATE INDEX idx_programs_relations_program_key ON programs_relations (program_key)",
}

// TestLeaner brings a store with two versions each of two records, told in turns, and
// a list to the tables without their indexes.
func TestLeaner(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.Store) {
		old := Migrations()
		old.Migrations = old.Migrations[:2]
		if err := store.Migrate(t.Context(), old); err != nil {
			t.Fatal(err)
		}
		series, first, second := recordKey(KindSeries, "20020002", "s"), recordKey(KindProgram, "20020002", "p1"), recordKey(KindProgram, "20020002", "p2")
		err := store.Write.Transaction(func(tx *gorm.DB) error {
			for _, statement := range before3 {
				if err := tx.Exec(statement).Error; err != nil {
					return err
				}
			}
			for i, key := range []string{first, second} {
				err := tx.Exec("INSERT INTO programs_records (id, group_id, kind, record_id, known, version, metadata) VALUES (?, ?, ?, ?, ?, 2, '{}')", key, "20020002", KindProgram, []string{"p1", "p2"}[i], true).Error
				if err != nil {
					return err
				}
			}
			for _, told := range []struct {
				key     string
				version int
				title   string
			}{{first, 1, "a"}, {second, 1, "b"}, {first, 2, "c"}, {second, 2, "d"}} {
				err := tx.Exec("INSERT INTO programs_changes (record_key, version, group_id, kind, record_id, metadata) VALUES (?, ?, ?, ?, ?, ?)",
					told.key, told.version, "20020002", KindProgram, "p", `{"title":"`+told.title+`"}`).Error
				if err != nil {
					return err
				}
			}
			return tx.Exec("INSERT INTO programs_relations VALUES (?, ?, ?, 's', 'p1', 7, '{}')", series, first, "20020002").Error
		})
		if err != nil {
			t.Fatal(err)
		}
		r := newRig(t, store, Options{})
		server := &programServer{Module: r.Module}
		for key, want := range map[string][]string{first: {`"c"`, `"a"`}, second: {`"d"`, `"b"`}} {
			got, err := server.ListProgramVersions(t.Context(), &programv1.ListProgramVersionsRequest{Id: key})
			if err != nil {
				t.Fatal(err)
			}
			var titles []string
			for _, v := range got.GetVersions() {
				titles = append(titles, v.GetChanges()[0].GetAfter())
			}
			if !slices.Equal(titles, want) {
				t.Errorf("versions of %s: got %v, want %v", key, titles, want)
			}
		}
		var list []relationRow
		if err := store.Read.Find(&list).Error; err != nil {
			t.Fatal(err)
		}
		if want := []relationRow{{SeriesKey: series, Program: "p1", ProgramKey: first, Seq: 7, Data: "{}"}}; !slices.Equal(list, want) {
			t.Errorf("lists: got %+v, want %+v", list, want)
		}
		if code := r.send(t, 203, "", 0, `{"programIds":["p1"]}`); code != "ok" {
			t.Errorf("offline: got %s", code)
		}
		got, err := server.ListProgramVersions(t.Context(), &programv1.ListProgramVersionsRequest{Id: first})
		if err != nil || len(got.GetVersions()) != 3 {
			t.Errorf("after another message: %d versions, %v", len(got.GetVersions()), err)
		}
		for _, name := range []string{"programs_changes_record", "idx_programs_relations_program_key", "idx_programs_seen_at"} {
			for _, row := range []any{&changeRow{}, &relationRow{}, &seenRow{}} {
				if store.Write.Migrator().HasIndex(row, name) {
					t.Errorf("%s is still there", name)
				}
			}
		}
	})
}
