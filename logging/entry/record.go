package entry

import (
	"fmt"
	"strconv"
	"time"
)

// Level is the weight of an entry: the numbers of cloud.logging.v1.LogLevel.
type Level int16

// The levels, from not known to fatal.
const (
	Unknown Level = iota
	Trace
	Debug
	Info
	Warn
	Error
	Fatal
)

// Record is one log entry.
type Record struct {
	Key          int64 // set by Append
	TenantID     string
	At           time.Time // when it happened; zero: when it is stored
	ReceivedAt   time.Time // set by Append
	ResourceID   string
	ProcessName  string
	ProcessID    string
	Level        Level
	Message      string
	RequestID    string
	Attributes   map[string]string
	SubmissionID string
	LocationID   string
	Source       string
	Original     []byte // what came, where Message is not the same; else nil
	RecordID     string // of the sender; makes a repeat harmless within a tenant
}

// Bytes is what the record counts in quotas and retention.
func (r *Record) Bytes() int {
	n := len(r.Message) + len(r.Original) + len(r.ResourceID) + len(r.ProcessName) + len(r.Source)
	for k, v := range r.Attributes {
		n += len(k) + len(v)
	}
	return n
}

// ID is how clients see a key: 16 hexadecimal digits.
func ID(key int64) string { return fmt.Sprintf("%016x", key) }

// ParseID reads an id.
func ParseID(id string) (int64, error) {
	key, err := strconv.ParseInt(id, 16, 64)
	if err != nil || len(id) != 16 {
		return 0, fmt.Errorf("%q is no id of an entry", id)
	}
	return key, nil
}

const keyBits = 20

// keyAt is the smallest key of a time.
func keyAt(at time.Time) int64 { return at.UnixMilli() << keyBits }
