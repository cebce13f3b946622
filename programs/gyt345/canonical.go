package gyt345

import (
	"slices"
	"strconv"
	"unicode/utf8"
)

// signMember is the member that a canonical body leaves out at its top.
const signMember = "msgSign"

// Canonical is the text that msgSign is made over: the body without its top-level
// msgSign in the form of RFC 8785.
func Canonical(body Value) []byte {
	var room [usualMembers]*Member
	top := slices.DeleteFunc(pointers(room[:0], body.Members), func(m *Member) bool { return m.Name == signMember })
	return appendSorted(make([]byte, 0, usualBody), top)
}

const (
	usualBody    = 1 << 10 // bytes that most bodies have at most
	usualMembers = 32      // members of an object, likewise
)

func pointers(out []*Member, members []Member) []*Member {
	for i := range members {
		out = append(out, &members[i])
	}
	return out
}

// appendSorted writes members, whose order it changes.
func appendSorted(out []byte, members []*Member) []byte {
	slices.SortFunc(members, func(a, b *Member) int { return compareUTF16(a.Name, b.Name) })
	out = append(out, '{')
	for i, m := range members {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(appendText(out, m.Name), ':')
		out = AppendCanonical(out, m.Value)
	}
	return append(out, '}')
}

// AppendCanonical writes a value in the form of RFC 8785.
func AppendCanonical(out []byte, v Value) []byte {
	switch v.Kind {
	case Bool:
		return strconv.AppendBool(out, v.Bool)
	case Integer:
		return strconv.AppendInt(out, v.Integer, 10)
	case String:
		return appendText(out, v.Text)
	case Array:
		out = append(out, '[')
		for i, item := range v.Items {
			if i > 0 {
				out = append(out, ',')
			}
			out = AppendCanonical(out, item)
		}
		return append(out, ']')
	case Object:
		var room [usualMembers]*Member
		return appendSorted(out, pointers(room[:0], v.Members))
	default:
		return append(out, "null"...)
	}
}

// appendOrdered writes a value with its members in the order they have.
func appendOrdered(out []byte, v Value) []byte {
	switch v.Kind {
	case Array:
		out = append(out, '[')
		for i, item := range v.Items {
			if i > 0 {
				out = append(out, ',')
			}
			out = appendOrdered(out, item)
		}
		return append(out, ']')
	case Object:
		out = append(out, '{')
		for i := range v.Members {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(appendText(out, v.Members[i].Name), ':')
			out = appendOrdered(out, v.Members[i].Value)
		}
		return append(out, '}')
	default:
		return AppendCanonical(out, v)
	}
}

func appendText(out []byte, text string) []byte {
	const hexDigits = "0123456789abcdef"
	out = append(out, '"')
	plain := 0
	for i := range len(text) {
		c := text[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		out = append(out, text[plain:i]...)
		plain = i + 1
		switch c {
		case '"', '\\':
			out = append(out, '\\', c)
		case '\b':
			out = append(out, `\b`...)
		case '\t':
			out = append(out, `\t`...)
		case '\n':
			out = append(out, `\n`...)
		case '\f':
			out = append(out, `\f`...)
		case '\r':
			out = append(out, `\r`...)
		default:
			out = append(out, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(append(out, text[plain:]...), '"')
}

// compareUTF16 orders as the UTF-16 code units do: characters beyond the basic plane
// stand before U+E000.
func compareUTF16(a, b string) int {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] && a[i] < utf8.RuneSelf {
		i++
	}
	a, b = a[i:], b[i:] // what is left begins with a whole character
	for a != "" && b != "" {
		x, n := utf8.DecodeRuneInString(a)
		y, m := utf8.DecodeRuneInString(b)
		if x != y {
			return unitOf(x, y)
		}
		a, b = a[n:], b[m:]
	}
	return len(a) - len(b)
}

func unitOf(x, y rune) int {
	if (x > 0xffff) != (y > 0xffff) {
		if x > 0xffff {
			x = 0xd800
		} else {
			y = 0xd800
		}
	}
	return int(x - y)
}
