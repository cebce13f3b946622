package metering

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Kind is what an event says of a resource.
type Kind string

// The kinds of events that metering reads.
const (
	StateChanged Kind = "ResourceStateChanged"
	Discovered   Kind = "ResourceDiscovered"
	SpecChanged  Kind = "ResourceSpecChanged"
	Gone         Kind = "ResourceGone"
	OwnerChanged Kind = "ResourceOwnerChanged"
	Sampled      Kind = "UsageSampled"
)

// Event is one event of one resource.
type Event struct {
	ID           string
	Kind         Kind
	ResourceID   string
	ResourceType string
	AccountID    string
	TenantID     string // as the event says; of the resource at its time
	ActorID      string
	Source       string
	Sequence     int32
	At           time.Time
	State        string            // after the event; "" unchanged
	Spec         map[string]string // after the event; nil unchanged
	FromTenant   string            // of OwnerChanged
	Since        time.Time         // of OwnerChanged: from when on
	Samples      []Sample          // of Sampled
}

// Effective is the time from which on the event may change what usage was.
func (e *Event) Effective() time.Time {
	if e.Kind == OwnerChanged && e.Since.Before(e.At) {
		return e.Since
	}
	return e.At
}

// Sample is a count in a window of time.
type Sample struct {
	Meter    string    `json:"meter"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Quantity string    `json:"quantity"` // decimal text
	EventID  string    `json:"-"`
}

// Segment is usage: one state, spec and owner from From to before To, both whole
// seconds.
type Segment struct {
	From, To       time.Time
	State          string
	Spec           map[string]string
	OrganizationID string
	Unmanaged      bool   // seen at the cloud and not made by us
	FirstEvent     string // that began it
	LastEvent      string // that ended it; "" while it goes on
}

// Phases tells whether a state of a resource type is metered.
type Phases interface {
	// Phase of a state. States that nobody knows are settled, so that their usage
	// is seen rather than lost.
	Phase(resourceType, state string) Phase
}

// Phase is what a state means to metering.
type Phase int

// The phases.
const (
	Settled   Phase = iota // metered
	Transient              // metered as the settled state before it
	Idle                   // failed or gone: not metered
)

// Order sorts the events of a resource by when they were true. Where the time is
// the same the resource's own sequence decides.
func Order(events []Event) {
	slices.SortFunc(events, func(a, b Event) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Sequence, b.Sequence), strings.Compare(a.ID, b.ID))
	})
}

// ownership is who owns a resource from a time on.
type ownership struct {
	from           time.Time
	organizationID string
}

// owners reads who owned the resource when. What is recorded later is right about
// all time from its date on.
func owners(events []Event) []ownership {
	bySequence := slices.Clone(events)
	slices.SortStableFunc(bySequence, func(a, b Event) int { return cmp.Compare(a.Sequence, b.Sequence) })
	var steps []ownership
	for n, e := range bySequence {
		if n == 0 {
			first := e.TenantID
			if e.Kind == OwnerChanged {
				first = e.FromTenant
			}
			steps = append(steps, ownership{organizationID: first})
		}
		if e.Kind != OwnerChanged {
			continue
		}
		at := e.Since.Truncate(time.Second)
		steps = slices.DeleteFunc(steps, func(s ownership) bool { return !s.from.IsZero() && !s.from.Before(at) })
		steps = append(steps, ownership{at, e.TenantID})
	}
	return steps
}

// Timeline is the usage of one resource until a time, from its events in order.
// Segments do not overlap and are in order.
func Timeline(events []Event, phases Phases, until time.Time) []Segment {
	if len(events) == 0 {
		return nil
	}
	w := walker{phases: phases, resourceType: events[0].ResourceType}
	w.begin(events)
	for n := range events {
		w.step(&events[n])
	}
	w.close(until.Truncate(time.Second), "")
	return splitByOwner(w.out, owners(events))
}

type walker struct {
	phases       Phases
	resourceType string
	open         bool
	current      Segment // From, State, Spec, FirstEvent of what is open
	state        string  // last settled
	spec         map[string]string
	unmanaged    bool
	out          []Segment
}

// begin lets a resource that was adopted count from the date that finance gave,
// if that is before it was first seen.
func (w *walker) begin(events []Event) {
	first := events[0]
	if first.Kind != Discovered && first.Kind != OwnerChanged {
		return
	}
	w.unmanaged = true
	since := time.Time{}
	for _, e := range events {
		if e.Kind == OwnerChanged && e.Since.Before(first.At) && (since.IsZero() || e.Since.Before(since)) {
			since = e.Since
		}
	}
	if since.IsZero() {
		return
	}
	first.At = since
	w.step(&first)
}

func (w *walker) step(e *Event) {
	if e.Kind == Sampled {
		return
	}
	if e.Spec != nil {
		w.spec = e.Spec
	}
	phase := Settled
	if e.Kind == Gone {
		phase = Idle
	} else if e.State != "" {
		phase = w.phases.Phase(w.resourceType, e.State)
	} else if !w.open {
		return
	}
	at := e.At.Truncate(time.Second)
	switch {
	case phase == Idle:
		w.close(at, e.ID)
		w.state = ""
		return
	case phase == Transient && w.state == "":
		return // still being made
	case phase == Settled && e.State != "":
		w.state = e.State
	}
	if w.open && w.current.State == w.state && sameSpec(w.current.Spec, w.spec) {
		return
	}
	w.close(at, e.ID)
	w.open = true
	w.current = Segment{From: at, State: w.state, Spec: w.spec, Unmanaged: w.unmanaged, FirstEvent: e.ID}
}

func (w *walker) close(at time.Time, eventID string) {
	if w.open && w.current.From.Before(at) {
		w.current.To, w.current.LastEvent = at, eventID
		w.out = append(w.out, w.current)
	}
	w.open = false
}

func sameSpec(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for key, value := range a {
		if other, ok := b[key]; !ok || other != value {
			return false
		}
	}
	return true
}

// splitByOwner cuts segments where the owner changes.
func splitByOwner(segments []Segment, steps []ownership) []Segment {
	out := make([]Segment, 0, len(segments))
	for _, s := range segments {
		for n, step := range steps {
			part := s
			if part.From.Before(step.from) {
				part.From = step.from
			}
			if n+1 < len(steps) && steps[n+1].from.Before(part.To) {
				part.To = steps[n+1].from
			}
			if part.From.Before(part.To) {
				part.OrganizationID = step.organizationID
				out = append(out, part)
			}
		}
	}
	return out
}

// Samples are the counts of a resource, each window once: of two that say the same
// meter and beginning, the later event is right.
func Samples(events []Event) []Sample {
	var out []Sample
	at := map[string]int{}
	for _, e := range events {
		for _, s := range e.Samples {
			s.EventID = e.ID
			key := s.Meter + "\x00" + s.From.UTC().Format(time.RFC3339Nano)
			if n, ok := at[key]; ok {
				out[n] = s
				continue
			}
			at[key] = len(out)
			out = append(out, s)
		}
	}
	return out
}

// OwnerAt is who owned a resource at a time, from its events.
func OwnerAt(events []Event, at time.Time) string {
	owner := ""
	for _, step := range owners(events) {
		if !step.from.After(at) {
			owner = step.organizationID
		}
	}
	return owner
}

// SpecAt is the spec of a resource at a time, from its events in order; nil: none is known.
func SpecAt(events []Event, at time.Time) (spec map[string]string) {
	for n := range events {
		if !events[n].At.After(at) && events[n].Spec != nil {
			spec = events[n].Spec
		}
	}
	return spec
}

// SpecAround is the spec of a resource before an event, from its events in order, and
// when the next event after it tells one; nil and zero: none does.
func SpecAround(events []Event, eventID string) (before map[string]string, until time.Time) {
	found := false
	for n := range events {
		switch e := &events[n]; {
		case e.ID == eventID:
			found = true
		case e.Spec == nil:
		case found:
			return before, e.At
		default:
			before = e.Spec
		}
	}
	return before, until
}

// SpecText is a spec as JSON with sorted keys.
func SpecText(spec map[string]string) string {
	if len(spec) == 0 {
		return "{}"
	}
	text, err := json.Marshal(spec)
	if err != nil { // strings only
		return "{}"
	}
	return string(text)
}
