package gyt345_test

import (
	"encoding/base64"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yunqiao/yunqiao/programs/gyt345"
)

// run runs OpenSSL, the independent side.
func run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "openssl", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// keyOfOpenSSL makes a key and reads both of its files.
func keyOfOpenSSL(t *testing.T, keyFile, publicFile string) *gyt345.PrivateKey {
	t.Helper()
	run(t, "genpkey", "-algorithm", "SM2", "-out", keyFile)
	run(t, "pkey", "-in", keyFile, "-pubout", "-out", publicFile)
	read := func(name string) string {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	private, err := gyt345.ParsePrivateKey(read(keyFile))
	if err != nil {
		t.Fatal(err)
	}
	public, err := gyt345.ParsePublicKey(read(publicFile))
	if err != nil || public.Hex() != private.Public().Hex() {
		t.Fatalf("public key of OpenSSL: %v", err)
	}
	return private
}

// TestOpenSSL: what we sign is verified by OpenSSL and the other way round, for the
// request string and the canonical body of every kind of message.
func TestOpenSSL(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Fatalf("OpenSSL is needed: install Debian's package openssl: %v", err)
	}
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	private := keyOfOpenSSL(t, file("key.pem"), file("pub.pem"))
	public := private.Public()
	k := keys(t)
	mac, err := gyt345.NewMACKey(k.GroupSecret, k.GroupID)
	if err != nil {
		t.Fatal(err)
	}
	var v struct{ Cases []signCase }
	load(t, "sign.json", &v)
	for _, c := range v.Cases[:11] {
		t.Run(c.Note, func(t *testing.T) {
			body, err := gyt345.Parse(unbase64(t, c.BodyBase64))
			if err != nil {
				t.Fatal(err)
			}
			for _, message := range [][]byte{[]byte(c.StringToSign), gyt345.Canonical(body)} {
				if err := os.WriteFile(file("message"), message, 0o600); err != nil {
					t.Fatal(err)
				}
				der, err := private.Sign(t.Context(), message)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file("signature"), der, 0o600); err != nil {
					t.Fatal(err)
				}
				common := []string{"-rawin", "-digest", "sm3", "-pkeyopt", "distid:" + gyt345.UserID, "-in", file("message")}
				run(t, append([]string{"pkeyutl", "-verify", "-pubin", "-inkey", file("pub.pem"), "-sigfile", file("signature")}, common...)...)
				run(t, append([]string{"pkeyutl", "-sign", "-inkey", file("key.pem"), "-out", file("signature")}, common...)...)
				if der, err = os.ReadFile(file("signature")); err != nil {
					t.Fatal(err)
				}
				rs, _, err := gyt345.DecodeSignature(base64.StdEncoding.EncodeToString(der), true)
				if err != nil || !public.Verify(message, rs) {
					t.Errorf("signature of OpenSSL: %v", err)
				}
			}
			digest := unhex(t, gyt345.SM3(gyt345.Canonical(body)))
			if err := os.WriteFile(file("digest"), digest, 0o600); err != nil {
				t.Fatal(err)
			}
			want := strings.TrimSpace(run(t, "mac", "-macopt", "cipher:SM4-CBC", "-macopt", "hexkey:"+mac.Hex(), "-in", file("digest"), "CMAC"))
			if got, err := mac.MAC(gyt345.Canonical(body)); err != nil || !strings.EqualFold(hex.EncodeToString(got), want) {
				t.Errorf("MAC: got %x, %v; OpenSSL has %s", got, err, want)
			}
		})
	}
}
