package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// Params are the parameters of a call as they travel: everything is text, lists
// are numbered from 1, members are joined with dots. Action, version, region and
// what belongs to the signature are added by Caller.
//
// The setters leave out what is empty, as the cloud takes an absent parameter and
// an empty one for the same, and return the map for chaining.
type Params map[string]string

// Set adds a text; empty is left out.
func (p Params) Set(name, value string) Params {
	if value != "" {
		p[name] = value
	}
	return p
}

// Int adds a number; 0 is left out.
func (p Params) Int(name string, value int32) Params {
	if value != 0 {
		p[name] = strconv.Itoa(int(value))
	}
	return p
}

// Bool adds a truth value, false too.
func (p Params) Bool(name string, value bool) Params {
	p[name] = strconv.FormatBool(value)
	return p
}

// List adds the style repeatList (and flat) of plain values: Name.1=a&Name.2=b.
func (p Params) List(name string, values ...string) Params {
	for i, v := range values {
		p.Set(name+"."+strconv.Itoa(i+1), v)
	}
	return p
}

// Object adds the style flat of one object: Name.Member=x.
func (p Params) Object(name string, members Params) Params {
	for member, v := range members {
		p.Set(name+"."+member, v)
	}
	return p
}

// Objects adds the style repeatList of objects: Name.1.Member=x.
func (p Params) Objects(name string, items ...Params) Params {
	for i, members := range items {
		p.Object(name+"."+strconv.Itoa(i+1), members)
	}
	return p
}

// JSON adds the style json: one parameter whose value is JSON text. The value is
// one that encoding/json takes: text, numbers, slices, maps and structs of them.
func (p Params) JSON(name string, value any) Params {
	text, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("parameter %s: %v", name, err))
	}
	p[name] = string(text)
	return p
}

// IDs adds ids as a JSON array of text, as InstanceIds and DiskIds want them; none is left out.
func (p Params) IDs(name string, ids ...string) Params {
	if len(ids) == 0 {
		return p
	}
	return p.JSON(name, ids)
}

// Tags adds tags under a name, which is "Tag" for nearly all actions:
// Tag.1.Key=a&Tag.1.Value=b, ordered by key.
func (p Params) Tags(name string, tags map[string]string) Params {
	for i, key := range slices.Sorted(maps.Keys(tags)) {
		at := name + "." + strconv.Itoa(i+1)
		p[at+".Key"] = key
		p.Set(at+".Value", tags[key])
	}
	return p
}
