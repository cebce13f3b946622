package definitions

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Args are the parameters of one call by published name: a list is []any, an object
// map[string]any, and a plain value the string that was sent.
type Args map[string]any

// limits of what a numbered list may be, so that Name.999999999 is cheap.
const maxNumber, maxDepth = 1000, 12

// Parse builds the arguments of a call from its flat parameters (query and form
// merged) and lists everything that contradicts the definitions, in a fixed order.
// An empty value counts as absent: SDKs drop those.
func (a *Action) Parse(sent map[string]string) (Args, []Problem) {
	args := Args{}
	var problems []Problem
	for _, name := range slices.Sorted(maps.Keys(sent)) {
		if sent[name] == "" {
			continue
		}
		p, path := a.find(name)
		switch {
		case p == nil && IsCommon(name):
		case p == nil:
			problems = append(problems, Problem{Unknown, name, "is not a parameter of " + a.Name})
		default:
			problems = append(problems, place(args, p, path, name, sent[name])...)
		}
	}
	for _, p := range a.Parameters {
		v, ok := args[p.Name]
		if !ok {
			if p.Required {
				problems = append(problems, Problem{Missing, p.Name, "is required"})
			}
			continue
		}
		args[p.Name] = compact(v)
		problems = append(problems, p.check(p.Name, args[p.Name])...)
	}
	return args, problems
}

// find splits a sent name into its parameter and the path within.
func (a *Action) find(name string) (*Parameter, []string) {
	if p := a.names[name]; p != nil {
		return p, nil
	}
	for end := strings.LastIndexByte(name, '.'); end > 0; end = strings.LastIndexByte(name[:end], '.') {
		p := a.names[name[:end]]
		if p != nil && (p.Style == StyleRepeat || p.Style == StyleFlat) {
			return p, strings.Split(name[end+1:], ".")
		}
	}
	return nil, nil
}

// place puts a value where its path says.
func place(args Args, p *Parameter, path []string, name, value string) []Problem {
	if len(path) == 0 {
		v, problem := decode(p, name, value)
		if problem != nil {
			return []Problem{*problem}
		}
		args[p.Name] = v
		return nil
	}
	v, ok := put(args[p.Name], &p.Schema, path, value)
	if !ok {
		return []Problem{{Unknown, name, "is not a member of " + p.Name}}
	}
	args[p.Name] = v
	return nil
}

// decode reads a parameter that is sent as one value.
func decode(p *Parameter, name, value string) (any, *Problem) {
	if p.Type != "array" && p.Type != "object" {
		return value, nil
	}
	switch p.Style {
	case StyleSimple:
		list := []any{}
		for item := range strings.SplitSeq(value, ",") {
			list = append(list, item)
		}
		return list, nil
	case StyleJSON:
		d := json.NewDecoder(bytes.NewReader([]byte(value)))
		d.UseNumber()
		var v any
		if err := d.Decode(&v); err != nil || d.More() {
			return nil, &Problem{WrongType, name, "is not JSON"}
		}
		return v, nil
	}
	return nil, &Problem{WrongType, name, "is sent as numbered or dotted parameters"}
}

// put stores a value at a path of numbers and members; lists are kept as maps by
// number until they are compacted.
func put(at any, s *Schema, path []string, value string) (any, bool) {
	if len(path) > maxDepth {
		return nil, false
	}
	if len(path) == 0 {
		return value, at == nil && s.Type != "array" && s.Type != "object"
	}
	switch {
	case s.Type == "array" && s.Items != nil:
		n, err := strconv.Atoi(path[0])
		if err != nil || n < 1 || n > maxNumber {
			return nil, false
		}
		list, ok := at.(numbered)
		if !ok {
			list = numbered{}
		}
		v, ok := put(list[n], s.Items, path[1:], value)
		if ok {
			list[n] = v
		}
		return list, ok
	case s.Type == "object" || s.Type == "any":
		members, ok := at.(map[string]any)
		if !ok {
			members = map[string]any{}
		}
		member, name, rest := s.member(path)
		if member == nil {
			return nil, false
		}
		v, ok := put(members[name], member, rest, value)
		if ok {
			members[name] = v
		}
		return members, ok
	}
	return nil, false
}

// numbered is a list while its items arrive.
type numbered map[int]any

// member finds the member that a path enters; names of members may hold dots.
func (s *Schema) member(path []string) (*Schema, string, []string) {
	for n := len(path); n > 0; n-- {
		name := strings.Join(path[:n], ".")
		if m := s.Properties[name]; m != nil {
			return m, name, path[n:]
		}
	}
	if s.Additional != nil {
		return s.Additional, path[0], path[1:]
	}
	if s.Type == "any" || s.Properties == nil {
		return &Schema{Type: "any"}, path[0], path[1:]
	}
	return nil, "", nil
}

// compact turns numbered items into lists, in order; gaps close.
func compact(v any) any {
	switch v := v.(type) {
	case numbered:
		list := make([]any, 0, len(v))
		for _, n := range slices.Sorted(maps.Keys(v)) {
			list = append(list, compact(v[n]))
		}
		return list
	case map[string]any:
		for name, member := range v {
			v[name] = compact(member)
		}
	}
	return v
}
