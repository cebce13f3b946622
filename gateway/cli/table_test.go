package cli

import (
	"testing"

	"github.com/yunqiao/yunqiao/plugin-proto/contract"
)

// TestChosenColumns: each is a field of a message that some rpc lists.
func TestChosenColumns(t *testing.T) {
	c, err := contract.Linked()
	if err != nil {
		t.Fatal(err)
	}
	left := map[string]bool{}
	for name := range chosen {
		left[string(name)] = true
	}
	for _, m := range c.Methods {
		list := mainList(m.Output.New())
		if list == nil {
			continue
		}
		delete(left, string(list.Message().FullName()))
		for _, column := range chosen[list.Message().FullName()] {
			if list.Message().Fields().ByName(column) == nil {
				t.Errorf("%s has no %s", list.Message().FullName(), column)
			}
		}
	}
	for name := range left {
		t.Errorf("no rpc lists %s", name)
	}
}
