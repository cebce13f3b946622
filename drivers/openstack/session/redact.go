package session

import (
	"fmt"
	"regexp"
	"strings"
)

// maxText bounds what is kept of the cloud's words, in bytes.
const maxText = 2048

// Schema faults of compute quote the value that they refuse.
var (
	quotedValue = regexp.MustCompile(`(?is)(Value: ).*`)
	secretField = regexp.MustCompile(`(?is)("?(?:admin_?pass|[a-z_]*password|secret|psk|user_data|private_key|token)"?\s*[:=]\s*)("(?:[^"\\]|\\.)*"|[^\s,}]+)`)
)

// redact cuts the cloud's text and takes out what may be a secret of the request.
func redact(text string) string {
	text = quotedValue.ReplaceAllString(text, "${1}******")
	text = secretField.ReplaceAllString(text, "${1}******")
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + fmt.Sprintf("… (%d bytes)", len(text))
	}
	return text
}
