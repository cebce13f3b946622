package nativeid

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// ErrMalformed is in every error of Split and Unescape.
var ErrMalformed = errors.New("id malformed")

const (
	separator = "~~"
	hexDigits = "0123456789ABCDEF"
)

// Join spells an id of one or more raw parts. Parts must not be empty and must
// be UTF-8: what breaks this is spelt too, but Split refuses it.
func Join(parts ...string) string {
	escaped := make([]string, len(parts))
	for i, part := range parts {
		escaped[i] = Escape(part)
	}
	return strings.Join(escaped, separator)
}

// Split reads the raw parts of an id; it gives exactly what Join was given.
// Any spelling that Join does not make is refused with ErrMalformed.
func Split(id string) ([]string, error) {
	var parts []string
	start := 0
	for i := 0; i < len(id); {
		switch {
		case id[i] != '~':
			i++
		case strings.HasPrefix(id[i:], separator):
			part, err := Unescape(id[start:i])
			if err != nil {
				return nil, err
			}
			parts = append(parts, part)
			i += len(separator)
			start = i
		default:
			i += 3
		}
	}
	part, err := Unescape(id[start:])
	if err != nil {
		return nil, err
	}
	return append(parts, part), nil
}

// Escape spells one raw part.
func Escape(part string) string {
	unsafe := 0
	for i := range len(part) {
		if !rawSafe(part[i]) {
			unsafe++
		}
	}
	if unsafe == 0 {
		return part
	}
	var b strings.Builder
	b.Grow(len(part) + 2*unsafe)
	for i := range len(part) {
		c := part[i]
		if rawSafe(c) {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('~')
		b.WriteByte(hexDigits[c>>4])
		b.WriteByte(hexDigits[c&15])
	}
	return b.String()
}

// Unescape reads one part. It refuses with ErrMalformed: an empty part, bytes
// that must be escaped, escapes of bytes that need none, lower-case hex, cut
// escapes, and parts that are not UTF-8.
func Unescape(part string) (string, error) {
	if part == "" {
		return "", fmt.Errorf("%w: empty part", ErrMalformed)
	}
	var b strings.Builder
	b.Grow(len(part))
	for i := 0; i < len(part); i++ {
		c := part[i]
		if rawSafe(c) {
			b.WriteByte(c)
			continue
		}
		if c != '~' {
			return "", fmt.Errorf("%w: byte %#02x at %d is not escaped", ErrMalformed, c, i)
		}
		if i+2 >= len(part) {
			return "", fmt.Errorf("%w: escape cut short at %d", ErrMalformed, i)
		}
		high, low := strings.IndexByte(hexDigits, part[i+1]), strings.IndexByte(hexDigits, part[i+2])
		if high < 0 || low < 0 {
			return "", fmt.Errorf("%w: %q is no escape", ErrMalformed, part[i:i+3])
		}
		decoded := byte(high<<4 | low)
		if rawSafe(decoded) {
			return "", fmt.Errorf("%w: %q needs no escape", ErrMalformed, part[i:i+3])
		}
		b.WriteByte(decoded)
		i += 2
	}
	raw := b.String()
	if !utf8.ValidString(raw) {
		return "", fmt.Errorf("%w: not UTF-8", ErrMalformed)
	}
	return raw, nil
}

func rawSafe(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '_' || c == '-'
}
