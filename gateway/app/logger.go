package app

import (
	"io"
	"log/slog"
)

func logLevel(text string) (level slog.Level, err error) {
	err = level.UnmarshalText([]byte(text))
	return level, err
}

// NewLogger makes the process log.
func NewLogger(w io.Writer, c LogConfig) *slog.Logger {
	level, _ := logLevel(c.Level) // checked with the configuration
	opts := &slog.HandlerOptions{Level: level}
	if c.Format == "text" {
		return slog.New(slog.NewTextHandler(w, opts))
	}
	return slog.New(slog.NewJSONHandler(w, opts))
}
