package gyt345

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const maxID = 128

// ID reads the id of a series or program as one may write it, white space around it
// left out (N21). It is false of what is no id: 1 to 128 characters, no control
// characters, and none of the commas at which lists of ids are divided (N3).
func ID(written string) (id string, ok bool) {
	id = strings.Trim(written, " \t\r\n\v\f")
	n := utf8.RuneCountInString(id)
	return id, n >= 1 && n <= maxID && !strings.ContainsFunc(id, func(c rune) bool { return isComma(c) || unicode.IsControl(c) })
}

// isComma tells the commas of lists, half and full width.
func isComma(c rune) bool { return c == ',' || c == '，' }
