package sim

import (
	"path"
	"slices"
	"strings"
)

// selected are the records of a kind that match the call's parameters of the given
// names (parameter=attribute where they differ) and its tags.
func (c *call) selected(k kind, names ...string) []*record {
	tags := c.tagsOf()
	return c.where(k, func(r *record) bool {
		for _, name := range names {
			if !c.matchOne(r, name) {
				return false
			}
		}
		return hasTags(r, tags)
	})
}

// matches compares a value with what is looked for; * stands for anything.
func matches(value, want string) bool {
	if !strings.Contains(want, "*") {
		return strings.EqualFold(value, want)
	}
	ok, err := path.Match(strings.ReplaceAll(strings.ReplaceAll(want, "[", "?"), "/", "?"), strings.ReplaceAll(value, "/", "?"))
	return ok && err == nil
}

func hasTags(r *record, want map[string]string) bool {
	for key, value := range want {
		have, ok := r.tags[key]
		if !ok || value != "" && value != have {
			return false
		}
	}
	return true
}

// among keeps the records whose id a list parameter names, if it was sent.
func (c *call) among(records []*record, names ...string) []*record {
	for _, name := range names {
		if !c.has(name) {
			continue
		}
		ids := c.strs(name)
		records = slices.DeleteFunc(records, func(r *record) bool { return !slices.Contains(ids, r.id) })
	}
	return records
}

// keep leaves the records for which a test holds.
func keep(records []*record, test func(*record) bool) []*record {
	return slices.DeleteFunc(records, func(r *record) bool { return !test(r) })
}

func contains(list []string, s string) bool { return slices.Contains(list, s) }

// without is a list less one value.
func without(list []string, s string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(v string) bool { return v == s })
}

// matchOne compares one attribute with a parameter (parameter=attribute where the
// names differ) that may be absent.
func (c *call) matchOne(r *record, name string) bool {
	parameter, attr, renamed := strings.Cut(name, "=")
	if !renamed {
		attr = parameter
	}
	want := c.str(parameter)
	return want == "" || c.inNoGroup(r, parameter) || matches(text(r.attrs[attr]), want)
}

// inNoGroup tells whether a record is of the default resource group, which ECS shows
// empty, and lists whatever group is asked for.
func (c *call) inNoGroup(r *record, parameter string) bool {
	return parameter == "ResourceGroupId" && c.action.Product.Name == "Ecs" && r.str(parameter) == ""
}

// containsWord tells whether a text has a word that is not part of a longer one.
func containsWord(s, word string) bool {
	i := strings.Index(s, word)
	return i >= 0 && (i+len(word) == len(s) || strings.ContainsRune(",;\" }", rune(s[i+len(word)])))
}
