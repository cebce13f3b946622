package api

import (
	"fmt"
	"regexp"
	"strings"
)

// Fault is a refusal by the cloud.
type Fault struct {
	Product   Product
	Action    string
	Status    int    // HTTP status, also 200 for wrapped products
	Code      string // the cloud's error code: "InvalidVSwitchId.NotFound"
	Message   string // the cloud's words, without secrets
	RequestID string // the cloud's id of the call
}

// Error names the call and the code; never the message, which is for ProviderFault.
func (f *Fault) Error() string {
	return fmt.Sprintf("%s %s: %s (status %d)", f.Product, f.Action, f.Code, f.Status)
}

// NoAnswer is a call that brought no answer to read: whether the cloud has done it
// is not known.
type NoAnswer struct {
	Product Product
	Action  string
	// Sent is false when the cloud was never reached, so that nothing was done.
	Sent bool
	Err  error
}

// Error names the call and the cause, without the address, which holds the signature.
func (e *NoAnswer) Error() string {
	return fmt.Sprintf("%s %s: no answer: %v", e.Product, e.Action, e.Err)
}

// Unwrap returns the cause.
func (e *NoAnswer) Unwrap() error { return e.Err }

// maxText bounds what is kept of the cloud's words, in bytes.
const maxText = 2048

var (
	// A wrong signature is answered with all that was signed.
	signedText = regexp.MustCompile(`(?is)(server string to sign is|string to sign).*`)
	// Parameters and members whose value is a secret.
	secretField = regexp.MustCompile(`(?is)("?\b(?:signature|security_?token|access_?key_?secret|password|user_?data|psk|private_?key|account_?password)\b"?\s*[:=]\s*)("(?:[^"\\]|\\.)*"|[^\s,&}]+)`)
	accessKey   = regexp.MustCompile(`\b(?:LTAI|STS\.)[A-Za-z0-9]{6,}`)
)

// redact cuts the cloud's text and takes out what may be a secret.
func redact(text string) string {
	text = signedText.ReplaceAllString(text, "$1 ******")
	text = secretField.ReplaceAllString(text, "${1}******")
	text = accessKey.ReplaceAllString(text, "******")
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "…"
	}
	return text
}
