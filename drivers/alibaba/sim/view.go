package sim

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/yunqiao/yunqiao/drivers/alibaba/definitions"
)

// at finds the schema at a path of members in the answer; lists are entered.
func (c *call) at(path string) *definitions.Schema {
	s := c.action.Response
	if path == "" {
		return s
	}
	for name := range strings.SplitSeq(path, ".") {
		if s = enter(s); s == nil {
			return nil
		}
		s = s.Properties[name]
	}
	return enter(s)
}

func enter(s *definitions.Schema) *definitions.Schema {
	for s != nil && s.Type == "array" {
		s = s.Items
	}
	return s
}

// show is the part of a record that the answer has at a path.
func (c *call) show(r *record, path string) obj { return showAs(c.at(path), r) }

func showAs(s *definitions.Schema, r *record) obj {
	out := obj{}
	if s == nil {
		return out
	}
	for name, member := range s.Properties {
		if v, ok := r.attrs[name]; ok {
			out[name] = restrict(member, v)
		}
	}
	if _, ok := r.attrs[asIs]; ok {
		out[asIs] = true
	}
	for _, name := range []string{"Tags", "TagSet", "TagList"} {
		if member := s.Properties[name]; member != nil && out[name] == nil {
			out[name] = tagList(member, r.tags)
		}
	}
	if member := s.Properties["RegionId"]; member != nil && out["RegionId"] == nil && r.region != global {
		out["RegionId"] = r.region
	}
	return out
}

// restrict leaves out what a schema does not have: one resource is shown by several
// actions, by some with fewer members.
func restrict(s *definitions.Schema, v any) any {
	switch v := v.(type) {
	case obj:
		if s.Properties == nil {
			return v
		}
		out := obj{}
		for name, m := range v {
			if name == asIs {
				out[name] = m
			} else if member := s.Properties[name]; member != nil {
				out[name] = restrict(member, m)
			}
		}
		return out
	case []obj:
		if s.Items == nil {
			return v
		}
		return restrictItems(s.Items, v)
	case []any:
		if s.Items == nil {
			return v
		}
		return restrictItems(s.Items, v)
	}
	return coerce(s, v)
}

// coerce gives a plain value the type that an action shows it with: actions differ in
// whether a port is a number.
func coerce(s *definitions.Schema, v any) any {
	switch v.(type) {
	case string, int, bool:
	default:
		return v
	}
	switch s.Type {
	case "string":
		return text(v)
	case "integer":
		return number(v, 0)
	case "boolean":
		return isTrue(v)
	}
	return v
}

func restrictItems[T any](s *definitions.Schema, items []T) []any {
	out := make([]any, len(items))
	for i, item := range items {
		out[i] = restrict(s, item)
	}
	return out
}

// tagList shows tags in the schema's form: Tags.Tag[].TagKey, Tags[].Key, ….
func tagList(s *definitions.Schema, tags map[string]string) any {
	if s.Type == "object" {
		for name, inner := range s.Properties {
			return obj{name: tagList(inner, tags)}
		}
	}
	list := []any{}
	if s.Items == nil {
		return list
	}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		item := obj{}
		for name := range s.Items.Properties {
			switch name {
			case "Key", "TagKey":
				item[name] = key
			case "Value", "TagValue":
				item[name] = tags[key]
			}
		}
		list = append(list, item)
	}
	return list
}

// wrap puts a value at a path of members: wrap("Vpcs.Vpc", v) is {"Vpcs":{"Vpc":v}}.
func wrap(path string, v any) obj {
	names := strings.Split(path, ".")
	for _, name := range slices.Backward(names[1:]) {
		v = obj{name: v}
	}
	return obj{names[0]: v}
}

// asIs is a member that marks an object to which nothing is to be added: few services
// leave out what is not there.
const asIs = "-"

// complete adds members that the schema has and the answer lacks, empty: the real
// service answers nearly all of them.
func complete(s *definitions.Schema, v any) any {
	switch v := v.(type) {
	case obj:
		if _, ok := v[asIs]; ok {
			return bare(s, v)
		}
		for name, member := range s.Properties {
			if old, ok := v[name]; ok {
				v[name] = complete(member, old)
			} else {
				v[name] = empty(member)
			}
		}
	case []any:
		for i, item := range v {
			v[i] = complete(s.Items, item)
		}
	case []obj:
		for i, item := range v {
			v[i], _ = complete(s.Items, item).(obj)
		}
	}
	return v
}

// bare completes the members that an object has, and adds none.
func bare(s *definitions.Schema, v obj) obj {
	out := make(obj, len(v))
	for name, member := range v {
		if known := s.Properties[name]; known != nil {
			out[name] = complete(known, member)
		}
	}
	return out
}

func empty(s *definitions.Schema) any {
	switch s.Type {
	case "object":
		o := obj{}
		for name, member := range s.Properties {
			o[name] = empty(member)
		}
		return o
	case "array":
		return []any{}
	case "integer", "number":
		return 0
	case "boolean":
		return false
	}
	return ""
}

// success fills the members by which some products repeat that a call succeeded.
func success(s *definitions.Schema, out obj) {
	for name, member := range s.Properties {
		if _, ok := out[name]; ok {
			continue
		}
		switch {
		case name == "Success" && member.Type == "boolean":
			out[name] = true
		case name == "Success" && member.Type == "string":
			out[name] = "true"
		case name == "Code" && member.Type == "integer", name == "HttpStatusCode" && member.Type == "integer":
			out[name] = 200
		case name == "Code" && s.Properties["Success"] != nil:
			out[name] = "200"
		case name == "Message" && s.Properties["Success"] != nil:
			out[name] = "Successful!"
		}
	}
}

// plain turns the numbers of decoded JSON into Go's.
func plain(v any) any {
	switch v := v.(type) {
	case obj:
		out := make(obj, len(v))
		for name, m := range v {
			out[name] = plain(m)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = plain(item)
		}
		return out
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return int(n)
		}
	case float64:
		if v == float64(int(v)) {
			return int(v)
		}
	}
	return v
}
