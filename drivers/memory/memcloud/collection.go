package memcloud

import (
	"iter"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// collection is the typed access to the records of one kind.
type collection[T proto.Message] struct {
	kind   kind
	prefix string // of native ids: "vm-"
}

// get finds the resource that a call is about, or answers NOT_FOUND.
func (c collection[T]) get(v *view, id string) (*record, T, error) {
	r := v.find(c.kind, id)
	if r == nil {
		var none T
		return nil, none, sdk.NotFound(string(c.kind), id, nil)
	}
	return r, r.msg.(T), nil
}

// own is get for a call that changes the resource: what belongs to the cloud
// itself is refused.
func (c collection[T]) own(v *view, id string) (*record, T, error) {
	r, msg, err := c.get(v, id)
	if err == nil && r.project != v.project {
		err = sdk.NewError(apiv1.Reason_REASON_CLOUD_PERMISSION_DENIED, sdk.Resource(string(c.kind), id))
	}
	return r, msg, err
}

// ref finds a resource that a field of the request names, or answers
// REFERENCE_NOT_FOUND with the field.
func (c collection[T]) ref(v *view, field, id string) (*record, T, error) {
	r := v.find(c.kind, id)
	if r == nil {
		var none T
		return nil, none, sdk.NewError(apiv1.Reason_REASON_REFERENCE_NOT_FOUND,
			sdk.Field(field), sdk.Resource(string(c.kind), id))
	}
	return r, r.msg.(T), nil
}

// find is get where absence is no error.
func (c collection[T]) find(v *view, id string) (*record, T, bool) {
	if r := v.find(c.kind, id); r != nil {
		return r, r.msg.(T), true
	}
	var none T
	return nil, none, false
}

// all yields what the project sees, the cloud's own first.
func (c collection[T]) all(v *view) iter.Seq2[*record, T] {
	return func(yield func(*record, T) bool) {
		for r := range v.all(c.kind) {
			if !yield(r, r.msg.(T)) {
				return
			}
		}
	}
}

// mine yields what the project owns.
func (c collection[T]) mine(v *view) iter.Seq2[*record, T] {
	return func(yield func(*record, T) bool) {
		v.each(c.kind, v.project, func(r *record) bool { return yield(r, r.msg.(T)) })
	}
}

// count counts what the project owns.
func (c collection[T]) count(v *view) int {
	n := 0
	for range c.mine(v) {
		n++
	}
	return n
}

// add stores a new resource under a new id.
func (c collection[T]) add(v *view, msg T) (*record, T) {
	return c.addAs(v, v.cloud.newID(c.prefix), msg)
}

// addAs stores a new resource under the given id.
func (c collection[T]) addAs(v *view, id string, msg T) (*record, T) {
	r := &record{
		key:     key{c.kind, v.project, id},
		seq:     v.cloud.nextSeq(),
		created: v.now,
		fate:    v.knobs.fate(c.kind, nameOf(msg)),
		aux:     map[string]string{},
		msg:     msg,
	}
	setString(msg, "id", id)
	setString(msg, "region_id", v.cloud.region)
	setTime(msg, "created_at", timestamppb.New(v.now))
	v.put(r)
	return r, msg
}

// edit returns a copy of the resource that may be changed in place; storing the
// write stores it.
func (c collection[T]) edit(v *view, r *record) (*record, T) {
	mine := v.edit(r)
	setTime(mine.msg, "updated_at", timestamppb.New(v.now))
	return mine, mine.msg.(T)
}

// blockers names the resources for which uses is true, as an error does.
func (c collection[T]) blockers(v *view, uses func(T) bool) []string {
	var named []string
	for r, msg := range c.mine(v) {
		if uses(msg) {
			named = append(named, c.blocker(r.id))
		}
	}
	return named
}

// blocker is how an error names a resource that is in the way.
func (c collection[T]) blocker(id string) string { return string(c.kind) + "/" + id }
