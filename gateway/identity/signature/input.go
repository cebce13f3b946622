package signature

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
)

// label names the one signature that a request has.
const label = "sig1"

// components is what a signature covers, in the order of the base.
type components struct {
	digest         bool // "content-digest"
	idempotencyKey bool // "idempotency-key"
}

func (c components) String() string {
	text := `("@method" "@path" "@query"`
	if c.digest {
		text += ` "content-digest"`
	}
	if c.idempotencyKey {
		text += ` "idempotency-key"`
	}
	return text + ")"
}

func (c components) count() int { return strings.Count(c.String(), `"`) / 2 }

// input is the value of Signature-Input behind the label.
type input struct {
	components components
	created    int64 // Unix time in seconds
	keyID      string
	nonce      string
	algorithm  Algorithm
}

// String is the only spelling of an input; it is also the base's last line.
func (i input) String() string {
	return i.components.String() + ";created=" + strconv.FormatInt(i.created, 10) +
		`;keyid="` + i.keyID + `";nonce="` + i.nonce + `";alg="` + string(i.algorithm) + `"`
}

var errInput = errors.New(`must be sig1=("@method" "@path" "@query" "content-digest");created=<seconds>;keyid="…";nonce="…";alg="…", ` +
	`without "content-digest" where there is no body, with "idempotency-key" after it where that header is sent`)

// parseInput reads a value of Signature-Input. It takes only what String writes.
func parseInput(text string) (input, error) {
	rest, ok := strings.CutPrefix(text, label+"=")
	if !ok {
		return input{}, errInput
	}
	written := rest
	var in input
	for _, c := range []components{{}, {digest: true}, {idempotencyKey: true}, {digest: true, idempotencyKey: true}} {
		if after, ok := strings.CutPrefix(rest, c.String()+";"); ok {
			in.components, rest = c, after
		}
	}
	values := strings.Split(rest, ";")
	if len(values) != 4 {
		return input{}, errInput
	}
	created, ok := strings.CutPrefix(values[0], "created=")
	if !ok || len(created) > 11 {
		return input{}, errInput
	}
	var err error
	if in.created, err = strconv.ParseInt(created, 10, 64); err != nil || in.created < 0 {
		return input{}, errInput
	}
	in.keyID = quoted(values[1], "keyid=")
	in.nonce = quoted(values[2], "nonce=")
	in.algorithm = Algorithm(quoted(values[3], "alg="))
	switch {
	case !validKeyID(in.keyID):
		return input{}, errors.New("keyid must have 1 to 64 letters, digits, hyphens and underscores")
	case !validNonce(in.nonce):
		return input{}, errors.New("nonce must have 16 to 128 letters, digits and characters of - _ . ~ + / =")
	case in.algorithm != HMACSM3 && in.algorithm != HMACSHA256 && in.algorithm != SM2SM3:
		return input{}, errors.New("alg is none of hmac-sm3, hmac-sha256, sm2-sm3")
	case in.String() != written: // such as a created with a sign or leading zeros
		return input{}, errInput
	}
	return in, nil
}

// quoted takes a string off its name and quotes; "" if it is none.
func quoted(text, name string) string {
	text, named := strings.CutPrefix(text, name)
	text, begun := strings.CutPrefix(text, `"`)
	text, ended := strings.CutSuffix(text, `"`)
	if !named || !begun || !ended {
		return ""
	}
	return text
}

func validKeyID(id string) bool { return consists(id, 1, 64, "-_") }

func validNonce(nonce string) bool { return consists(nonce, 16, 128, "-_.~+/=") }

// consists tells whether a text has letters, digits and some other characters only.
func consists(text string, shortest, longest int, others string) bool {
	if len(text) < shortest || len(text) > longest {
		return false
	}
	for i := range len(text) {
		c := text[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && strings.IndexByte(others, c) < 0 {
			return false
		}
	}
	return true
}

// formatBytes is a dictionary with one byte sequence (RFC 8941, 3.3.5).
func formatBytes(key string, value []byte) string {
	return key + "=:" + base64.StdEncoding.EncodeToString(value) + ":"
}

// parseBytes reads what formatBytes writes, and nothing else.
func parseBytes(key, text string) ([]byte, bool) {
	encoded, ok := strings.CutPrefix(text, key+"=:")
	if !ok {
		return nil, false
	}
	if encoded, ok = strings.CutSuffix(encoded, ":"); !ok {
		return nil, false
	}
	value, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || formatBytes(key, value) != text { // the decoder skips line ends and trailing bits
		return nil, false
	}
	return value, true
}
