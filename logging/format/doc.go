// Package format reads records: character sets, the formats of lines, times,
// levels, and which lines belong together.
//
// It owns no bytes beyond the record at hand and knows no store. A record that does
// not fit its format is not refused: it becomes a plain message with the attribute
// parse_error, so that nothing is lost.
package format
