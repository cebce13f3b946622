package memcloud

import (
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// state is the state enum of a resource.
type state interface {
	comparable
	protoreflect.Enum
}

// stateful is a resource with a state.
type stateful[E state] interface {
	proto.Message
	GetState() E
}

// change is a change of a resource's state that moves by itself to its end.
type change[E state] struct {
	from  []E
	via   E
	to    E // being there already is success; unspecified: the change can be repeated
	delay time.Duration
}

// begin makes a resource move. One that is on its way or there already stays as it is.
func begin[T stateful[E], E state](v *view, c collection[T], id string, ch change[E]) (E, error) {
	r, resource, err := c.get(v, id)
	if err != nil {
		return ch.via, err
	}
	now := resource.GetState()
	if now == ch.via || now == ch.to {
		return now, nil
	}
	if err := inState(r, now, ch.from...); err != nil {
		return now, err
	}
	move(v, c, r, ch.via, ch.delay)
	return ch.via, nil
}

// remove is begin for a deletion: absent is success, and the state then gone.
func remove[T stateful[E], E state](v *view, c collection[T], id string, gone E, ch change[E]) (E, error) {
	if _, _, ok := c.find(v, id); !ok {
		return gone, nil
	}
	return begin(v, c, id, ch)
}

// move puts a resource into a state that ends by itself.
func move[T proto.Message](v *view, c collection[T], r *record, via protoreflect.Enum, delay time.Duration) {
	r, resource := c.edit(v, r)
	setState(resource, via)
	v.after(r, delay)
}

// removeOf removes, at once, the project's resources for which gone is true.
func removeOf[T proto.Message](v *view, c collection[T], gone func(T) bool) {
	var doomed []*record
	for r, resource := range c.mine(v) {
		if gone(resource) {
			doomed = append(doomed, r)
		}
	}
	for _, r := range doomed {
		v.remove(r.key)
	}
}
