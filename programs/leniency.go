package programs

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

const maxNote = 128 // bytes

// countNotes adds up by partner which forms beyond the tables its messages had, so that
// it can be told. A message that is repeated counts again.
func countNotes(tx *gorm.DB, now time.Time, batch []*job) error {
	type name struct{ group, note string }
	counts := map[name]int64{}
	for _, j := range batch {
		for _, note := range j.received.Notes {
			counts[name{j.received.GroupID, note[:min(len(note), maxNote)]}]++
		}
	}
	if len(counts) == 0 {
		return nil
	}
	var rows []leniencyRow
	for n, count := range counts {
		rows = append(rows, leniencyRow{GroupID: n.group, Note: n.note, Messages: count, FirstAt: now, LastAt: now})
	}
	slices.SortFunc(rows, func(a, b leniencyRow) int { return strings.Compare(a.GroupID+" "+a.Note, b.GroupID+" "+b.Note) })
	err := tx.Clauses(clause.OnConflict{
		Columns: []clause.Column{{Name: "group_id"}, {Name: "note"}},
		DoUpdates: clause.Assignments(map[string]any{
			"messages": gorm.Expr("programs_leniencies.messages + excluded.messages"), "last_at": gorm.Expr("excluded.last_at"),
		}),
	}).Create(&rows).Error
	if err != nil {
		return fmt.Errorf("count notes: %w", err)
	}
	return nil
}
