package lease

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/rowid"
)

// row is one piece of work. Times are of the database's clock, in milliseconds.
type row struct {
	Name  string `gorm:"primaryKey;size:96"`
	Owner string `gorm:"size:32;not null"`
	Until int64  `gorm:"not null"`
}

// CreateTable makes a table of leases, in a migration of the module that owns it.
func CreateTable(tx *gorm.DB, table string) error {
	return tx.Table(table).Migrator().CreateTable(&row{})
}

// Table is a table of leases as this process uses it.
type Table struct {
	store *db.Store
	name  string
	owner string
	life  time.Duration
}

// Open makes a Table. A lease that is not renewed ends after life; 0 means 15 s.
func Open(store *db.Store, table string, life time.Duration) *Table {
	if life == 0 {
		life = 15 * time.Second
	}
	return &Table{store: store, name: table, owner: rowid.New(), life: life}
}

// Take claims a piece of work that nobody has; ok is false if somebody has it. The
// context it gives ends when the lease is lost, or when release is called, which
// gives the lease back. In a store with a single user the leases of a process that is
// gone are free at once.
func (t *Table) Take(ctx context.Context, name string) (held context.Context, release func(), ok bool, err error) {
	write := t.store.Write.WithContext(ctx)
	now := db.NowMillis(write)
	free := t.name + ".until < " + now
	if t.store.Embedded {
		free = t.name + ".owner <> excluded.owner OR " + free
	}
	result := write.Exec("INSERT INTO "+t.name+" (name, owner, until) VALUES (?, ?, "+now+" + ?) ON CONFLICT (name) DO UPDATE SET "+
		"owner = excluded.owner, until = excluded.until WHERE "+free, name, t.owner, t.life.Milliseconds())
	if result.Error != nil {
		return nil, nil, false, fmt.Errorf("take lease %s: %w", name, result.Error)
	}
	if result.RowsAffected == 0 {
		return nil, nil, false, nil
	}
	held, release = t.hold(ctx, name)
	return held, release, true, nil
}

// hold renews a lease until release is called.
func (t *Table) hold(ctx context.Context, name string) (held context.Context, release func()) {
	held, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer cancel()
		ticker := time.NewTicker(t.life / 3)
		defer ticker.Stop()
		for renewed := time.Now(); time.Since(renewed) < t.life; {
			select {
			case <-held.Done():
				return
			case <-ticker.C:
			}
			at := time.Now()
			limited, done := context.WithTimeout(held, t.life/3) // a store that hangs does not keep a lease that is over
			write := t.store.Write.WithContext(limited)
			updated := write.Table(t.name).Where("name = ? AND owner = ?", name, t.owner).
				UpdateColumn("until", gorm.Expr(db.NowMillis(write)+" + ?", t.life.Milliseconds()))
			done()
			switch {
			case updated.Error == nil && updated.RowsAffected == 0:
				return
			case updated.Error == nil:
				renewed = at
			}
		}
	}()
	return held, func() {
		cancel()
		<-done
		write := t.store.Write.WithContext(context.WithoutCancel(ctx))
		_ = write.Table(t.name).Where("name = ? AND owner = ?", name, t.owner).UpdateColumn("until", 0).Error // otherwise it ends by itself
	}
}

// Mine tells whether a lease is still this process's, in the transaction of a write
// that must not be made without it.
func (t *Table) Mine(tx *gorm.DB, name string) (bool, error) {
	var n int64
	err := tx.Table(t.name).Where("name = ? AND owner = ?", name, t.owner).Count(&n).Error
	return n == 1, err
}
