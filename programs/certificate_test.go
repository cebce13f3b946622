package programs

import (
	"crypto/rand"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	programv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/program/v1"
	"github.com/yunqiao/yunqiao/programs/gyt345"
)

// certified makes a key with a certificate that holds for some time.
func certified(t *testing.T, from, until time.Time) (*gyt345.PrivateKey, string) {
	t.Helper()
	key, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &smx509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "内容平台"}, NotBefore: from, NotAfter: until}
	der, err := smx509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := gyt345.ParsePrivateKey(hex.EncodeToString(key.D.FillBytes(make([]byte, 32))))
	if err != nil {
		t.Fatal(err)
	}
	return private, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// TestCertificates: a certificate counts from its beginning to its end.
func TestCertificates(t *testing.T) {
	each(t, Options{}, func(t *testing.T, r *rig) {
		server := &partnerServer{Module: r.Module}
		now := r.clock.now()
		_, over := certified(t, now.AddDate(-1, 0, 0), now.Add(-time.Second))
		if _, err := server.AddPartnerKey(t.Context(), &programv1.AddPartnerKeyRequest{Id: r.group, PublicKey: over}); status.Code(err) != codes.InvalidArgument {
			t.Errorf("a certificate that is over: got %v", err)
		}
		private, text := certified(t, now.Add(time.Hour), now.Add(48*time.Hour))
		added, err := server.AddPartnerKey(t.Context(), &programv1.AddPartnerKeyRequest{Id: r.group, PublicKey: text})
		if err != nil {
			t.Fatal(err)
		}
		key := added.GetPartner().GetPublicKeys()[0]
		if !key.GetValidFrom().AsTime().Equal(now.Add(time.Hour)) || !key.GetValidUntil().AsTime().Equal(now.Add(48*time.Hour)) {
			t.Errorf("got %v", key)
		}
		r.private = private
		for _, step := range []struct {
			after time.Duration
			want  string
		}{{0, "Forbidden"}, {time.Hour, "ok"}, {46 * time.Hour, "ok"}, {2 * time.Hour, "Forbidden"}} {
			r.clock.add(step.after)
			if got := r.send(t, gyt345.SeriesAdd, "", 0, series("s", "online", "")); got != step.want {
				t.Errorf("at %s: got %s, want %s", r.clock.now(), got, step.want)
			}
		}
		certificates, err := r.Certificates(t.Context())
		if err != nil || len(certificates) != 1 || certificates[0].GroupID != r.group || certificates[0].Name != "key/"+key.GetId() {
			t.Errorf("got %v, %v", certificates, err)
		}
		if _, err := server.ExitPartner(t.Context(), &programv1.ExitPartnerRequest{Id: r.group}); err != nil {
			t.Fatal(err)
		}
		if left, err := r.Certificates(t.Context()); err != nil || len(left) != 0 {
			t.Errorf("of a partner that has left: got %v, %v", left, err)
		}
	})
}
