package programs

import (
	"slices"
	"time"

	"github.com/yunqiao/yunqiao/programs/gyt345"
)

// state is what the rules look at and change: the part of the store that a batch of
// messages is about. It has no I/O.
type state struct {
	now       time.Time
	records   map[string]*recordRow              // by key
	relations map[string]map[string]*relationRow // by series key, then program key
	locks     map[string][]string                // ids of emergencies by the key of the record that they lock
	fresh     map[string]bool                    // keys of records that are not in the store
	dirty     map[string]bool                    // keys of records to be written
	changes   []changeRow                        // new versions, in their order
	replaced  map[string]bool                    // series keys whose list was replaced
	related   map[relationKey]*relationRow       // relations that a program set
	taken     map[takenRow]bool                  // play URLs that emergencies take off
}

type relationKey struct{ series, program string }

// change is why a record changed.
type change struct{ cause, msgID string }

func newState(now time.Time) *state {
	return &state{
		now: now, records: map[string]*recordRow{}, relations: map[string]map[string]*relationRow{}, locks: map[string][]string{},
		fresh: map[string]bool{}, dirty: map[string]bool{}, replaced: map[string]bool{}, related: map[relationKey]*relationRow{},
		taken: map[takenRow]bool{},
	}
}

// The outcomes of a message.
const (
	outcomeApplied   = "APPLIED"
	outcomeDuplicate = "DUPLICATE" // the msgId was known with the same content
	outcomeLate      = "LATE"      // a later message about every id had been applied
	outcomeRefused   = "REFUSED"
	outcomeConfirmed = "CONFIRMED" // outgoing
	outcomeFailed    = "FAILED"    // outgoing
)

// apply runs the rules of one message (docs/programs.md, rules 32 to 38). What it
// answers is ok in any case.
func (s *state) apply(groupID string, m *gyt345.Message) (outcome string) {
	kind := kindOf(m.Type)
	switch m.Type {
	case gyt345.SeriesAdd, gyt345.SeriesUpdate, gyt345.ProgramAdd, gyt345.ProgramUpdate:
		return s.inject(kind, groupID, m)
	case gyt345.SeriesDelete, gyt345.ProgramDelete:
		return s.each(kind, groupID, m, []string{m.Record()}, func(r *recordRow) { r.Deleted, r.Status = true, "offline" })
	default:
		return s.each(kind, groupID, m, m.Records(), func(r *recordRow) { r.Status = "offline" })
	}
}

// kindOf is what a message is about.
func kindOf(t gyt345.Type) Kind {
	switch t.Interface() {
	case gyt345.InterfaceSeries, gyt345.InterfaceSeriesOffline, gyt345.InterfaceEmergencySeriesOffline:
		return KindSeries
	default:
		return KindProgram
	}
}

func (s *state) record(kind Kind, groupID, recordID string) *recordRow {
	id := recordKey(kind, groupID, recordID)
	r := s.records[id]
	if r == nil {
		r = &recordRow{ID: id, GroupID: groupID, Kind: kind, RecordID: recordID, CreatedAt: s.now, Metadata: "{}"}
		s.records[id], s.fresh[id] = r, true
	}
	return r
}

// each changes the records that are not newer than the message.
func (s *state) each(kind Kind, groupID string, m *gyt345.Message, ids []string, do func(r *recordRow)) string {
	outcome := outcomeLate
	for _, id := range ids {
		r := s.record(kind, groupID, id)
		if m.Time < r.MsgTime {
			continue
		}
		do(r)
		s.settle(r, m)
		outcome = outcomeApplied
	}
	return outcome
}

func (s *state) inject(kind Kind, groupID string, m *gyt345.Message) string {
	r := s.record(kind, groupID, m.Record())
	if m.Time < r.MsgTime {
		return outcomeLate
	}
	data := m.Data
	list, listed := data.Member("seriesPrograms")
	text := func(name string) string { v, _ := data.Member(name); return v.Text }
	r.Known, r.Deleted = true, false
	r.Title, r.Category, r.Definition, r.Year, r.Status = text("title"), text("category"), text("definition"), text("year"), text("status")
	r.SeriesID = ""
	if kind == KindProgram {
		r.SeriesID = text("seriesId")
	}
	if kind == KindSeries && !listed {
		data = withList(data, r.Metadata)
	}
	r.Metadata = string(data.JSON())
	switch {
	case listed && kind == KindSeries:
		s.replaceList(r, list, m.ID)
	case listed:
		s.relate(groupID, list)
	}
	s.settle(r, m)
	return outcomeApplied
}

// replaceList gives a series its full new list; programs that join or leave it are
// looked at again, for it may be locked.
func (s *state) replaceList(series *recordRow, list gyt345.Value, msgID string) {
	touched := s.relations[series.ID]
	s.relations[series.ID] = map[string]*relationRow{}
	s.replaced[series.ID] = true
	for program := range touched {
		delete(s.related, relationKey{series.ID, program})
	}
	for _, item := range list.Items {
		row := newRelation(series.GroupID, item)
		s.relations[series.ID][row.ProgramKey] = row
		if len(s.locks[series.ID]) > 0 {
			s.refresh(row.ProgramKey, change{causeMessage, msgID})
		}
	}
	for program := range touched {
		s.refresh(program, change{causeMessage, msgID})
	}
}

func (s *state) relate(groupID string, item gyt345.Value) {
	row := newRelation(groupID, item)
	if s.relations[row.SeriesKey] == nil {
		s.relations[row.SeriesKey] = map[string]*relationRow{}
	}
	s.relations[row.SeriesKey][row.ProgramKey] = row
	if !s.replaced[row.SeriesKey] {
		s.related[relationKey{row.SeriesKey, row.ProgramKey}] = row
	}
}

func newRelation(groupID string, item gyt345.Value) *relationRow {
	text := func(name string) string { v, _ := item.Member(name); return v.Text }
	seq, _ := item.Member("seq")
	program := text("programId")
	return &relationRow{
		SeriesKey: recordKey(KindSeries, groupID, text("seriesId")), Program: program, ProgramKey: recordKey(KindProgram, groupID, program),
		Seq: seq.Integer, Data: string(item.JSON()),
	}
}

// settle ends a message's change of a record.
func (s *state) settle(r *recordRow, m *gyt345.Message) {
	r.MsgTime, r.MsgID, r.Withdrawn = m.Time, m.ID, false
	s.derive(r)
	s.touch(r, change{causeMessage, m.ID})
}

func (s *state) touch(r *recordRow, why change) {
	r.UpdatedAt = s.now
	r.Version++
	s.dirty[r.ID] = true
	s.take(r)
	s.changes = append(s.changes, changeRow{
		RecordKey: r.ID, Version: r.Version, GroupID: r.GroupID, Kind: r.Kind, RecordID: r.RecordID, At: s.now, Cause: why.cause, MsgID: why.msgID,
		Online: r.Online, Status: r.Status, Deleted: r.Deleted, Locked: r.Locked, Metadata: r.Metadata,
	})
}

// derive works out whether a record may be shown: an emergency lock wins over what
// the partner says.
func (s *state) derive(r *recordRow) {
	r.Locked = len(s.emergencies(r)) > 0
	online := r.Known && !r.Deleted && !r.Withdrawn && !r.Locked && r.Status == "online"
	switch {
	case online && !r.Online:
		since := s.now
		r.OnlineSince = &since
	case !online:
		r.OnlineSince = nil
	}
	r.Online = online
}

// emergencies are the ids of those that lock a record, itself or its series.
func (s *state) emergencies(r *recordRow) []string {
	ids := slices.Clone(s.locks[r.ID])
	if r.Kind != KindProgram || len(s.locks) == 0 {
		return ids
	}
	if r.SeriesID != "" {
		ids = append(ids, s.locks[recordKey(KindSeries, r.GroupID, r.SeriesID)]...)
	}
	for series, held := range s.locks {
		if s.relations[series][r.ID] != nil {
			ids = append(ids, held...)
		}
	}
	return ids
}

// refresh looks at a program again after its series changed.
func (s *state) refresh(id string, why change) {
	r := s.records[id]
	if r == nil {
		return
	}
	online, locked := r.Online, r.Locked
	s.derive(r)
	if r.Online != online || r.Locked != locked {
		s.touch(r, why)
	}
}
