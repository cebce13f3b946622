package gyt345

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"
)

// Variant is how a peer departs from the profile: habits of interfaces that are older
// than it. The zero value is the profile. It is agreed beforehand, never read from a
// request.
type Variant struct {
	Request RequestText
	Message MessageText
	Signed  SignedForm
	MAC     MACMethod
	Key     MACKeyForm
	// UserID of SM2; empty: UserID.
	UserID string
	// EmptyUserID says that the user id has no characters.
	EmptyUserID bool
}

// RequestText is what sign is made over.
type RequestText string

// The values of RequestText.
const (
	RequestFiveLines        RequestText = ""                  // see RequestString
	RequestSortedParameters RequestText = "sorted-parameters" // name=value&…, decoded; neither path nor body
)

// MessageText is what msgSign is made over.
type MessageText string

// The values of MessageText.
const (
	MessageCanonical     MessageText = ""               // see Canonical
	MessageSortedMembers MessageText = "sorted-members" // name=value&…, without what is null or empty
)

// SignedForm is what the signature algorithm is given of a text.
type SignedForm string

// The values of SignedForm.
const (
	SignedText   SignedForm = ""        // the text
	SignedSM3Hex SignedForm = "sm3-hex" // its SM3 as 64 lower-case hexadecimal characters
)

// MACMethod is how the second part of msgSign is made.
type MACMethod string

// The values of MACMethod.
const (
	MACSM4CMAC   MACMethod = ""            // over the SM3 of the text
	MACSM4CBCMAC MACMethod = "sm4-cbc-mac" // over the same, zero vector, no padding
	MACHMACSM3   MACMethod = "hmac-sm3"    // over the text; the key is the groupSecret
)

// MACKeyForm is how the key of SM4 is made of the groupSecret.
type MACKeyForm string

// The values of MACKeyForm.
const (
	KeyDerived     MACKeyForm = ""              // HMAC-SM3 of a label with the groupId
	KeySM3OfSecret MACKeyForm = "sm3-of-secret" // SM3 of the secret
)

// Valid tells whether all members have one of their values.
func (v Variant) Valid() bool {
	return slices.Contains([]RequestText{RequestFiveLines, RequestSortedParameters}, v.Request) &&
		slices.Contains([]MessageText{MessageCanonical, MessageSortedMembers}, v.Message) &&
		slices.Contains([]SignedForm{SignedText, SignedSM3Hex}, v.Signed) &&
		slices.Contains([]MACMethod{MACSM4CMAC, MACSM4CBCMAC, MACHMACSM3}, v.MAC) &&
		slices.Contains([]MACKeyForm{KeyDerived, KeySM3OfSecret}, v.Key) && (v.UserID == "" || !v.EmptyUserID)
}

// RequestText is the text that sign is made over.
func (v Variant) RequestText(path string, params []Param, body []byte) []byte {
	if v.Request == RequestFiveLines {
		return RequestString(path, params, body)
	}
	var pairs []string
	for _, p := range slices.SortedFunc(slices.Values(params), func(a, b Param) int { return strings.Compare(a.Name, b.Name) }) {
		if p.Name != signParam {
			pairs = append(pairs, p.Name+"="+p.Value)
		}
	}
	return []byte(strings.Join(pairs, "&"))
}

// MessageText is the text that msgSign of a body is made over.
func (v Variant) MessageText(body Value) []byte {
	if v.Message == MessageCanonical {
		return Canonical(body)
	}
	var pairs []string
	for _, m := range slices.SortedFunc(slices.Values(body.Members), func(a, b Member) int { return strings.Compare(a.Name, b.Name) }) {
		value := m.Value.Scalar()
		if m.Value.Kind == Object || m.Value.Kind == Array {
			value = string(AppendCanonical(nil, m.Value))
		}
		if m.Name != signMember && value != "" {
			pairs = append(pairs, m.Name+"="+value)
		}
	}
	return []byte(strings.Join(pairs, "&"))
}

// usual tells that signatures are made of the text itself under UserID.
func (v Variant) usual() bool {
	return v.Signed == SignedText && (v.UserID == "" || v.UserID == UserID) && !v.EmptyUserID
}

// hash is what the signature equation is given of a text.
func (v Variant) hash(key PublicKey, text []byte) []byte {
	if v.Signed == SignedSM3Hex {
		text = []byte(SM3(text))
	}
	id := v.UserID
	if id == "" && !v.EmptyUserID {
		id = UserID
	}
	h := sm3.New()
	h.Write(key.identity(id))
	h.Write(text)
	return h.Sum(nil)
}

// identity is ZA of GB/T 32918.2, 5.5; the library's own knows no empty user id.
func (k PublicKey) identity(id string) []byte {
	curve := sm2.P256().Params()
	number := make([]byte, 32)
	h := sm3.New()
	h.Write([]byte{byte(len(id) >> 5), byte(len(id) << 3)})
	h.Write([]byte(id))
	a := slices.Clone(curve.P.FillBytes(number)) // a is p-3, and p is odd and ends in more than 3
	a[31] -= 3
	h.Write(a)
	h.Write(curve.B.FillBytes(number))
	h.Write(curve.Gx.FillBytes(number))
	h.Write(curve.Gy.FillBytes(number))
	h.Write(k.point[1:]) // without 04
	return h.Sum(nil)
}

// Verify tells whether rs is the key's signature of a text.
func (v Variant) Verify(key PublicKey, text []byte, rs [64]byte) bool {
	if v.usual() {
		return key.Verify(text, rs)
	}
	return sm2.VerifyASN1(key.key, v.hash(key, text), encodeDER(rs))
}

// HashSigner is a Signer that also signs what a variant makes of a text.
type HashSigner interface {
	Signer
	// SignHash signs 32 bytes, which the signature equation is given as they are.
	SignHash(ctx context.Context, hash []byte) (der []byte, err error)
}

// sign signs a text.
func (v Variant) sign(ctx context.Context, signer Signer, text []byte) ([]byte, error) {
	if v.usual() {
		return signer.Sign(ctx, text)
	}
	hashes, ok := signer.(HashSigner)
	if !ok {
		return nil, errors.New("the key can only sign under " + UserID)
	}
	return hashes.SignHash(ctx, v.hash(signer.Public(), text))
}
