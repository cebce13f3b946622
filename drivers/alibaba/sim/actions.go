package sim

// finder finds the record that a call is about, or says why there is none.
type finder func(*call) (*record, error)

// showing makes an action that answers with the record that is found.
func showing(find finder) handler {
	return func(c *call) (obj, error) {
		r, err := find(c)
		if err != nil {
			return nil, err
		}
		return c.show(r, ""), nil
	}
}

// changing makes an action that copies parameters to attributes of the record that is
// found: pairs as of [call.change].
func changing(find finder, pairs ...string) handler {
	return func(c *call) (obj, error) {
		r, err := find(c)
		if err != nil {
			return nil, err
		}
		c.change(r, pairs...)
		return obj{}, nil
	}
}

// removing makes an action that takes the record that is found away.
func removing(find finder) handler {
	return func(c *call) (obj, error) {
		r, err := find(c)
		if err != nil {
			return nil, err
		}
		c.w.remove(r)
		return obj{}, nil
	}
}

// listing makes an action that lists the records of a kind at a path, those that match
// the parameters of the given names as of [call.selected].
func listing(path string, k kind, names ...string) handler {
	return func(c *call) (obj, error) { return c.listed(path, c.selected(k, names...)) }
}
