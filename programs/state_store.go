package programs

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/programs/gyt345"
)

// loadState reads what the rules need for a batch of messages.
func loadState(tx *gorm.DB, now time.Time, batch []*job) (*state, error) {
	s := newState(now)
	records, series := map[string]bool{}, map[string]bool{} // keys
	for _, j := range batch {
		r, m := j.received, j.received.Message
		kind := kindOf(m.Type)
		switch m.Type.Interface() {
		case gyt345.InterfaceSeries, gyt345.InterfaceProgram:
			records[recordKey(kind, r.GroupID, m.Record())] = true
			if v, ok := m.Data.Member("seriesId"); ok {
				series[recordKey(KindSeries, r.GroupID, v.Text)] = true
			}
		default:
			for _, id := range m.Records() {
				records[recordKey(kind, r.GroupID, id)] = true
			}
		}
	}
	if err := s.loadRecords(tx, records); err != nil {
		return nil, err
	}
	maps.Copy(series, s.series())
	if err := s.loadLocks(tx, records, series); err != nil {
		return nil, err
	}
	return s, s.loadLockedLists(tx, batch)
}

// series are the keys of the series that the programs name.
func (s *state) series() map[string]bool {
	keys := map[string]bool{}
	for _, r := range s.records {
		if r.SeriesID != "" {
			keys[recordKey(KindSeries, r.GroupID, r.SeriesID)] = true
		}
	}
	return keys
}

// loadLockedLists reads the programs of locked series whose list a message replaces,
// with their own locks.
func (s *state) loadLockedLists(tx *gorm.DB, batch []*job) error {
	locked, programs := map[string]bool{}, map[string]bool{}
	for _, j := range batch {
		m, group := j.received.Message, j.received.GroupID
		if m.Type != gyt345.SeriesAdd && m.Type != gyt345.SeriesUpdate {
			continue
		}
		id := recordKey(KindSeries, group, m.Record())
		if len(s.locks[id]) == 0 {
			continue
		}
		locked[id] = true
		list, _ := m.Data.Member("seriesPrograms")
		for _, item := range list.Items {
			v, _ := item.Member("programId")
			programs[recordKey(KindProgram, group, v.Text)] = true
		}
	}
	if len(locked) == 0 {
		return nil
	}
	if err := s.loadLists(tx, locked); err != nil {
		return err
	}
	for id := range locked {
		for program := range s.relations[id] {
			programs[program] = true
		}
	}
	if err := s.loadRecords(tx, programs); err != nil {
		return err
	}
	return s.loadLocks(tx, programs, s.series())
}

// chunks divides keys for conditions with IN.
func chunks(keys map[string]bool) [][]string {
	var out [][]string
	for part := range slices.Chunk(slices.Collect(maps.Keys(keys)), 500) {
		out = append(out, part)
	}
	return out
}

func (s *state) loadRecords(tx *gorm.DB, keys map[string]bool) error {
	for _, part := range chunks(keys) {
		var rows []*recordRow
		if err := tx.Where(db.AnyOf(tx, "id", part)).Find(&rows).Error; err != nil {
			return fmt.Errorf("load records: %w", err)
		}
		for _, r := range rows {
			if s.records[r.ID] == nil {
				s.records[r.ID] = r
			}
		}
	}
	return nil
}

// loadLists reads the programs in the lists of series.
func (s *state) loadLists(tx *gorm.DB, series map[string]bool) error {
	for _, part := range chunks(series) {
		var rows []*relationRow
		if err := tx.Where(db.AnyOf(tx, "series_key", part)).Find(&rows).Error; err != nil {
			return fmt.Errorf("load lists of series: %w", err)
		}
		s.addRelations(rows)
	}
	return nil
}

func (s *state) addRelations(rows []*relationRow) {
	for _, r := range rows {
		if s.relations[r.SeriesKey] == nil {
			s.relations[r.SeriesKey] = map[string]*relationRow{}
		}
		s.relations[r.SeriesKey][r.ProgramKey] = r
	}
}

// loadLocks reads which emergencies lock the records and series, and the lists of locked
// series with those of the records that are in them.
func (s *state) loadLocks(tx *gorm.DB, records, series map[string]bool) error {
	var some []string // without an emergency, as nearly always, nothing else is asked
	if err := tx.Model(&lockRow{}).Limit(1).Pluck("record_key", &some).Error; err != nil || len(some) == 0 {
		return err
	}
	all := maps.Clone(records)
	maps.Copy(all, series)
	if err := s.loadLocksOf(tx, all); err != nil {
		return err
	}
	listing := map[string]bool{}
	for _, part := range chunks(records) {
		var rows []*relationRow
		err := tx.Table("programs_locks AS l CROSS JOIN programs_relations AS r").Select("DISTINCT r.*"). // locks are few, and come first
															Where("l.series AND r.series_key = l.record_key").Where(db.AnyOf(tx, "r.program_key", part)).Find(&rows).Error
		if err != nil {
			return fmt.Errorf("load locked lists: %w", err)
		}
		for _, r := range rows {
			listing[r.SeriesKey] = true
		}
		s.addRelations(rows)
	}
	return s.loadLocksOf(tx, listing)
}

func (s *state) loadLocksOf(tx *gorm.DB, keys map[string]bool) error {
	for _, part := range chunks(keys) {
		var rows []lockRow
		if err := tx.Where(db.AnyOf(tx, "record_key", part)).Find(&rows).Error; err != nil {
			return fmt.Errorf("load emergency locks: %w", err)
		}
		for _, l := range rows {
			if !slices.Contains(s.locks[l.RecordKey], l.EmergencyID) {
				s.locks[l.RecordKey] = append(s.locks[l.RecordKey], l.EmergencyID)
			}
		}
	}
	return nil
}

// save writes what the rules have changed.
func (s *state) save(tx *gorm.DB) error {
	if err := s.chain(tx); err != nil {
		return fmt.Errorf("number versions: %w", err)
	}
	var fresh, changed []recordRow
	for _, id := range slices.Sorted(maps.Keys(s.dirty)) {
		if s.fresh[id] {
			fresh = append(fresh, *s.records[id])
		} else {
			changed = append(changed, *s.records[id])
		}
	}
	if err := errors.Join(db.InsertAll(tx, fresh), db.UpsertAll(tx, changed)); err != nil {
		return fmt.Errorf("save records: %w", err)
	}
	for _, part := range chunks(s.replaced) {
		if err := tx.Where(db.AnyOf(tx, "series_key", part)).Delete(&relationRow{}).Error; err != nil {
			return fmt.Errorf("replace lists of series: %w", err)
		}
	}
	var relations []relationRow
	for series := range s.replaced {
		for _, r := range s.relations[series] {
			relations = append(relations, *r)
		}
	}
	for _, r := range s.related {
		relations = append(relations, *r)
	}
	slices.SortFunc(relations, func(a, b relationRow) int {
		return cmp.Or(strings.Compare(a.SeriesKey, b.SeriesKey), strings.Compare(a.Program, b.Program))
	})
	if err := db.UpsertAll(tx, relations); err != nil {
		return fmt.Errorf("save lists of series: %w", err)
	}
	if err := db.InsertAll(tx, s.changes); err != nil {
		return fmt.Errorf("save versions: %w", err)
	}
	if err := db.UpsertAll(tx, slices.Collect(maps.Keys(s.taken))); err != nil {
		return fmt.Errorf("save play URLs of emergencies: %w", err)
	}
	return nil
}

// chain gives the new versions their positions, and each the one before it.
func (s *state) chain(tx *gorm.DB) error {
	positions, err := nextPositions(tx, len(s.changes))
	if err != nil {
		return err
	}
	for i := range s.changes {
		c := &s.changes[i]
		r := s.records[c.RecordKey]
		c.Position, c.Previous = positions[i], r.LastChange
		r.LastChange = c.Position
	}
	return nil
}

// nextPositions takes so many positions of the feed; the caller holds the write lock.
func nextPositions(tx *gorm.DB, n int) (positions []int64, err error) {
	if n == 0 {
		return nil, nil
	}
	if tx.Name() == "postgres" {
		err = tx.Raw("SELECT nextval(pg_get_serial_sequence('programs_changes', 'position')) FROM generate_series(1, ?) ORDER BY 1", n).Scan(&positions).Error
		return positions, err
	}
	var last int64
	err = tx.Model(&changeRow{}).Select("COALESCE(MAX(position), 0)").Scan(&last).Error
	for i := range n {
		positions = append(positions, last+int64(i)+1)
	}
	return positions, err
}
