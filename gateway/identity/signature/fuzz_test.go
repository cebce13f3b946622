package signature

import (
	"bytes"
	"net/http"
	"net/url"
	"testing"
)

// FuzzInput holds the parser to one spelling: what it takes is what String writes.
func FuzzInput(f *testing.F) {
	for _, c := range []components{{}, {digest: true}, {true, true}} {
		f.Add(label + "=" + input{c, 1786000000, keyID, nonce, HMACSM3}.String())
	}
	f.Add(`sig1=();created=0;keyid="";nonce="";alg=""`)
	f.Add(`sig1=("@method" "@path" "@query");created=-0;keyid="a";nonce="0123456789abcdef";alg="sm2-sm3"`)
	f.Fuzz(func(t *testing.T, text string) {
		in, err := parseInput(text)
		if err != nil {
			return
		}
		if got := label + "=" + in.String(); got != text {
			t.Errorf("got %q, want %q", got, text)
		}
	})
}

// FuzzBytes does the same for byte sequences.
func FuzzBytes(f *testing.F) {
	f.Add(formatBytes(label, []byte("signature")))
	f.Add("sig1=:YQ==\n:")
	f.Add("sig1=:YR==:")
	f.Fuzz(func(t *testing.T, text string) {
		value, ok := parseBytes(label, text)
		if ok && formatBytes(label, value) != text {
			t.Errorf("%q was taken", text)
		}
	})
}

// FuzzRead reads arbitrary headers: nothing but what the key signed verifies.
func FuzzRead(f *testing.F) {
	keys := pairs(f)[HMACSHA256]
	body := []byte("body")
	r := request(f, "POST", "/a/b?c=d", string(body))
	if err := sign(r, keys.signer, signedAt, nonce); err != nil {
		f.Fatal(err)
	}
	signedInput, signed, digest := r.Header.Get(HeaderInput), r.Header.Get(HeaderSignature), r.Header.Get(HeaderDigest)
	f.Add("POST", "/a/b?c=d", signedInput, signed, digest, "", body)
	f.Add("POST", "/a/b?c=d", signedInput, signed, digest, "k", body)
	f.Add("GET", "/a%2Fb?", signedInput, signed, digest, "", []byte{})
	f.Fuzz(func(t *testing.T, method, target, input, mac, bodyDigest, idempotencyKey string, received []byte) {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return
		}
		r := &http.Request{Method: method, URL: u, Header: http.Header{
			HeaderInput: {input}, HeaderSignature: {mac}, HeaderDigest: {bodyDigest},
		}}
		if idempotencyKey != "" {
			r.Header.Set(headerIdempotencyKey, idempotencyKey)
		}
		s, err := Read(r, received)
		if err != nil || s.Verify(keys.verifier, signedAt) != nil {
			return
		}
		if method != "POST" || u.EscapedPath() != "/a/b" || u.RawQuery != "c=d" || input != signedInput || mac != signed ||
			bodyDigest != digest || idempotencyKey != "" || !bytes.Equal(received, body) {
			t.Errorf("%s %s %q %q %q %q was taken", method, target, input, mac, bodyDigest, received)
		}
	})
}

// FuzzBase looks for two requests with one base.
func FuzzBase(f *testing.F) {
	f.Add("/a", "b", "k", "/a", "b", "k")
	f.Add("/a", "b", "", "/a?b", "", "")
	f.Add("/a%0A", "b", "k\n\"x\": y", "/a", "b\n", "k")
	f.Fuzz(func(t *testing.T, path1, query1, key1, path2, query2, key2 string) {
		first, target1 := baseOf(path1, query1, key1)
		second, target2 := baseOf(path2, query2, key2)
		if first == nil || second == nil {
			return
		}
		if bytes.Equal(first, second) != (target1 == target2 && key1 == key2) {
			t.Errorf("%q with %q and %q with %q:\n%s\n%s", target1, key1, target2, key2, first, second)
		}
	})
}

// baseOf is the base of a request as Read takes it, and its target; nil if it
// takes none.
func baseOf(path, query, key string) ([]byte, string) {
	u := &url.URL{Path: path, RawQuery: query}
	if unescaped, err := url.PathUnescape(path); err == nil {
		u.Path, u.RawPath = unescaped, path
	}
	in := input{components{}, 1786000000, keyID, nonce, HMACSHA256}
	r := &http.Request{Method: http.MethodPost, URL: u, Header: http.Header{}}
	if key != "" {
		in.components.idempotencyKey = true
		r.Header.Set(headerIdempotencyKey, key)
	}
	r.Header.Set(HeaderInput, label+"="+in.String())
	r.Header.Set(HeaderSignature, formatBytes(label, secret))
	s, err := Read(r, nil)
	if err != nil {
		return nil, ""
	}
	escaped := u.EscapedPath()
	if escaped == "" {
		escaped = "/"
	}
	return s.base, escaped + "?" + query
}
