package gyt345_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/programs/gyt345"
	"github.com/yunqiao/yunqiao/programs/kit"
)

// variants are the single departures, and all at once.
func variants() map[string]gyt345.Variant {
	return map[string]gyt345.Variant{
		"profile":           {},
		"sorted parameters": {Request: gyt345.RequestSortedParameters},
		"sorted members":    {Message: gyt345.MessageSortedMembers},
		"signed digest":     {Signed: gyt345.SignedSM3Hex},
		"cbc-mac":           {MAC: gyt345.MACSM4CBCMAC},
		"hmac-sm3":          {MAC: gyt345.MACHMACSM3},
		"sm3 of secret":     {Key: gyt345.KeySM3OfSecret},
		"user id":           {UserID: "ALICE123@YAHOO.COM"},
		"no user id":        {EmptyUserID: true},
		"all": {Request: gyt345.RequestSortedParameters, Message: gyt345.MessageSortedMembers, Signed: gyt345.SignedSM3Hex,
			MAC: gyt345.MACSM4CBCMAC, Key: gyt345.KeySM3OfSecret, EmptyUserID: true},
	}
}

const variantBody = `{"msgType":103,"msgData":{"seriesIds":"S1,S2","b":[1,{"y":2,"x":"<"}]},"msgId":"m 1","msgTime":1767225609000,"empty":"","none":null}`

// TestVariantTexts holds the texts of the older habits byte for byte.
func TestVariantTexts(t *testing.T) {
	body, err := gyt345.Parse([]byte(variantBody))
	if err != nil {
		t.Fatal(err)
	}
	params := []gyt345.Param{{Name: "ts", Value: "1767225609137"}, {Name: "sign", Value: "x"}, {Name: "groupId", Value: "10010001"}, {Name: "nonce", Value: "a+b/c="}}
	older := variants()["all"]
	if got, want := string(older.RequestText("/p", params, []byte("{}"))), "groupId=10010001&nonce=a+b/c=&ts=1767225609137"; got != want {
		t.Errorf("request: got %s, want %s", got, want)
	}
	want := `msgData={"b":[1,{"x":"<","y":2}],"seriesIds":"S1,S2"}&msgId=m 1&msgTime=1767225609000&msgType=103`
	if got := string(older.MessageText(body)); got != want {
		t.Errorf("message: got %s, want %s", got, want)
	}
	k := keys(t)
	for name, tc := range map[string]struct {
		variant gyt345.Variant
		want    string
	}{
		"sm3 of secret": {gyt345.Variant{Key: gyt345.KeySM3OfSecret}, gyt345.SM3([]byte(k.GroupSecret))[:32]},
		"hmac-sm3":      {gyt345.Variant{MAC: gyt345.MACHMACSM3}, hex.EncodeToString([]byte(k.GroupSecret))},
		"cbc-mac":       {gyt345.Variant{MAC: gyt345.MACSM4CBCMAC}, k.MacKeyHex},
	} {
		if key, err := tc.variant.MACKey(k.GroupSecret, k.GroupID); err != nil || key.Hex() != tc.want {
			t.Errorf("%s: got %s, %v; want %s", name, key.Hex(), err, tc.want)
		}
	}
}

// TestVariants sends a message in each variant to a receiver of each: only the same one
// takes it.
func TestVariants(t *testing.T) {
	k := keys(t)
	at := time.UnixMilli(1767225609137)
	receiver := func(v gyt345.Variant) http.Handler {
		memory, err := kit.NewMemory([]kit.Group{{
			ID: k.GroupID, Secrets: []string{k.GroupSecret}, Keys: []string{k.ContentPlatform.PublicKeyHex}, Profile: gyt345.Profile{Variant: v},
		}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return gyt345.NewReceiver(slog.New(slog.DiscardHandler), memory, memory, func() time.Time { return at }).Handler(gyt345.InterfaceSeriesOffline, "/p")
	}
	for sent, sender := range variants() {
		if !sender.Valid() {
			t.Errorf("%s is not valid", sent)
		}
		client, err := gyt345.NewClient(k.GroupID, k.GroupSecret, k.ContentPlatform.private(t), gyt345.ClientOptions{Now: func() time.Time { return at }, Variant: sender})
		if err != nil {
			t.Fatal(err)
		}
		for wanted, v := range variants() {
			signed, err := client.Sign(t.Context(), "http://platform.example/p", gyt345.NewOffline(gyt345.SeriesOffline, "m1", 1, []string{"S1"}))
			if err != nil {
				t.Fatal(err)
			}
			request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, signed.URL, bytes.NewReader(signed.Body))
			request.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			receiver(v).ServeHTTP(w, request)
			if (w.Code == http.StatusOK) != (sent == wanted) || w.Code != http.StatusOK && w.Code != http.StatusForbidden {
				t.Errorf("%s to a receiver of %s: got %d %s", sent, wanted, w.Code, w.Body)
			}
		}
	}
	if (gyt345.Variant{UserID: "a", EmptyUserID: true}).Valid() || (gyt345.Variant{MAC: "md5"}).Valid() {
		t.Error("a variant that contradicts itself, or is unknown, is valid")
	}
}

// TestVariantsOpenSSL: OpenSSL verifies and makes the signatures and codes of each
// variant.
func TestVariantsOpenSSL(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	private := keyOfOpenSSL(t, file("key.pem"), file("pub.pem"))
	write := func(name string, content []byte) {
		t.Helper()
		if err := os.WriteFile(file(name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func(name string) []byte {
		t.Helper()
		content, err := os.ReadFile(file(name))
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	body, err := gyt345.Parse([]byte(variantBody))
	if err != nil {
		t.Fatal(err)
	}
	k := keys(t)
	for name, v := range variants() {
		t.Run(name, func(t *testing.T) {
			text := v.MessageText(body)
			key, err := v.MACKey(k.GroupSecret, k.GroupID)
			if err != nil {
				t.Fatal(err)
			}
			msgSign, err := v.SignMessage(t.Context(), private, key, text, gyt345.PartsBoth)
			if err != nil {
				t.Fatal(err)
			}
			signature, code, _ := strings.Cut(msgSign, ".")
			signed := text
			if v.Signed == gyt345.SignedSM3Hex {
				signed = []byte(gyt345.SM3(text))
			}
			write("signed", signed)
			write("signature", unbase64(t, signature))
			common := []string{"-rawin", "-digest", "sm3", "-in", file("signed")}
			switch {
			case v.UserID != "":
				common = append(common, "-pkeyopt", "distid:"+v.UserID)
			case !v.EmptyUserID:
				common = append(common, "-pkeyopt", "distid:"+gyt345.UserID)
			}
			run(t, append([]string{"pkeyutl", "-verify", "-pubin", "-inkey", file("pub.pem"), "-sigfile", file("signature")}, common...)...)
			run(t, append([]string{"pkeyutl", "-sign", "-inkey", file("key.pem"), "-out", file("signature")}, common...)...)
			rs, _, err := gyt345.DecodeSignature(base64.StdEncoding.EncodeToString(read("signature")), true)
			if err != nil || !v.Verify(private.Public(), text, rs) {
				t.Errorf("signature of OpenSSL: %v", err)
			}
			write("text", text)
			write("digest", unhex(t, gyt345.SM3(text)))
			var want string
			switch v.MAC {
			case gyt345.MACHMACSM3:
				want = run(t, "mac", "-digest", "SM3", "-macopt", "hexkey:"+key.Hex(), "-in", file("text"), "HMAC")
			case gyt345.MACSM4CBCMAC:
				run(t, "enc", "-sm4-cbc", "-K", key.Hex(), "-iv", strings.Repeat("0", 32), "-nopad", "-in", file("digest"), "-out", file("chain"))
				want = hex.EncodeToString(read("chain")[16:])
			default:
				want = run(t, "mac", "-macopt", "cipher:SM4-CBC", "-macopt", "hexkey:"+key.Hex(), "-in", file("digest"), "CMAC")
			}
			if got := hex.EncodeToString(unbase64(t, code)); !strings.EqualFold(got, strings.TrimSpace(want)) {
				t.Errorf("MAC: got %s; OpenSSL has %s", got, want)
			}
		})
	}
}
