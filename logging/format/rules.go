package format

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/yunqiao/yunqiao/logging/entry"
)

// Kind is a format of lines.
type Kind int32

// The kinds: the numbers of cloud.logging.v1.LogFormat.
const (
	Plain Kind = iota + 1
	JSON
	RFC5424
	RFC3164
	KeyValue
	Regex
)

// Rules say how records are read. Make them with New.
type Rules struct {
	kind    Kind
	pattern *regexp.Regexp
	gb18030 bool
	zone    *time.Location
	now     func() time.Time
}

// Config is the part of a submission that says how records are read.
type Config struct {
	Kind    Kind // 0: Plain
	Pattern string
	GB18030 bool
	Zone    string // IANA name; empty: UTC
	Now     func() time.Time
}

// FieldError is a problem of one member of a Config.
type FieldError struct {
	Field, Problem string
}

func (e *FieldError) Error() string { return e.Field + " " + e.Problem }

// New checks and compiles rules; the error is a *FieldError.
func New(c Config) (*Rules, error) {
	r := &Rules{kind: c.Kind, gb18030: c.GB18030, zone: time.UTC, now: c.Now}
	if r.now == nil {
		r.now = time.Now
	}
	if r.kind == 0 {
		r.kind = Plain
	}
	if c.Zone != "" {
		zone, err := time.LoadLocation(c.Zone)
		if err != nil || c.Zone == "Local" {
			return nil, &FieldError{"time_zone", "is no IANA zone such as Asia/Shanghai"}
		}
		r.zone = zone
	}
	switch {
	case r.kind == Regex && c.Pattern == "":
		return nil, &FieldError{"pattern", "is required with format REGEX"}
	case c.Pattern != "":
		pattern, err := regexp.Compile(c.Pattern)
		if err != nil {
			return nil, &FieldError{"pattern", "is no RE2 expression: " + err.Error()}
		}
		named := 0
		for _, name := range pattern.SubexpNames() {
			if name != "" {
				named++
			}
		}
		if named == 0 && r.kind == Regex {
			return nil, &FieldError{"pattern", "has no named group such as (?P<message>.*)"}
		}
		r.pattern = pattern
	}
	return r, nil
}

var errFormat = errors.New("does not fit the format")

// Read makes a record of the bytes of one. It keeps no reference to them.
func (r *Rules) Read(original []byte) entry.Record {
	text, same := r.decode(original)
	record := entry.Record{Message: text}
	parsed := record
	if err := r.parse(text, &parsed); err == nil {
		record = parsed
	} else {
		record.Attributes = map[string]string{"parse_error": err.Error()}
	}
	if !same || record.Message != text {
		record.Original = append([]byte{}, original...)
	}
	limit(&record)
	return record
}

// decode makes text of bytes; same tells that the text is the bytes.
func (r *Rules) decode(original []byte) (text string, same bool) {
	if r.gb18030 {
		decoded, err := simplifiedchinese.GB18030.NewDecoder().Bytes(original)
		if err == nil {
			text = string(decoded)
			return text, text == string(original)
		}
	}
	if utf8.Valid(original) {
		return string(original), true
	}
	return strings.ToValidUTF8(string(original), "\uFFFD"), false
}

func (r *Rules) parse(text string, record *entry.Record) error {
	switch r.kind {
	case JSON:
		return r.parseJSON(text, record)
	case RFC5424:
		return r.parse5424(text, record)
	case RFC3164:
		return r.parse3164(text, record)
	case KeyValue:
		return r.parseKeyValue(text, record)
	case Regex:
		return r.parseRegex(text, record)
	default:
		return nil
	}
}

func (r *Rules) parseRegex(text string, record *entry.Record) error {
	match := r.pattern.FindStringSubmatch(text)
	if match == nil {
		return fmt.Errorf("%w: the expression does not match", errFormat)
	}
	for i, name := range r.pattern.SubexpNames() {
		if name != "" && match[i] != "" {
			r.set(record, name, match[i])
		}
	}
	return nil
}

// The columns' bounds, as in the contract. What is longer goes to the attributes.
const (
	maxName  = 128
	maxPID   = 32
	maxIDs   = 512
	maxAttrs = 64
	maxValue = 8 << 10
)

// limit keeps what a sender made up within the bounds of the contract.
func limit(record *entry.Record) {
	for _, f := range []struct {
		value *string
		name  string
		most  int
	}{
		{&record.ProcessName, "process_name", maxName}, {&record.ProcessID, "process_id", maxPID},
		{&record.ResourceID, "resource_id", maxIDs}, {&record.RequestID, "request_id", 64}, {&record.RecordID, "record_id", maxName},
	} {
		if len(*f.value) > f.most {
			attribute(record, f.name, *f.value)
			*f.value = ""
		}
	}
}

// attribute adds a member that has no column. There is an end to how many: the
// original bytes have them all.
func attribute(record *entry.Record, name, value string) {
	if record.Attributes == nil {
		record.Attributes = map[string]string{}
	}
	if len(record.Attributes) >= maxAttrs {
		return
	}
	if len(name) > maxName {
		name = name[:maxName]
	}
	if len(value) > maxValue {
		value = value[:maxValue]
	}
	record.Attributes[strings.ToValidUTF8(name, "\uFFFD")] = strings.ToValidUTF8(value, "\uFFFD")
}

// set puts a member where it belongs, by its name.
func (r *Rules) set(record *entry.Record, name, value string) {
	switch strings.ToLower(name) {
	case "time", "timestamp", "ts", "@timestamp", "datetime":
		if at, err := ParseTime(value, r.zone); err == nil {
			record.At = at
			return
		}
		attribute(record, name, value)
	case "level", "severity", "lvl", "loglevel":
		if level := ParseLevel(value); level != entry.Unknown {
			record.Level = level
			return
		}
		attribute(record, name, value)
	case "message", "msg", "log":
		record.Message = value
	case "process", "process_name", "program", "app", "logger":
		record.ProcessName = value
	case "pid", "process_id":
		record.ProcessID = value
	case "resource_id":
		record.ResourceID = value
	case "request_id", "trace_id":
		record.RequestID = value
	case "record_id":
		record.RecordID = value
	default:
		attribute(record, name, value)
	}
}
