package format

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/leodido/go-syslog/v4"
	"github.com/leodido/go-syslog/v4/rfc3164"
	"github.com/leodido/go-syslog/v4/rfc5424"

	"github.com/yunqiao/yunqiao/logging/entry"
)

func (r *Rules) parseJSON(text string, record *entry.Record) error {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var members map[string]any
	if err := decoder.Decode(&members); err != nil {
		return fmt.Errorf("%w: no JSON object", errFormat)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: something follows the JSON object", errFormat)
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		r.set(record, name, asText(members[name]))
	}
	return nil
}

// asText shows a member: strings as they are, all else as JSON.
func asText(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case nil:
		return ""
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil { // what was decoded can be encoded
		return ""
	}
	return strings.TrimRight(out.String(), "\n")
}

func (r *Rules) parse5424(text string, record *entry.Record) error {
	message, err := rfc5424.NewMachine().Parse([]byte(text))
	if err != nil {
		return fmt.Errorf("%w: %w", errFormat, err)
	}
	m, ok := message.(*rfc5424.SyslogMessage)
	if !ok {
		return errFormat
	}
	if m.StructuredData != nil {
		for id, params := range *m.StructuredData {
			for name, value := range params {
				attribute(record, id+"."+name, value)
			}
		}
	}
	r.base(record, &m.Base)
	return nil
}

func (r *Rules) parse3164(text string, record *entry.Record) error {
	machine := rfc3164.NewMachine(rfc3164.WithYear(rfc3164.CurrentYear{}), rfc3164.WithLocaleTimezone(r.zone), rfc3164.WithRFC3339())
	message, err := machine.Parse([]byte(text))
	if err != nil {
		return fmt.Errorf("%w: %w", errFormat, err)
	}
	m, ok := message.(*rfc3164.SyslogMessage)
	if !ok {
		return errFormat
	}
	r.base(record, &m.Base)
	if record.At.After(r.now().AddDate(0, 0, 2)) {
		record.At = record.At.AddDate(-1, 0, 0) // written in December, read in January
	}
	return nil
}

func (r *Rules) base(record *entry.Record, m *syslog.Base) {
	if m.Timestamp != nil {
		record.At = m.Timestamp.UTC()
	}
	if m.Severity != nil {
		record.Level = severityLevel(*m.Severity)
	}
	for value, to := range map[*string]*string{m.Appname: &record.ProcessName, m.ProcID: &record.ProcessID} {
		if value != nil {
			*to = *value
		}
	}
	if m.Hostname != nil {
		attribute(record, "host", *m.Hostname)
	}
	if m.MsgID != nil {
		attribute(record, "msgid", *m.MsgID)
	}
	record.Message = ""
	if m.Message != nil {
		record.Message = *m.Message
	}
}

// parseKeyValue reads a=b c="d e"; a line without a pair does not fit.
func (r *Rules) parseKeyValue(text string, record *entry.Record) error {
	pairs := 0
	for rest := strings.TrimSpace(text); rest != ""; rest = strings.TrimLeft(rest, " \t") {
		end := strings.IndexAny(rest, "= \t")
		if end < 0 {
			break
		}
		if rest[end] != '=' || end == 0 {
			rest = rest[end+1:]
			continue
		}
		name := rest[:end]
		var value string
		value, rest = keyValue(rest[end+1:])
		r.set(record, name, value)
		pairs++
	}
	if pairs == 0 {
		return fmt.Errorf("%w: no pair name=value", errFormat)
	}
	return nil
}

// keyValue reads a value, quoted or up to the next blank, and what follows it.
func keyValue(text string) (value, rest string) {
	if !strings.HasPrefix(text, `"`) {
		if i := strings.IndexAny(text, " \t"); i >= 0 {
			return text[:i], text[i:]
		}
		return text, ""
	}
	var out strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text):
			i++
			if text[i] == 'n' {
				out.WriteByte('\n')
				continue
			}
			out.WriteByte(text[i])
		case c == '"':
			return out.String(), text[i+1:]
		default:
			out.WriteByte(c)
		}
	}
	return out.String(), ""
}
