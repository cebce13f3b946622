package session

import (
	"context"
	"crypto/rand"
	"os"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/applicationcredentials"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/sdk"
)

func TestOpenAgainstARealCloud(t *testing.T) {
	file, cloud := os.Getenv("OS_CLIENT_CONFIG_FILE"), os.Getenv("OS_CLOUD")
	if file == "" || cloud == "" {
		t.Skip("OS_CLIENT_CONFIG_FILE and OS_CLOUD name no cloud")
	}
	settings := map[string]string{"cloud": cloud, "clouds_file": file}
	s, err := Open(t.Context(), settings, nil, Options{})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	defer s.Close()
	if s.Compute == nil || s.Network == nil || s.Volume == nil || s.Image == nil {
		t.Fatalf("clients missing: %+v", s)
	}
	if s.ProjectID == "" || s.Region == "" || !s.Extensions["router"] {
		t.Errorf("project %q, region %q, extensions %v", s.ProjectID, s.Region, s.Extensions)
	}
	if !AtLeast(s.Compute, 67) || !AtLeast(s.Volume, 40) {
		t.Errorf("microversions: compute %q, volume %q", s.Compute.Microversion, s.Volume.Microversion)
	}
	at, err := s.Probe(t.Context())
	if err != nil || at.IsZero() {
		t.Errorf("Probe: %v, %v", at, err)
	}

	s.provider.SetToken("expired")
	if err := s.readExtensions(t.Context()); err != nil {
		t.Errorf("the token was not renewed: %v", err)
	}
	openWithApplicationCredential(t, s)

	_, err = Open(t.Context(), settings, map[string]string{"password": "wrong"}, Options{})
	if got := sdk.ReasonOf(err); got != apiv1.Reason_REASON_ACCOUNT_UNAUTHENTICATED {
		t.Errorf("wrong password: %v (%v)", got, err)
	}
	settings["auth_url"] = "http://127.0.0.1:1/v3"
	_, err = Open(t.Context(), settings, nil, Options{})
	if got := sdk.ReasonOf(err); got != apiv1.Reason_REASON_CLOUD_UNAVAILABLE {
		t.Errorf("no cloud: %v (%v)", got, err)
	}
}

// openWithApplicationCredential makes an application credential of the user, and
// opens the cloud with nothing else.
func openWithApplicationCredential(t *testing.T, s *Session) {
	t.Helper()
	auth, ok := s.provider.GetAuthResult().(tokens.CreateResult)
	if !ok {
		t.Fatal("no token")
	}
	user, err := auth.ExtractUser()
	if err != nil {
		t.Fatal(err)
	}
	identity, err := openstack.NewIdentityV3(s.provider, gophercloud.EndpointOpts{Region: s.Region})
	if err != nil {
		t.Fatal(err)
	}
	credential, err := applicationcredentials.Create(t.Context(), identity, user.ID,
		applicationcredentials.CreateOpts{Name: "yqtest-" + rand.Text()}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = applicationcredentials.Delete(context.WithoutCancel(t.Context()), identity, user.ID, credential.ID).ExtractErr()
	})
	other, err := Open(t.Context(),
		map[string]string{"auth_url": s.provider.IdentityEndpoint, "application_credential_id": credential.ID, "region": s.Region},
		map[string]string{"application_credential_secret": credential.Secret}, Options{})
	if err != nil {
		t.Fatalf("open with an application credential: %v", err)
	}
	defer other.Close()
	if other.ProjectID != s.ProjectID {
		t.Errorf("project %s, want %s", other.ProjectID, s.ProjectID)
	}
	other.provider.SetToken("expired")
	if err := other.readExtensions(t.Context()); err != nil {
		t.Errorf("the token was not renewed: %v", err)
	}
}
