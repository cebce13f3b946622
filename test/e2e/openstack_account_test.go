package e2e

import (
	"net/http"
	"os"
	"testing"

	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

// TestOpenStackPublicSubnets: a range that is not private is refused until the account
// allows it, and one of a special purpose always.
func TestOpenStackPublicSubnets(t *testing.T) {
	t.Parallel()
	d := newBadDay(t, nil)
	const account = "os-switched"
	settings := object{"clouds_file": os.Getenv(envCloudsFile), "cloud": os.Getenv(envCloud)}
	d.post("account/account/create", object{"id": account, "driver": "openstack", "cloud_kind": "CLOUD_KIND_PRIVATE", "settings": settings})
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
