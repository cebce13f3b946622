package ledger

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
)

func tables(t testing.TB, store *db.Store) {
	t.Helper()
	if err := store.Migrate(t.Context(), db.Module{Name: "ledger", Migrations: []db.Migration{{Version: 1, Name: "ledger", Up: Tables}}}); err != nil {
		t.Fatal(err)
	}
}

// distinct has another value in each field of each row, with texts that need care.
func distinct(n int) []Row {
	rows := make([]Row, n)
	for i := range rows {
		row := reflect.ValueOf(&rows[i]).Elem()
		for f := range row.NumField() {
			switch field := row.Field(f); field.Kind() {
			case reflect.String:
				field.SetString(fmt.Sprintf("%c%d", 'A'+f, i%90))
			case reflect.Bool:
				field.SetBool(i%2 == 1)
			case reflect.Int64:
				field.SetInt(int64(f)<<40 - int64(i)*1_000_003)
			case reflect.Int32:
				field.SetInt(int64(f)<<20 - int64(i))
			}
		}
		rows[i].ID = fmt.Sprintf("%032d", i)
		rows[i].Spec = fmt.Sprintf("{\"名称\":\"\n%d\"}", i)
	}
	return rows
}

// TestAppend: every field of every row comes back, over more than a page of COPY.
func TestAppend(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.Store) {
		tables(t, store)
		want := distinct(700)
		for _, part := range [][]Row{want[:1], want[1:], nil} {
			if err := store.Write.Transaction(func(tx *gorm.DB) error { return Append(tx, part) }); err != nil {
				t.Fatal(err)
			}
		}
		var got []Row
		if err := store.Read.Order("id").Find(&got).Error; err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if err := store.Write.Transaction(func(tx *gorm.DB) error { return Append(tx, want[:1]) }); !db.IsDuplicate(err) {
			t.Errorf("the same line again: got %v", err)
		}
	})
}

// BenchmarkAddUp is what keeping the sums costs, for each line.
func BenchmarkAddUp(b *testing.B) {
	for name, dsn := range map[string]string{"sqlite": dbtest.SQLite(b), "postgres": dbtest.Postgres(b)} {
		b.Run(name, func(b *testing.B) {
			store := dbtest.Open(b, dsn)
			tables(b, store)
			rows := make([]Row, 20_000)
			for n := range rows {
				rows[n] = Row{Period: "2025-01", OrganizationID: fmt.Sprint("org", n%7), AccountID: fmt.Sprint("c", n%4), ResourceType: fmt.Sprint("t", n%2)}
			}
			for b.Loop() {
				if err := store.Write.Transaction(func(tx *gorm.DB) error { return addUp(tx, rows) }); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(rows)), "ns/line")
		})
	}
}
