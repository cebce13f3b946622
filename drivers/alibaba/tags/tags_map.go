package tags

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
)

// Tag is a tag as answers carry it: products spell its members in two ways.
type Tag struct {
	Key      string `json:"Key"`
	Value    string `json:"Value"`
	TagKey   string `json:"TagKey"`
	TagValue string `json:"TagValue"`
}

// List holds the tags of an answer: {"Tag":[…]}, or the bare list of newer products.
type List struct {
	Tags []Tag
}

// UnmarshalJSON reads either form; null is none.
func (l *List) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '[' {
		return json.Unmarshal(data, &l.Tags)
	}
	var wrapped struct {
		Tag []Tag `json:"Tag"`
	}
	if err := json.Unmarshal(data, &wrapped); err != nil {
		return err
	}
	l.Tags = wrapped.Tag
	return nil
}

// All are all tags, those that are not the user's too.
func (l List) All() map[string]string {
	all := make(map[string]string, len(l.Tags))
	for _, t := range l.Tags {
		if t.Key == "" {
			t.Key, t.Value = t.TagKey, t.TagValue
		}
		all[t.Key] = t.Value
	}
	return all
}

// ToProto are the user's tags.
func (l List) ToProto() map[string]string {
	all := l.All()
	maps.DeleteFunc(all, func(key, _ string) bool { return api.IsReserved(key) })
	return all
}

// Match tells whether tags fit a filter "key" or "key=value"; an empty filter
// fits all.
func Match(user map[string]string, filter string) bool {
	if filter == "" {
		return true
	}
	key, want, exact := strings.Cut(filter, "=")
	value, ok := user[key]
	return ok && (!exact || value == want)
}

// difference tells what replacing tags takes: those to set and the keys to remove,
// sorted.
func difference(present, wanted map[string]string) (set map[string]string, remove []string) {
	set = map[string]string{}
	for key, value := range wanted {
		if now, ok := present[key]; !ok || now != value {
			set[key] = value
		}
	}
	for key := range present {
		if _, keep := wanted[key]; !keep {
			remove = append(remove, key)
		}
	}
	slices.Sort(remove)
	return set, remove
}
