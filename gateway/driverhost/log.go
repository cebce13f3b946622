package driverhost

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
)

const (
	maxLineBytes = 64 << 10
	maxNoteBytes = 500
)

// relogger writes what a driver prints into the gateway's log, line by line,
// and remembers the words that explain its end best.
type relogger struct {
	log  *slog.Logger // has the driver's name
	tail *tail

	mu      sync.Mutex
	note    string
	isPanic bool
}

// readLines logs every line until the reader ends.
func (r *relogger) readLines(from io.Reader) {
	reader := bufio.NewReaderSize(from, maxLineBytes)
	continued := false
	for {
		line, more, err := reader.ReadLine()
		if err != nil {
			return
		}
		if !continued { // of a line that is too long the first part is enough
			r.line(line)
		}
		continued = more
	}
}

// line logs one line: JSON as hclog or slog write it with its own level, anything
// else as a warning, for drivers log through the sdk.
func (r *relogger) line(line []byte) {
	line = bytes.TrimSpace(line)
	if len(line) == 0 {
		return
	}
	r.tail.line(strings.ToValidUTF8(string(line), "\uFFFD"))
	ctx := context.Background()
	var members map[string]any
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.UseNumber()
	if line[0] != '{' || decoder.Decode(&members) != nil {
		text := string(line)
		r.remember(text, strings.HasPrefix(text, "panic: ") || strings.HasPrefix(text, "fatal error: "))
		r.log.LogAttrs(ctx, slog.LevelWarn, "driver output", slog.String("line", text))
		return
	}
	level := parseLevel(take(members, "@level", "level"))
	message := take(members, "@message", "msg")
	if level >= slog.LevelError {
		r.remember(message, false)
	}
	if !r.log.Enabled(ctx, level) {
		return
	}
	for _, ours := range []string{"@timestamp", "time", "driver"} {
		delete(members, ours)
	}
	attrs := make([]slog.Attr, 0, len(members))
	for _, key := range slices.Sorted(maps.Keys(members)) {
		attrs = append(attrs, slog.Any(key, members[key]))
	}
	r.log.LogAttrs(ctx, level, message, attrs...) //nolint:sloglint // the message is the driver's
}

func (r *relogger) remember(text string, isPanic bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.isPanic {
		return // what follows a panic is its stack
	}
	r.note, r.isPanic = strings.ToValidUTF8(text[:min(len(text), maxNoteBytes)], "\uFFFD"), isPanic
}

// lastWords is the panic of the driver, else the last line that may explain its end.
func (r *relogger) lastWords() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.note
}

// lineWriter logs complete lines of what is written to it.
type lineWriter struct {
	relog *relogger
	buf   []byte
}

// Write never fails; a line that is too long is cut.
func (w *lineWriter) Write(p []byte) (int, error) {
	w.buf = append(w.buf, p...)
	for {
		line, rest, ok := bytes.Cut(w.buf, []byte("\n"))
		if !ok && len(w.buf) < maxLineBytes {
			return len(p), nil
		}
		w.relog.line(line)
		w.buf = append(w.buf[:0], rest...)
	}
}

func take(members map[string]any, keys ...string) string {
	for _, key := range keys {
		if text, ok := members[key].(string); ok {
			delete(members, key)
			return text
		}
	}
	return ""
}

func parseLevel(name string) slog.Level {
	var level slog.Level
	if strings.EqualFold(name, "trace") || level.UnmarshalText([]byte(name)) != nil {
		return slog.LevelDebug
	}
	return level
}

// levelOf is the lowest level that a logger keeps, for drivers to log no more.
func levelOf(log *slog.Logger) slog.Level {
	ctx := context.Background()
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn} {
		if log.Enabled(ctx, level) {
			return level
		}
	}
	return slog.LevelError
}
