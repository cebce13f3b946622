package underway

import "testing"

func TestCounter(t *testing.T) {
	c := New(2)
	if !c.Begin("a") || !c.Begin("a") || c.Begin("a") || !c.Begin("b") {
		t.Error("not two of each key began")
	}
	c.End("a")
	if !c.Begin("a") {
		t.Error("none begins where one has ended")
	}
	c.End("a")
	c.End("a")
	c.End("b")
	if len(c.count) != 0 {
		t.Errorf("keys with nothing under way are kept: %v", c.count)
	}
}
