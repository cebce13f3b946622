package lease_test

import (
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	"github.com/yunqiao/yunqiao/internal/lease"
)

const table = "test_leases"

func open(t *testing.T, dsn string) *db.Store {
	t.Helper()
	store := dbtest.Open(t, dsn)
	err := store.Migrate(t.Context(), db.Module{Name: "test", Migrations: []db.Migration{
		{Version: 1, Name: "leases", Up: func(tx *gorm.DB) error { return lease.CreateTable(tx, table) }},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// replica opens the table as one of several replicas would: the store has others.
func replica(store *db.Store, life time.Duration) *lease.Table {
	shared := *store
	shared.Embedded = false
	return lease.Open(&shared, table, life)
}

func TestOneAtATime(t *testing.T) {
	dbtest.EachDSN(t, func(t *testing.T, dsn string) {
		store := open(t, dsn)
		a, b := replica(store, time.Minute), replica(store, time.Minute)
		held, release, ok, err := a.Take(t.Context(), "work")
		if err != nil || !ok {
			t.Fatalf("first: got %v, %v", ok, err)
		}
		if _, _, ok, err := b.Take(t.Context(), "work"); err != nil || ok {
			t.Errorf("second: got %v, %v, want it refused", ok, err)
		}
		if _, done, ok, err := b.Take(t.Context(), "other"); err != nil || !ok {
			t.Errorf("other work: got %v, %v", ok, err)
		} else {
			done()
		}
		if mine, err := a.Mine(store.Read, "work"); err != nil || !mine {
			t.Errorf("mine: got %v, %v", mine, err)
		}
		release()
		if held.Err() == nil {
			t.Error("the context goes on after the release")
		}
		_, release, ok, err = b.Take(t.Context(), "work")
		if err != nil || !ok {
			t.Fatalf("after the release: got %v, %v", ok, err)
		}
		defer release()
		if mine, err := a.Mine(store.Read, "work"); err != nil || mine {
			t.Errorf("another's: got %v, %v", mine, err)
		}
	})
}

func TestLostAndAbandoned(t *testing.T) {
	dbtest.EachDSN(t, func(t *testing.T, dsn string) {
		store := open(t, dsn)
		held, release, ok, err := replica(store, 300*time.Millisecond).Take(t.Context(), "work")
		if err != nil || !ok {
			t.Fatalf("got %v, %v", ok, err)
		}
		defer release()
		if err := store.Write.Exec("UPDATE " + table + " SET owner = 'somebody', until = 0").Error; err != nil {
			t.Fatal(err)
		}
		<-held.Done() // noticed at the next renewal
		if err := store.Write.Exec("UPDATE " + table + " SET until = 9000000000000000").Error; err != nil {
			t.Fatal(err)
		}
		if _, done, ok, err := lease.Open(store, table, 0).Take(t.Context(), "work"); err != nil || ok != store.Embedded {
			t.Errorf("of a process that is gone: got %v, %v, want %v", ok, err, store.Embedded)
		} else if ok {
			done()
		}
	})
}
