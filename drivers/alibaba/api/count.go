package api

import (
	"maps"
	"sync"
)

// Count is how often an action was called.
type Count struct {
	Calls     int // requests sent, repeats too
	Throttled int // refused because they came too often
	Repeats   int // sent again by Call itself
}

type counts struct {
	mu       sync.Mutex
	byAction map[string]Count
}

func (c *counts) called(p Product, action string)    { c.add(p, action, Count{Calls: 1}) }
func (c *counts) throttled(p Product, action string) { c.add(p, action, Count{Throttled: 1}) }
func (c *counts) repeated(p Product, action string)  { c.add(p, action, Count{Repeats: 1}) }

func (c *counts) add(p Product, action string, more Count) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byAction == nil {
		c.byAction = map[string]Count{}
	}
	key := string(p) + "." + action
	sum := c.byAction[key]
	sum.Calls += more.Calls
	sum.Throttled += more.Throttled
	sum.Repeats += more.Repeats
	c.byAction[key] = sum
}

func (c *counts) all() map[string]Count {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.byAction)
}

func (c *counts) takeThrottled() map[string]Count {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := map[string]Count{}
	for action, count := range c.byAction {
		if count.Throttled > 0 {
			taken[action] = count
			delete(c.byAction, action)
		}
	}
	return taken
}
