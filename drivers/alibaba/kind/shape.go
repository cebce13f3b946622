package kind

import (
	"reflect"
	"strconv"
	"strings"
)

const nextToken = "NextToken"

// member is a part of an answer by its path, "Instances.Instance".
type member struct {
	path string
	of   reflect.Type
}

// shape is the type of an answer with these members and nothing else, so that an
// answer is decoded in one go, however deep its items lie.
func shape(members []member) reflect.Type {
	var names []string
	below := map[string][]member{}
	for _, m := range members {
		first, rest, _ := strings.Cut(m.path, ".")
		if _, seen := below[first]; !seen {
			names = append(names, first)
		}
		below[first] = append(below[first], member{rest, m.of})
	}
	fields := make([]reflect.StructField, 0, len(names))
	for i, name := range names {
		of := below[name][0].of
		if below[name][0].path != "" {
			of = shape(below[name])
		}
		fields = append(fields, reflect.StructField{
			Name: "M" + strconv.Itoa(i), Type: of, Tag: reflect.StructTag(`json:"` + name + `"`),
		})
	}
	return reflect.StructOf(fields)
}

// valueAt is the member of an answer at a path.
func valueAt[V any](answer reflect.Value, path string) V {
	for name := range strings.SplitSeq(path, ".") {
		for i := range answer.NumField() {
			if answer.Type().Field(i).Tag.Get("json") == name {
				answer = answer.Field(i)
				break
			}
		}
	}
	return answer.Convert(reflect.TypeFor[V]()).Interface().(V)
}
