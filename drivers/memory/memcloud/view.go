package memcloud

import (
	"iter"
	"maps"
	"time"

	"google.golang.org/protobuf/proto"
)

// view is the cloud as one project sees it at one moment. With changes it also
// sees, and collects, what a write has not stored yet.
type view struct {
	cloud   *Cloud
	project string
	now     time.Time
	knobs   *knobSet
	changes *changes
}

// changes are the records that a write puts or, where nil, removes.
type changes struct {
	records map[key]*record
	touched []key // in the order of first touch
}

func (v *view) lookup(k key) *record {
	if v.changes != nil {
		if r, ok := v.changes.records[k]; ok {
			return r
		}
	}
	t := v.cloud.tables[k.kind][k.project]
	if t == nil {
		return nil
	}
	return t.byID[k.id]
}

// find looks a record up in the project, then among the cloud's own.
func (v *view) find(kind kind, id string) *record {
	if r := v.lookup(key{kind, v.project, id}); r != nil {
		return r
	}
	return v.lookup(key{kind, "", id})
}

// all yields the cloud's own records of a kind, then the project's, each in
// order of creation.
func (v *view) all(kind kind) iter.Seq[*record] {
	return func(yield func(*record) bool) {
		if v.project != "" && !v.each(kind, "", yield) {
			return
		}
		v.each(kind, v.project, yield)
	}
}

func (v *view) each(kind kind, project string, yield func(*record) bool) bool {
	if t := v.cloud.tables[kind][project]; t != nil {
		for _, r := range t.order {
			if v.changes != nil {
				if changed, ok := v.changes.records[r.key]; ok {
					r = changed
				}
			}
			if r != nil && !yield(r) {
				return false
			}
		}
	}
	if v.changes == nil {
		return true
	}
	for _, k := range v.changes.touched {
		if k.kind != kind || k.project != project {
			continue
		}
		if t := v.cloud.tables[kind][project]; t != nil && t.byID[k.id] != nil {
			continue
		}
		if r := v.changes.records[k]; r != nil && !yield(r) {
			return false
		}
	}
	return true
}

func (v *view) put(r *record) {
	if _, ok := v.changes.records[r.key]; !ok {
		v.changes.touched = append(v.changes.touched, r.key)
	}
	v.changes.records[r.key] = r
}

// edit returns a record of the write's own, which may be changed in place.
func (v *view) edit(r *record) *record {
	if mine := v.changes.records[r.key]; mine != nil {
		return mine
	}
	c := *r
	c.msg = proto.Clone(r.msg)
	c.aux = maps.Clone(r.aux)
	if c.aux == nil {
		c.aux = map[string]string{}
	}
	v.put(&c)
	return &c
}

func (v *view) remove(k key) {
	if _, ok := v.changes.records[k]; !ok {
		v.changes.touched = append(v.changes.touched, k)
	}
	v.changes.records[k] = nil
}

// after sets when the record's state moves by itself.
func (v *view) after(r *record, d time.Duration) {
	r.due = v.now.Add(v.knobs.scaled(d))
}

// everywhere runs fn on the records of a kind in all projects.
func (v *view) everywhere(kind kind, fn func(*record)) {
	seen := map[string]bool{}
	visit := func(project string) {
		if !seen[project] {
			seen[project] = true
			v.each(kind, project, func(r *record) bool { fn(r); return true })
		}
	}
	for project := range v.cloud.tables[kind] {
		visit(project)
	}
	visit(v.project)
}
