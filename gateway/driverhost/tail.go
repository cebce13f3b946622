package driverhost

import (
	"slices"
	"sync"
	"time"
)

const (
	keptLines  = 1000
	keptEvents = 100
)

// LogLine is one line that a driver has printed.
type LogLine struct {
	At   time.Time
	Text string
}

// Event is a change of a driver's state.
type Event struct {
	At    time.Time
	State State
	Text  string // why; empty where the state says all
}

// tail keeps the last of what happens to a driver, over the ends of its processes.
type tail struct {
	mu     sync.Mutex
	lines  []LogLine
	events []Event
}

func (t *tail) line(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = last(append(t.lines, LogLine{time.Now().UTC(), text}), keptLines)
}

func (t *tail) event(state State, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.events); n > 0 && text == "" && t.events[n-1].State == state {
		return
	}
	t.events = last(append(t.events, Event{time.Now().UTC(), state, text}), keptEvents)
}

func last[T any](all []T, n int) []T {
	if len(all) > 2*n {
		return slices.Clone(all[len(all)-n:])
	}
	return all
}

// Log returns the last lines that the driver's processes have printed, at most n,
// the oldest first. The gateway keeps 1000; its own log has all.
func (d *Driver) Log(n int) []LogLine {
	d.tail.mu.Lock()
	defer d.tail.mu.Unlock()
	return slices.Clone(d.tail.lines[max(0, len(d.tail.lines)-min(n, keptLines)):])
}

// Events returns the last changes of the driver's state, at most 100, the oldest first.
func (d *Driver) Events() []Event {
	d.tail.mu.Lock()
	defer d.tail.mu.Unlock()
	return slices.Clone(d.tail.events[max(0, len(d.tail.events)-keptEvents):])
}
