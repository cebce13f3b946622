package gyt345_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"crypto/hmac"

	"github.com/emmansun/gmsm/cbcmac"
	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/sm4"

	"github.com/yunqiao/yunqiao/programs/gyt345"
	"github.com/yunqiao/yunqiao/programs/kit"
)

func load(t testing.TB, name string, into any) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
}

type party struct {
	PrivateKeyHex, PublicKeyHex, ZaHex string
}

func (p party) public(t testing.TB) gyt345.PublicKey {
	t.Helper()
	key, err := gyt345.ParsePublicKey(p.PublicKeyHex)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (p party) private(t testing.TB) *gyt345.PrivateKey {
	t.Helper()
	key, err := gyt345.ParsePrivateKey(p.PrivateKeyHex)
	if err != nil {
		t.Fatal(err)
	}
	if key.Public().Hex() != p.PublicKeyHex || key.Hex() != p.PrivateKeyHex {
		t.Fatalf("key pair: got %s, want %s", key.Public().Hex(), p.PublicKeyHex)
	}
	return key
}

type testKeys struct {
	GroupID, GroupSecret, MacKeyHex                string
	ContentPlatform, IntegrationPlatform, Stranger party
}

func keys(t testing.TB) (k testKeys) {
	t.Helper()
	load(t, "keys.json", &k)
	return k
}

// other is the party that a case's signer is not.
func (k testKeys) named(name string) party {
	if name == "integrationPlatform" {
		return k.IntegrationPlatform
	}
	return k.ContentPlatform
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	raw, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func unbase64(t testing.TB, s string) []byte {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestPrimitives(t *testing.T) {
	var v struct {
		Sm3              []struct{ MsgHex, DigestHex string }
		HmacSm3, Sm4Cmac []struct{ KeyHex, MsgHex, MacHex string }
		Sm4Ecb           []struct{ KeyHex, PlainHex, CipherHex string }
		Sm2              []struct {
			Note, PublicKeyHex, UserID, MsgHex, ZaHex, EHex, DerHex string
			Valid                                                   bool
		}
	}
	load(t, "primitives.json", &v)
	for _, c := range v.Sm3 {
		if got := gyt345.SM3(unhex(t, c.MsgHex)); got != c.DigestHex {
			t.Errorf("SM3(%s): got %s, want %s", c.MsgHex, got, c.DigestHex)
		}
	}
	for _, c := range v.HmacSm3 {
		h := hmac.New(sm3.New, unhex(t, c.KeyHex))
		h.Write(unhex(t, c.MsgHex))
		if got := hex.EncodeToString(h.Sum(nil)); got != c.MacHex {
			t.Errorf("HMAC-SM3: got %s, want %s", got, c.MacHex)
		}
	}
	for _, c := range v.Sm4Cmac {
		block, err := sm4.NewCipher(unhex(t, c.KeyHex))
		if err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(cbcmac.NewCMAC(block, 16).MAC(unhex(t, c.MsgHex))); got != c.MacHex {
			t.Errorf("SM4-CMAC(%s): got %s, want %s", c.MsgHex, got, c.MacHex)
		}
	}
	for _, c := range v.Sm4Ecb {
		block, err := sm4.NewCipher(unhex(t, c.KeyHex))
		if err != nil {
			t.Fatal(err)
		}
		out := make([]byte, 16)
		if block.Encrypt(out, unhex(t, c.PlainHex)); hex.EncodeToString(out) != c.CipherHex {
			t.Errorf("SM4: got %x, want %s", out, c.CipherHex)
		}
	}
	for _, c := range v.Sm2 {
		t.Run(c.Note, func(t *testing.T) {
			key, err := gyt345.ParsePublicKey(c.PublicKeyHex)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := sm2.ParseUncompressedPublicKey(unhex(t, c.PublicKeyHex))
			if err != nil {
				t.Fatal(err)
			}
			if za, err := sm2.CalculateZA(raw, []byte(gyt345.UserID)); err != nil || hex.EncodeToString(za) != c.ZaHex {
				t.Errorf("ZA: got %x, %v; want %s", za, err, c.ZaHex)
			}
			rs, _, err := gyt345.DecodeSignature(base64.StdEncoding.EncodeToString(unhex(t, c.DerHex)), true)
			if got := err == nil && key.Verify(unhex(t, c.MsgHex), rs); got != c.Valid {
				t.Errorf("got %v (%v), want %v", got, err, c.Valid)
			}
		})
	}
}

func TestMACKey(t *testing.T) {
	k := keys(t)
	key, err := gyt345.NewMACKey(k.GroupSecret, k.GroupID)
	if got := key.Hex(); err != nil || got != k.MacKeyHex {
		t.Errorf("got %s, %v; want %s", got, err, k.MacKeyHex)
	}
}

func TestCanonicalVectors(t *testing.T) {
	var v struct {
		Accept []struct{ Note, BodyBase64, CanonicalHex, Sm3Hex string }
		Reject []struct{ Note, BodyBase64 string }
	}
	load(t, "canonical-json.json", &v)
	for _, c := range v.Accept {
		body, err := gyt345.Parse(unbase64(t, c.BodyBase64))
		if err != nil {
			t.Errorf("%s: %v", c.Note, err)
			continue
		}
		got := gyt345.Canonical(body)
		if hex.EncodeToString(got) != c.CanonicalHex || gyt345.SM3(got) != c.Sm3Hex {
			t.Errorf("%s: got %s, want %s", c.Note, got, unhex(t, c.CanonicalHex))
		}
	}
	for _, c := range v.Reject {
		if _, err := gyt345.Parse(unbase64(t, c.BodyBase64)); err == nil {
			t.Errorf("%s: got no error", c.Note)
		}
	}
}

type signCase struct {
	Note, Signer, Path, BodyBase64, BodySm3Hex, CanonicalQuery, StringToSign, Sign, Query string
	Params                                                                                map[string]string
	Valid                                                                                 bool
}

func TestSignVectors(t *testing.T) {
	k := keys(t)
	var v struct{ Cases []signCase }
	load(t, "sign.json", &v)
	for _, c := range v.Cases {
		t.Run(c.Note, func(t *testing.T) {
			var params []gyt345.Param
			for name, value := range c.Params {
				params = append(params, gyt345.Param{Name: name, Value: value})
			}
			body := unbase64(t, c.BodyBase64)
			text := string(gyt345.RequestString(c.Path, params, body))
			if c.Valid && text != c.StringToSign {
				t.Errorf("string to sign: got %q, want %q", text, c.StringToSign)
			}
			if c.CanonicalQuery != "" && gyt345.CanonicalQuery(params) != c.CanonicalQuery {
				t.Errorf("query: got %s, want %s", gyt345.CanonicalQuery(params), c.CanonicalQuery)
			}
			if c.Query != "" {
				parsed, err := gyt345.ParseQuery(c.Query)
				if err != nil || parsed[len(parsed)-1].Value != c.Sign {
					t.Errorf("parse the query: %v, %v", parsed, err)
				}
			}
			callers := []gyt345.PublicKey{k.named(c.Signer).public(t)}
			if c.Signer == "stranger" || c.Signer == "" {
				callers = []gyt345.PublicKey{k.ContentPlatform.public(t)}
			}
			_, _, err := gyt345.VerifySign(callers, c.Path, params, body, c.Sign, gyt345.Profile{})
			if (err == nil) != c.Valid {
				t.Errorf("got %v, want valid %v", err, c.Valid)
			}
		})
	}
}

func TestMessageVectors(t *testing.T) {
	k := keys(t)
	var v struct {
		Cases []struct {
			Note, Signer, GroupID, BodyBase64, Canonical, CanonicalSm3Hex, MacHex, MsgSign string
			Valid                                                                          bool
		}
	}
	load(t, "msgsign.json", &v)
	for _, c := range v.Cases {
		t.Run(c.Note, func(t *testing.T) {
			key, err := gyt345.NewMACKey(k.GroupSecret, c.GroupID)
			if err != nil {
				t.Fatal(err)
			}
			body, err := gyt345.Parse(unbase64(t, c.BodyBase64))
			if err != nil {
				t.Fatal(err)
			}
			canonical := gyt345.Canonical(body)
			if c.Canonical != "" && (string(canonical) != c.Canonical || gyt345.SM3(canonical) != c.CanonicalSm3Hex) {
				t.Errorf("canonical: got %s, want %s", canonical, c.Canonical)
			}
			if c.MacHex != "" {
				if mac, err := key.MAC(canonical); err != nil || hex.EncodeToString(mac) != c.MacHex {
					t.Errorf("MAC: got %x, %v; want %s", mac, err, c.MacHex)
				}
			}
			sign, _ := body.Member("msgSign")
			_, err = gyt345.VerifyMessage([]gyt345.PublicKey{k.named(c.Signer).public(t)}, []gyt345.MACKey{key}, canonical, sign.Text, gyt345.Profile{})
			if (err == nil) != c.Valid {
				t.Errorf("got %v, want valid %v", err, c.Valid)
			}
		})
	}
}

type requestCase struct {
	Note, Method, Path, Query, BodyBase64, Receiver string
	Now                                             int64
	Headers                                         map[string]string
	Expect                                          struct {
		HTTP int
		Code string
	}
}

var interfaces = map[string]gyt345.Interface{
	"/gyt345/v1/series": gyt345.InterfaceSeries, "/gyt345/v1/series/offline": gyt345.InterfaceSeriesOffline,
	"/gyt345/v1/program": gyt345.InterfaceProgram, "/gyt345/v1/program/offline": gyt345.InterfaceProgramOffline,
	"/csp/emergency/series-offline":  gyt345.InterfaceEmergencySeriesOffline,
	"/csp/emergency/program-offline": gyt345.InterfaceEmergencyProgramOffline,
}

// receivers are both platforms, with a clock.
func receivers(t testing.TB, now *time.Time) map[string]http.Handler {
	t.Helper()
	k := keys(t)
	serve := func(caller party) http.Handler {
		memory, err := kit.NewMemory([]kit.Group{{ID: k.GroupID, Secrets: []string{k.GroupSecret}, Keys: []string{caller.PublicKeyHex}}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		rc := gyt345.NewReceiver(slog.New(slog.DiscardHandler), memory, memory, func() time.Time { return *now })
		mux := http.NewServeMux()
		for path, on := range interfaces {
			mux.Handle(path, rc.Handler(on, path))
		}
		return mux
	}
	return map[string]http.Handler{"integrationPlatform": serve(k.ContentPlatform), "contentPlatform": serve(k.IntegrationPlatform)}
}

func TestRequestVectors(t *testing.T) {
	var v struct{ Requests []requestCase }
	load(t, "requests.json", &v)
	var now time.Time
	sides := receivers(t, &now)
	for _, c := range v.Requests {
		now = time.UnixMilli(c.Now)
		r := httptest.NewRequestWithContext(t.Context(), c.Method, c.Path+"?"+c.Query, bytes.NewReader(unbase64(t, c.BodyBase64)))
		for name, value := range c.Headers {
			r.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		sides[c.Receiver].ServeHTTP(w, r)
		var answer struct{ Code string }
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != c.Expect.HTTP || answer.Code != c.Expect.Code {
			t.Errorf("%s: got %d %s (%v), want %d %s", c.Note, w.Code, w.Body, err, c.Expect.HTTP, c.Expect.Code)
		}
	}
}
