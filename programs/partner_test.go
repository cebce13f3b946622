package programs

import (
	"testing"
	"time"

	programv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/program/v1"
	"github.com/yunqiao/yunqiao/programs/gyt345"
)

// rotate goes from one key and secret to the next while messages come.
func rotate(t *testing.T, r *rig, server *partnerServer, good func() string) {
	next, err := gyt345.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	old := r.private
	r.private = next
	if code := good(); code != "Forbidden" {
		t.Errorf("a key that is not known: got %s", code)
	}
	added, err := server.AddPartnerKey(t.Context(), &programv1.AddPartnerKeyRequest{Id: r.group, PublicKey: next.Public().Hex()})
	if err != nil || len(added.GetPartner().GetPublicKeys()) != 2 {
		t.Fatalf("add: %v, %v", added, err)
	}
	if _, err := server.AddPartnerKey(t.Context(), &programv1.AddPartnerKeyRequest{Id: r.group, PublicKey: next.Public().Hex()}); err == nil {
		t.Error("a third key: got no error")
	}
	for _, key := range []*gyt345.PrivateKey{old, next} {
		r.private = key
		if code := good(); code != "ok" {
			t.Errorf("two active keys: got %s", code)
		}
	}
	_, err = server.RemovePartnerKey(t.Context(), &programv1.RemovePartnerKeyRequest{Id: r.group, KeyId: added.GetPartner().GetPublicKeys()[1].GetId()})
	if err != nil {
		t.Fatal(err)
	}
	r.private = old
	if code := good(); code != "Forbidden" {
		t.Errorf("removed key: got %s", code)
	}
	r.private = next
	second, err := server.AddPartnerSecret(t.Context(), &programv1.AddPartnerSecretRequest{Id: r.group})
	if err != nil {
		t.Fatal(err)
	}
	first := r.secret
	for _, secret := range []string{first, second.GetGroupSecret()} {
		r.secret = secret
		if code := good(); code != "ok" {
			t.Errorf("two active secrets: got %s", code)
		}
	}
	_, err = server.RemovePartnerSecret(t.Context(), &programv1.RemovePartnerSecretRequest{Id: r.group, SecretId: second.GetPartner().GetSecrets()[1].GetId()})
	if err != nil {
		t.Fatal(err)
	}
	r.secret = first
	if code := good(); code != "Forbidden" {
		t.Errorf("removed secret: got %s", code)
	}
	r.secret = second.GetGroupSecret()
	var sealed []credentialRow
	if err := r.store.Write.Where("kind <> ?", credentialPublic).Find(&sealed).Error; err != nil || len(sealed) != 2 {
		t.Fatalf("got %d sealed values, %v", len(sealed), err)
	}
	for _, row := range sealed {
		if len(row.Sealed) == 0 || row.Text != "" {
			t.Errorf("credential %s is not sealed", row.ID)
		}
	}
}

func leave(t *testing.T, r *rig, server *partnerServer, good func() string) {
	networks := func(values ...string) {
		t.Helper()
		_, err := server.UpdatePartner(t.Context(), &programv1.UpdatePartnerRequest{Id: r.group, AllowedNetworks: &programv1.AllowedNetworks{Values: values}})
		if err != nil {
			t.Fatal(err)
		}
	}
	networks("198.51.100.0/24")
	if code := good(); code != "Forbidden" {
		t.Errorf("from elsewhere: got %s", code)
	}
	networks("192.0.2.0/24") // httptest's address
	if code := good(); code != "ok" {
		t.Errorf("from an allowed address: got %s", code)
	}
	limit := int32(1)
	if _, err := server.UpdatePartner(t.Context(), &programv1.UpdatePartnerRequest{Id: r.group, MessagesPerSecond: &limit}); err != nil {
		t.Fatal(err)
	}
	good()
	if code := r.send(t, gyt345.SeriesAdd, "", 0, series("s", "online", "")); code != "ServiceUnAvailable" {
		t.Errorf("too many: got %s", code)
	}
	r.clock.add(time.Second)
	if _, err := server.SuspendPartner(t.Context(), &programv1.SuspendPartnerRequest{Id: r.group}); err != nil {
		t.Fatal(err)
	}
	if code := good(); code != "Forbidden" {
		t.Errorf("suspended: got %s", code)
	}
	if !r.get(t, KindSeries, "s").Online {
		t.Error("suspension took a series off")
	}
	if _, err := server.ExitPartner(t.Context(), &programv1.ExitPartnerRequest{Id: r.group}); err != nil {
		t.Fatal(err)
	}
	if r.get(t, KindSeries, "s").Online {
		t.Error("exit left a series online")
	}
	if _, err := server.ResumePartner(t.Context(), &programv1.ResumePartnerRequest{Id: r.group}); err != nil {
		t.Fatal(err)
	}
	if code := good(); code != "ok" || !r.get(t, KindSeries, "s").Online {
		t.Errorf("back again: got %s", code)
	}
}
