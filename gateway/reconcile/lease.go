package reconcile

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/db"
)

// turnRow says whose turn an account is. Times are of the database's clock, in
// milliseconds.
type turnRow struct {
	AccountID  string `gorm:"primaryKey;size:32"`
	LeaseOwner string `gorm:"size:32;not null"`
	LeaseUntil int64  `gorm:"not null"`
	DueAt      int64  `gorm:"not null"` // of the next cycle
}

func (turnRow) TableName() string { return "reconcile_turns" }

// Migrations of the table of turns.
func Migrations() db.Module {
	return db.Module{Name: "reconcile", Migrations: []db.Migration{
		{Version: 1, Name: "turns", Up: func(tx *gorm.DB) error { return tx.Migrator().CreateTable(&turnRow{}) }},
	}}
}

type leases struct {
	store *db.Store
	owner string // this process
	life  time.Duration
}

// due lists the accounts whose time has come and that nobody has. An account that
// was never seen becomes due after a time of its own.
func (l *leases) due(ctx context.Context, ids []string, first func() time.Duration) ([]string, error) {
	read := l.store.Read.WithContext(ctx)
	var rows []struct {
		AccountID string
		Free      bool
	}
	now := db.NowMillis(read)
	err := read.Model(&turnRow{}).Select("account_id, due_at <= " + now + " AND lease_until < " + now + " AS free").Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read turns: %w", err)
	}
	known, due := map[string]bool{}, []string{}
	for _, r := range rows {
		known[r.AccountID] = true
		if r.Free && slices.Contains(ids, r.AccountID) {
			due = append(due, r.AccountID)
		}
	}
	for _, id := range ids {
		if known[id] {
			continue
		}
		write := l.store.Write.WithContext(ctx)
		err := write.Exec("INSERT INTO reconcile_turns (account_id, lease_owner, lease_until, due_at) VALUES (?, '', 0, "+
			db.NowMillis(write)+" + ?) ON CONFLICT DO NOTHING", id, first().Milliseconds()).Error
		if err != nil {
			return nil, fmt.Errorf("add turn of %s: %w", id, err)
		}
	}
	return due, nil
}

// take claims an account that is due and free.
func (l *leases) take(ctx context.Context, id string) (bool, error) {
	write := l.store.Write.WithContext(ctx)
	now := db.NowMillis(write)
	updated := write.Model(&turnRow{}).Where("account_id = ? AND due_at <= "+now+" AND lease_until < "+now, id).
		UpdateColumns(map[string]any{"lease_owner": l.owner, "lease_until": l.end(write)})
	return updated.RowsAffected == 1, updated.Error
}

func (l *leases) end(tx *gorm.DB) any {
	return gorm.Expr(db.NowMillis(tx)+" + ?", l.life.Milliseconds())
}

// hold keeps a lease until release is called. The context ends when it is lost.
func (l *leases) hold(ctx context.Context, id string) (held context.Context, release func()) {
	held, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer cancel()
		ticker := time.NewTicker(l.life / 3)
		defer ticker.Stop()
		for renewed := time.Now(); time.Since(renewed) < l.life; {
			select {
			case <-held.Done():
				return
			case <-ticker.C:
			}
			write := l.store.Write.WithContext(held)
			updated := write.Model(&turnRow{}).Where("account_id = ? AND lease_owner = ?", id, l.owner).UpdateColumn("lease_until", l.end(write))
			switch {
			case updated.Error == nil && updated.RowsAffected == 0:
				return
			case updated.Error == nil:
				renewed = time.Now()
			}
		}
	}()
	return held, func() {
		cancel()
		<-done
	}
}

// put gives an account back, due again after a time.
func (l *leases) put(ctx context.Context, id string, next time.Duration) error {
	write := l.store.Write.WithContext(ctx)
	return write.Model(&turnRow{}).Where("account_id = ? AND lease_owner = ?", id, l.owner).UpdateColumns(map[string]any{
		"lease_owner": "", "lease_until": 0, "due_at": gorm.Expr(db.NowMillis(write)+" + ?", next.Milliseconds()),
	}).Error
}

// abandonEmbedded frees what a former process of a store with a single user held.
func (l *leases) abandonEmbedded(ctx context.Context) error {
	if !l.store.Embedded {
		return nil
	}
	return l.store.Write.WithContext(ctx).Model(&turnRow{}).Where("lease_owner <> ?", l.owner).UpdateColumn("lease_until", 0).Error
}
