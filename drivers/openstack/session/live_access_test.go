package session

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/domains"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/projects"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/roles"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/users"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// realCloud is the settings of the cloud that the environment names.
func realCloud(t *testing.T) map[string]string {
	t.Helper()
	file, cloud := os.Getenv("OS_CLIENT_CONFIG_FILE"), os.Getenv("OS_CLOUD")
	if file == "" || cloud == "" {
		t.Skip("OS_CLIENT_CONFIG_FILE and OS_CLOUD name no cloud")
	}
	return map[string]string{"cloud": cloud, "clouds_file": file}
}

func openReal(t *testing.T, settings, credentials map[string]string, opts Options) *Session {
	t.Helper()
	s, err := Open(t.Context(), settings, credentials, opts)
	if err != nil {
		t.Fatalf("open with %v: %v", settings, err)
	}
	t.Cleanup(s.Close)
	return s
}

// authority is a private certificate authority with one certificate for 127.0.0.1.
func authority(t *testing.T) (caPEM []byte, certificate tls.Certificate) {
	t.Helper()
	newKey := func() *ecdsa.PrivateKey {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	sign := func(template, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) []byte {
		der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	caKey, key := newKey(), newKey()
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "private authority"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	caDER := sign(ca, ca, caKey, caKey)
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "127.0.0.1"}, NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der := sign(leaf, ca, key, caKey)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER}), tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// inFront is the identity service behind another address, with TLS if there is a
// certificate.
func inFront(t *testing.T, target string, certificate *tls.Certificate) string {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = ""
	proxy := httptest.NewUnstartedServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u) }})
	if certificate == nil {
		proxy.Start()
	} else {
		proxy.TLS = &tls.Config{Certificates: []tls.Certificate{*certificate}, MinVersion: tls.VersionTLS12}
		proxy.StartTLS()
	}
	t.Cleanup(proxy.Close)
	return proxy.URL
}

// TestTLSWithAPrivateAuthority: the identity service has a certificate that only
// the given authority vouches for.
func TestTLSWithAPrivateAuthority(t *testing.T) {
	settings := realCloud(t)
	caPEM, certificate := authority(t)
	settings["auth_url"] = inFront(t, openReal(t, settings, nil, Options{}).provider.IdentityEndpoint, &certificate) + "/v3"
	if _, err := Open(t.Context(), settings, nil, Options{}); sdk.ReasonOf(err) != apiv1.Reason_REASON_PARAMETER_REJECTED &&
		sdk.ReasonOf(err) != apiv1.Reason_REASON_CLOUD_UNAVAILABLE {
		t.Errorf("a certificate of nobody we trust: %v", err)
	}
	settings["ca_pem"] = string(caPEM)
	openReal(t, settings, nil, Options{})
	delete(settings, "ca_pem")
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, caPEM, 0o600); err != nil {
		t.Fatal(err)
	}
	settings["ca_file"] = file
	openReal(t, settings, nil, Options{})
	otherCA, _ := authority(t)
	delete(settings, "ca_file")
	settings["ca_pem"] = string(otherCA)
	if _, err := Open(t.Context(), settings, nil, Options{}); err == nil {
		t.Error("a certificate of another authority was taken")
	}
}

// TestAddressesOfIdentity: with a version, without one, and with a slash at the end.
func TestAddressesOfIdentity(t *testing.T) {
	settings := realCloud(t)
	s := openReal(t, settings, nil, Options{})
	root := strings.TrimSuffix(strings.TrimSuffix(s.provider.IdentityEndpoint, "/"), "/v3")
	for _, address := range []string{root, root + "/", root + "/v3", root + "/v3/"} {
		settings["auth_url"] = address
		if got := openReal(t, settings, nil, Options{}); got.ProjectID != s.ProjectID || got.Compute == nil {
			t.Errorf("%s: project %s", address, got.ProjectID)
		}
	}
}

// rewriter changes answers of the cloud on their way.
type rewriter struct {
	change func(req *http.Request, body string) string
}

func (r rewriter) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	return resp, replaceBody(resp, func(body string) string { return r.change(req, body) })
}

// catalogue is a rewriter of the addresses in the token's catalogue.
func catalogue(old, new string) rewriter {
	return rewriter{func(req *http.Request, body string) string {
		if strings.HasSuffix(req.URL.Path, "/auth/tokens") {
			return strings.ReplaceAll(body, old, new)
		}
		return body
	}}
}

// TestEndpointsOfTheCatalogue: services are registered with or without version.
func TestEndpointsOfTheCatalogue(t *testing.T) {
	settings := realCloud(t)
	whole := openReal(t, settings, nil, Options{})
	project := whole.ProjectID
	for name, change := range map[string][2]string{
		"network with version":     {":9696\"", ":9696/v2.0\""},
		"network with slash":       {":9696\"", ":9696/v2.0/\""},
		"image with version":       {":9292\"", ":9292/v2\""},
		"compute without version":  {":8774/v2.1\"", ":8774/\""},
		"volume without version":   {":8776/v3/" + project + "\"", ":8776\""},
		"database without version": {":8779/v1.0/" + project + "\"", ":8779/\""},
		"balancer with version":    {":9876\"", ":9876/v2.0\""},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Open(t.Context(), settings, nil, Options{Transport: catalogue(change[0], change[1])})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if s.Volume.Microversion != whole.Volume.Microversion || s.Compute.Microversion != whole.Compute.Microversion {
				t.Errorf("microversions: volume %q, compute %q", s.Volume.Microversion, s.Compute.Microversion)
			}
			for what, client := range map[string]*gophercloud.ServiceClient{
				"networks": s.Network, "images": s.Image, "flavors": s.Compute, "volumes": s.Volume, "instances": s.Database, "lbaas/loadbalancers": s.LoadBalancer,
			} {
				if client == nil { // the cloud has no such service
					continue
				}
				if _, err := client.Get(t.Context(), client.ServiceURL(what), &struct{}{}, nil); err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
		})
	}
}

// TestMicroversions: what an old cloud offers bounds what is asked of it, and one
// that is too old is refused with its name.
func TestMicroversions(t *testing.T) {
	settings := realCloud(t)
	offer := func(service, version string) rewriter {
		return rewriter{func(req *http.Request, body string) string {
			if strings.Contains(req.URL.Host, service) && strings.HasPrefix(body, `{"version`) {
				for _, newest := range []string{"2.93", "3.70"} {
					body = strings.ReplaceAll(body, `"`+newest+`"`, `"`+version+`"`)
				}
			}
			return body
		}}
	}
	for name, tc := range map[string]struct {
		service, offered, want string
	}{
		"compute of this year": {":8774", "2.93", "2.90"},
		"compute of 2018":      {":8774", "2.60", "2.60"},
		"volume of 2017":       {":8776", "3.27", "3.27"},
		"volume of this year":  {":8776", "3.70", "3.66"},
	} {
		t.Run(name, func(t *testing.T) {
			s := openReal(t, settings, nil, Options{Transport: offer(tc.service, tc.offered)})
			got := s.Compute.Microversion
			if strings.HasPrefix(tc.want, "3.") {
				got = s.Volume.Microversion
			}
			if got != tc.want {
				t.Errorf("asked for %s, want %s", got, tc.want)
			}
		})
	}
	_, err := Open(t.Context(), settings, nil, Options{Transport: offer(":8774", "2.40")})
	if sdk.ReasonOf(err) != apiv1.Reason_REASON_UNSUPPORTED_FEATURE || sdk.InfoOf(err)["feature"] != "compute.microversion.2.53" {
		t.Errorf("compute of 2016: %v", err)
	}
}

// TestServiceAwayAtOpen: an account does not open while a service whose microversion it
// needs does not answer, for it would take that for an ancient one; it opens without
// load balancers, whose providers are then not known.
func TestServiceAwayAtOpen(t *testing.T) {
	settings := realCloud(t)
	whole := openReal(t, settings, nil, Options{})
	dead := func(port string) rewriter { return catalogue(":"+port, ":1") }
	for service, port := range map[string]string{"compute": "8774", "block-storage": "8776", "network": "9696"} {
		_, err := Open(t.Context(), settings, nil, Options{Transport: dead(port)})
		if sdk.ReasonOf(err) != apiv1.Reason_REASON_CLOUD_UNAVAILABLE || !strings.Contains(err.Error(), service+" service") {
			t.Errorf("%s away: %v", service, err)
		}
	}
	for _, port := range []string{"9292", "8041", "8779"} {
		openReal(t, settings, nil, Options{Transport: dead(port)})
	}
	if whole.LoadBalancer == nil {
		return
	}
	if s := openReal(t, settings, nil, Options{Transport: dead("9876")}); s.LoadBalancer == nil || s.LoadBalancerProviders != nil {
		t.Errorf("load balancers away: %+v, providers %v", s.LoadBalancer, s.LoadBalancerProviders)
	}
}

// TestRegions: the account's region is one of the catalogue's.
func TestRegions(t *testing.T) {
	settings := realCloud(t)
	s := openReal(t, settings, nil, Options{})
	settings["region"] = s.Region
	if got := openReal(t, settings, nil, Options{}); got.Region != s.Region {
		t.Errorf("region %s, want %s", got.Region, s.Region)
	}
	settings["region"] = "Nowhere"
	_, err := Open(t.Context(), settings, nil, Options{})
	if sdk.ReasonOf(err) != apiv1.Reason_REASON_PARAMETER_REJECTED || sdk.InfoOf(err)["field"] != "region" {
		t.Errorf("a region that is not there: %v", err)
	}
}

// adminIdentity opens the identity service as administrator, or skips the test.
func adminIdentity(t *testing.T, settings map[string]string) *gophercloud.ServiceClient {
	t.Helper()
	cloud := os.Getenv("OS_ADMIN_CLOUD")
	if cloud == "" {
		t.Skip("OS_ADMIN_CLOUD names no administrator of the cloud")
	}
	admin := openReal(t, map[string]string{"cloud": cloud, "clouds_file": settings["clouds_file"]}, nil, Options{})
	identity, err := openstack.NewIdentityV3(admin.provider, gophercloud.EndpointOpts{Region: admin.Region})
	if err != nil {
		t.Fatal(err)
	}
	return identity
}

// grant gives a user a role in a project.
func grant(t *testing.T, identity *gophercloud.ServiceClient, role, userID, projectID string) {
	t.Helper()
	page, err := roles.List(identity, roles.ListOpts{Name: role}).AllPages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	list, err := roles.ExtractRoles(page)
	if err != nil || len(list) != 1 {
		t.Fatalf("role %s: %v, %v", role, list, err)
	}
	if err := roles.Assign(t.Context(), identity, list[0].ID, roles.AssignOpts{UserID: userID, ProjectID: projectID}).ExtractErr(); err != nil {
		t.Fatal(err)
	}
}

// TestMissingRights: users with too few roles are told which.
func TestMissingRights(t *testing.T) {
	settings := realCloud(t)
	identity := adminIdentity(t, settings)
	own := openReal(t, settings, nil, Options{})
	if missing, err := own.MissingRights(t.Context()); err != nil || len(missing) != 0 {
		t.Errorf("of a user with all rights: %v, %v", missing, err)
	}
	for role, want := range map[string][]Right{
		"member": {{"load-balancer", "load-balancer_member", true}},
		"reader": {{"compute", "member", false}, {"network", "member", false}, {"load-balancer", "load-balancer_member", true}},
	} {
		name := "yqtest-" + rand.Text()
		user, err := users.Create(t.Context(), identity, users.CreateOpts{Name: name, DomainID: "default", Password: "Secret-1234"}).Extract()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = users.Delete(context.WithoutCancel(t.Context()), identity, user.ID).ExtractErr() })
		grant(t, identity, role, user.ID, own.ProjectID)
		s := openReal(t, map[string]string{"auth_url": own.provider.IdentityEndpoint, "username": name, "project_id": own.ProjectID},
			map[string]string{"password": "Secret-1234"}, Options{})
		missing, err := s.MissingRights(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, right := range want {
			if s.LoadBalancer == nil && right.Service == "load-balancer" {
				continue
			}
			if !slices.Contains(missing, right) {
				t.Errorf("with role %s: %+v, without %+v", role, missing, right)
			}
		}
		if role == "member" && len(missing) > 1 {
			t.Errorf("with role %s: %+v", role, missing)
		}
	}
}

// TestDomains: user and project live in a domain of their own, where names repeat.
func TestDomains(t *testing.T) {
	settings := realCloud(t)
	identity := adminIdentity(t, settings)
	user := openReal(t, settings, nil, Options{})
	name := "yqtest-" + rand.Text()
	domain, err := domains.Create(t.Context(), identity, domains.CreateOpts{Name: name}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, disabled := context.WithoutCancel(t.Context()), false
		if _, err := domains.Update(ctx, identity, domain.ID, domains.UpdateOpts{Enabled: &disabled}).Extract(); err != nil {
			t.Error(err)
		}
		if err := domains.Delete(ctx, identity, domain.ID).ExtractErr(); err != nil {
			t.Error(err)
		}
	})
	// The same name as the project in the default domain.
	project, err := projects.Create(t.Context(), identity, projects.CreateOpts{Name: user.ProjectName, DomainID: domain.ID}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	member, err := users.Create(t.Context(), identity, users.CreateOpts{Name: "someone", DomainID: domain.ID, Password: "Secret-1234"}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	grant(t, identity, "member", member.ID, project.ID)
	own := map[string]string{
		"auth_url": user.provider.IdentityEndpoint, "username": "someone", "user_domain_name": name,
		"project_name": user.ProjectName, "project_domain_name": name,
	}
	password := map[string]string{"password": "Secret-1234"}
	if s := openReal(t, own, password, Options{}); s.ProjectID != project.ID {
		t.Errorf("project %s, want %s of domain %s", s.ProjectID, project.ID, name)
	}
	own["project_domain_name"] = ""
	if _, err := Open(t.Context(), own, password, Options{}); sdk.ReasonOf(err) != apiv1.Reason_REASON_ACCOUNT_UNAUTHENTICATED {
		t.Errorf("a project of the same name in another domain: %v", err)
	}
}
