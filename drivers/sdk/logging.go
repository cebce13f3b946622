package sdk

import (
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/hashicorp/go-hclog"

	"github.com/yunqiao/yunqiao/drivers/sdk/plugin"
)

// hclogTime is the form of time that go-plugin reads in a driver's log.
const hclogTime = "2006-01-02T15:04:05.000000Z07:00"

// NewLogger makes the logger of a driver process, for drivers that take theirs
// as a parameter: one JSON object per line on stderr, from the level that the
// gateway asked for (INFO without a gateway).
func NewLogger() *slog.Logger { return newLogger(os.Stderr, processLevel()) }

// newLogger writes lines with the members of hclog's JSON form, which every
// go-plugin host reads.
func newLogger(w io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: toHclog}))
}

func processLevel() slog.Level {
	var level slog.Level
	if err := level.UnmarshalText([]byte(os.Getenv(plugin.EnvLogLevel))); err != nil {
		return slog.LevelInfo
	}
	return level
}

func toHclog(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch a.Key {
	case slog.TimeKey:
		return slog.String("@timestamp", a.Value.Time().Format(hclogTime))
	case slog.LevelKey:
		return slog.String("@level", strings.ToLower(a.Value.String()))
	case slog.MessageKey:
		return slog.String("@message", a.Value.String())
	default:
		return a
	}
}

func newHandshakeLogger(w io.Writer, level slog.Level) hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{
		Level:      hclog.LevelFromString(level.String()),
		Output:     w,
		JSONFormat: true,
	})
}
