// Package seal encrypts secrets for the store with AES-256-GCM.
//
// It owns the key and the format of sealed values. It does not know what it seals
// nor where it is kept.
package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// KeySize is the length of a key in bytes.
const KeySize = 32

// version is the first byte of every sealed value, so that another cipher can follow.
const version = 1

// Box seals and opens values under one key. It is safe for concurrent use.
type Box struct {
	aead cipher.AEAD
	key  []byte
}

// New makes a Box of a key of KeySize bytes.
func New(key []byte) (*Box, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("sealing key has %d bytes, want %d", len(key), KeySize)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &Box{aead, bytes.Clone(key)}, nil
}

// Seal encrypts plain. The label says what the value belongs to (table and row);
// the same label is needed to open it, so that values cannot be swapped.
func (b *Box) Seal(plain []byte, label string) []byte {
	nonce := make([]byte, b.aead.NonceSize(), 1+b.aead.NonceSize()+len(plain)+b.aead.Overhead())
	_, _ = rand.Read(nonce) // never fails, see crypto/rand
	sealed := append([]byte{version}, nonce...)
	return b.aead.Seal(sealed, nonce, plain, []byte(label))
}

// Open decrypts what Seal made with the same key and label.
func (b *Box) Open(sealed []byte, label string) ([]byte, error) {
	size := b.aead.NonceSize()
	if len(sealed) < 1+size || sealed[0] != version {
		return nil, errors.New("open sealed value: unknown format")
	}
	plain, err := b.aead.Open(nil, sealed[1:1+size], sealed[1+size:], []byte(label))
	if err != nil {
		return nil, errors.New("open sealed value: wrong key or altered value")
	}
	return plain, nil
}

// LoadKey reads a base64 key from a file. If create is true and there is no such
// file, it makes a key and writes the file with mode 0600.
func LoadKey(path string, create bool) ([]byte, error) {
	text, err := os.ReadFile(path)
	if create && errors.Is(err, fs.ErrNotExist) {
		return newKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read sealing key: %w", err)
	}
	return ParseKey(string(text))
}

// ParseKey decodes a base64 key of KeySize bytes.
func ParseKey(text string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(key) != KeySize {
		return nil, fmt.Errorf("sealing key is not %d bytes in base64", KeySize)
	}
	return key, nil
}

func newKey(path string) ([]byte, error) {
	key := make([]byte, KeySize)
	_, _ = rand.Read(key)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create sealing key: %w", err)
	}
	_, err = f.WriteString(base64.StdEncoding.EncodeToString(key) + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("write sealing key: %w", err)
	}
	return key, nil
}

// Derive makes a key of KeySize bytes for another purpose. It is the same for
// every Box of the same key, and tells nothing about that key.
func (b *Box) Derive(purpose string) []byte {
	derived, err := hkdf.Key(sha256.New, b.key, nil, "yunqiao "+purpose, KeySize)
	if err != nil { // only for impossible lengths
		panic(err)
	}
	return derived
}
