package definitions

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// check compares an argument with what a parameter may be.
func (s *Schema) check(name string, v any) []Problem {
	switch s.Type {
	case "array":
		list, ok := v.([]any)
		if !ok {
			return []Problem{{WrongType, name, "is not a list"}}
		}
		return s.checkItems(name, list)
	case "object":
		members, ok := v.(map[string]any)
		if !ok {
			return []Problem{{WrongType, name, "is not an object"}}
		}
		return s.checkMembers(name, members)
	case "any", "":
		return nil
	}
	return s.checkPlain(name, v)
}

func (s *Schema) checkItems(name string, list []any) []Problem {
	if s.MaxItems > 0 && len(list) > s.MaxItems {
		return []Problem{{OutOfRange, name, fmt.Sprintf("has more than %d items", s.MaxItems)}}
	}
	var problems []Problem
	for i, item := range list {
		if s.Items != nil {
			problems = append(problems, s.Items.check(name+"."+strconv.Itoa(i+1), item)...)
		}
	}
	return problems
}

func (s *Schema) checkMembers(name string, members map[string]any) []Problem {
	if s.Properties == nil {
		return nil
	}
	var problems []Problem
	for _, key := range slices.Sorted(maps.Keys(members)) {
		member := s.Properties[key]
		if member == nil {
			member = s.Additional
		}
		if member == nil {
			problems = append(problems, Problem{Unknown, name + "." + key, "is not a member of " + name})
			continue
		}
		problems = append(problems, member.check(name+"."+key, members[key])...)
	}
	for _, key := range slices.Sorted(maps.Keys(s.Properties)) {
		if _, ok := members[key]; !ok && s.Properties[key].Required {
			problems = append(problems, Problem{Missing, name + "." + key, "is required"})
		}
	}
	return problems
}

func (s *Schema) checkPlain(name string, v any) []Problem {
	text, ok := plainText(v)
	if !ok {
		return []Problem{{WrongType, name, "is not a plain value"}}
	}
	number := math.NaN()
	switch s.Type {
	case "integer":
		bits := 64
		if s.Format == "int32" {
			bits = 32
		}
		n, err := strconv.ParseInt(text, 10, bits)
		if err != nil {
			return []Problem{{WrongType, name, "is not an integer"}}
		}
		number = float64(n)
	case "number":
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return []Problem{{WrongType, name, "is not a number"}}
		}
		number = f
	case "boolean":
		if !strings.EqualFold(text, "true") && !strings.EqualFold(text, "false") {
			return []Problem{{WrongType, name, "is not true or false"}}
		}
	}
	switch {
	case len(s.Enum) > 0 && !slices.Contains(s.Enum, text):
		return []Problem{{OutOfEnum, name, "is not one of " + strings.Join(s.Enum, ", ")}}
	case s.Min != nil && number < *s.Min, s.Max != nil && number > *s.Max:
		return []Problem{{OutOfRange, name, "is out of range"}}
	case s.MaxLength > 0 && utf8.RuneCountInString(text) > s.MaxLength:
		return []Problem{{OutOfRange, name, fmt.Sprintf("is longer than %d characters", s.MaxLength)}}
	}
	return nil
}

func plainText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}
