package signature

import (
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/smx509"
)

// Algorithm is the value of the parameter alg.
type Algorithm string

// The algorithms that there are.
const (
	HMACSM3    Algorithm = "hmac-sm3"
	HMACSHA256 Algorithm = "hmac-sha256"
	SM2SM3     Algorithm = "sm2-sm3"
)

// minSecretBytes is the shortest HMAC secret that is taken.
const minSecretBytes = 16

func hashOf(a Algorithm) (func() hash.Hash, error) {
	switch a {
	case HMACSM3:
		return sm3.New, nil
	case HMACSHA256:
		return sha256.New, nil
	default:
		return nil, fmt.Errorf("%q is no HMAC algorithm", a)
	}
}

// Signer signs with one key. It is safe for concurrent use.
type Signer struct {
	keyID     string
	algorithm Algorithm
	sign      func(base []byte) ([]byte, error)
}

// NewHMACSigner signs with a shared secret of at least 16 bytes.
func NewHMACSigner(keyID string, a Algorithm, secret []byte) (*Signer, error) {
	mac, err := newMAC(a, secret)
	if err != nil {
		return nil, err
	}
	return newSigner(keyID, a, func(base []byte) ([]byte, error) { return mac(base), nil })
}

// NewSM2Signer signs with an SM2 private key in PEM: PKCS #8 "PRIVATE KEY" or SEC 1
// "EC PRIVATE KEY". Parameters before the key, as openssl writes them, are skipped.
func NewSM2Signer(keyID string, privateKey []byte) (*Signer, error) {
	key, err := parsePrivateKey(privateKey)
	if err != nil {
		return nil, err
	}
	return newSigner(keyID, SM2SM3, func(base []byte) ([]byte, error) {
		return key.Sign(rand.Reader, base, sm2.DefaultSM2SignerOpts)
	})
}

func newSigner(keyID string, a Algorithm, sign func([]byte) ([]byte, error)) (*Signer, error) {
	if !validKeyID(keyID) {
		return nil, errors.New("the key id must have 1 to 64 letters, digits, hyphens and underscores")
	}
	return &Signer{keyID, a, sign}, nil
}

func parsePrivateKey(text []byte) (*sm2.PrivateKey, error) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "PRIVATE KEY":
			parsed, err := smx509.ParsePKCS8PrivateKey(block.Bytes)
			if err != nil {
				return nil, errors.New("the private key is not readable as PKCS #8")
			}
			key, ok := parsed.(*sm2.PrivateKey)
			if !ok {
				return nil, errors.New("the private key is no SM2 key")
			}
			return key, nil
		case "EC PRIVATE KEY":
			key, err := smx509.ParseSM2PrivateKey(block.Bytes)
			if err != nil {
				return nil, errors.New("the private key is no SM2 key")
			}
			return key, nil
		}
	}
	return nil, errors.New("there is no private key in PEM")
}

// Verifier checks what one key has signed. It is safe for concurrent use.
type Verifier struct {
	algorithm Algorithm
	verify    func(base, signature []byte) bool
}

// NewHMACVerifier checks against a shared secret of at least 16 bytes, in constant
// time.
func NewHMACVerifier(a Algorithm, secret []byte) (*Verifier, error) {
	mac, err := newMAC(a, secret)
	if err != nil {
		return nil, err
	}
	return &Verifier{a, func(base, signature []byte) bool { return hmac.Equal(mac(base), signature) }}, nil
}

// NewSM2Verifier checks against a public key: a SubjectPublicKeyInfo in DER.
func NewSM2Verifier(publicKey []byte) (*Verifier, error) {
	parsed, err := smx509.ParsePKIXPublicKey(publicKey)
	if err != nil {
		return nil, errors.New("the public key is no SubjectPublicKeyInfo")
	}
	key, ok := parsed.(*ecdsa.PublicKey)
	if !ok || key.Curve != sm2.P256() {
		return nil, errors.New("the public key is no SM2 key")
	}
	return &Verifier{SM2SM3, func(base, signature []byte) bool { return sm2.VerifyASN1WithSM2(key, nil, base, signature) }}, nil
}

func newMAC(a Algorithm, secret []byte) (func(base []byte) []byte, error) {
	newHash, err := hashOf(a)
	if err != nil {
		return nil, err
	}
	if len(secret) < minSecretBytes {
		return nil, fmt.Errorf("the secret has %d bytes, at least %d are needed", len(secret), minSecretBytes)
	}
	return func(base []byte) []byte {
		mac := hmac.New(newHash, secret)
		mac.Write(base)
		return mac.Sum(nil)
	}, nil
}
