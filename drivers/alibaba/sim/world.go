package sim

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// world is everything that the cloud knows; Sim.mu guards it.
type world struct {
	rnd         *rand.Rand
	seq         int
	accounts    map[string]*account
	credentials map[string]*credential
	nonces      map[string]time.Time // by key and nonce, until when it is remembered
	nextSweep   time.Time
	records     map[kind]*shelf
	moving      map[*record]struct{}
	tokens      map[string]*remembered
	buckets     map[string]*bucket
	trail       []event
	counts      map[string]int
	notes       map[string]int
	addresses   int
	released    map[string]bool // services that are there by default and were given back
	now         time.Time       // of the call that is being served
}

// kind is a kind of resource: what its records have in common.
type kind string

// shelf is the records of a kind, by id and in the order of creation.
type shelf struct {
	byID  map[string]*record
	order []*record
	past  []*record // those that have gone, for bills
}

// record is one resource.
type record struct {
	kind    kind
	id      string
	account *account
	region  string
	seq     int
	created time.Time
	attrs   obj               // by the published names of answers
	tags    map[string]string //
	steps   []step            // state changes to come, by time
	gone    bool
	ended   time.Time
}

// step is a state change at a time.
type step struct {
	at    time.Time
	apply func()
}

// obj is a JSON object.
type obj = map[string]any

func newWorld(o Options) *world {
	w := &world{
		rnd:         rand.New(rand.NewPCG(o.Seed, o.Seed)), //nolint:gosec // identifiers of a simulated cloud
		accounts:    map[string]*account{},
		credentials: map[string]*credential{},
		nonces:      map[string]time.Time{},
		records:     map[kind]*shelf{},
		moving:      map[*record]struct{}{},
		tokens:      map[string]*remembered{},
		buckets:     map[string]*bucket{},
		released:    map[string]bool{},
		counts:      map[string]int{},
		notes:       map[string]int{},
	}
	for _, a := range o.Accounts {
		w.addAccount(a)
	}
	return w
}

const alphanumeric = "0123456789abcdefghijklmnopqrstuvwxyz"

// word makes random lower-case letters and digits.
func (w *world) word(n int) string {
	var b strings.Builder
	for range n {
		b.WriteByte(alphanumeric[w.rnd.IntN(len(alphanumeric))])
	}
	return b.String()
}

// digits makes a random number of n digits that does not begin with 0.
func (w *world) digits(n int) string {
	var b strings.Builder
	for i := range n {
		low := 0
		if i == 0 {
			low = 1
		}
		b.WriteByte(byte('0' + low + w.rnd.IntN(10-low)))
	}
	return b.String()
}

// id makes an identifier as the cloud does: prefix, the region's letters, a word.
func (w *world) id(prefix string) string { return prefix + "bp1" + w.word(17) }

// kinds are those of which there ever was a record, in a fixed order.
func (w *world) kinds() []kind { return slices.Sorted(maps.Keys(w.records)) }

func (w *world) accountIDs() []string { return slices.Sorted(maps.Keys(w.accounts)) }

func (w *world) add(r *record) *record {
	s := w.records[r.kind]
	if s == nil {
		s = &shelf{byID: map[string]*record{}}
		w.records[r.kind] = s
	}
	w.seq++
	r.seq = w.seq
	s.byID[r.id] = r
	s.order = append(s.order, r)
	return r
}

func (w *world) remove(r *record) {
	s := w.records[r.kind]
	if r.gone || s == nil {
		return
	}
	r.gone, r.ended = true, w.now
	if hourlyOf(r) > 0 {
		s.past = append(s.past, r)
	}
	delete(s.byID, r.id)
	delete(w.moving, r)
	if i, ok := slices.BinarySearchFunc(s.order, r.seq, func(a *record, seq int) int { return a.seq - seq }); ok {
		s.order = slices.Delete(s.order, i, i+1)
	}
}

// everOf are the records of a kind, and those that have gone and cost something.
func (w *world) everOf(k kind) []*record {
	s := w.records[k]
	if s == nil {
		return nil
	}
	return append(slices.Clone(s.past), s.order...)
}

// after plans a state change of a record; changes of one record happen in order.
func (w *world) after(r *record, at time.Time, apply func()) {
	if n := len(r.steps); n > 0 && r.steps[n-1].at.After(at) {
		at = r.steps[n-1].at
	}
	r.steps = append(r.steps, step{at, apply})
	w.moving[r] = struct{}{}
}

// settle makes all state changes that are due, oldest record first.
func (w *world) settle(now time.Time) {
	if len(w.moving) == 0 {
		return
	}
	var due []*record
	for r := range w.moving {
		if !r.steps[0].at.After(now) {
			due = append(due, r)
		}
	}
	slices.SortFunc(due, func(a, b *record) int { return a.seq - b.seq })
	for _, r := range due {
		for !r.gone && len(r.steps) > 0 && !r.steps[0].at.After(now) {
			s := r.steps[0]
			r.steps = r.steps[1:]
			s.apply()
		}
		if len(r.steps) == 0 {
			delete(w.moving, r)
		}
	}
}
