package app

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

func TestCertificateFacts(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	for days, want := range map[int]monitorv1.Severity{
		-1: monitorv1.Severity_SEVERITY_CRITICAL, 3: monitorv1.Severity_SEVERITY_MAJOR, 20: monitorv1.Severity_SEVERITY_WARNING, 100: 0,
	} {
		template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "gw"}, NotAfter: now.AddDate(0, 0, days)}
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		found, err := certificateFacts(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), now, "root")
		if err != nil {
			t.Fatal(err)
		}
		var got monitorv1.Severity
		if len(found) > 0 {
			got = found[0].Severity
		}
		if got != want {
			t.Errorf("%d days before its end: got %v, want %v", days, got, want)
		}
	}
	if _, err := certificateFacts([]byte("x"), now, "root"); err == nil {
		t.Error("what is no certificate was taken for one")
	}
}
