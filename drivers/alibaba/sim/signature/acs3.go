package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// ACS3Algorithm begins the Authorization header of version 3.
const ACS3Algorithm = "ACS3-HMAC-SHA256"

// ErrMalformed reports an Authorization header that is not of version 3's form.
var ErrMalformed = errors.New("malformed authorization header")

// ACS3Header is what an Authorization header of version 3 says.
type ACS3Header struct {
	AccessKeyID   string
	SignedHeaders []string // lower case
	Signature     string   // hexadecimal
}

// ParseACS3 reads "ACS3-HMAC-SHA256 Credential=…,SignedHeaders=a;b,Signature=…".
func ParseACS3(header string) (ACS3Header, error) {
	rest, ok := strings.CutPrefix(header, ACS3Algorithm+" ")
	if !ok {
		return ACS3Header{}, ErrMalformed
	}
	var h ACS3Header
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "Credential":
			h.AccessKeyID = value
		case "SignedHeaders":
			h.SignedHeaders = strings.Split(value, ";")
		case "Signature":
			h.Signature = value
		}
	}
	if h.AccessKeyID == "" || h.Signature == "" || len(h.SignedHeaders) == 0 {
		return ACS3Header{}, ErrMalformed
	}
	return h, nil
}

// ACS3StringToSign is what version 3 signs. bodyHash is the hexadecimal SHA-256 of the
// body, and host replaces the header that net/http takes away.
func ACS3StringToSign(r *http.Request, host string, signed []string, bodyHash string) string {
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	var headers strings.Builder
	for _, name := range signed {
		value := strings.Join(r.Header.Values(name), ",")
		if name == "host" {
			value = host
		}
		headers.WriteString(name + ":" + strings.TrimSpace(value) + "\n")
	}
	canonical := strings.Join([]string{
		r.Method, path, canonicalQuery(r.URL.Query()), headers.String(), strings.Join(signed, ";"), bodyHash,
	}, "\n")
	sum := sha256.Sum256([]byte(canonical))
	return ACS3Algorithm + "\n" + hex.EncodeToString(sum[:])
}

// ACS3 signs a string with version 3.
func ACS3(secret, stringToSign string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(stringToSign))
	return hex.EncodeToString(mac.Sum(nil))
}

func canonicalQuery(q url.Values) string {
	var pairs []string
	for name, values := range q {
		for _, v := range values {
			pairs = append(pairs, Escape(name)+"="+Escape(v))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}
