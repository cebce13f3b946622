package harness

import "encoding/json"

// Object is a JSON object. Its readers give the zero value for what is absent.
type Object map[string]any

// Text reads a string member.
func (o Object) Text(name string) string {
	s, _ := o[name].(string)
	return s
}

// Int reads a number.
func (o Object) Int(name string) int {
	n, _ := o[name].(float64)
	return int(n)
}

// Bool reads a boolean.
func (o Object) Bool(name string) bool {
	b, _ := o[name].(bool)
	return b
}

// Object reads a member that is an object.
func (o Object) Object(name string) Object {
	m, _ := o[name].(map[string]any)
	return m
}

// List reads a list of objects.
func (o Object) List(name string) []Object {
	items, _ := o[name].([]any)
	var out []Object
	for _, item := range items {
		if m, ok := item.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

// Texts reads a list of strings.
func (o Object) Texts(name string) []string {
	items, _ := o[name].([]any)
	var out []string
	for _, item := range items {
		if s, ok := item.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// String shows the object as JSON.
func (o Object) String() string {
	text, err := json.Marshal(map[string]any(o))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Texts collects a string member of objects.
func Texts(objects []Object, name string) []string {
	out := make([]string, 0, len(objects))
	for _, o := range objects {
		out = append(out, o.Text(name))
	}
	return out
}
