package sdk

import (
	"fmt"
	"io"
	"log/slog"
)

const masked = "******"

// Secret is a password or key. Printed, logged or encoded in any way it shows
// as ******; string(s) gives the value.
type Secret string

// Format masks the secret under every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, masked) }

// String masks the secret.
func (Secret) String() string { return masked }

// LogValue masks the secret in slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(masked) }

// MarshalText masks the secret in JSON, XML and YAML.
func (Secret) MarshalText() ([]byte, error) { return []byte(masked), nil }

var (
	_ fmt.Formatter  = Secret("")
	_ fmt.Stringer   = Secret("")
	_ slog.LogValuer = Secret("")
)
