package signature

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the published scheme
	"encoding/base64"
	"maps"
	"slices"
	"strings"
)

// RPCMethod is the only SignatureMethod of version 1.0.
const RPCMethod = "HMAC-SHA1"

// RPCStringToSign is what version 1.0 signs: all parameters of query and form but
// Signature.
func RPCStringToSign(method string, parameters map[string]string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		if name == "Signature" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(Escape(name))
		b.WriteByte('=')
		b.WriteString(Escape(parameters[name]))
	}
	return method + "&%2F&" + Escape(b.String())
}

// RPC signs a string with version 1.0.
func RPC(secret, stringToSign string) string {
	mac := hmac.New(sha1.New, []byte(secret+"&"))
	mac.Write([]byte(stringToSign))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

const upperHex = "0123456789ABCDEF"

// Escape percent-encodes all bytes but A-Z a-z 0-9 - _ . ~.
func Escape(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-_.~", c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(upperHex[c>>4])
			b.WriteByte(upperHex[c&15])
		}
	}
	return b.String()
}
