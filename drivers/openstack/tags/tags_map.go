package tags

import (
	"slices"
	"strings"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
)

// ToProto reads tags; one without "=" has an empty value.
func ToProto(tags []string) map[string]string {
	user := make(map[string]string, len(tags))
	for _, tag := range tags {
		if session.IsReserved(tag) {
			continue
		}
		key, value, _ := strings.Cut(tag, "=")
		user[key] = value
	}
	return user
}

// FromProto writes the user's tags and those of the present tags that are not the
// user's, sorted. It is never nil.
func FromProto(user map[string]string, present []string) []string {
	all := []string{}
	for _, tag := range present {
		if session.IsReserved(tag) {
			all = append(all, tag)
		}
	}
	for key, value := range user {
		all = append(all, key+"="+value)
	}
	slices.Sort(all)
	return slices.Compact(all)
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
