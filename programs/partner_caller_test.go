package programs

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	programv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/program/v1"
	"github.com/yunqiao/yunqiao/programs/gyt345"
)

// TestCausesOfRefusal: the journal tells why a caller was not let in; the caller is told
// the same in all cases.
func TestCausesOfRefusal(t *testing.T) {
	r := newRig(t, dbtest.Open(t, dbtest.SQLite(t)), Options{})
	server := &partnerServer{Module: r.Module}
	now := r.clock.now()
	mine, _, _ := selfSigned(t, "partner", now.Add(-time.Hour), now.Add(time.Hour))
	_, _, others := selfSigned(t, "partner", now.Add(-time.Hour), now.Add(time.Hour))
	shown, err := x509.ParseCertificate(others.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx, group := t.Context(), r.group
	networks := func(values ...string) {
		t.Helper()
		must(server.UpdatePartner(ctx, &programv1.UpdatePartnerRequest{Id: group, AllowedNetworks: &programv1.AllowedNetworks{Values: values}}))
	}
	answers := map[string]bool{}
	for _, tc := range []struct {
		prepare     func()
		certificate *x509.Certificate
		want        string
	}{
		{func() { networks("198.51.100.0/24") }, nil, `"192.0.2.1" is not in its allowed_networks`},
		{func() {
			networks()
			must(server.SetPartnerTls(ctx, &programv1.SetPartnerTlsRequest{Id: group, ClientCertificates: &mine}))
		}, nil, "no client certificate was shown"},
		{func() {}, shown, fingerprint(shown) + " is not one of its client_certificates"},
		{func() { must(server.SuspendPartner(ctx, &programv1.SuspendPartnerRequest{Id: group})) }, nil, "the partner is suspended"},
		{func() { must(server.ExitPartner(ctx, &programv1.ExitPartnerRequest{Id: group})) }, nil, "the partner has exited"},
		{func() { r.group = "30030003" }, nil, "unknown group"},
	} {
		tc.prepare()
		signed, err := r.client(t).SignValue(ctx, "http://platform.example"+paths[gyt345.InterfaceSeries], r.body(gyt345.SeriesAdd, "", 0, series("s", "online", "")))
		if err != nil {
			t.Fatal(err)
		}
		request := httptest.NewRequestWithContext(ctx, "POST", signed.URL, bytes.NewReader(signed.Body))
		request.Header.Set("Content-Type", "application/json")
		if tc.certificate != nil {
			request.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{tc.certificate}}
		}
		w := httptest.NewRecorder()
		r.mux.ServeHTTP(w, request)
		answers[w.Body.String()] = true
		var row messageRow
		if err := r.store.Read.Where("outcome = ?", outcomeRefused).Order("id DESC").Take(&row).Error; err != nil {
			t.Fatal(err)
		}
		if row.HTTP != 403 || row.GroupID != r.group || !strings.Contains(row.Cause, tc.want) {
			t.Errorf("got %d of %s, %q; want %q", row.HTTP, row.GroupID, row.Cause, tc.want)
		}
		if row.BodySize != len(signed.Body) || row.Digest != gyt345.SM3(signed.Body) || !bytes.HasPrefix(signed.Body, row.Body) {
			t.Errorf("body: got %d bytes %s, %q", row.BodySize, row.Digest, row.Body)
		}
	}
	if len(answers) != 1 {
		t.Errorf("callers are told causes: %v", answers)
	}
}
