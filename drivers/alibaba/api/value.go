package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
)

// Text is a member that is text in the definitions and now and then a number in
// answers.
type Text string

// UnmarshalJSON takes text, numbers and truth values as they are written.
func (t *Text) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		return json.Unmarshal(raw, (*string)(t))
	}
	if bytes.Equal(raw, []byte("null")) {
		return nil
	}
	*t = Text(raw)
	return nil
}

// Number is a whole number that some answers write as text. Empty text is 0.
type Number int32

// UnmarshalJSON takes numbers, and text that holds one.
func (n *Number) UnmarshalJSON(raw []byte) error {
	var text Text
	if err := text.UnmarshalJSON(raw); err != nil {
		return err
	}
	if text == "" {
		*n = 0
		return nil
	}
	v, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return fmt.Errorf("read a number: %w", err)
	}
	*n = Number(v)
	return nil
}
