package signature

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"
)

const (
	keyID = "0123456789abcdef0123456789abcdef"
	nonce = "nonce-of-16-char"
)

var (
	signedAt = time.Unix(1_786_000_000, 0)
	secret   = []byte("0123456789abcdef0123456789abcdef")
)

// pair is a key with which a test signs, and what verifies it.
type pair struct {
	signer   *Signer
	verifier *Verifier
}

func pairs(t testing.TB) map[Algorithm]pair {
	t.Helper()
	all := map[Algorithm]pair{}
	for _, a := range []Algorithm{HMACSM3, HMACSHA256} {
		signer, err := NewHMACSigner(keyID, a, secret)
		if err != nil {
			t.Fatal(err)
		}
		verifier, err := NewHMACVerifier(a, secret)
		if err != nil {
			t.Fatal(err)
		}
		all[a] = pair{signer, verifier}
	}
	private, public := newSM2(t)
	signer, err := NewSM2Signer(keyID, private)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := NewSM2Verifier(public)
	if err != nil {
		t.Fatal(err)
	}
	all[SM2SM3] = pair{signer, verifier}
	return all
}

// newSM2 makes a private key in PEM and its public key in DER.
func newSM2(t testing.TB) (private, public []byte) {
	t.Helper()
	key, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := smx509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	if public, err = smx509.MarshalPKIXPublicKey(&key.PublicKey); err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), public
}

func request(t testing.TB, method, target, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://gateway"+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// sent is the request as a server gets it.
func sent(t testing.TB, r *http.Request) (*http.Request, []byte) {
	t.Helper()
	var received *http.Request
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		received = r.Clone(t.Context())
		body, _ = io.ReadAll(r.Body)
	}))
	defer server.Close()
	r = r.Clone(t.Context())
	r.URL.Host = strings.TrimPrefix(server.URL, "http://")
	response, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return received, body
}

func TestSignedIsTaken(t *testing.T) {
	for algorithm, keys := range pairs(t) {
		for name, tc := range map[string]struct{ method, target, body, idempotencyKey string }{
			"write":                  {"POST", "/compute/v1/vm/create", `{"account_id":"a"}`, ""},
			"write with a key":       {"POST", "/compute/v1/vm/create", `{"account_id":"a"}`, "k-1"},
			"write without a body":   {"DELETE", "/compute/v1/vms/a.1", "", ""},
			"read":                   {"GET", "/compute/v1/vm/list?account_id=a&page_size=2", "", ""},
			"root":                   {"GET", "", "", ""},
			"escaped path and query": {"GET", "/compute/v1/vms/a.x%2Fy%7e?name=%E5%AA%92&name=b+c&z", "", ""},
			"empty query":            {"GET", "/x?", "", ""},
		} {
			t.Run(string(algorithm)+"/"+name, func(t *testing.T) {
				r := request(t, tc.method, tc.target, tc.body)
				if tc.idempotencyKey != "" {
					r.Header.Set("Idempotency-Key", tc.idempotencyKey)
				}
				if err := sign(r, keys.signer, signedAt, nonce); err != nil {
					t.Fatal(err)
				}
				received, body := sent(t, r)
				if string(body) != tc.body {
					t.Fatalf("body: got %q, want %q", body, tc.body)
				}
				s, err := Read(received, body)
				if err != nil {
					t.Fatal(err)
				}
				if s.KeyID != keyID || s.Nonce != nonce || !s.Created.Equal(signedAt) || s.Algorithm != algorithm {
					t.Errorf("got %+v", s)
				}
				if err := s.Verify(keys.verifier, signedAt.Add(Window)); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestBase pins the base and a signature that openssl made of it:
// openssl dgst -sm3 -hmac 0123456789abcdef0123456789abcdef.
func TestBase(t *testing.T) {
	r := request(t, "POST", "/compute/v1/vm/create?b=2&a=1", `{"name":"媒"}`)
	r.Header.Set("Idempotency-Key", "k-1")
	if err := sign(r, pairs(t)[HMACSM3].signer, signedAt, nonce); err != nil {
		t.Fatal(err)
	}
	s, err := Read(r, []byte(`{"name":"媒"}`))
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		`"@method": POST`,
		`"@path": /compute/v1/vm/create`,
		`"@query": ?b=2&a=1`,
		`"content-digest": sha-256=:2PGJOz0NcAxhKaUECeMk8zCyryG3yFDOYUTg0DVmM28=:`,
		`"idempotency-key": k-1`,
		`"@signature-params": ("@method" "@path" "@query" "content-digest" "idempotency-key");created=1786000000;` +
			`keyid="0123456789abcdef0123456789abcdef";nonce="nonce-of-16-char";alg="hmac-sm3"`,
	}, "\n")
	if string(s.base) != want {
		t.Errorf("got\n%s\nwant\n%s", s.base, want)
	}
	if got := hex.EncodeToString(s.signature); got != "a56a55a65d4445457b785961b396081a01a62dcb675a405c214198ea81797157" {
		t.Errorf("got %s", got)
	}
}

// TestAlteredIsRefused changes one thing of a signed request at a time.
func TestAlteredIsRefused(t *testing.T) {
	const body = `{"account_id":"a"}`
	header := func(name, old, new string) func(*http.Request) {
		return func(r *http.Request) {
			value := r.Header.Get(name)
			if !strings.Contains(value, old) {
				panic(name + " has no " + old)
			}
			r.Header.Set(name, strings.Replace(value, old, new, 1))
		}
	}
	double := func(name string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Add(name, r.Header.Get(name)) }
	}
	query := func(q string) func(*http.Request) { return func(r *http.Request) { r.URL.RawQuery = q } }
	changes := map[string]func(*http.Request){
		"method":                     func(r *http.Request) { r.Method = "PUT" },
		"path":                       func(r *http.Request) { r.URL.Path = "/compute/v1/vm/delete" },
		"path, other spelling":       func(r *http.Request) { r.URL.RawPath = "/compute/v1/v%6D/create" },
		"path, slash added":          func(r *http.Request) { r.URL.Path += "/" },
		"query":                      query("a=1&b=3"),
		"query taken away":           query(""),
		"query re-ordered":           query("b=2&a=1"),
		"parameter doubled":          query("a=1&a=1&b=2"),
		"parameter added":            query("a=1&b=2&c=3"),
		"query, other spelling":      query("a=%31&b=2"),
		"digest of another body":     header(HeaderDigest, r0(HeaderDigest, t), formatDigest([]byte("x"))),
		"digest taken away":          func(r *http.Request) { r.Header.Del(HeaderDigest) },
		"digest doubled":             double(HeaderDigest),
		"digest truncated":           header(HeaderDigest, "=:", ":"),
		"digest with a second one":   header(HeaderDigest, "sha-256=", "sha-512=:AA==:, sha-256="),
		"input taken away":           func(r *http.Request) { r.Header.Del(HeaderInput) },
		"input doubled":              double(HeaderInput),
		"input truncated":            header(HeaderInput, `"hmac-sm3"`, `"hmac`),
		"second label":               header(HeaderInput, `;alg="hmac-sm3"`, `;alg="hmac-sm3", sig2=()`),
		"other label":                header(HeaderInput, "sig1", "sig2"),
		"component taken away":       header(HeaderInput, ` "content-digest"`, ""),
		"query taken away of input":  header(HeaderInput, ` "@query"`, ""),
		"component doubled":          header(HeaderInput, `"@method"`, `"@method" "@method"`),
		"components re-ordered":      header(HeaderInput, `"@method" "@path"`, `"@path" "@method"`),
		"component added":            header(HeaderInput, `"content-digest"`, `"content-digest" "idempotency-key"`),
		"component unknown":          header(HeaderInput, `"content-digest"`, `"content-digest" "date"`),
		"parameters re-ordered":      header(HeaderInput, `;nonce="`+nonce+`";alg="hmac-sm3"`, `;alg="hmac-sm3";nonce="`+nonce+`"`),
		"parameter of input added":   header(HeaderInput, ";nonce", `;expires=1;nonce`),
		"parameter of input doubled": header(HeaderInput, ";nonce", `;created=1786000000;nonce`),
		"created":                    header(HeaderInput, "1786000000", "1786000001"),
		"created, leading zero":      header(HeaderInput, "1786000000", "01786000000"),
		"created, sign":              header(HeaderInput, "1786000000", "+1786000000"),
		"created, negative":          header(HeaderInput, "1786000000", "-1786000000"),
		"created, fraction":          header(HeaderInput, "1786000000", "1786000000.0"),
		"created, too long":          header(HeaderInput, "1786000000", "99999999999999999999"),
		"keyid":                      header(HeaderInput, keyID, strings.Repeat("f", 32)),
		"keyid, empty":               header(HeaderInput, keyID, ""),
		"keyid, escape":              header(HeaderInput, keyID, `a\"b`),
		"nonce":                      header(HeaderInput, nonce, "nonce-of-16-chaR"),
		"nonce, too short":           header(HeaderInput, nonce, "nonce-of-15-cha"),
		"nonce, too long":            header(HeaderInput, nonce, strings.Repeat("n", 129)),
		"nonce, with space":          header(HeaderInput, nonce, "nonce of 16 char"),
		"algorithm":                  header(HeaderInput, "hmac-sm3", "hmac-sha256"),
		"algorithm, unknown":         header(HeaderInput, "hmac-sm3", "none"),
		"space":                      header(HeaderInput, ";nonce", "; nonce"),
		"signature taken away":       func(r *http.Request) { r.Header.Del(HeaderSignature) },
		"signature doubled":          double(HeaderSignature),
		"signature truncated":        func(r *http.Request) { r.Header.Set(HeaderSignature, r.Header.Get(HeaderSignature)[:20]+":") },
		"signature empty":            func(r *http.Request) { r.Header.Set(HeaderSignature, "sig1=::") },
		"signature of other label":   header(HeaderSignature, "sig1", "sig2"),
		"idempotency key added":      func(r *http.Request) { r.Header.Set("Idempotency-Key", "k") },
	}
	keys := pairs(t)[HMACSM3]
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			r := request(t, "POST", "/compute/v1/vm/create?a=1&b=2", body)
			if err := sign(r, keys.signer, signedAt, nonce); err != nil {
				t.Fatal(err)
			}
			change(r)
			s, err := Read(r, []byte(body))
			if err == nil {
				err = s.Verify(keys.verifier, signedAt)
			}
			told, ok := errors.AsType[*Error](err)
			if !ok {
				t.Fatalf("got %v", err)
			}
			if told.Header == "" || told.Problem == "" {
				t.Errorf("the error says not what is wrong: %+v", told)
			}
		})
	}
}

// r0 is what a header has in every request of TestAlteredIsRefused.
func r0(name string, t *testing.T) string {
	r := request(t, "POST", "/", `{"account_id":"a"}`)
	if err := sign(r, pairs(t)[HMACSM3].signer, signedAt, nonce); err != nil {
		t.Fatal(err)
	}
	return r.Header.Get(name)
}

func TestAlteredBodyIsRefused(t *testing.T) {
	r := request(t, "POST", "/", "body")
	if err := sign(r, pairs(t)[HMACSM3].signer, signedAt, nonce); err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{"bodY", "bod", "body ", ""} {
		if _, err := Read(r, []byte(body)); err == nil {
			t.Errorf("%q was taken", body)
		}
	}
	without := request(t, "POST", "/", "")
	if err := sign(without, pairs(t)[HMACSM3].signer, signedAt, nonce); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(without, []byte("added")); err == nil {
		t.Error("an added body was taken")
	}
}

func TestAlteredIdempotencyKeyIsRefused(t *testing.T) {
	keys := pairs(t)[HMACSM3]
	for name, change := range map[string]func(http.Header){
		"other":   func(h http.Header) { h.Set("Idempotency-Key", "k-2") },
		"none":    func(h http.Header) { h.Del("Idempotency-Key") },
		"doubled": func(h http.Header) { h.Add("Idempotency-Key", "k-1") },
		"lines":   func(h http.Header) { h.Set("Idempotency-Key", "k-1\n\"x\": y") },
	} {
		t.Run(name, func(t *testing.T) {
			r := request(t, "POST", "/", "body")
			r.Header.Set("Idempotency-Key", "k-1")
			if err := sign(r, keys.signer, signedAt, nonce); err != nil {
				t.Fatal(err)
			}
			change(r.Header)
			s, err := Read(r, []byte("body"))
			if err == nil {
				err = s.Verify(keys.verifier, signedAt)
			}
			if err == nil {
				t.Error("was taken")
			}
		})
	}
}

func TestLateAndEarlyAreStale(t *testing.T) {
	keys := pairs(t)[HMACSHA256]
	r := request(t, "GET", "/x", "")
	if err := sign(r, keys.signer, signedAt, nonce); err != nil {
		t.Fatal(err)
	}
	s, err := Read(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	for offset, want := range map[time.Duration]error{
		-Window - time.Second: ErrStale, -Window: nil, 0: nil, Window: nil, Window + time.Second: ErrStale,
	} {
		if got := s.Verify(keys.verifier, signedAt.Add(offset)); !errors.Is(got, want) {
			t.Errorf("%s: got %v, want %v", offset, got, want)
		}
	}
}

func TestOtherKeyIsRefused(t *testing.T) {
	all, others := pairs(t), pairs(t)
	other, err := NewHMACVerifier(HMACSM3, []byte("another secret of enough bytes"))
	if err != nil {
		t.Fatal(err)
	}
	for algorithm, verifiers := range map[Algorithm][]*Verifier{
		HMACSM3: {other, all[HMACSHA256].verifier, all[SM2SM3].verifier},
		SM2SM3:  {others[SM2SM3].verifier, all[HMACSM3].verifier},
	} {
		r := request(t, "GET", "/x", "")
		if err := sign(r, all[algorithm].signer, signedAt, nonce); err != nil {
			t.Fatal(err)
		}
		s, err := Read(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range verifiers {
			if s.Verify(v, signedAt) == nil {
				t.Errorf("%s: verifier %d took it", algorithm, i)
			}
		}
	}
}

func TestBadKeys(t *testing.T) {
	private, public := newSM2(t)
	for name, make := range map[string]func() error{
		"short secret":      func() error { _, err := NewHMACSigner(keyID, HMACSM3, secret[:15]); return err },
		"short, verifier":   func() error { _, err := NewHMACVerifier(HMACSM3, nil); return err },
		"HMAC with SM2":     func() error { _, err := NewHMACVerifier(SM2SM3, secret); return err },
		"key id":            func() error { _, err := NewHMACSigner(`a"b`, HMACSM3, secret); return err },
		"no PEM":            func() error { _, err := NewSM2Signer(keyID, public); return err },
		"public as private": func() error { _, err := NewSM2Signer(keyID, pemOf("PUBLIC KEY", public)); return err },
		"broken private":    func() error { _, err := NewSM2Signer(keyID, pemOf("PRIVATE KEY", public)); return err },
		"broken SEC 1":      func() error { _, err := NewSM2Signer(keyID, pemOf("EC PRIVATE KEY", public)); return err },
		"private as public": func() error { _, err := NewSM2Verifier(private); return err },
	} {
		if make() == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func TestSignTakesItsOwnTimeAndNonce(t *testing.T) {
	keys := pairs(t)[SM2SM3]
	var nonces []string
	for range 2 {
		r := request(t, "POST", "/x", "body")
		if err := Sign(r, keys.signer); err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil || !bytes.Equal(body, []byte("body")) {
			t.Fatalf("body after signing: %q, %v", body, err)
		}
		s, err := Read(r, body)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Verify(keys.verifier, time.Now()); err != nil {
			t.Error(err)
		}
		nonces = append(nonces, s.Nonce)
	}
	if nonces[0] == nonces[1] {
		t.Error("one nonce for two requests")
	}
}
