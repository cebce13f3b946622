package definitions

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// Check compares an answer with the schema and lists each member that the schema
// does not have or that has another type. Values are those of encoding/json, or Go's
// integers, []string and []map[string]any.
func (s *Schema) Check(v any) []string { return s.answer("", v, nil) }

func (s *Schema) answer(path string, v any, found []string) []string {
	ok := true
	switch s.Type {
	case "object":
		members, isObject := v.(map[string]any)
		if isObject {
			return s.answerMembers(path, members, found)
		}
		ok = false
	case "array":
		var items bool
		if found, items = s.answerItems(path, v, found); items {
			return found
		}
		ok = false
	case "string":
		_, ok = v.(string)
	case "boolean":
		_, ok = v.(bool)
	case "integer":
		ok = isInteger(v)
	case "number":
		ok = isInteger(v) || isNumber(v)
	}
	if !ok {
		return append(found, fmt.Sprintf("%s is %T, not %s", path, v, s.Type))
	}
	return found
}

func (s *Schema) answerMembers(path string, members map[string]any, found []string) []string {
	if s.Properties == nil {
		return found
	}
	for name, v := range members {
		member := s.Properties[name]
		if member == nil {
			member = s.Additional
		}
		if member == nil {
			found = append(found, path+"."+name+" is not in the schema")
			continue
		}
		found = member.answer(path+"."+name, v, found)
	}
	return found
}

func (s *Schema) answerItems(path string, v any, found []string) ([]string, bool) {
	items := s.Items
	if items == nil {
		items = &Schema{}
	}
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			found = items.answer(path+"["+strconv.Itoa(i)+"]", item, found)
		}
	case []map[string]any:
		for i, item := range v {
			found = items.answer(path+"["+strconv.Itoa(i)+"]", item, found)
		}
	case []string:
		if items.Type != "string" {
			found = append(found, fmt.Sprintf("%s has strings, not %s", path, items.Type))
		}
	default:
		return found, false
	}
	return found, true
}

func isInteger(v any) bool {
	switch v := v.(type) {
	case int, int32, int64:
		return true
	case json.Number:
		_, err := v.Int64()
		return err == nil
	case float64:
		return v == math.Trunc(v)
	}
	return false
}

func isNumber(v any) bool {
	switch v := v.(type) {
	case float64:
		return true
	case json.Number:
		_, err := v.Float64()
		return err == nil
	}
	return false
}
