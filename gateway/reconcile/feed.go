package reconcile

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/inventory"
	"github.com/yunqiao/yunqiao/internal/publicid"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

// feedName names what changes are told of.
type feedName struct{ accountID, resourceType string }

// cursor is how far a feed has been read. It is in memory only: a process that has
// none lists everything once.
type cursor struct {
	position string
	wholeAt  time.Time // when everything was listed
}

func (c *comparison) feed() feedName { return feedName{c.account.ID, c.kind.name} }

// keep stores how far the feed has been read; without a position, that it was not.
// What was left to operations is told again by the place before.
func (c *comparison) keep(next cursor) {
	if c.postponed && next.position != "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if next.position == "" {
		delete(c.cursors, c.feed())
		return
	}
	c.cursors[c.feed()] = next
}

// begin asks where changes after now will be read from; none where the driver does
// not tell them.
func (c *comparison) begin(ctx context.Context) (cursor, error) {
	if !c.account.TellsChanges(c.kind.name) {
		return cursor{}, nil
	}
	answer, err := c.changes(ctx, "")
	return cursor{position: answer.GetNextCursor(), wholeAt: c.at}, err
}

func (c *comparison) changes(ctx context.Context, position string) (*driverv1.ListChangesResponse, error) {
	answer := &driverv1.ListChangesResponse{}
	request := &driverv1.ListChangesRequest{AccountId: c.account.ID, ResourceType: c.kind.name, Cursor: position}
	return answer, c.call(ctx, driverv1.DriverService_ListChanges_FullMethodName, request, answer)
}

// follow records what changed since the feed was read last. It is not enough where
// nothing was read before, or long ago, or where the numbers do not agree.
func (c *comparison) follow(ctx context.Context) (enough bool, err error) {
	c.mu.Lock()
	last, found := c.cursors[c.feed()]
	c.mu.Unlock()
	if !found || !c.account.TellsChanges(c.kind.name) || c.at.Sub(last.wholeAt) >= c.opts.ListAfter {
		return false, nil
	}
	answer, err := c.changes(ctx, last.position)
	if sdk.ReasonOf(err) == apiv1.Reason_REASON_PARAMETER_REJECTED {
		c.keep(cursor{})
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if c.known, err = c.inventory.Known(ctx, c.account.ID, c.kind.name); err != nil {
		return false, err
	}
	there, err := c.takeChanges(ctx, answer.GetChanges())
	if err != nil {
		return false, err
	}
	if answer.Total != nil && int(answer.GetTotal()) != there {
		return false, nil
	}
	c.keep(cursor{position: answer.GetNextCursor(), wholeAt: last.wholeAt})
	return true, nil
}

// takeChanges reads what changed and records it. It returns how many resources are
// there then.
func (c *comparison) takeChanges(ctx context.Context, changes []*driverv1.Change) (there int, err error) {
	there = len(c.known)
	var ids []string
	natives, deleted := map[string]string{}, map[string]bool{}
	for _, change := range changes {
		id := publicid.Join(c.account.ID, change.GetId())
		if _, _, err := publicid.Split("id", id); err != nil {
			return 0, sdk.NewError(apiv1.Reason_REASON_DRIVER_FAULT, sdk.Cause(fmt.Errorf("a changed %s: %w", c.kind.name, err)))
		}
		if _, again := natives[id]; !again {
			ids = append(ids, id)
		}
		natives[id] = change.GetId()
		deleted[id] = deleted[id] || change.GetDeleted()
	}
	former, err := c.inventory.Former(ctx, slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return c.known[id].ID != "" }))
	if err != nil {
		return 0, err
	}
	var read []found
	var gone []inventory.Observation
	for _, id := range ids {
		f := found{id: id, native: natives[id], known: c.known[id], since: c.known[id].Sequence}
		if sequence, was := former[id]; was {
			f.since = sequence
		}
		switch {
		case !deleted[id]:
			read = append(read, f)
		case f.known.ID != "":
			there--
			gone = append(gone, c.ended(f))
		}
	}
	looked, err := c.look(ctx, read)
	if err != nil {
		return 0, err
	}
	present := make(map[string]bool, len(looked))
	for _, o := range looked {
		present[o.ID] = true
		if c.known[o.ID].ID == "" {
			there++
		}
	}
	for _, f := range read {
		if f.known.ID != "" && !present[f.id] {
			there--
			gone = append(gone, c.ended(f))
		}
	}
	return there, c.record(ctx, slices.Concat(looked, gone))
}

// ended is the observation that a resource is gone, which reading itself, or the
// driver, has said.
func (c *comparison) ended(f found) inventory.Observation {
	o := c.observation(f, "", "", nil)
	o.Gone, o.Cause = true, inventory.DeletedOutside
	return o
}
