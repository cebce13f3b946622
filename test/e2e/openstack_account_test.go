package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/config/clouds"

	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

// open makes an account of the cloud under test.
func (d *badDay) open(account string, settings object) {
	d.Helper()
	settings["clouds_file"] = os.Getenv(envCloudsFile)
	d.post("account/account/create", object{"id": account, "driver": "openstack", "cloud_kind": "CLOUD_KIND_PRIVATE", "settings": settings})
}

// TestOpenStackPublicSubnets: a range that is not private is refused until the account
// allows it, and one of a special purpose always.
func TestOpenStackPublicSubnets(t *testing.T) {
	t.Parallel()
	d := newBadDay(t, nil)
	const account = "os-switched"
	d.open(account, object{"cloud": os.Getenv(envCloud)})
	network := d.done("network/network/create", object{"account_id": account, "name": d.prefix + "public"})
	defer d.done("network/network/delete", object{"id": network})
	create := func(cidr string) *harness.Answer {
		return d.gateway.Send(t, http.MethodPost, harness.Path("network/subnet/create"), object{"network_id": network, "name": d.prefix + "public", "cidr": cidr})
	}
	if answer := create("8.8.4.0/24"); answer.Status != http.StatusNotImplemented || answer.Reason() != "UNSUPPORTED_FEATURE" {
		t.Errorf("a public range: %d %s", answer.Status, answer.Body)
	}
	d.post("account/account/update", object{"id": account, "settings": object{"public_subnets": "true"}})
	if answer := create("203.0.113.0/24"); answer.Reason() != "VALIDATION_FAILED" {
		t.Errorf("a range of a special purpose: %d %s", answer.Status, answer.Body)
	}
	subnet := d.done("network/subnet/create", object{"network_id": network, "name": d.prefix + "public", "cidr": "8.8.4.0/24"})
	d.expect("cidr", d.get("network/subnet/get", "subnet", subnet).Text("cidr"), "8.8.4.0/24")
	d.done("network/subnet/delete", object{"id": subnet})
}

// TestOpenStackImport: accounts are made of the files that other tools read.
func TestOpenStackImport(t *testing.T) {
	t.Parallel()
	d := newBadDay(t, nil)
	file, cloud := os.Getenv(envCloudsFile), os.Getenv(envCloud)
	auth, endpoint, _, err := clouds.Parse(clouds.WithLocations(file), clouds.WithCloudName(cloud))
	if err != nil {
		t.Fatal(err)
	}
	openrc := filepath.Join(t.TempDir(), "openrc")
	lines := ""
	for _, v := range [][2]string{
		{"AUTH_URL", auth.IdentityEndpoint}, {"USERNAME", auth.Username}, {"PASSWORD", auth.Password}, {"PROJECT_NAME", auth.Scope.ProjectName},
		{"USER_DOMAIN_NAME", "Default"}, {"PROJECT_DOMAIN_NAME", "Default"}, {"REGION_NAME", endpoint.Region}, {"IDENTITY_API_VERSION", "3"},
	} {
		lines += "export OS_" + v[0] + "='" + v[1] + "'\n"
	}
	if err := os.WriteFile(openrc, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	project := d.get("account/account/get", "account", d.account).Text("cloud_project")
	for account, source := range map[string][]string{
		"os-of-yaml": {"--clouds-yaml", file, "--cloud", cloud}, "os-of-rc": {"--openrc", openrc},
	} {
		d.gateway.Operate(t, append([]string{"account", "import", account, "--driver", "openstack"}, source...)...)
		got := d.get("account/account/get", "account", account)
		d.expect(account+" state", got.Text("state"), "ACCOUNT_STATE_READY")
		d.expect(account+" project", got.Text("cloud_project"), project)
		if networks := d.gateway.All(t, "network/network/list", "networks", object{"account_id": account}); len(networks) == 0 {
			t.Errorf("%s sees no network", account)
		}
		if strings.Contains(got.String(), `"`+auth.Password+`"`) && auth.Password != auth.Username {
			t.Errorf("%s tells its password: %v", account, got)
		}
	}
}

// TestOpenStackServiceAwayAtOpen: an account waits for a service whose version tells what
// it can do, and offers everything when that is back.
func TestOpenStackServiceAwayAtOpen(t *testing.T) {
	t.Parallel()
	d := newBadDay(t, nil)
	whole := d.get("account/account/get", "account", d.account)
	features := func(a object) string { return strings.Join(a.Texts("features"), " ") }
	for port, account := range map[string]string{portVolume: "os-no-volumes", portCompute: "os-no-compute"} {
		d.proxy.fail(func(w http.ResponseWriter, _ *http.Request, called string) bool {
			if called == port {
				drop(w)
			}
			return called == port
		})
		d.open(account, object{"cloud": os.Getenv(envCloud), "auth_url": d.proxy.URL + portPrefix + portIdentity + "/v3"})
		got := d.get("account/account/get", "account", account)
		if got.Text("state") == "ACCOUNT_STATE_READY" || got.Text("state_reason") != "CLOUD_UNAVAILABLE" {
			t.Errorf("%s while the service is away: %v", account, got)
		}
		d.proxy.fail(nil)
		harness.Eventually(t, time.Minute, account+" opens when the service is back", func() bool {
			got = d.get("account/account/get", "account", account)
			return got.Text("state") == "ACCOUNT_STATE_READY"
		})
		d.expect("features of "+account, features(got), features(whole))
	}
}
