package e2e

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/quotasets"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/projects"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/external"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"

	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

// TestOpenStackRouterGateway: a router gets another way out, but not while a public IP
// comes through the one that it has.
func TestOpenStackRouterGateway(t *testing.T) {
	t.Parallel()
	d := newBadDay(t, nil)
	d.site()
	other := d.account + "." + d.newExternalNetwork()
	router := d.done("network/router/create", object{
		"account_id": d.account, "name": d.prefix + "router", "external_gateway": object{"network_id": d.externalNetwork},
	})
	d.done("network/router/add-interface", object{"id": router, "subnet_id": d.subnet})
	nic := d.done("network/nic/create", object{"account_id": d.account, "name": d.prefix + "nic", "subnet_id": d.subnet})
	ip := d.done("network/public-ip/create", object{
		"account_id": d.account, "name": d.prefix + "ip", "description": d.prefix + "ip", "external_network_id": d.externalNetwork, "nic_id": nic,
	})
	leadsTo := func(want string) {
		t.Helper()
		d.expect("way out of the router", d.get("network/router/get", "router", router).Object("external_gateway").Text("network_id"), want)
	}
	for what, gateway := range map[string]object{"changed": {"network_id": other}, "taken away": {}} {
		refused := d.gateway.Refused(t, "IN_USE", "network/router/update", object{"id": router, "external_gateway": gateway})
		if refused.Status != http.StatusConflict || !strings.Contains(string(refused.Body), ip) {
			t.Errorf("%s: %d, and does not name %s: %s", what, refused.Status, ip, refused.Body)
		}
	}
	leadsTo(d.externalNetwork)
	d.done("network/public-ip/update", object{"id": ip, "unbind": true})
	d.done("network/router/update", object{"id": router, "external_gateway": object{"network_id": other}})
	leadsTo(other)
	d.done("network/router/update", object{"id": router, "external_gateway": object{}})
	leadsTo("")
	d.done("network/public-ip/delete", object{"id": ip})
	d.done("network/nic/delete", object{"id": nic})
	d.done("network/router/remove-interface", object{"id": router, "subnet_id": d.subnet})
	d.done("network/router/delete", object{"id": router})
}

// newExternalNetwork is the id of a network that leads outside, made by the cloud's
// administrator; it goes at the end.
func (d *badDay) newExternalNetwork() string {
	d.Helper()
	outside := true
	network, err := networks.Create(d.Context(), d.admin.network, external.CreateOptsExt{
		CreateOptsBuilder: networks.CreateOpts{Name: d.prefix + "outside"}, External: &outside,
	}).Extract()
	if err != nil {
		d.Fatal(err)
	}
	d.Cleanup(func() {
		if err := networks.Delete(context.WithoutCancel(d.Context()), d.admin.network, network.ID).ExtractErr(); err != nil {
			d.Error(err)
		}
	})
	_, err = subnets.Create(d.Context(), d.admin.network, subnets.CreateOpts{
		NetworkID: network.ID, Name: d.prefix + "outside", CIDR: "198.51.100.0/24", IPVersion: gophercloud.IPv4,
	}).Extract()
	if err != nil {
		d.Fatal(err)
	}
	return network.ID
}

// TestOpenStackEqualNames: names are not ids. Two of one name are two, and one of them
// goes alone.
func TestOpenStackEqualNames(t *testing.T) {
	t.Parallel()
	d := newBadDay(t, nil)
	name := d.prefix + "twin"
	for _, r := range []struct {
		kind, member string
		body         object
	}{
		{"network/network", "networks", object{}},
		{"network/security-group", "security_groups", object{}},
		{"storage/disk", "disks", object{"size_gib": 1}},
	} {
		r.body["account_id"], r.body["name"] = d.account, name
		first, second := d.done(r.kind+"/create", r.body), d.done(r.kind+"/create", r.body)
		both := harness.Texts(d.list(r.kind+"/list", r.member, object{"name": name}), "id")
		if first == second || len(both) != 2 || !slices.Contains(both, first) || !slices.Contains(both, second) {
			t.Errorf("%s: made %s and %s, listed %v", r.kind, first, second, both)
		}
		d.done(r.kind+"/delete", object{"id": first})
		if one := harness.Texts(d.list(r.kind+"/list", r.member, object{"name": name}), "id"); !slices.Equal(one, []string{second}) {
			t.Errorf("%s: %v are left, want %s", r.kind, one, second)
		}
		d.done(r.kind+"/delete", object{"id": second})
	}
	d.expectNothingLeft()
}

// TestOpenStackVolumeQuota: the volume service's own limit, in a project of the test's own.
func TestOpenStackVolumeQuota(t *testing.T) {
	t.Parallel()
	d := newBadDay(t, nil)
	project := d.newProject()
	one := 1
	if _, err := quotasets.Update(t.Context(), d.admin.volume, project, quotasets.UpdateOpts{Volumes: &one}).Extract(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := quotasets.Delete(context.WithoutCancel(t.Context()), d.admin.volume, project).ExtractErr(); err != nil {
			t.Error(err)
		}
	})
	const account = "os-limited"
	d.open(account, object{"cloud": adminName(), "project_id": project})
	body := object{"account_id": account, "name": d.prefix + "first", "size_gib": 1}
	first := d.done("storage/disk/create", body)
	body["name"] = d.prefix + "second"
	if refused := d.gateway.Refused(t, "QUOTA_EXCEEDED", "storage/disk/create", body); refused.Data.Bool("retryable") {
		t.Errorf("to try again would help: %s", refused.Body)
	}
	d.done("storage/disk/delete", object{"id": first})
	d.done("storage/disk/delete", object{"id": d.done("storage/disk/create", body)})
}

// newProject is the id of a project in which the administrator may do everything; it
// goes at the end.
func (d *badDay) newProject() string {
	d.Helper()
	identity, _ := asAdmin(d.T)
	ctx := context.WithoutCancel(d.Context())
	project, err := projects.Create(ctx, identity, projects.CreateOpts{Name: d.prefix + "quota", DomainID: "default"}).Extract()
	if err != nil {
		d.Fatal(err)
	}
	d.Cleanup(func() {
		if err := projects.Delete(ctx, identity, project.ID).ExtractErr(); err != nil {
			d.Error(err)
		}
	})
	assignAdministrator(d.T, project.ID)
	return project.ID
}
