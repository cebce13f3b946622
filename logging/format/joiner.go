package format

import (
	"regexp"
	"time"
)

// maxRecordBytes bounds a record of many lines: 4 MiB.
const maxRecordBytes = 4 << 20

// Joining says which lines make one record. The zero value: each line is one.
type Joining struct {
	Start    *regexp.Regexp
	MaxLines int           // default 500
	Timeout  time.Duration // how long whoever reads waits for a further line; default 5 s
}

// Joiner puts lines together to records. It is not safe for concurrent use.
type Joiner struct {
	rule  Joining
	lines int
	held  []byte
	begin int64 // of the held record in its source
}

// NewJoiner makes a Joiner.
func NewJoiner(rule Joining) *Joiner {
	if rule.MaxLines == 0 {
		rule.MaxLines = 500
	}
	return &Joiner{rule: rule}
}

// Add takes the next line, which begins at an offset of its source, and hands out
// the records that it completes. The bytes handed out are valid until the next call.
func (j *Joiner) Add(line []byte, offset int64, out func(record []byte)) {
	if j.rule.Start == nil {
		out(line)
		return
	}
	if j.lines > 0 && (j.rule.Start.Match(line) || j.lines >= j.rule.MaxLines || len(j.held)+len(line) > maxRecordBytes) {
		j.Flush(out)
	}
	if j.lines == 0 {
		j.begin, j.held = offset, j.held[:0]
	} else {
		j.held = append(j.held, '\n')
	}
	j.held = append(j.held, line...)
	j.lines++
}

// Flush hands out the held record.
func (j *Joiner) Flush(out func(record []byte)) {
	if j.lines > 0 {
		out(j.held)
		j.lines = 0
	}
}

// Held is where the held record begins; false: nothing is held.
func (j *Joiner) Held() (int64, bool) { return j.begin, j.lines > 0 }
