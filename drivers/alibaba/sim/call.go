package sim

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/yunqiao/yunqiao/drivers/alibaba/definitions"
)

// call is one request that has passed the gateway. Handlers run one at a time.
type call struct {
	sim       *Sim
	w         *world
	action    *definitions.Action
	args      definitions.Args
	who       *credential
	region    string
	anywhere  bool // the request names no region
	now       time.Time
	requestID string
	source    string // the caller's address
	host      string // the name by which the caller found the cloud
	secure    bool   // over HTTPS
	touched   []string

	interfaces map[string][]*record // by instance, once they were looked for
}

// handler does an action and returns the members of its answer.
type handler func(*call) (obj, error)

// actions are handlers by the name of the action.
type actions map[string]handler

func (c *call) name() string { return c.action.Product.Name + "." + c.action.Name }

// has tells whether a parameter was sent.
func (c *call) has(name string) bool { _, ok := c.args[name]; return ok }

func (c *call) str(name string) string { return text(c.args[name]) }

func (c *call) or(name, absent string) string {
	if s := c.str(name); s != "" {
		return s
	}
	return absent
}

// num reads an integer that the definitions have checked, or what stands for it.
func (c *call) num(name string, absent int) int { return number(c.args[name], absent) }

func (c *call) yes(name string) bool { return strings.EqualFold(c.str(name), "true") }

// list reads a list of objects.
func (c *call) list(name string) []obj { return objects(c.args[name]) }

// strs reads a list of strings: numbered, JSON text, or separated by commas.
func (c *call) strs(name string) []string { return stringList(c.args[name]) }

// member reads an object.
func (c *call) member(name string) obj {
	switch v := c.args[name].(type) {
	case obj:
		return v
	case string:
		var o obj
		if json.Unmarshal([]byte(v), &o) == nil {
			return o
		}
	}
	return obj{}
}

// jsonObjects reads text that should be a JSON list of objects. Single quotes are
// taken too: clients send what their language prints.
func (c *call) jsonObjects(name string) ([]obj, bool) {
	s := c.str(name)
	if s == "" {
		return objects(c.args[name]), true
	}
	var list []obj
	if json.Unmarshal([]byte(s), &list) == nil {
		return list, true
	}
	return list, json.Unmarshal([]byte(strings.ReplaceAll(s, "'", `"`)), &list) == nil
}

func objects(v any) []obj {
	list, _ := v.([]any)
	out := make([]obj, 0, len(list))
	for _, item := range list {
		if o, ok := item.(obj); ok {
			out = append(out, o)
		}
	}
	return out
}

func stringList(v any) []string {
	switch v := v.(type) {
	case []string:
		return v
	case []any:
		out := make([]string, 0, len(v))
		for _, item := range v {
			out = append(out, text(item))
		}
		return out
	case string:
		if v == "" {
			return nil
		}
		var out []string
		if strings.HasPrefix(v, "[") && (json.Unmarshal([]byte(v), &out) == nil ||
			json.Unmarshal([]byte(strings.ReplaceAll(v, "'", `"`)), &out) == nil) {
			return out
		}
		return strings.Split(v, ",")
	}
	return nil
}

// text is a plain value as text.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case int:
		return strconv.Itoa(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case json.Number:
		return v.String()
	}
	return ""
}

func number(v any, absent int) int {
	n, err := strconv.Atoi(text(v))
	if err != nil {
		return absent
	}
	return n
}

func isTrue(v any) bool { return strings.EqualFold(text(v), "true") }

// Forms of times in answers.
const (
	minutes = "2006-01-02T15:04Z"
	seconds = "2006-01-02T15:04:05Z"
)

func (c *call) stamp(layout string) string { return c.now.UTC().Format(layout) }
