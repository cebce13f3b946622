package gyt345

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
)

// errSignature is why a signature's text was refused; it is for the log only.
var errSignature = errors.New("signature is of no accepted form")

// DecodeSignature reads the text of an SM2 signature and gives r and s of 32 bytes
// each. Strict takes Base64 of DER only; tolerant also hexadecimal, the URL-safe
// alphabet, missing padding, blanks in place of "+", and 64 bytes of r and s.
func DecodeSignature(text string, strict bool) (rs [64]byte, form string, err error) {
	if strict {
		raw, err := base64.StdEncoding.Strict().DecodeString(text)
		if err != nil || strings.ContainsAny(text, "\r\n") {
			return rs, "", errSignature
		}
		rs, err = decodeDER(raw)
		return rs, "", err
	}
	raw, form, err := decodeTolerant(text)
	if err != nil {
		return rs, "", err
	}
	if rs, err = decodeDER(raw); err == nil {
		return rs, form, nil
	}
	if len(raw) == len(rs) {
		copy(rs[:], raw)
		return rs, strings.TrimPrefix(form+",plain r and s", ","), nil
	}
	return rs, "", err
}

// plainAlphabet turns the URL-safe alphabet, and a plus that was decoded as a form's
// blank, into that of RFC 4648, section 4.
var plainAlphabet = strings.NewReplacer("-", "+", "_", "/", " ", "+")

func decodeTolerant(text string) (raw []byte, form string, err error) {
	if len(text) >= 128 && len(text)%2 == 0 {
		if raw, err := hex.DecodeString(text); err == nil {
			return raw, "hexadecimal", nil
		}
	}
	if strings.ContainsAny(text, "\r\n") {
		return nil, "", errSignature
	}
	plain := plainAlphabet.Replace(text)
	plain = strings.TrimRight(plain, "=")
	if pad := len(text) - len(plain); pad > 2 {
		return nil, "", errSignature
	}
	if raw, err = base64.RawStdEncoding.Strict().DecodeString(plain); err != nil {
		return nil, "", errSignature
	}
	if base64.StdEncoding.EncodeToString(raw) != text {
		form = "other base64"
	}
	return raw, form, nil
}

// decodeDER reads SEQUENCE { r INTEGER, s INTEGER }, minimal in every length and number.
func decodeDER(raw []byte) (rs [64]byte, err error) {
	body, rest, ok := derValue(raw, 0x30)
	if !ok || len(rest) != 0 {
		return rs, errSignature
	}
	r, body, ok := derValue(body, 0x02)
	if !ok {
		return rs, errSignature
	}
	s, body, ok := derValue(body, 0x02)
	if !ok || len(body) != 0 || !derNumber(r, rs[:32]) || !derNumber(s, rs[32:]) {
		return rs, errSignature
	}
	return rs, nil
}

// derValue takes one value of a tag; a signature is shorter than 128 bytes, so that a
// long length is never minimal.
func derValue(raw []byte, tag byte) (value, rest []byte, ok bool) {
	if len(raw) < 2 || raw[0] != tag || raw[1] >= 0x80 || len(raw) < 2+int(raw[1]) {
		return nil, nil, false
	}
	n := 2 + int(raw[1])
	return raw[2:n], raw[n:], true
}

func derNumber(value, out []byte) bool {
	if len(value) == 0 || value[0]&0x80 != 0 {
		return false
	}
	if value[0] == 0 && (len(value) == 1 || value[1]&0x80 == 0) {
		return false // zero is out of range, anything else not minimal
	}
	value = bytes.TrimLeft(value, "\x00")
	if len(value) > len(out) {
		return false
	}
	copy(out[len(out)-len(value):], value)
	return true
}

// encodeDER writes r and s, which must be in range.
func encodeDER(rs [64]byte) []byte {
	out := make([]byte, 2, 72) // two numbers of at most 33 bytes
	out[0] = 0x30
	out = appendInteger(appendInteger(out, rs[:32]), rs[32:])
	out[1] = byte(len(out) - 2)
	return out
}

func appendInteger(out, number []byte) []byte {
	number = bytes.TrimLeft(number, "\x00")
	pad := len(number) == 0 || number[0]&0x80 != 0
	if pad {
		return append(append(out, 0x02, byte(len(number)+1), 0), number...)
	}
	return append(append(out, 0x02, byte(len(number))), number...)
}
