package programs

import (
	"slices"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/rowid"
)

// TestPruneJournal: old messages of strangers go, by their ids and not many at a time;
// the others stay, and what was passed is not read again.
func TestPruneJournal(t *testing.T) {
	each(t, Options{}, func(t *testing.T, r *rig) {
		const strangers = 2*pruneChunk + 100
		start := r.clock.now()
		var rows []messageRow
		var kept []string
		add := func(row messageRow, stays bool) {
			row.ID = rowid.New()
			rows = append(rows, row)
			if stays {
				kept = append(kept, row.ID)
			}
		}
		add(messageRow{At: start, KeyUsed: "k"}, true)
		add(messageRow{At: start, Outgoing: true}, true)
		for range strangers {
			add(messageRow{At: start}, false)
		}
		add(messageRow{At: start, KeyUsed: "k"}, true)
		add(messageRow{At: start.Add(time.Hour)}, true)
		if err := r.store.Write.CreateInBatches(rows, 500).Error; err != nil {
			t.Fatal(err)
		}
		read, most, deleted := 0, 0, 0
		count := func(do func(n int)) func(tx *gorm.DB) {
			return func(tx *gorm.DB) {
				if tx.Statement.Table == "programs_messages" {
					do(int(tx.RowsAffected))
				}
			}
		}
		err := r.store.Write.Callback().Delete().After("gorm:delete").Register("count", count(func(n int) { deleted, most = deleted+n, max(most, n) }))
		if err != nil {
			t.Fatal(err)
		}
		if err := r.store.Read.Callback().Query().After("gorm:query").Register("count", count(func(n int) { read += n })); err != nil {
			t.Fatal(err)
		}
		r.clock.add(keepStrangers + time.Minute)
		if err := r.prune(t.Context()); err != nil {
			t.Fatal(err)
		}
		if deleted != strangers || most > pruneChunk {
			t.Errorf("deleted %d, %d at a time; want %d, at most %d at a time", deleted, most, strangers, pruneChunk)
		}
		if read = 0; r.prune(t.Context()) != nil || read > 1 {
			t.Errorf("the next time reads %d messages", read)
		}
		var left []string
		if err := r.store.Write.Model(&messageRow{}).Order("id").Pluck("id", &left).Error; err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(left, kept) {
			t.Errorf("left are %d, want %d", len(left), len(kept))
		}
		r.clock.add(time.Hour)
		if err := r.prune(t.Context()); err != nil || deleted != strangers+1 {
			t.Errorf("what has become old meanwhile: deleted %d, %v", deleted, err)
		}
	})
}
