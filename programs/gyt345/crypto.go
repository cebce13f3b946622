package gyt345

import (
	"context"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/emmansun/gmsm/cbcmac"
	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/sm4"
	"github.com/emmansun/gmsm/smx509"
)

// UserID is the identity that ZA is made of, for signing and verifying.
const UserID = "1234567812345678"

// PublicKey is an SM2 public key that verifies a party's messages.
type PublicKey struct {
	point       []byte // 04||X||Y
	hex         string
	fingerprint string
	key         *ecdsa.PublicKey
}

// ParsePublicKey reads 65 bytes 04||X||Y in hexadecimal, an SM2 certificate in PEM,
// or a public key in PEM (PKIX).
func ParsePublicKey(text string) (PublicKey, error) {
	text = strings.TrimSpace(text)
	if block, _ := pem.Decode([]byte(text)); block != nil {
		return publicKeyOfPEM(block)
	}
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != 65 || raw[0] != 4 {
		return PublicKey{}, errors.New("public key is neither 65 bytes in hexadecimal that begin with 04 nor PEM")
	}
	key, err := sm2.ParseUncompressedPublicKey(raw)
	if err != nil {
		return PublicKey{}, fmt.Errorf("public key: %w", err)
	}
	return named(raw, key), nil
}

// Validity is the time in which a key may be used. The zero value has no bounds.
type Validity struct{ From, Until time.Time }

// Holds tells whether the key may be used at a time.
func (v Validity) Holds(at time.Time) bool {
	return !at.Before(v.From) && (v.Until.IsZero() || !at.After(v.Until))
}

// ValidityOf reads the bounds of a certificate in PEM; other keys have none.
func ValidityOf(text string) (Validity, error) {
	block, _ := pem.Decode([]byte(strings.TrimSpace(text)))
	if block == nil || block.Type != certificateBlock {
		return Validity{}, nil
	}
	certificate, err := smx509.ParseCertificate(block.Bytes)
	if err != nil {
		return Validity{}, fmt.Errorf("certificate in PEM: %w", err)
	}
	return Validity{certificate.NotBefore.UTC(), certificate.NotAfter.UTC()}, nil
}

const certificateBlock = "CERTIFICATE"

func publicKeyOfPEM(block *pem.Block) (PublicKey, error) {
	var public any
	var err error
	if block.Type == certificateBlock {
		var certificate *smx509.Certificate
		if certificate, err = smx509.ParseCertificate(block.Bytes); err == nil {
			public = certificate.PublicKey
		}
	} else {
		public, err = smx509.ParsePKIXPublicKey(block.Bytes)
	}
	if err != nil {
		return PublicKey{}, fmt.Errorf("public key in PEM: %w", err)
	}
	key, ok := public.(*ecdsa.PublicKey)
	if !ok || !sm2.IsSM2PublicKey(key) {
		return PublicKey{}, errors.New("the PEM holds no SM2 key")
	}
	return publicKeyOf(key)
}

func publicKeyOf(key *ecdsa.PublicKey) (PublicKey, error) {
	point, err := sm2.PublicKeyToECDH(key)
	if err != nil {
		return PublicKey{}, fmt.Errorf("public key: %w", err)
	}
	return named(point.Bytes(), key), nil
}

func named(point []byte, key *ecdsa.PublicKey) PublicKey {
	name := hex.EncodeToString(point)
	sum := sm3.Sum([]byte(name))
	return PublicKey{point, name, hex.EncodeToString(sum[:8]), key}
}

// Hex is the key as 04||X||Y in lower-case hexadecimal.
func (k PublicKey) Hex() string { return k.hex }

// Fingerprint names the key in logs: 16 hexadecimal digits of its SM3.
func (k PublicKey) Fingerprint() string { return k.fingerprint }

// Verify tells whether rs is the key's signature of the message.
func (k PublicKey) Verify(message []byte, rs [64]byte) bool {
	return sm2.VerifyASN1WithSM2(k.key, []byte(UserID), message, encodeDER(rs))
}

// Signer makes SM2-with-SM3 signatures under UserID, DER encoded. A cryptographic
// device is one; PrivateKey is the one in memory.
type Signer interface {
	Sign(ctx context.Context, message []byte) (der []byte, err error)
	Public() PublicKey
}

// PrivateKey signs in memory.
type PrivateKey struct {
	key    *sm2.PrivateKey
	public PublicKey
}

var _ HashSigner = (*PrivateKey)(nil)

// GenerateKey makes a new key.
func GenerateKey() (*PrivateKey, error) {
	key, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make an SM2 key: %w", err)
	}
	return privateKeyOf(key)
}

// ParsePrivateKey reads 32 bytes in hexadecimal, or PEM (PKCS #8 or SEC 1).
func ParsePrivateKey(text string) (*PrivateKey, error) {
	text = strings.TrimSpace(text)
	if block, _ := pem.Decode([]byte(text)); block != nil {
		if key, err := smx509.ParseSM2PrivateKey(block.Bytes); err == nil {
			return privateKeyOf(key)
		}
		parsed, err := smx509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return nil, errors.New("the PEM holds no private key that can be read")
		}
		key, ok := parsed.(*sm2.PrivateKey)
		if !ok {
			return nil, errors.New("the PEM holds no SM2 key")
		}
		return privateKeyOf(key)
	}
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != 32 {
		return nil, errors.New("private key is neither 32 bytes in hexadecimal nor PEM")
	}
	key, err := sm2.NewPrivateKey(raw)
	if err != nil {
		return nil, errors.New("private key is out of range")
	}
	return privateKeyOf(key)
}

func privateKeyOf(key *sm2.PrivateKey) (*PrivateKey, error) {
	public, err := publicKeyOf(&key.PublicKey)
	if err != nil {
		return nil, err
	}
	return &PrivateKey{key, public}, nil
}

// Sign implements Signer.
func (k *PrivateKey) Sign(_ context.Context, message []byte) ([]byte, error) {
	return k.key.Sign(rand.Reader, message, sm2.NewSM2SignerOption(true, []byte(UserID)))
}

// SignHash implements HashSigner.
func (k *PrivateKey) SignHash(_ context.Context, hash []byte) ([]byte, error) {
	return k.key.Sign(rand.Reader, hash, nil)
}

// Public implements Signer.
func (k *PrivateKey) Public() PublicKey { return k.public }

// Hex is the secret number in hexadecimal, for sealing.
func (k *PrivateKey) Hex() string { return hex.EncodeToString(k.key.D.FillBytes(make([]byte, 32))) }

// MACKey makes and checks message authentication codes of one pair of platforms.
type MACKey struct {
	method MACMethod
	key    []byte
}

// ErrSecret refuses a groupSecret of another form.
var ErrSecret = errors.New("groupSecret must have 32 to 64 characters from 0x21 to 0x7E")

// NewMACKey derives the profile's key from the secret and the groupId.
func NewMACKey(groupSecret, groupID string) (MACKey, error) {
	return Variant{}.MACKey(groupSecret, groupID)
}

// MACKey makes the key of a variant from the secret and the groupId.
func (v Variant) MACKey(groupSecret, groupID string) (MACKey, error) {
	if len(groupSecret) < 32 || len(groupSecret) > 64 || strings.ContainsFunc(groupSecret, func(r rune) bool { return r < 0x21 || r > 0x7e }) {
		return MACKey{}, ErrSecret
	}
	switch {
	case v.MAC == MACHMACSM3:
		return MACKey{v.MAC, []byte(groupSecret)}, nil
	case v.Key == KeySM3OfSecret:
		sum := sm3.Sum([]byte(groupSecret))
		return MACKey{v.MAC, sum[:sm4.BlockSize]}, nil
	default:
		return MACKey{v.MAC, deriveMACKey(groupSecret, groupID)}, nil
	}
}

func deriveMACKey(groupSecret, groupID string) []byte {
	h := hmac.New(sm3.New, []byte(groupSecret))
	h.Write([]byte("GYT345-MAC-KEY-1\n" + groupID + "\n"))
	return h.Sum(nil)[:sm4.BlockSize]
}

// NewSecret makes a groupSecret of 192 random bits.
func NewSecret() string {
	raw := make([]byte, 24)
	_, _ = rand.Read(raw) // never fails, see crypto/rand
	return base64.RawURLEncoding.EncodeToString(raw)
}

// Hex is the key in hexadecimal, for other programs.
func (k MACKey) Hex() string { return hex.EncodeToString(k.key) }

// MAC is the code of a text.
func (k MACKey) MAC(text []byte) ([]byte, error) { return k.mac(text, sm3.Sum(text)) }

// mac is MAC with the SM3 of the text.
func (k MACKey) mac(text []byte, digest [sm3.Size]byte) ([]byte, error) {
	if k.method == MACHMACSM3 {
		h := hmac.New(sm3.New, k.key)
		h.Write(text)
		return h.Sum(nil), nil
	}
	block, err := sm4.NewCipher(k.key)
	if err != nil {
		return nil, err
	}
	if k.method == MACSM4CMAC {
		return cbcmac.NewCMAC(block, sm4.BlockSize).MAC(digest[:]), nil
	}
	out := make([]byte, sm4.BlockSize)
	for part := range slices.Chunk(digest[:], sm4.BlockSize) {
		subtle.XORBytes(out, out, part)
		block.Encrypt(out, out)
	}
	return out, nil
}

// verify compares in constant time.
func (k MACKey) verify(text []byte, digest [sm3.Size]byte, mac []byte) bool {
	want, err := k.mac(text, digest)
	return err == nil && subtle.ConstantTimeCompare(want, mac) == 1
}

// SM3 is the digest as 64 lower-case hexadecimal characters.
func SM3(data []byte) string {
	sum := sm3.Sum(data)
	return hex.EncodeToString(sum[:])
}
