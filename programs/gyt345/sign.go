package gyt345

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/emmansun/gmsm/sm3"
)

// Param is a decoded query parameter.
type Param struct{ Name, Value string }

// ParseQuery decodes a query: "%xx" only, a plus stays a plus. Pairs keep their order.
func ParseQuery(query string) ([]Param, error) {
	if query == "" {
		return nil, nil
	}
	var params []Param
	for pair := range strings.SplitSeq(query, "&") {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return nil, errors.New("query has a part that is no name=value")
		}
		n, err := percentDecode(name)
		if err != nil {
			return nil, err
		}
		v, err := percentDecode(value)
		if err != nil {
			return nil, err
		}
		params = append(params, Param{n, v})
	}
	return params, nil
}

func percentDecode(text string) (string, error) {
	if !strings.Contains(text, "%") {
		return text, nil
	}
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] != '%' {
			out = append(out, text[i])
			continue
		}
		if i+2 >= len(text) || unhex(text[i+1]) < 0 || unhex(text[i+2]) < 0 {
			return "", errors.New("query has a bad percent escape")
		}
		out = append(out, byte(unhex(text[i+1])<<4|unhex(text[i+2])))
		i += 2
	}
	return string(out), nil
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// percentEncode leaves only unreserved characters plain.
func percentEncode(text string) string {
	const hexDigits = "0123456789ABCDEF"
	if !strings.ContainsFunc(text, reserved) {
		return text
	}
	out := make([]byte, 0, 2*len(text))
	for i := range len(text) {
		c := text[i]
		if reserved(rune(c)) {
			out = append(out, '%', hexDigits[c>>4], hexDigits[c&15])
		} else {
			out = append(out, c)
		}
	}
	return string(out)
}

func reserved(c rune) bool {
	plain := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
	return !plain
}

// signParam is the query parameter that the request string leaves out.
const signParam = "sign"

// CanonicalQuery is the sorted query of every parameter but sign.
func CanonicalQuery(params []Param) string {
	type pair struct{ name, value string }
	var pairs []pair
	for _, p := range params {
		if p.Name != signParam {
			pairs = append(pairs, pair{percentEncode(p.Name), percentEncode(p.Value)})
		}
	}
	slices.SortFunc(pairs, func(a, b pair) int { return strings.Compare(a.name, b.name) })
	parts := make([]string, len(pairs))
	for i, p := range pairs {
		parts[i] = p.name + "=" + p.value
	}
	return strings.Join(parts, "&")
}

// RequestString is the text that sign is made over.
func RequestString(path string, params []Param, body []byte) []byte {
	return []byte("GYT345-SIGN-1\nPOST\n" + path + "\n" + CanonicalQuery(params) + "\n" + SM3(body) + "\n")
}

// Sign makes the value of the query parameter sign.
func (v Variant) Sign(ctx context.Context, signer Signer, path string, params []Param, body []byte) (string, error) {
	der, err := v.sign(ctx, signer, v.RequestText(path, params, body))
	if err != nil {
		return "", fmt.Errorf("sign the request: %w", err)
	}
	return base64.StdEncoding.EncodeToString(der), nil
}

// VerifySign finds the key under which a request's sign holds. The form names what was
// accepted beyond Base64 of DER.
func VerifySign(keys []PublicKey, path string, params []Param, body []byte, sign string, profile Profile) (key PublicKey, form string, err error) {
	rs, form, err := DecodeSignature(sign, profile.Strict)
	if err != nil {
		return PublicKey{}, "", err
	}
	text := profile.Variant.RequestText(path, params, body)
	for _, k := range keys {
		if profile.Variant.Verify(k, text, rs) {
			return k, form, nil
		}
	}
	return PublicKey{}, "", errors.New("sign holds under no key of the caller")
}

// Parts says what msgSign consists of.
type Parts string

// The values of Parts.
const (
	PartsBoth      Parts = "both"      // signature, dot, MAC
	PartsSignature Parts = "signature" // signature alone
	PartsMAC       Parts = "mac"       // MAC alone
)

// Valid tells whether p is one of the values.
func (p Parts) Valid() bool { return p == PartsBoth || p == PartsSignature || p == PartsMAC }

// SignMessage makes msgSign over the text of a body. The key is the variant's own.
func (v Variant) SignMessage(ctx context.Context, signer Signer, key MACKey, text []byte, parts Parts) (string, error) {
	var texts []string
	if parts != PartsMAC {
		der, err := v.sign(ctx, signer, text)
		if err != nil {
			return "", fmt.Errorf("sign the message: %w", err)
		}
		texts = append(texts, base64.StdEncoding.EncodeToString(der))
	}
	if parts != PartsSignature {
		mac, err := key.MAC(text)
		if err != nil {
			return "", fmt.Errorf("authenticate the message: %w", err)
		}
		texts = append(texts, base64.StdEncoding.EncodeToString(mac))
	}
	return strings.Join(texts, "."), nil
}

// VerifyMessage checks msgSign over the text of a body. The keys of the MAC are those of
// the profile's variant.
func VerifyMessage(keys []PublicKey, macKeys []MACKey, text []byte, msgSign string, profile Profile) (form string, err error) {
	return verifyMessage(keys, macKeys, text, sm3.Sum(text), msgSign, profile)
}

// verifyMessage is VerifyMessage with the SM3 of the text.
func verifyMessage(keys []PublicKey, macKeys []MACKey, text []byte, digest [sm3.Size]byte, msgSign string, profile Profile) (form string, err error) {
	signature, mac := msgSign, msgSign
	if profile.Parts == PartsBoth || profile.Parts == "" {
		var ok bool
		if signature, mac, ok = strings.Cut(msgSign, "."); !ok {
			return "", errors.New("msgSign has not two parts")
		}
	}
	if profile.Parts != PartsSignature && !verifyMAC(macKeys, text, digest, mac) {
		return "", errors.New("the MAC of msgSign does not hold")
	}
	if profile.Parts == PartsMAC {
		return "", nil
	}
	rs, form, err := DecodeSignature(signature, profile.Strict)
	if err != nil {
		return "", err
	}
	for _, k := range keys {
		if profile.Variant.Verify(k, text, rs) {
			return form, nil
		}
	}
	return "", errors.New("the signature of msgSign holds under no key of the caller")
}

func verifyMAC(keys []MACKey, text []byte, digest [sm3.Size]byte, code string) bool {
	mac, err := base64.StdEncoding.Strict().DecodeString(code)
	if err != nil || base64.StdEncoding.EncodedLen(len(mac)) != len(code) {
		return false
	}
	held := false
	for _, k := range keys {
		held = k.verify(text, digest, mac) || held
	}
	return held
}
