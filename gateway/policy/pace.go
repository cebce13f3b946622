package policy

import (
	"slices"
	"sync"
	"time"

	"github.com/yunqiao/yunqiao/plugin-proto/contract"
)

const (
	// leastAllowance is how long after the others an account may answer at least.
	leastAllowance = 250 * time.Millisecond
	// remembered is how many answers an account's pace is taken from.
	remembered = 32
)

// paceKey is one list of one account.
type paceKey struct {
	accountID string
	method    *contract.Method
}

// pace knows how fast accounts answer their lists, and owns the calls that are
// under way, of which some are late and nobody's any more.
type pace struct {
	calls sync.WaitGroup

	mu     sync.Mutex
	recent map[paceKey]*answers
	late   map[paceKey]*asked // one of each: it is enough to learn from
	closed bool
}

// answers are the times of the last answers.
type answers struct {
	times [remembered]time.Duration
	n     int // ever
}

// observe learns from an answer.
func (p *pace) observe(key paceKey, elapsed time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.recent == nil {
		p.recent = map[paceKey]*answers{}
	}
	a := p.recent[key]
	if a == nil {
		a = &answers{}
		p.recent[key] = a
	}
	a.times[a.n%remembered] = elapsed
	a.n++
}

// allowance is how long after the others an account may answer: four times what it
// takes in 19 cases of 20. Of a few answers the slowest is left out: it was the first.
func (p *pace) allowance(key paceKey) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.recent[key]
	if a == nil {
		return leastAllowance
	}
	times := slices.Clone(a.times[:min(a.n, remembered)])
	slices.Sort(times)
	return max(leastAllowance, 4*times[(len(times)-1)*95/100])
}

// begin runs a call that close waits for.
func (p *pace) begin(call func()) { p.calls.Go(call) }

// outlive lets a late call go on. It answers false where one of its kind does already.
func (p *pace) outlive(key paceKey, call *asked) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || call.returned || p.late[key] != nil {
		return false
	}
	if p.late == nil {
		p.late = map[paceKey]*asked{}
	}
	p.late[key] = call
	return true
}

// arrived forgets a call that has returned.
func (p *pace) arrived(key paceKey, call *asked) {
	p.mu.Lock()
	defer p.mu.Unlock()
	call.returned = true
	if p.late[key] == call {
		delete(p.late, key)
	}
}

// close ends the late calls and waits for all.
func (p *pace) close() {
	p.mu.Lock()
	p.closed = true
	for _, call := range p.late {
		call.cancel()
	}
	p.mu.Unlock()
	p.calls.Wait()
}
