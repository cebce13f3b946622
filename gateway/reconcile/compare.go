package reconcile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/account"
	"github.com/yunqiao/yunqiao/gateway/inventory"
	"github.com/yunqiao/yunqiao/internal/publicid"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// freshly is how long a resource that is there may be missing from listings after
// it was seen by other means: listings of some clouds lag.
const freshly = time.Minute

// batch is how many observations one transaction holds: on SQLite other writers wait
// for its end.
const batch = 100

// looks is how many resources are read by themselves at the same time.
const looks = 4

// comparison is one type of one account in one cycle.
type comparison struct {
	*Reconciler
	account   *account.Account
	kind      kind
	tally     *tally
	at        time.Time
	requestID string
	known     map[string]inventory.Known
	listed    map[string]bool
	postponed bool // something was left to operations: it must be read again
	counting  sync.Mutex
}

// found is a resource in a listing, with what is recorded of it.
type found struct {
	id, native string
	name       string
	state      string
	digest     string
	body       []byte
	known      inventory.Known // zero: not recorded as being there
	since      int32           // sequence of what is recorded
}

// run records the differences: of what the driver says has changed, where that is
// enough, and else of everything. Without an error the reading was complete, and is
// recorded as such.
func (c *comparison) run(ctx context.Context) error {
	enough, err := c.follow(ctx)
	if err == nil && !enough {
		err = c.runWhole(ctx)
	}
	if err != nil {
		return err
	}
	return c.inventory.RecordReading(ctx, c.account.ID, c.kind.name, c.at, "")
}

// runWhole lists everything. The place from which changes are read next is taken
// before, so that none is lost in between.
func (c *comparison) runWhole(ctx context.Context) error {
	next, err := c.begin(ctx)
	if err != nil {
		return err
	}
	if c.known, err = c.inventory.Known(ctx, c.account.ID, c.kind.name); err != nil {
		return err
	}
	c.listed = make(map[string]bool, len(c.known))
	if err := c.list(ctx); err != nil {
		return err
	}
	if err := c.confirmMissing(ctx); err != nil {
		return err
	}
	c.keep(next)
	return nil
}

// list reads page by page and records each before the next is read.
func (c *comparison) list(ctx context.Context) error {
	request := c.kind.list.Input.New()
	fields := request.Descriptor().Fields()
	request.Set(fields.ByName("page_size"), protoreflect.ValueOfInt32(int32(c.opts.PageSize)))
	tokens := map[string]bool{}
	for token := ""; ; {
		request.Set(fields.ByName("page_token"), protoreflect.ValueOfString(token))
		answer, err := c.invoke(ctx, c.kind.list, request.Interface())
		if err != nil {
			return err
		}
		page := answer.ProtoReflect()
		if err := c.page(ctx, page.Get(page.Descriptor().Fields().Get(0)).List()); err != nil {
			return err
		}
		next := page.Descriptor().Fields().ByName("next_page_token")
		if next == nil || page.Get(next).String() == "" {
			return nil
		}
		if token = page.Get(next).String(); tokens[token] {
			return sdk.NewError(apiv1.Reason_REASON_DRIVER_FAULT, sdk.Cause(errAgain))
		}
		tokens[token] = true
	}
}

// page sorts the resources of one page by what must be done about each.
func (c *comparison) page(ctx context.Context, list protoreflect.List) error {
	var unknown, changed []found
	var refreshed []inventory.Observation
	digests := map[string]string{}
	for i := range list.Len() {
		resource := list.Get(i).Message()
		f, err := c.find(resource)
		if err != nil {
			return err
		}
		if c.phase(f.state) == apiv1.Phase_PHASE_GONE {
			continue // as good as missing
		}
		c.listed[f.id] = true
		switch {
		case f.known.ID == "":
			unknown = append(unknown, f)
		case f.known.Listed == f.digest:
		case f.known.Differs(f.name, f.state, inventory.SpecOf(resource)):
			changed = append(changed, f)
		case f.known.Listed == "":
			digests[f.id] = f.digest
		default:
			o := c.observation(f, f.name, f.state, f.body)
			o.Partial = true
			refreshed = append(refreshed, o)
		}
	}
	discovered, err := c.discover(ctx, unknown)
	if err != nil {
		return err
	}
	looked, err := c.look(ctx, changed)
	if err != nil {
		return err
	}
	if err := c.record(ctx, slices.Concat(discovered, looked, refreshed)); err != nil {
		return err
	}
	return c.inventory.Listed(ctx, digests)
}

// find reads what a comparison needs out of a resource.
func (c *comparison) find(resource protoreflect.Message) (found, error) {
	fields := resource.Descriptor().Fields()
	native := resource.Get(fields.ByName("id")).String()
	id := publicid.Join(c.account.ID, native)
	if _, _, err := publicid.Split("id", id); err != nil {
		return found{}, sdk.NewError(apiv1.Reason_REASON_DRIVER_FAULT, sdk.Cause(fmt.Errorf("a listed %s: %w", c.kind.name, err)))
	}
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(resource.Interface())
	if err != nil {
		return found{}, err
	}
	sum := sha256.Sum256(body)
	known := c.known[id]
	return found{
		id: id, native: native, name: textOf(resource, "name"), state: c.stateOf(resource), body: body,
		digest: hex.EncodeToString(sum[:16]), known: known, since: known.Sequence,
	}, nil
}

// discover makes observations of what is not recorded. An id that was recorded
// before is looked at: the listing may be older than its end. While one of the type
// is being made whose id is not known, nothing is discovered: it may be that one.
func (c *comparison) discover(ctx context.Context, unknown []found) ([]inventory.Observation, error) {
	if len(unknown) == 0 {
		return nil, nil
	}
	ids := make([]string, len(unknown))
	for i, f := range unknown {
		ids[i] = f.id
	}
	former, err := c.inventory.Former(ctx, ids)
	if err != nil {
		return nil, err
	}
	var returned []found
	observations := make([]inventory.Observation, 0, len(unknown))
	for _, f := range unknown {
		if sequence, was := former[f.id]; was {
			f.since = sequence
			returned = append(returned, f)
			continue
		}
		observations = append(observations, c.observation(f, f.name, f.state, f.body))
	}
	looked, err := c.look(ctx, returned)
	return append(observations, looked...), err
}

// look reads resources by themselves. What is gone by then is left out: the next
// listing misses it.
func (c *comparison) look(ctx context.Context, list []found) ([]inventory.Observation, error) {
	observations := make([]inventory.Observation, len(list))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(looks)
	for i, f := range list {
		group.Go(func() error {
			resource, err := c.get(ctx, f.native)
			if err != nil || resource == nil {
				return err
			}
			body, err := proto.Marshal(resource.Interface())
			observations[i] = c.observation(f, textOf(resource, "name"), c.stateOf(resource), body)
			return err
		})
	}
	err := group.Wait()
	return slices.DeleteFunc(observations, func(o inventory.Observation) bool { return o.ID == "" }), err
}

// get reads one resource; nil if it is gone.
func (c *comparison) get(ctx context.Context, native string) (protoreflect.Message, error) {
	request := c.kind.get.Input.New()
	request.Set(request.Descriptor().Fields().ByName("id"), protoreflect.ValueOfString(native))
	answer, err := c.invoke(ctx, c.kind.get, request.Interface())
	if sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	m := answer.ProtoReflect()
	resource := m.Get(m.Descriptor().Fields().Get(0)).Message()
	if c.phase(c.stateOf(resource)) == apiv1.Phase_PHASE_GONE {
		return nil, nil
	}
	return resource, nil
}

func (c *comparison) observation(f found, name, state string, body []byte) inventory.Observation {
	return inventory.Observation{
		ID: f.id, Type: c.kind.name, AccountID: c.account.ID, Name: name, State: state, Body: body, At: c.opts.Now().UTC(),
		Source: inventory.SourceReconciler, RequestID: c.requestID, Listed: f.digest, Since: &f.since,
		Owner: inventory.Ownership{Managed: apiv1.Managed_MANAGED_DISCOVERED},
	}
}

// confirmMissing ends what the listing misses, if the cloud is well and reading the
// resource itself finds nothing. One that has been there for some time, is there still
// and is not listed by its id either means that listings of this cloud cannot be
// trusted now; this is told after all has been recorded.
func (c *comparison) confirmMissing(ctx context.Context) error {
	var missing []string
	for _, id := range slices.Sorted(maps.Keys(c.known)) {
		if !c.listed[id] {
			missing = append(missing, id)
		}
	}
	busy, _, err := c.operations.Busy(ctx, c.account.ID)
	if err != nil {
		return err
	}
	missing = slices.DeleteFunc(missing, func(id string) bool { return busy[id] })
	if len(missing) == 0 {
		return nil
	}
	if err := c.probe(ctx); err != nil {
		return err
	}
	var gone []inventory.Observation
	var changed []found
	var there []string // by their native ids
	for _, id := range missing {
		f := found{id: id, known: c.known[id], since: c.known[id].Sequence}
		if _, f.native, err = publicid.Split("id", id); err != nil {
			return err
		}
		resource, err := c.get(ctx, f.native)
		if err != nil {
			return err
		}
		switch {
		case resource == nil:
			gone = append(gone, c.ended(f))
		case c.at.Sub(f.known.ObservedAt) >= freshly:
			there = append(there, f.native)
			if f.known.Differs(textOf(resource, "name"), c.stateOf(resource), inventory.SpecOf(resource)) {
				changed = append(changed, f)
			}
		}
	}
	looked, err := c.look(ctx, changed)
	if err != nil {
		return err
	}
	if err := c.record(ctx, append(gone, looked...)); err != nil {
		return err
	}
	return c.doubt(ctx, there)
}

// doubt is the error of a listing that misses resources which are there, unless it
// shows them when they are named: some kinds are left out of lists that do not.
func (c *comparison) doubt(ctx context.Context, natives []string) error {
	request := c.kind.list.Input.New()
	named := request.Descriptor().Fields().ByName("ids")
	for part := range slices.Chunk(natives, batch) {
		shown := map[string]bool{}
		if named != nil {
			ids := request.Mutable(named).List()
			ids.Truncate(0)
			for _, native := range part {
				ids.Append(protoreflect.ValueOfString(native))
			}
			answer, err := c.invoke(ctx, c.kind.list, request.Interface())
			if err != nil {
				return err
			}
			page := answer.ProtoReflect()
			list := page.Get(page.Descriptor().Fields().Get(0)).List()
			for i := range list.Len() {
				shown[textOf(list.Get(i).Message(), "id")] = true
			}
		}
		for _, native := range part {
			if !shown[native] {
				return sdk.NewError(apiv1.Reason_REASON_CLOUD_ERROR,
					sdk.Cause(fmt.Errorf("the listing misses %s, which is there", publicid.Join(c.account.ID, native))))
			}
		}
	}
	return nil
}

// record writes what is not in the hands of an operation.
func (c *comparison) record(ctx context.Context, observations []inventory.Observation) error {
	if len(observations) == 0 {
		return nil
	}
	busy, making, err := c.operations.Busy(ctx, c.account.ID)
	if err != nil {
		return err
	}
	var discovered, changed, gone int
	observations = slices.DeleteFunc(observations, func(o inventory.Observation) bool {
		_, known := c.known[o.ID]
		if busy[o.ID] || !known && making[c.kind.name] {
			c.postponed = true
			return true
		}
		switch {
		case o.Gone:
			gone++
		case !known:
			discovered++
		case !o.Partial:
			changed++
		}
		return false
	})
	for part := range slices.Chunk(observations, batch) {
		if err := c.inventory.RecordAll(ctx, part); err != nil {
			return err
		}
	}
	c.tally.discovered, c.tally.changed, c.tally.gone = c.tally.discovered+discovered, c.tally.changed+changed, c.tally.gone+gone
	for what, n := range map[string]int{"discovered": discovered, "changed": changed, "gone": gone} {
		if n > 0 {
			c.opts.Metrics.Change(c.account.ID, what, n)
		}
	}
	return nil
}

func (c *comparison) stateOf(resource protoreflect.Message) string {
	field := resource.Descriptor().Fields().ByName("state")
	if field == nil || field.Enum() == nil {
		return ""
	}
	if value := field.Enum().Values().ByNumber(resource.Get(field).Enum()); value != nil {
		return string(value.Name())
	}
	return ""
}

func (c *comparison) phase(state string) apiv1.Phase {
	if c.kind.phases == nil {
		return apiv1.Phase_PHASE_UNSPECIFIED
	}
	return contract.Phase(c.kind.phases.Values().ByName(protoreflect.Name(state)))
}

func textOf(m protoreflect.Message, name protoreflect.Name) string {
	if field := m.Descriptor().Fields().ByName(name); field != nil && field.Kind() == protoreflect.StringKind && !field.IsList() {
		return m.Get(field).String()
	}
	return ""
}
