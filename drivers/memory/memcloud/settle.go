package memcloud

import (
	"container/heap"
	"time"
)

// settler moves a resource whose time has come to its next state. It may change
// other resources, and sets a new due time if there is a further move.
type settler func(*view, *record)

// dueQueue is the resources whose state will move by itself, the next one
// first. Entries of records that were changed since are stale and skipped.
type dueQueue []dueEntry

type dueEntry struct {
	at  int64 // Unix nanoseconds
	seq uint64
	key key
}

func (q dueQueue) Len() int { return len(q) }
func (q dueQueue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].seq < q[j].seq
}
func (q dueQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Push is for container/heap.
func (q *dueQueue) Push(x any) { *q = append(*q, x.(dueEntry)) }

// Pop is for container/heap.
func (q *dueQueue) Pop() any {
	old := *q
	last := old[len(old)-1]
	*q = old[:len(old)-1]
	return last
}

func (q *dueQueue) add(r *record) {
	if !r.due.IsZero() {
		heap.Push(q, dueEntry{r.due.UnixNano(), r.seq, r.key})
	}
}

func (q *dueQueue) first() int64 {
	if len(*q) == 0 {
		return 0
	}
	return (*q)[0].at
}

// settleBefore makes a reader see every move that is due. It costs one atomic
// load when there is none.
func (c *Cloud) settleBefore(now time.Time) error {
	if c.closed.Load() {
		return unavailable()
	}
	if due := c.nextDue.Load(); due == 0 || due > now.UnixNano() {
		return nil
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	c.settle(now)
	return nil
}

// settle makes all moves due by now, in order. They are not written to the file
// by themselves: they follow from what is there, and go along with the next
// write. The caller holds writing.
func (c *Cloud) settle(now time.Time) {
	for len(c.moves) > 0 && c.moves[0].at <= now.UnixNano() {
		entry := heap.Pop(&c.moves).(dueEntry)
		r := c.stored(entry.key)
		if r == nil || r.due.IsZero() || r.due.UnixNano() != entry.at {
			continue
		}
		v := &view{cloud: c, project: r.project, now: r.due, knobs: c.knobs.Load(), changes: newChanges()}
		mine := v.edit(r)
		mine.due = time.Time{}
		settlers(r.kind)(v, mine)
		if c.store != nil {
			for _, k := range v.changes.touched {
				c.unsaved[k] = struct{}{}
			}
		}
		c.apply(v.changes)
	}
	c.nextDue.Store(c.moves.first())
}
