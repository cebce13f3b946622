package programs

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/programs/gyt345"
)

// index holds the texts of all records in memory (about a kilobyte each), so that any
// field and any part of a text is searched without an index of each in the database.
// Every search first reads the changes since the last one: what has been answered ok is
// found, on every replica.
type index struct {
	store *db.Store

	mu       sync.RWMutex
	loaded   bool
	position int64 // of the last change that is in it
	byID     map[string]*entry
	sorted   []*entry // by falling id
}

// entry is a record as searches need it.
type entry struct {
	id                   string
	kind                 Kind
	group, recordID      string
	category, definition string
	online               bool
	text, long           string // see searchTexts
}

// query is what a search asks for; empty: anything.
type query struct {
	kind                                         Kind
	group, recordID, category, definition, title string
	online                                       string // "true", "false"
	texts, longs                                 []part // all must be in the texts
	before                                       string // id
}

// part is a field with its value; the value alone is looked for first, for it is rarer
// than what every text has around it.
type part struct{ word, whole string }

const indexChunk = 2000 // rows read in one go

// catchUp brings the index to the newest change.
func (x *index) catchUp(ctx context.Context) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.loaded {
		if err := x.load(ctx); err != nil {
			return err
		}
		x.loaded = true
	}
	for {
		var rows []changeRow
		err := x.store.Read.WithContext(ctx).Where("position > ?", x.position).Order("position").Limit(indexChunk).Find(&rows).Error
		if err != nil {
			return fmt.Errorf("read changes for searches: %w", err)
		}
		if len(rows) == 0 {
			return nil
		}
		var fresh []*entry
		for i := range rows {
			r := &rows[i]
			x.position = r.Position
			if e := x.put(r.RecordKey, r.Kind, r.GroupID, r.RecordID, r.Status, r.Online, r.Metadata); e != nil {
				fresh = append(fresh, e)
			}
		}
		x.merge(fresh)
		if len(rows) < indexChunk {
			return nil
		}
	}
}

// load reads all records, and notes a position from before. What an earlier one that
// failed has read is read again.
func (x *index) load(ctx context.Context) error {
	x.byID, x.sorted = map[string]*entry{}, nil
	tx := x.store.Read.WithContext(ctx)
	if err := tx.Model(&changeRow{}).Select("COALESCE(MAX(position), 0)").Scan(&x.position).Error; err != nil {
		return fmt.Errorf("load the index: %w", err)
	}
	last := ""
	for {
		var rows []recordRow
		if err := x.store.Read.WithContext(ctx).Where("id > ?", last).Order("id").Limit(indexChunk).Find(&rows).Error; err != nil {
			return fmt.Errorf("load the index: %w", err)
		}
		if len(rows) == 0 {
			break
		}
		for i := range rows {
			r := &rows[i]
			last = r.ID
			if e := x.put(r.ID, r.Kind, r.GroupID, r.RecordID, r.Status, r.Online, r.Metadata); e != nil {
				x.sorted = append(x.sorted, e)
			}
		}
	}
	slices.Reverse(x.sorted)
	return nil
}

// put notes a record and gives its entry if it is new. One of which nothing but an
// offline or delete has come has no metadata, and is not found.
func (x *index) put(id string, kind Kind, group, recordID, status string, online bool, metadata string) *entry {
	data, err := gyt345.Parse([]byte(metadata))
	if err != nil || len(data.Members) == 0 {
		return nil
	}
	text := func(name string) string { // a copy, for it is a part of the whole metadata
		v, _ := data.Member(name)
		return strings.Clone(v.Text)
	}
	e := x.byID[id]
	isNew := e == nil
	if isNew {
		e = &entry{id: id, kind: kind, group: group, recordID: recordID}
		x.byID[id] = e
	}
	e.category, e.definition, e.online = text("category"), text("definition"), online
	e.text, e.long = searchTexts(data, status)
	if isNew {
		return e
	}
	return nil
}

func descending(a, b *entry) int { return strings.Compare(b.id, a.id) }

// merge adds new entries to the sorted ones.
func (x *index) merge(fresh []*entry) {
	if len(fresh) == 0 {
		return
	}
	slices.SortFunc(fresh, descending)
	out := make([]*entry, 0, len(x.sorted)+len(fresh))
	i := 0
	for _, e := range fresh {
		for i < len(x.sorted) && x.sorted[i].id > e.id {
			out = append(out, x.sorted[i])
			i++
		}
		out = append(out, e)
	}
	x.sorted = append(out, x.sorted[i:]...)
}

// find gives the ids of the first entries that a query matches; a limit below 0 is none.
func (x *index) find(q query, limit int) []string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	from := 0
	if q.before != "" {
		var found bool
		from, found = slices.BinarySearchFunc(x.sorted, &entry{id: q.before}, descending)
		if found {
			from++
		}
	}
	var ids []string
	for _, e := range x.sorted[from:] {
		if !q.matches(e) {
			continue
		}
		if ids = append(ids, e.id); len(ids) == limit {
			break
		}
	}
	return ids
}

func (q *query) matches(e *entry) bool {
	if e.kind != q.kind || q.group != "" && e.group != q.group || q.recordID != "" && e.recordID != q.recordID ||
		q.category != "" && e.category != q.category || q.definition != "" && e.definition != q.definition ||
		q.online != "" && e.online != (q.online == "true") {
		return false
	}
	if q.title != "" && !strings.Contains(titleOf(e.text), q.title) {
		return false
	}
	return containsAll(e.text, q.texts) && containsAll(e.long, q.longs)
}

func containsAll(text string, parts []part) bool {
	for _, p := range parts {
		if !strings.Contains(text, p.word) || !strings.Contains(text, p.whole) {
			return false
		}
	}
	return true
}

// titleOf finds the title, which stands second in every table.
func titleOf(text string) string {
	_, rest, _ := strings.Cut(text, "\ntitle\t")
	title, _, _ := strings.Cut(rest, "\n")
	return title
}
