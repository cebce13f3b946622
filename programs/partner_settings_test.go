package programs

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/yunqiao/yunqiao/internal/certfile/certtest"
	programv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/program/v1"
	"github.com/yunqiao/yunqiao/programs/gyt345"
)

// TestVariantOfPartner: a partner with older habits and a gateway before ours is
// understood in these alone, and told in them.
func TestVariantOfPartner(t *testing.T) {
	each(t, Options{}, func(t *testing.T, r *rig) {
		server := &partnerServer{Module: r.Module}
		older := gyt345.Variant{
			Request: gyt345.RequestSortedParameters, Message: gyt345.MessageSortedMembers, Signed: gyt345.SignedSM3Hex,
			MAC: gyt345.MACHMACSM3, UserID: "old",
		}
		send := func(v gyt345.Variant, path, msgID string) string {
			t.Helper()
			client, err := gyt345.NewClient(r.group, r.secret, r.private, gyt345.ClientOptions{Now: r.clock.now, Variant: v})
			if err != nil {
				t.Fatal(err)
			}
			signed, err := client.SignValue(t.Context(), "http://platform.example"+path, r.body(gyt345.SeriesAdd, msgID, 0, series("s", "online", "")))
			if err != nil {
				t.Fatal(err)
			}
			signed.URL = strings.Replace(signed.URL, path, paths[gyt345.InterfaceSeries], 1) // as a gateway before ours does
			return r.post(t, signed)
		}
		update := func(request *programv1.UpdatePartnerRequest) *programv1.Partner {
			t.Helper()
			request.Id = r.group
			answer, err := server.UpdatePartner(t.Context(), request)
			if err != nil {
				t.Fatal(err)
			}
			return answer.GetPartner()
		}
		if got := send(older, "/tv/series", "a"); got != "Forbidden" {
			t.Errorf("not agreed: got %s", got)
		}
		shown := update(&programv1.UpdatePartnerRequest{
			SigningVariant: toProtoVariant(older), PublishedPaths: &programv1.PublishedPaths{Series: new("/tv/series")},
		})
		var got gyt345.Variant
		if mergeVariant(&got, shown.GetSigningVariant()); got != older || shown.GetPublishedPaths().GetSeries() != "/tv/series" {
			t.Errorf("shown: got %v", shown)
		}
		if got := send(older, "/tv/series", "b"); got != "ok" {
			t.Errorf("agreed: got %s", got)
		}
		if got := send(gyt345.Variant{}, "/tv/series", "c"); got != "Forbidden" {
			t.Errorf("the profile, where another is agreed: got %s", got)
		}
		shown = update(&programv1.UpdatePartnerRequest{
			SigningVariant: &programv1.SigningVariant{MacKey: new(programv1.MacKey_MAC_KEY_SM3_OF_SECRET)},
			PublishedPaths: &programv1.PublishedPaths{Program: new("/tv/program")},
		})
		both := older
		both.Key = gyt345.KeySM3OfSecret
		if mergeVariant(&got, shown.GetSigningVariant()); got != both {
			t.Errorf("one member of the variant: got %v, want %v", got, both)
		}
		if p := shown.GetPublishedPaths(); p.GetSeries() != "/tv/series" || p.GetProgram() != "/tv/program" || p.GetSeriesOffline() != "" {
			t.Errorf("one path: got %v", p)
		}
		update(&programv1.UpdatePartnerRequest{SigningVariant: toProtoVariant(gyt345.Variant{})})
		if got := send(gyt345.Variant{}, paths[gyt345.InterfaceSeries], "d"); got != "Forbidden" {
			t.Errorf("our own path, where another is published: got %s", got)
		}
		if got := send(gyt345.Variant{}, "/tv/series", "e"); got != "ok" {
			t.Errorf("the published path: got %s", got)
		}
		update(&programv1.UpdatePartnerRequest{PublishedPaths: &programv1.PublishedPaths{Series: new("")}})
		if got := send(gyt345.Variant{}, paths[gyt345.InterfaceSeries], "f"); got != "ok" {
			t.Errorf("back to our own: got %s", got)
		}
		_, err := server.UpdatePartner(t.Context(), &programv1.UpdatePartnerRequest{Id: r.group, SigningVariant: &programv1.SigningVariant{Sm2UserId: new("a"), EmptySm2UserId: new(true)}})
		if status.Code(err) != codes.InvalidArgument {
			t.Errorf("a variant that contradicts itself: got %v", err)
		}

		p := newPlatform(t, r)
		update(&programv1.UpdatePartnerRequest{SigningVariant: toProtoVariant(older)})
		r.takeOff(t, programv1.RecordKind_RECORD_KIND_SERIES, "s")
		for range 2 {
			if err := r.deliverDue(t.Context()); err != nil {
				t.Fatal(err)
			}
			if len(p.told) != 0 {
				t.Errorf("a platform of the profile understood a variant: %v", p.told)
			}
			r.clock.add(time.Minute)
		}
		update(&programv1.UpdatePartnerRequest{SigningVariant: toProtoVariant(gyt345.Variant{})})
		if err := r.deliverDue(t.Context()); err != nil || len(p.told) != 1 {
			t.Errorf("after the change: told %v, %v", p.told, err)
		}
	})
}

// selfSigned makes a certificate for 127.0.0.1 that is its own authority, and its key.
func selfSigned(t *testing.T, name string, from, until time.Time) (certificate, key string, pair tls.Certificate) {
	t.Helper()
	certificate, key = certtest.SelfSigned(t, name, from, until)
	pair, err := tls.X509KeyPair([]byte(certificate), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return certificate, key, pair
}

// TestMutualTLS calls over TLS with each kind of certificate, and is called by us where
// the platform wants ours.
func TestMutualTLS(t *testing.T) {
	each(t, Options{}, func(t *testing.T, r *rig) {
		server := &partnerServer{Module: r.Module}
		now := r.clock.now()
		day := 24 * time.Hour
		mine, _, mineKey := selfSigned(t, "partner", now.Add(-day), now.Add(40*day))
		_, _, othersKey := selfSigned(t, "partner", now.Add(-day), now.Add(40*day))
		setTLS := func(request *programv1.SetPartnerTlsRequest) (*programv1.Partner, error) {
			request.Id = r.group
			answer, err := server.SetPartnerTls(t.Context(), request)
			return answer.GetPartner(), err
		}
		front := httptest.NewUnstartedServer(r.mux)
		front.TLS = &tls.Config{ClientAuth: tls.RequestClientCert, Time: r.clock.now}
		front.StartTLS()
		t.Cleanup(front.Close)
		send := func(pairs ...tls.Certificate) int {
			t.Helper()
			signed, err := r.client(t).SignValue(t.Context(), front.URL+paths[gyt345.InterfaceSeries], r.body(gyt345.SeriesAdd, "", 0, series("s", "online", "")))
			if err != nil {
				t.Fatal(err)
			}
			transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, Certificates: pairs}} //nolint:gosec // the server's side is not what is tested
			defer transport.CloseIdleConnections()
			client, err := gyt345.NewClient(r.group, r.secret, r.private, gyt345.ClientOptions{Now: r.clock.now, HTTP: &http.Client{Transport: transport}})
			if err != nil {
				t.Fatal(err)
			}
			reply, err := client.Post(t.Context(), signed)
			if err != nil {
				t.Fatal(err)
			}
			return reply.HTTP
		}
		if got := send(); got != http.StatusOK {
			t.Errorf("none is needed: got %d", got)
		}
		if _, err := setTLS(&programv1.SetPartnerTlsRequest{ClientCertificates: &mine}); err != nil {
			t.Fatal(err)
		}
		for name, tc := range map[string]struct {
			shown []tls.Certificate
			want  int
		}{
			"the partner's": {[]tls.Certificate{mineKey}, http.StatusOK}, "another of the same name": {[]tls.Certificate{othersKey}, http.StatusForbidden},
			"none": {nil, http.StatusForbidden},
		} {
			if got := send(tc.shown...); got != tc.want {
				t.Errorf("%s: got %d, want %d", name, got, tc.want)
			}
		}
		if got := r.send(t, gyt345.SeriesAdd, "", 0, series("s", "online", "")); got != "Forbidden" {
			t.Errorf("without TLS: got %s", got)
		}
		r.clock.add(41 * day)
		if got := send(mineKey); got != http.StatusForbidden {
			t.Errorf("a certificate that is over: got %d", got)
		}
		none := ""
		if _, err := setTLS(&programv1.SetPartnerTlsRequest{ClientCertificates: &none}); err != nil {
			t.Fatal(err)
		}
		if got := send(); got != http.StatusOK {
			t.Errorf("none is needed any more: got %d", got)
		}
	})
}

// TestMutualTLSOutgoing: a platform that wants our certificate, and whose own is of its
// own authority, confirms an emergency once both are set.
func TestMutualTLSOutgoing(t *testing.T) {
	each(t, Options{}, func(t *testing.T, r *rig) {
		t.Cleanup(r.partners.connections.close)
		server := &partnerServer{Module: r.Module}
		now := time.Now() // of TLS itself
		authority, _, serverPair := selfSigned(t, "platform", now.Add(-time.Hour), now.Add(time.Hour))
		ours, key, _ := selfSigned(t, "us", now.Add(-time.Hour), now.Add(time.Hour))
		over, overKey, _ := selfSigned(t, "us", now.Add(-2*time.Hour), r.clock.now().Add(-time.Hour))
		inner := newPlatform(t, r)
		outer := httptest.NewUnstartedServer(inner.Config.Handler)
		clients := x509.NewCertPool()
		clients.AppendCertsFromPEM([]byte(ours))
		outer.TLS = &tls.Config{Certificates: []tls.Certificate{serverPair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients}
		outer.StartTLS()
		t.Cleanup(outer.Close)
		address := outer.URL + "/csp/p"
		if _, err := server.UpdatePartner(t.Context(), &programv1.UpdatePartnerRequest{Id: r.group, ProgramOfflineUrl: &address}); err != nil {
			t.Fatal(err)
		}
		for name, request := range map[string]*programv1.SetPartnerTlsRequest{
			"no key":          {Certificate: &ours},
			"another's key":   {Certificate: &ours, PrivateKey: overKey},
			"it is over":      {Certificate: &over, PrivateKey: overKey},
			"no certificate":  {ServerAuthorities: &key},
			"too many":        {ClientCertificates: new(ours + authority + ours)},
			"something after": {ClientCertificates: new(ours + "x")},
		} {
			request.Id = r.group
			if _, err := server.SetPartnerTls(t.Context(), request); status.Code(err) != codes.InvalidArgument {
				t.Errorf("%s: got %v", name, err)
			}
		}
		r.takeOff(t, programv1.RecordKind_RECORD_KIND_PROGRAM, "p")
		for step, tc := range []struct {
			set  *programv1.SetPartnerTlsRequest
			told int
		}{
			{&programv1.SetPartnerTlsRequest{}, 0},
			{&programv1.SetPartnerTlsRequest{ServerAuthorities: &authority}, 0},
			{&programv1.SetPartnerTlsRequest{Certificate: &ours, PrivateKey: key}, 1},
		} {
			tc.set.Id = r.group
			answer, err := server.SetPartnerTls(t.Context(), tc.set)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(fmt.Sprint(answer), "PRIVATE") {
				t.Error("the answer has the key")
			}
			r.clock.add(time.Minute)
			if err := r.deliverDue(t.Context()); err != nil || len(inner.told) != tc.told {
				t.Errorf("step %d: told %v, %v; want %d", step, inner.told, err, tc.told)
			}
		}
		certificates, err := r.Certificates(t.Context())
		if err != nil || len(certificates) != 2 {
			t.Errorf("to be watched: got %v, %v", certificates, err)
		}
	})
}

// TestLeniencies counts by partner what its messages have beyond the tables.
func TestLeniencies(t *testing.T) {
	each(t, Options{}, func(t *testing.T, r *rig) {
		for i := range 3 {
			r.clock.add(time.Second)
			r.send(t, gyt345.SeriesAdd, "", 0, series(fmt.Sprintf(" s%d", i), "online", `,"episodeCount":1`))
		}
		r.send(t, gyt345.SeriesOffline, "", 0, `{"seriesIds":["s1"]}`)
		answer, err := (&partnerServer{Module: r.Module}).GetPartner(t.Context(), &programv1.GetPartnerRequest{Id: r.group})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]int32{}
		for _, l := range answer.GetPartner().GetLeniencies() {
			got[l.GetNote()] = l.GetMessages()
			if l.GetNote() == "N21" && l.GetLastAt().AsTime().Sub(l.GetFirstAt().AsTime()) != 2*time.Second {
				t.Errorf("times: got %v", l)
			}
		}
		if len(got) != 2 || got["N21"] != 3 || got["N3"] != 1 {
			t.Errorf("got %v, want 3 of N21 and 1 of N3", got)
		}
	})
}
