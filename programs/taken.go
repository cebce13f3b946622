package programs

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/db"
)

// takenRow is a play URL that an emergency takes off: what its programs had when it was
// confirmed, and what came for them while they were locked. A partner that changes a
// program's URLs so leaves nothing in a CDN, neither content nor redirects.
type takenRow struct {
	EmergencyID string `gorm:"primaryKey;size:32"`
	RecordKey   string `gorm:"primaryKey;size:32"`       // of the program
	Digest      string `gorm:"primaryKey;size:32;index"` // of the URL
	URL         string `gorm:"not null"`
}

func (takenRow) TableName() string { return "programs_taken" }

// heldURLs are the URLs that an emergency keeps off now.
const heldURLs = `programs_taken AS held JOIN programs_emergencies AS e ON e.id = held.emergency_id AND e.state = 'ACTIVE'
	JOIN programs_records AS r ON r.id = held.record_key AND r.locked`

// takenOf are the rows of a program's URLs for an emergency.
func takenOf(emergencyID, recordKey, metadata string) []takenRow {
	var rows []takenRow
	for _, url := range addresses(metadata) {
		rows = append(rows, takenRow{EmergencyID: emergencyID, RecordKey: recordKey, Digest: key(url), URL: url})
	}
	return rows
}

// take notes the URLs of a locked program for each emergency that locks it.
func (s *state) take(r *recordRow) {
	if r.Kind != KindProgram || !r.Locked {
		return
	}
	for _, id := range s.emergencies(r) {
		for _, row := range takenOf(id, r.ID, r.Metadata) {
			s.taken[row] = true
		}
	}
}

// takeOver gives an emergency the URLs that older ones have taken from its programs.
func takeOver(tx *gorm.DB, emergencyID string) error {
	err := tx.Exec(`INSERT INTO programs_taken (emergency_id, record_key, digest, url)
		SELECT DISTINCT l.emergency_id, t.record_key, t.digest, t.url FROM programs_locks AS l JOIN programs_taken AS t ON t.record_key = l.record_key
			JOIN programs_emergencies AS e ON e.id = t.emergency_id AND e.state = ? WHERE l.emergency_id = ? AND t.emergency_id <> l.emergency_id`,
		emergencyActive, emergencyID).Error
	if err != nil {
		return fmt.Errorf("play URLs of older emergencies: %w", err)
	}
	return nil
}

// takeUnfollowed gives an emergency the URLs that its programs have had before, where a
// CDN has not followed their change and may still hold them.
func (m *Module) takeUnfollowed(tx *gorm.DB, emergencyID string, keys map[string]bool) error {
	var names []string
	for _, n := range m.opts.CDNs {
		names = append(names, n.Name())
	}
	var followed *int64
	if err := tx.Model(&positionRow{}).Where("name IN ?", names).Select("MIN(position)").Scan(&followed).Error; err != nil || followed == nil {
		return err
	}
	var at []int64
	for _, part := range chunks(keys) {
		var last []int64
		err := tx.Model(&recordRow{}).Where(db.AnyOf(tx, "id", part)).Where("kind = ? AND last_change > ?", KindProgram, *followed).Pluck("last_change", &last).Error
		if err != nil {
			return fmt.Errorf("newest versions: %w", err)
		}
		at = append(at, last...)
	}
	taken := map[takenRow]bool{}
	for len(at) > 0 {
		n := min(len(at), 500)
		var rows []changeRow
		if err := tx.Where("position IN ?", at[:n]).Find(&rows).Error; err != nil {
			return fmt.Errorf("versions before: %w", err)
		}
		at = at[n:]
		for i := range rows {
			c := &rows[i]
			if c.Online {
				for _, row := range takenOf(emergencyID, c.RecordKey, c.Metadata) {
					taken[row] = true
				}
			}
			if c.Position > *followed && c.Previous != 0 {
				at = append(at, c.Previous)
			}
		}
	}
	return db.UpsertAll(tx, slices.Collect(maps.Keys(taken)))
}

// playURLs are the URLs that an emergency has taken off: those of programs that still
// are locked, or, of one that was lifted, those that no other emergency keeps off.
func (m *Module) playURLs(ctx context.Context, e *emergencyRow, locked bool) ([]string, error) {
	tx := m.store.Read.WithContext(ctx).Table("programs_taken AS t").Where("t.emergency_id = ?", e.ID)
	if locked {
		tx = tx.Where("EXISTS (SELECT 1 FROM programs_records AS r WHERE r.id = t.record_key AND r.locked)")
	} else {
		tx = tx.Where("NOT EXISTS (SELECT 1 FROM " + heldURLs + " WHERE held.digest = t.digest)")
	}
	var urls []string
	if err := tx.Distinct().Pluck("t.url", &urls).Error; err != nil {
		return nil, fmt.Errorf("play URLs of the emergency: %w", err)
	}
	slices.Sort(urls)
	return urls, nil
}

// held are those of some URLs that an emergency keeps off now.
func (m *Module) held(ctx context.Context, urls []string) ([]string, error) {
	digests := map[string]bool{}
	for _, u := range urls {
		digests[key(u)] = true
	}
	var out []string
	for _, part := range chunks(digests) {
		tx := m.store.Read.WithContext(ctx)
		var found []string
		if err := tx.Table(heldURLs).Where(db.AnyOf(tx, "held.digest", part)).Distinct().Pluck("held.url", &found).Error; err != nil {
			return nil, fmt.Errorf("what emergencies keep off: %w", err)
		}
		out = append(out, found...)
	}
	slices.Sort(out)
	return out, nil
}
