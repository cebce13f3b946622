package memcloud

import (
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
)

// kind is a resource type, as in the contract: "compute.vm".
type kind string

// key addresses one record. An empty project is the cloud's own: every project
// sees it, none changes it.
type key struct {
	kind    kind
	project string
	id      string
}

// record is one resource. Once it is in a table neither it nor its message is
// ever changed: a change stores a new record. Readers may therefore keep what
// they found after the lock is gone.
type record struct {
	key
	seq     uint64            // order of creation over the whole cloud; also the marker of paging
	created time.Time         // UTC
	due     time.Time         // when the state moves by itself; zero: it stays
	fate    string            // reason of the error that the next move ends in; empty: it succeeds
	aux     map[string]string // facts that the API does not show
	msg     proto.Message
}

// table holds the records of one kind and project.
type table struct {
	byID  map[string]*record
	order []*record // by seq
}

func newTable() *table { return &table{byID: map[string]*record{}} }

func (t *table) put(r *record) {
	if _, ok := t.byID[r.id]; ok {
		t.order[t.position(r.seq)] = r
	} else {
		t.order = slices.Insert(t.order, t.position(r.seq), r)
	}
	t.byID[r.id] = r
}

func (t *table) remove(id string) {
	r, ok := t.byID[id]
	if !ok {
		return
	}
	delete(t.byID, id)
	i := t.position(r.seq)
	t.order = slices.Delete(t.order, i, i+1)
}

// position is the index of the first record whose seq is not below the given one.
func (t *table) position(seq uint64) int {
	i, _ := slices.BinarySearchFunc(t.order, seq, func(r *record, seq uint64) int {
		switch {
		case r.seq < seq:
			return -1
		case r.seq > seq:
			return 1
		default:
			return 0
		}
	})
	return i
}
