package format

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/yunqiao/yunqiao/logging/entry"
)

// ParseLevel reads the usual words for a level and the severities 0..7 of RFC 5424.
func ParseLevel(word string) entry.Level {
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "trace", "verbose":
		return entry.Trace
	case "debug", "dbg", "7", "调试":
		return entry.Debug
	case "info", "information", "informational", "notice", "6", "5", "信息":
		return entry.Info
	case "warn", "warning", "4", "警告":
		return entry.Warn
	case "error", "err", "3", "错误":
		return entry.Error
	case "fatal", "crit", "critical", "alert", "emerg", "emergency", "panic", "2", "1", "0", "严重":
		return entry.Fatal
	default:
		return entry.Unknown
	}
}

// severityLevel maps a severity of RFC 5424, table 2.
func severityLevel(severity uint8) entry.Level {
	switch {
	case severity <= 2:
		return entry.Fatal
	case severity == 3:
		return entry.Error
	case severity == 4:
		return entry.Warn
	case severity <= 6:
		return entry.Info
	default:
		return entry.Debug
	}
}

// layouts are tried in this order; fractions of seconds are read with each.
var layouts = [...]string{
	time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05", "2006/01/02 15:04:05",
	"02/Jan/2006:15:04:05 -0700", time.RFC1123Z, time.RFC1123, "2006-01-02T15:04:05-0700", "20060102150405",
}

// ParseTime reads the usual notations, and seconds, milliseconds, microseconds or
// nanoseconds since 1970. zone is that of times without one.
func ParseTime(text string, zone *time.Location) (time.Time, error) {
	text = strings.TrimSpace(text)
	if number, err := strconv.ParseFloat(text, 64); err == nil && len(text) != 14 {
		return epoch(text, number)
	}
	if i := strings.LastIndexByte(text, ','); i > 0 && i+1 < len(text) && text[i+1] >= '0' && text[i+1] <= '9' {
		text = text[:i] + "." + text[i+1:] // the comma of logging frameworks
	}
	for _, layout := range layouts {
		if at, err := time.ParseInLocation(layout, text, zone); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%w: time %.40q", errFormat, text)
}

func epoch(text string, number float64) (time.Time, error) {
	if number <= 0 || number > math.MaxInt64/2 {
		return time.Time{}, fmt.Errorf("%w: time %.40q", errFormat, text)
	}
	if whole, err := strconv.ParseInt(text, 10, 64); err == nil {
		switch {
		case whole < 1e11:
			return time.Unix(whole, 0).UTC(), nil
		case whole < 1e14:
			return time.UnixMilli(whole).UTC(), nil
		case whole < 1e17:
			return time.UnixMicro(whole).UTC(), nil
		default:
			return time.Unix(0, whole).UTC(), nil
		}
	}
	if number > 1e11 {
		number /= 1000
	}
	return time.UnixMicro(int64(number * 1e6)).UTC(), nil
}
