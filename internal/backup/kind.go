package backup

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Kind is what a column holds, whatever a database calls its type.
type Kind string

// The kinds that the schema uses.
const (
	Text    Kind = "text"
	Integer Kind = "integer"
	Boolean Kind = "boolean"
	Time    Kind = "time"  // RFC 3339, UTC
	Bytes   Kind = "bytes" // base64
)

// kindOf reads a type's name in SQLite's or PostgreSQL's words.
func kindOf(databaseType string) (Kind, error) {
	name, _, _ := strings.Cut(strings.ToLower(databaseType), "(")
	switch strings.TrimSpace(name) {
	case "text", "varchar", "character varying":
		return Text, nil
	case "integer", "int", "int2", "int4", "int8", "bigint", "smallint", "bigserial", "serial":
		return Integer, nil
	case "numeric", "bool", "boolean": // numeric is SQLite's word here
		return Boolean, nil
	case "datetime", "timestamptz", "timestamp with time zone":
		return Time, nil
	case "blob", "bytea":
		return Bytes, nil
	default:
		return "", fmt.Errorf("a backup knows no type %q", databaseType)
	}
}

// encode makes a value that JSON can hold of what a database gave.
func (k Kind) encode(value any) (any, error) {
	if value == nil {
		return nil, nil
	}
	switch k {
	case Text:
		switch v := value.(type) {
		case string:
			return v, nil
		case []byte:
			return string(v), nil
		}
	case Integer:
		if v, ok := value.(int64); ok {
			return v, nil
		}
	case Boolean:
		switch v := value.(type) {
		case bool:
			return v, nil
		case int64:
			return v != 0, nil
		}
	case Time:
		if v, ok := value.(time.Time); ok {
			return v.UTC().Format(time.RFC3339Nano), nil
		}
	case Bytes:
		if v, ok := value.([]byte); ok {
			return base64.StdEncoding.EncodeToString(v), nil
		}
	}
	return nil, fmt.Errorf("is a %T, not of kind %s", value, k)
}

// decode makes a value for a database of what JSON held.
func (k Kind) decode(value any) (any, error) {
	if value == nil {
		return nil, nil
	}
	switch v := value.(type) {
	case json.Number:
		if k == Integer {
			return v.Int64()
		}
	case bool:
		if k == Boolean {
			return v, nil
		}
	case string:
		switch k {
		case Text:
			return v, nil
		case Time:
			return time.Parse(time.RFC3339Nano, v)
		case Bytes:
			return base64.StdEncoding.DecodeString(v)
		}
	}
	return nil, fmt.Errorf("a %T is not of kind %s", value, k)
}
