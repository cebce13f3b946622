package kind

import (
	"maps"
	"slices"
)

// MaxBlockers bounds how many blockers an IN_USE names.
const MaxBlockers = 10

// Blocker names a resource that another one cannot go before.
func Blocker(resourceType, id string) string { return resourceType + "/" + id }

// Blockers are the resources that block another, once each, in order.
type Blockers map[string]bool

// Add names resources of a type; empty ids are left out.
func (b Blockers) Add(resourceType string, ids ...string) {
	for _, id := range ids {
		if id != "" {
			b[Blocker(resourceType, id)] = true
		}
	}
}

// List is sorted and at most MaxBlockers long.
func (b Blockers) List() []string {
	all := slices.Sorted(maps.Keys(b))
	return all[:min(len(all), MaxBlockers)]
}
