package gyt345

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Kind is the kind of a JSON value.
type Kind uint8

// The kinds of values. There are no fractions: the signing profile refuses them.
const (
	Null Kind = iota
	Bool
	Integer
	String
	Array
	Object
)

// Value is a parsed JSON value.
type Value struct {
	Kind    Kind
	Bool    bool
	Integer int64
	Text    string
	Items   []Value
	Members []Member // as received, names unique
}

// Member is one member of an object.
type Member struct {
	Name  string
	Value Value
}

// Member finds a member of an object by name.
func (v Value) Member(name string) (Value, bool) {
	if i := memberIndex(v.Members, name); i >= 0 {
		return v.Members[i].Value, true
	}
	return Value{}, false
}

// memberIndex is where a member stands; -1: nowhere.
func memberIndex(members []Member, name string) int {
	for i := range members {
		if members[i].Name == name {
			return i
		}
	}
	return -1
}

const (
	maxDepth   = 32
	maxInteger = 1<<53 - 1
)

// ErrJSON is the cause of every refusal of Parse.
var ErrJSON = errors.New("body is not the JSON of the profile")

// Parse reads a message body as chapter 6 of the profile wants: RFC 8259, the top an
// object, integers only within ±(2^53−1), no member twice, at most 32 levels, valid
// UTF-8 without lone surrogates, nothing behind. A byte order mark is skipped.
func Parse(body []byte) (Value, error) {
	if !utf8.Valid(body) {
		return Value{}, fmt.Errorf("%w: invalid UTF-8", ErrJSON)
	}
	var room [usualMembers]Member
	p := &parser{text: strings.TrimPrefix(string(body), "\xef\xbb\xbf"), open: room[:0]}
	p.space()
	if p.peek() != '{' {
		return Value{}, p.fail("the top is no object")
	}
	v, err := p.value(1)
	if err != nil {
		return Value{}, err
	}
	p.space()
	if p.at != len(p.text) {
		return Value{}, p.fail("text behind the object")
	}
	return v, nil
}

type parser struct {
	text string // of which all texts without an escape are parts
	at   int
	open []Member // of the objects that have not ended, the outermost first
}

func (p *parser) fail(what string) error { return fmt.Errorf("%w: %s at byte %d", ErrJSON, what, p.at) }

// peek is the next byte; 0 at the end.
func (p *parser) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *parser) space() {
	for p.at < len(p.text) {
		switch p.text[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

func (p *parser) value(depth int) (Value, error) {
	if depth > maxDepth {
		return Value{}, p.fail("more than 32 levels")
	}
	switch c := p.peek(); {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth)
	case c == '"':
		text, err := p.str()
		return Value{Kind: String, Text: text}, err
	case c == '-' || '0' <= c && c <= '9':
		return p.number()
	}
	rest := p.text[p.at:]
	switch {
	case strings.HasPrefix(rest, "true"):
		p.at += len("true")
		return Value{Kind: Bool, Bool: true}, nil
	case strings.HasPrefix(rest, "false"):
		p.at += len("false")
		return Value{Kind: Bool}, nil
	case strings.HasPrefix(rest, "null"):
		p.at += len("null")
		return Value{}, nil
	}
	return Value{}, p.fail("no value")
}

func (p *parser) object(depth int) (Value, error) {
	v := Value{Kind: Object}
	p.at++
	p.space()
	if p.peek() == '}' {
		p.at++
		return v, nil
	}
	begin := len(p.open)
	var seen map[string]bool // only for objects of many members
	for {
		p.space()
		if p.peek() != '"' {
			return v, p.fail("no member name")
		}
		name, err := p.str()
		if err != nil {
			return v, err
		}
		members := p.open[begin:]
		if len(members) == usualMembers {
			seen = map[string]bool{}
			for _, m := range members {
				seen[m.Name] = true
			}
		}
		if seen[name] || seen == nil && memberIndex(members, name) >= 0 {
			return v, p.fail("member twice")
		}
		if seen != nil {
			seen[name] = true
		}
		p.space()
		if p.peek() != ':' {
			return v, p.fail("no colon")
		}
		p.at++
		p.space()
		item, err := p.value(depth + 1)
		if err != nil {
			return v, err
		}
		p.open = append(p.open, Member{name, item})
		p.space()
		switch p.peek() {
		case ',':
			p.at++
		case '}':
			p.at++
			v.Members = slices.Clone(p.open[begin:])
			p.open = p.open[:begin]
			return v, nil
		default:
			return v, p.fail("neither comma nor brace")
		}
	}
}

func (p *parser) array(depth int) (Value, error) {
	v := Value{Kind: Array}
	p.at++
	p.space()
	if p.peek() == ']' {
		p.at++
		return v, nil
	}
	for {
		p.space()
		item, err := p.value(depth + 1)
		if err != nil {
			return v, err
		}
		v.Items = append(v.Items, item)
		p.space()
		switch p.peek() {
		case ',':
			p.at++
		case ']':
			p.at++
			return v, nil
		default:
			return v, p.fail("neither comma nor bracket")
		}
	}
}

func (p *parser) number() (Value, error) {
	start := p.at
	if p.peek() == '-' {
		p.at++
	}
	digits := p.at
	for c := p.peek(); '0' <= c && c <= '9'; c = p.peek() {
		p.at++
	}
	switch c := p.peek(); {
	case c == '.' || c == 'e' || c == 'E':
		return Value{}, p.fail("number with fraction or exponent")
	case p.at == digits, p.text[digits] == '0' && (p.at > digits+1 || start != digits):
		return Value{}, p.fail("number of another form")
	}
	n, err := strconv.ParseInt(p.text[start:p.at], 10, 64)
	if err != nil || n > maxInteger || n < -maxInteger {
		return Value{}, p.fail("number too large")
	}
	return Value{Kind: Integer, Integer: n}, nil
}

func (p *parser) str() (string, error) {
	p.at++
	start := p.at
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == '"':
			p.at++
			return p.text[start : p.at-1], nil
		case c == '\\':
			return p.escaped(start)
		case c < 0x20:
			return "", p.fail("control character in a string")
		}
		p.at++
	}
	return "", p.fail("string without end")
}

// escaped goes on with a string in which an escape stands.
func (p *parser) escaped(start int) (string, error) {
	out := []byte(p.text[start:p.at])
	for p.at < len(p.text) {
		c := p.text[p.at]
		p.at++
		switch {
		case c == '"':
			return string(out), nil
		case c < 0x20:
			return "", p.fail("control character in a string")
		case c != '\\':
			out = append(out, c)
			continue
		}
		c = p.peek()
		p.at++
		if c == 'u' {
			r, err := p.unicode()
			if err != nil {
				return "", err
			}
			out = utf8.AppendRune(out, r)
			continue
		}
		i := strings.IndexByte(`"\/bfnrt`, c)
		if i < 0 || c == 0 {
			return "", p.fail("unknown escape")
		}
		out = append(out, "\"\\/\b\f\n\r\t"[i])
	}
	return "", p.fail("string without end")
}

func (p *parser) unicode() (rune, error) {
	high, err := p.hex()
	if err != nil || !utf16.IsSurrogate(high) {
		return high, err
	}
	if !strings.HasPrefix(p.text[p.at:], `\u`) {
		return 0, p.fail("lone surrogate")
	}
	p.at += 2
	low, err := p.hex()
	if err != nil {
		return 0, err
	}
	r := utf16.DecodeRune(high, low)
	if r == utf8.RuneError {
		return 0, p.fail("lone surrogate")
	}
	return r, nil
}

func (p *parser) hex() (rune, error) {
	if p.at+4 > len(p.text) {
		return 0, p.fail("short escape")
	}
	var r rune
	for _, c := range []byte(p.text[p.at : p.at+4]) {
		d := strings.IndexByte("0123456789abcdef", c|0x20)
		if d < 0 || c < '0' {
			return 0, p.fail("bad escape")
		}
		r = r<<4 | rune(d)
	}
	p.at += 4
	return r, nil
}
