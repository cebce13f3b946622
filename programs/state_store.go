package programs

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

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
	for _, r := range s.records {
		if r.SeriesID != "" {
			series[recordKey(KindSeries, r.GroupID, r.SeriesID)] = true
		}
	}
	if err := s.loadRelations(tx, "program_key IN ?", records); err != nil {
		return nil, err
	}
	for id := range s.relations {
		series[id] = true
	}
	maps.Copy(records, series)
	if err := s.loadLocks(tx, records); err != nil {
		return nil, err
	}
	return s, s.loadLockedLists(tx, batch)
}

// loadLockedLists reads the programs of locked series whose list a message replaces.
func (s *state) loadLockedLists(tx *gorm.DB, batch []*job) error {
	locked, programs := map[string]bool{}, map[string]bool{}
	for _, j := range batch {
		m, group := j.received.Message, j.received.GroupID
		if m.Type != gyt345.SeriesAdd && m.Type != gyt345.SeriesUpdate {
			continue
		}
		id := recordKey(KindSeries, group, m.Record())
		if !s.locks[id] {
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
	if err := s.loadRelations(tx, "series_key IN ?", locked); err != nil {
		return err
	}
	for id := range locked {
		for program := range s.relations[id] {
			programs[program] = true
		}
	}
	return s.loadRecords(tx, programs)
}

// chunks divides keys for conditions with IN.
func chunks(keys map[string]bool) [][]string {
	var out [][]string
	for part := range slices.Chunk(slices.Sorted(maps.Keys(keys)), 500) {
		out = append(out, part)
	}
	return out
}

func (s *state) loadRecords(tx *gorm.DB, keys map[string]bool) error {
	for _, part := range chunks(keys) {
		var rows []*recordRow
		if err := tx.Where("id IN ?", part).Find(&rows).Error; err != nil {
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

func (s *state) loadRelations(tx *gorm.DB, condition string, keys map[string]bool) error {
	for _, part := range chunks(keys) {
		var rows []*relationRow
		if err := tx.Where(condition, part).Find(&rows).Error; err != nil {
			return fmt.Errorf("load lists of series: %w", err)
		}
		for _, r := range rows {
			if s.relations[r.SeriesKey] == nil {
				s.relations[r.SeriesKey] = map[string]*relationRow{}
			}
			s.relations[r.SeriesKey][r.ProgramKey] = r
		}
	}
	return nil
}

func (s *state) loadLocks(tx *gorm.DB, keys map[string]bool) error {
	for _, part := range chunks(keys) {
		var ids []string
		if err := tx.Model(&lockRow{}).Where("record_key IN ?", part).Pluck("record_key", &ids).Error; err != nil {
			return fmt.Errorf("load emergency locks: %w", err)
		}
		for _, id := range ids {
			s.locks[id] = true
		}
	}
	return nil
}

// save writes what the rules have changed.
func (s *state) save(tx *gorm.DB) error {
	var records []recordRow
	for _, id := range slices.Sorted(maps.Keys(s.dirty)) {
		records = append(records, *s.records[id])
	}
	if err := upsert(tx, records); err != nil {
		return fmt.Errorf("save records: %w", err)
	}
	for _, part := range chunks(s.replaced) {
		if err := tx.Where("series_key IN ?", part).Delete(&relationRow{}).Error; err != nil {
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
		return cmp.Or(strings.Compare(a.SeriesKey, b.SeriesKey), strings.Compare(a.ProgramKey, b.ProgramKey))
	})
	if err := upsert(tx, relations); err != nil {
		return fmt.Errorf("save lists of series: %w", err)
	}
	if err := insert(tx, s.changes); err != nil {
		return fmt.Errorf("save versions: %w", err)
	}
	return nil
}
