package sim

import (
	"iter"
	"time"
)

// create adds a record of the caller's account in the call's region. Its tags are the
// call's parameter Tag or Tags.
func (c *call) create(k kind, id string, attrs obj) *record {
	r := &record{
		kind: k, id: id, account: c.who.account, region: c.region, created: c.now,
		attrs: attrs, tags: c.tagsOf(),
	}
	c.touch(id)
	return c.w.add(r)
}

func (c *call) tagsOf() map[string]string {
	tags := map[string]string{}
	for _, name := range []string{"Tag", "Tags"} {
		for _, t := range c.list(name) {
			if key := text(t["Key"]); key != "" {
				tags[key] = text(t["Value"])
			} else if key := text(t["TagKey"]); key != "" {
				tags[key] = text(t["TagValue"])
			} else if key := text(t["key"]); key != "" {
				tags[key] = text(t["value"])
			}
		}
	}
	return tags
}

// touch notes a resource for the trail of events.
func (c *call) touch(id string) { c.touched = append(c.touched, id) }

// find looks a record of the caller up, nil if there is none. Kinds that are global
// are found from every region.
func (c *call) find(k kind, id string) *record {
	s := c.w.records[k]
	if s == nil || id == "" {
		return nil
	}
	r := s.byID[id]
	if r == nil || !c.sees(r) {
		return nil
	}
	return r
}

func (c *call) sees(r *record) bool {
	return r.account == c.who.account && (c.anywhere || r.region == c.region || r.region == global)
}

// global is the region of records that every region shows.
const global = ""

// all are the caller's records of a kind in the region, oldest first.
func (c *call) all(k kind) iter.Seq[*record] {
	return func(yield func(*record) bool) {
		s := c.w.records[k]
		if s == nil {
			return
		}
		for _, r := range s.order {
			if c.sees(r) && !yield(r) {
				return
			}
		}
	}
}

// where are the records of a kind for which a test holds.
func (c *call) where(k kind, test func(*record) bool) []*record {
	var out []*record
	for r := range c.all(k) {
		if test(r) {
			out = append(out, r)
		}
	}
	return out
}

// with are the records of a kind whose attribute has a value.
func (c *call) with(k kind, attr, value string) []*record {
	return c.where(k, func(r *record) bool { return text(r.attrs[attr]) == value })
}

// need finds a record or answers with the first of the codes that is published.
func (c *call) need(k kind, id string, codes ...string) (*record, error) {
	if r := c.find(k, id); r != nil {
		c.touch(id)
		return r, nil
	}
	return nil, c.failOne(codes, "The specified resource %q does not exist.", id)
}

// quota refuses one resource too many of a kind; 0 is no limit.
func (c *call) quota(k kind, absent int, codes ...string) error {
	limit, ok := c.sim.faults.Quotas[string(k)]
	if !ok {
		limit = absent
	}
	if limit == 0 {
		return nil
	}
	n := 0
	for range c.all(k) {
		n++
	}
	if n >= limit {
		return c.failOne(codes, "The maximum number of %s, %d, is exceeded.", k, limit)
	}
	return nil
}

// later changes a record after the usual delay times a factor.
func (c *call) later(r *record, factor int, apply func()) {
	c.w.after(r, c.now.Add(c.sim.faults.delay()*time.Duration(factor)), apply)
}

// becomes sets the attribute after the usual delay.
func (c *call) becomes(r *record, attr, value string) {
	c.later(r, 1, func() { r.attrs[attr] = value })
}

func (r *record) str(attr string) string  { return text(r.attrs[attr]) }
func (r *record) num(attr string) int     { return number(r.attrs[attr], 0) }
func (r *record) is(attr, v string) bool  { return text(r.attrs[attr]) == v }
func (r *record) set(attr string, v any)  { r.attrs[attr] = v }
func (r *record) in(attr string) []string { return stringList(r.attrs[attr]) }

// change copies parameters that were sent to attributes: pairs of parameter and
// attribute, numbers as numbers.
func (c *call) change(r *record, pairs ...string) {
	for i := 0; i+1 < len(pairs); i += 2 {
		v, ok := c.args[pairs[i]]
		if !ok {
			continue
		}
		switch r.attrs[pairs[i+1]].(type) {
		case int:
			v = number(v, 0)
		case bool:
			v = isTrue(v)
		}
		r.attrs[pairs[i+1]] = v
	}
}
