package signature

import (
	"net/http"
	"strings"
)

// Names of the headers.
const (
	HeaderInput     = "Signature-Input"
	HeaderSignature = "Signature"
	HeaderDigest    = "Content-Digest"

	headerIdempotencyKey = "Idempotency-Key"
)

// base is what is signed (RFC 9421, 2.5): a line for each component, the last for
// the parameters. Path and query stand as they were sent, since two spellings of
// one path may be two resources.
func base(r *http.Request, in input) []byte {
	var b strings.Builder
	line := func(name, value string) {
		b.WriteString(`"` + name + `": ` + value)
		if name != "@signature-params" {
			b.WriteByte('\n')
		}
	}
	line("@method", r.Method)
	line("@path", path(r))
	line("@query", "?"+r.URL.RawQuery)
	if in.components.digest {
		line("content-digest", r.Header.Get(HeaderDigest))
	}
	if in.components.idempotencyKey {
		line("idempotency-key", r.Header.Get(headerIdempotencyKey))
	}
	line("@signature-params", in.String())
	return []byte(b.String())
}

func path(r *http.Request) string {
	if p := r.URL.EscapedPath(); p != "" {
		return p
	}
	return "/"
}
