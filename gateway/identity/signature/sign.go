package signature

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// digestKey is the one digest algorithm of Content-Digest that is taken.
const digestKey = "sha-256"

func formatDigest(body []byte) string {
	sum := sha256.Sum256(body)
	return formatBytes(digestKey, sum[:])
}

// Sign adds the three headers to a request that is about to be sent. The request's
// URL, body and Idempotency-Key must not change afterwards, and it can be sent
// once. The clock must be within Window of the receiver's.
func Sign(r *http.Request, key *Signer) error { return sign(r, key, time.Now(), rand.Text()) }

func sign(r *http.Request, key *Signer, now time.Time, nonce string) error {
	if r.URL.Opaque != "" {
		return errors.New("sign: the address has no path")
	}
	body, err := bodyOf(r)
	if err != nil {
		return fmt.Errorf("sign: read the body: %w", err)
	}
	in := input{created: now.Unix(), keyID: key.keyID, nonce: nonce, algorithm: key.algorithm}
	in.components = components{digest: len(body) > 0, idempotencyKey: len(r.Header.Values(headerIdempotencyKey)) > 0}
	r.Header.Del(HeaderDigest)
	if in.components.digest {
		r.Header.Set(HeaderDigest, formatDigest(body))
	}
	signed, err := key.sign(base(r, in))
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	r.Header.Set(HeaderInput, label+"="+in.String())
	r.Header.Set(HeaderSignature, formatBytes(label, signed))
	return nil
}

// bodyOf reads the body and leaves the request with an unread one.
func bodyOf(r *http.Request) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	body, err := io.ReadAll(r.Body)
	if err := errors.Join(err, r.Body.Close()); err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, nil
}
