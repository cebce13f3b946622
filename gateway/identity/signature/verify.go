package signature

import (
	"bytes"
	"crypto/subtle"
	"errors"
	"net/http"
	"time"
)

// Window is how far the time of signing may be from the verifier's clock, before
// and after.
const Window = 300 * time.Second

// ErrStale reports a signature that is right but was made too long ago, or by a
// clock that is too far ahead.
var ErrStale = errors.New("created is more than 300 seconds from our time")

// Error is why a request is not taken as signed.
type Error struct {
	Header  string // the one at fault
	Problem string
}

// Error names the header.
func (e *Error) Error() string { return e.Header + " " + e.Problem }

// Signed is a request's signature, read but not yet checked against a key.
type Signed struct {
	KeyID     string
	Algorithm Algorithm
	Nonce     string // 16..128 characters
	Created   time.Time
	base      []byte
	signature []byte
}

// Read takes the signature of a received request apart, and checks that the digest
// is that of the body as received. Errors are of type *Error.
func Read(r *http.Request, body []byte) (*Signed, error) {
	text, err := only(r, HeaderInput)
	if err != nil {
		return nil, err
	}
	in, err := parseInput(text)
	if err != nil {
		return nil, &Error{HeaderInput, err.Error()}
	}
	if text, err = only(r, HeaderSignature); err != nil {
		return nil, err
	}
	signed, ok := parseBytes(label, text)
	if !ok || len(signed) == 0 {
		return nil, &Error{HeaderSignature, "must be sig1=:<base64>:"}
	}
	if err := checkDigest(r, in.components.digest, body); err != nil {
		return nil, err
	}
	if err := checkIdempotencyKey(r, in.components.idempotencyKey); err != nil {
		return nil, err
	}
	lines := base(r, in)
	if bytes.Count(lines, []byte("\n")) != in.components.count() {
		return nil, &Error{HeaderInput, "covers a value with a line end"}
	}
	return &Signed{
		KeyID: in.keyID, Algorithm: in.algorithm, Nonce: in.nonce, Created: time.Unix(in.created, 0).UTC(),
		base: lines, signature: signed,
	}, nil
}

// Verify checks the signature and, if it is right, its time. Errors are of type
// *Error, or ErrStale. A nonce that was used before is for the caller to find.
func (s *Signed) Verify(key *Verifier, now time.Time) error {
	if s.Algorithm != key.algorithm {
		return &Error{HeaderInput, "alg is not that of the key"}
	}
	if !key.verify(s.base, s.signature) {
		return &Error{HeaderSignature, "does not fit the request and the key"}
	}
	if age := now.Sub(s.Created); age > Window || age < -Window {
		return ErrStale
	}
	return nil
}

// only is the value of a header that must be there once.
func only(r *http.Request, name string) (string, error) {
	switch values := r.Header.Values(name); len(values) {
	case 0:
		return "", &Error{name, "is missing"}
	case 1:
		return values[0], nil
	default:
		return "", &Error{name, "is given more than once"}
	}
}

func checkDigest(r *http.Request, covered bool, body []byte) error {
	if !covered {
		if len(body) > 0 {
			return &Error{HeaderInput, `must cover "content-digest", since there is a body`}
		}
		return nil
	}
	text, err := only(r, HeaderDigest)
	if err != nil {
		return err
	}
	if _, ok := parseBytes(digestKey, text); !ok {
		return &Error{HeaderDigest, "must be sha-256=:<base64>:"}
	}
	if subtle.ConstantTimeCompare([]byte(text), []byte(formatDigest(body))) != 1 {
		return &Error{HeaderDigest, "is not that of the body"}
	}
	return nil
}

func checkIdempotencyKey(r *http.Request, covered bool) error {
	if !covered {
		if len(r.Header.Values(headerIdempotencyKey)) > 0 {
			return &Error{HeaderInput, `must cover "idempotency-key", since that header is sent`}
		}
		return nil
	}
	_, err := only(r, headerIdempotencyKey)
	return err
}
