package sim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/yunqiao/yunqiao/drivers/alibaba/sim/signature"
)

// clockSkew is how far a request's time may be off; a nonce is remembered for twice
// that.
const clockSkew = 15 * time.Minute

func refuse(code, format string, args ...any) *failure {
	status, _ := statusOf(nil, code)
	return &failure{code, status, fmt.Sprintf(format, args...)}
}

func missing(name string) *failure {
	return refuse("MissingParameter", "The input parameter %q that is mandatory for processing this request is not supplied.", name)
}

// proof is what a request says to prove who sent it.
type proof struct {
	keyID, token, nonce, signature string
	sent                           string // the time, as text
	stringToSign                   string
	sign                           func(secret, text string) string
}

// authenticate finds the caller: key, time, signature, nonce, token, in that order.
func (s *Sim) authenticate(q *request, now time.Time) (*credential, *failure) {
	p, f := q.proof()
	if f != nil {
		return nil, f
	}
	who := s.w.credentials[p.keyID]
	switch {
	case who == nil:
		return nil, refuse("InvalidAccessKeyId.NotFound", "Specified access key is not found.")
	case who.inactive:
		return nil, refuse("InvalidAccessKeyId.Inactive", "Specified access key is disabled.")
	}
	at, err := time.Parse(time.RFC3339, p.sent)
	if err != nil {
		return nil, refuse("InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted.")
	}
	if off := now.Sub(at); off > clockSkew || off < -clockSkew {
		return nil, refuse("InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")
	}
	if !hmac.Equal([]byte(p.sign(who.secret, p.stringToSign)), []byte(p.signature)) {
		return nil, refuse("SignatureDoesNotMatch",
			"Specified signature is not matched with our calculation. server string to sign is:%s", p.stringToSign)
	}
	if !s.w.firstUse(p.keyID+" "+p.nonce, now) {
		return nil, refuse("SignatureNonceUsed", "Specified signature nonce was used already.")
	}
	if who.token != p.token {
		return nil, refuse("InvalidSecurityToken.NotFound", "Specified SecurityToken is not found.")
	}
	if who.token != "" && !now.Before(who.expires) {
		return nil, refuse("InvalidSecurityToken.Expired", "Specified SecurityToken is expired.")
	}
	return who, nil
}

// firstUse remembers a nonce and tells whether it is new.
func (w *world) firstUse(nonce string, now time.Time) bool {
	if now.After(w.nextSweep) {
		for old, until := range w.nonces {
			if until.Before(now) {
				delete(w.nonces, old)
			}
		}
		w.nextSweep = now.Add(clockSkew)
	}
	if until, used := w.nonces[nonce]; used && until.After(now) {
		return false
	}
	w.nonces[nonce] = now.Add(2 * clockSkew)
	return true
}

func (q *request) proof() (proof, *failure) {
	if header := q.http.Header.Get("Authorization"); header != "" {
		return q.proofACS3(header)
	}
	p := q.parameters
	for _, name := range []string{"AccessKeyId", "Signature", "SignatureMethod", "SignatureVersion", "SignatureNonce", "Timestamp"} {
		if p[name] == "" {
			return proof{}, missing(name)
		}
	}
	if p["SignatureMethod"] != signature.RPCMethod || p["SignatureVersion"] != "1.0" {
		return proof{}, refuse("InvalidParameter", "The specified parameter %q is not valid.", "SignatureMethod")
	}
	return proof{
		keyID: p["AccessKeyId"], token: p["SecurityToken"], nonce: p["SignatureNonce"], signature: p["Signature"], sent: p["Timestamp"],
		stringToSign: signature.RPCStringToSign(q.http.Method, p), sign: signature.RPC,
	}, nil
}

func (q *request) proofACS3(header string) (proof, *failure) {
	h, err := signature.ParseACS3(header)
	if err != nil {
		return proof{}, refuse("IncompleteSignature", "The request signature does not conform to Alibaba Cloud standards.")
	}
	for _, name := range []string{"x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256"} {
		if q.http.Header.Get(name) == "" {
			return proof{}, missing(name)
		}
	}
	sum := sha256.Sum256(q.body)
	hash := hex.EncodeToString(sum[:])
	if !strings.EqualFold(hash, q.http.Header.Get("x-acs-content-sha256")) {
		return proof{}, refuse("SignatureDoesNotMatch", "The specified x-acs-content-sha256 is not that of the body.")
	}
	return proof{
		keyID: h.AccessKeyID, token: q.http.Header.Get("x-acs-security-token"), nonce: q.http.Header.Get("x-acs-signature-nonce"),
		signature: strings.ToLower(h.Signature), sent: q.http.Header.Get("x-acs-date"),
		stringToSign: signature.ACS3StringToSign(q.http, q.http.Host, h.SignedHeaders, hash), sign: signature.ACS3,
	}, nil
}

// methodAllowed tells whether the protocol knows the method.
func methodAllowed(method string) bool { return method == http.MethodGet || method == http.MethodPost }
