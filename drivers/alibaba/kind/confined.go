package kind

import (
	"slices"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
)

// confined is a caller whose rights hold in one resource group only. What the cloud shows
// it of the default group beside is not for it.
type confined interface {
	// ConfinedTo is the group; empty: it is not confined.
	ConfinedTo() string
}

// forCaller leaves out what is not for a confined caller.
func (k Kind[T]) forCaller(caller api.Caller, items []T) []T {
	c, ok := caller.(confined)
	if !ok || c.ConfinedTo() == "" || k.Group == nil {
		return items
	}
	return slices.DeleteFunc(items, func(v T) bool { return k.Group(&v) != c.ConfinedTo() })
}
