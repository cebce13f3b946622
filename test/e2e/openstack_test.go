package e2e

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/snapshots"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/config"
	"github.com/gophercloud/gophercloud/v2/openstack/config/clouds"
	"github.com/gophercloud/gophercloud/v2/openstack/db/v1/instances"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/roles"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/loadbalancers"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/pools"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/routers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/vpnaas/endpointgroups"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/vpnaas/services"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/vpnaas/siteconnections"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
	"github.com/gophercloud/gophercloud/v2/pagination"

	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

const (
	envCloudsFile  = "OS_CLIENT_CONFIG_FILE"
	envCloud       = "OS_CLOUD"
	envCloudAdmin  = "OS_ADMIN_CLOUD"
	envRequireReal = "YUNQIAO_REQUIRE_OPENSTACK"
)

// realOpenStack is the cloud that the environment names.
func realOpenStack(t *testing.T) target {
	file, name := os.Getenv(envCloudsFile), os.Getenv(envCloud)
	if file == "" || name == "" {
		if os.Getenv(envRequireReal) != "" {
			t.Fatalf("%s and %s must name a cloud", envCloudsFile, envCloud)
		}
		t.Skipf("%s and %s name no cloud", envCloudsFile, envCloud)
	}
	const account, operator = "os-user", "os-operator"
	of := func(id string, settings map[string]string) harness.Account {
		settings["clouds_file"] = file
		return harness.Account{ID: id, Driver: "openstack", Settings: settings}
	}
	gateway := harness.NewGateway(t, programs, of(account, map[string]string{"cloud": name}),
		of(operator, map[string]string{"cloud": adminName(), "project_id": administered(t, file, name)}))
	return target{gateway, account, operator, openOpenStack(t, file, name)}
}

// administered is the id of a cloud's project, after its administrator got his role there
// too: an account shows and changes one project. He keeps it, for other tests run beside.
func administered(t *testing.T, file, name string) string {
	t.Helper()
	auth, _, tlsConfig, err := clouds.Parse(clouds.WithLocations(file), clouds.WithCloudName(name))
	if err != nil {
		t.Fatal(err)
	}
	provider, err := config.NewProviderClient(t.Context(), auth, config.WithTLSConfig(tlsConfig))
	if err != nil {
		t.Fatal(err)
	}
	token, ok := provider.GetAuthResult().(tokens.CreateResult)
	if !ok {
		t.Fatal("no token of the identity service's version 3")
	}
	project, err := token.ExtractProject()
	if err != nil {
		t.Fatal(err)
	}
	assignAdministrator(t, project.ID)
	return project.ID
}

// assignAdministrator lets the cloud's administrator do everything in a project.
func assignAdministrator(t *testing.T, projectID string) {
	t.Helper()
	identity, _ := asAdmin(t)
	auth, ok := identity.GetAuthResult().(tokens.CreateResult)
	if !ok {
		t.Fatal("no token of the identity service's version 3")
	}
	user, err := auth.ExtractUser()
	if err != nil {
		t.Fatal(err)
	}
	each(t, roles.List(identity, roles.ListOpts{Name: "admin"}), roles.ExtractRoles, func(r roles.Role) {
		if err := roles.Assign(t.Context(), identity, r.ID, roles.AssignOpts{UserID: user.ID, ProjectID: projectID}).ExtractErr(); err != nil {
			t.Fatal(err)
		}
	})
}

// openStackCloud asks the services directly.
type openStackCloud struct {
	compute, network, volume, image *gophercloud.ServiceClient
	loadBalancer, database          *gophercloud.ServiceClient // nil: it has none
	vpn                             bool
	orphansBefore                   map[string]bool
}

func openOpenStack(t *testing.T, file, name string) *openStackCloud {
	t.Helper()
	auth, endpoint, tlsConfig, err := clouds.Parse(clouds.WithLocations(file), clouds.WithCloudName(name))
	if err != nil {
		t.Fatal(err)
	}
	auth.AllowReauth = true
	provider, err := config.NewProviderClient(t.Context(), auth, config.WithTLSConfig(tlsConfig))
	if err != nil {
		t.Fatal(err)
	}
	c := &openStackCloud{}
	for _, s := range []struct {
		client **gophercloud.ServiceClient
		open   func(*gophercloud.ProviderClient, gophercloud.EndpointOpts) (*gophercloud.ServiceClient, error)
	}{
		{&c.compute, openstack.NewComputeV2}, {&c.network, openstack.NewNetworkV2},
		{&c.volume, openstack.NewBlockStorageV3}, {&c.image, openstack.NewImageV2},
	} {
		if *s.client, err = s.open(provider, endpoint); err != nil {
			t.Fatal(err)
		}
	}
	c.loadBalancer, _ = openstack.NewLoadBalancerV2(provider, endpoint)
	c.database, _ = openstack.NewDBV1(provider, endpoint)
	c.vpn = extensions.Get(t.Context(), c.network, "vpnaas").Err == nil
	c.orphansBefore = map[string]bool{}
	for _, o := range c.orphans(t) {
		c.orphansBefore[o] = true
	}
	return c
}

// orphans are what the driver or the compute service made for a VM, under names that no
// test gives, and that no VM has.
func (c *openStackCloud) orphans(t *testing.T) []string {
	t.Helper()
	var found []string
	alone := map[string]string{} // ports by the VM that they say they are of
	each(t, ports.List(c.network, ports.ListOpts{}), ports.ExtractPorts, func(p ports.Port) {
		if strings.HasPrefix(p.Name, "yqreq-") {
			alone[p.ID] = p.DeviceID
		}
	})
	vms := map[string]bool{} // read after the ports: those of a new VM are made before it
	each(t, servers.List(c.compute, servers.ListOpts{}), servers.ExtractServers, func(s servers.Server) { vms[s.ID] = true })
	for id, vm := range alone {
		if !vms[vm] {
			found = append(found, "port "+id)
		}
	}
	each(t, volumes.List(c.volume, volumes.ListOpts{}), volumes.ExtractVolumes, func(v volumes.Volume) {
		if v.Name == "" && len(v.Attachments) == 0 {
			found = append(found, "volume "+v.ID)
		}
	})
	return found
}

// newOrphans are those that were not there when the test began, and stay: other tests'
// VMs come and go.
func (c *openStackCloud) newOrphans(t *testing.T) []string {
	t.Helper()
	const patience = time.Minute
	var stay []string
	for begin := time.Now(); ; pause(context.WithoutCancel(t.Context()), time.Second) {
		found := slices.DeleteFunc(c.orphans(t), func(o string) bool { return c.orphansBefore[o] })
		if stay == nil {
			stay = found
		}
		stay = slices.DeleteFunc(stay, func(o string) bool { return !slices.Contains(found, o) })
		if len(stay) == 0 || time.Since(begin) > patience {
			return stay
		}
	}
}

// left implements cloud. What no VM has any more is left too, whatever its name.
func (c *openStackCloud) left(t *testing.T, prefix string) []string {
	t.Helper()
	left := c.newOrphans(t)
	see := func(kind, name string) {
		if strings.HasPrefix(name, prefix) {
			left = append(left, kind+" "+name)
		}
	}
	each(t, servers.List(c.compute, servers.ListOpts{}), servers.ExtractServers, func(s servers.Server) { see("compute.vm", s.Name) })
	each(t, networks.List(c.network, networks.ListOpts{}), networks.ExtractNetworks, func(n networks.Network) { see("network.network", n.Name) })
	each(t, subnets.List(c.network, subnets.ListOpts{}), subnets.ExtractSubnets, func(s subnets.Subnet) { see("network.subnet", s.Name) })
	each(t, routers.List(c.network, routers.ListOpts{}), routers.ExtractRouters, func(r routers.Router) { see("network.router", r.Name) })
	each(t, ports.List(c.network, ports.ListOpts{}), ports.ExtractPorts, func(p ports.Port) { see("network.nic", p.Name) })
	each(t, groups.List(c.network, groups.ListOpts{}), groups.ExtractGroups, func(g groups.SecGroup) { see("network.security_group", g.Name) })
	// A floating IP has no name; the description tells whose it is.
	each(t, floatingips.List(c.network, floatingips.ListOpts{}), floatingips.ExtractFloatingIPs,
		func(f floatingips.FloatingIP) { see("network.public_ip", f.Description) })
	each(t, volumes.List(c.volume, volumes.ListOpts{}), volumes.ExtractVolumes, func(v volumes.Volume) { see("storage.disk", v.Name) })
	each(t, snapshots.List(c.volume, snapshots.ListOpts{}), snapshots.ExtractSnapshots, func(s snapshots.Snapshot) { see("storage.snapshot", s.Name) })
	each(t, images.List(c.image, images.ListOpts{}), images.ExtractImages, func(i images.Image) { see("storage.image", i.Name) })
	if c.database != nil {
		each(t, instances.List(c.database), instances.ExtractInstances, func(i instances.Instance) { see("database.instance", i.Name) })
	}
	if c.loadBalancer != nil {
		each(t, loadbalancers.List(c.loadBalancer, loadbalancers.ListOpts{}), loadbalancers.ExtractLoadBalancers,
			func(l loadbalancers.LoadBalancer) { see("network.vip", l.Name) })
		each(t, pools.List(c.loadBalancer, pools.ListOpts{}), pools.ExtractPools, func(p pools.Pool) { see("network.pool", p.Name) })
	}
	if c.vpn {
		each(t, services.List(c.network, services.ListOpts{}), services.ExtractServices, func(s services.Service) { see("security.vpn_service", s.Name) })
		each(t, siteconnections.List(c.network, siteconnections.ListOpts{}), siteconnections.ExtractConnections,
			func(s siteconnections.Connection) { see("security.ipsec_connection", s.Name) })
		each(t, endpointgroups.List(c.network, endpointgroups.ListOpts{}), endpointgroups.ExtractEndpointGroups,
			func(g endpointgroups.EndpointGroup) { see("endpoint group", g.Name) })
	}
	slices.Sort(left)
	return left
}

// each reads all pages of a list.
func each[T any](t *testing.T, pager pagination.Pager, extract func(pagination.Page) ([]T, error), see func(T)) {
	t.Helper()
	pages, err := pager.AllPages(context.WithoutCancel(t.Context())) // also in cleanups
	if err != nil {
		t.Fatal(err)
	}
	items, err := extract(pages)
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range items {
		see(item)
	}
}

// killOpenStackDriver kills the driver with creates in flight at a cloud that
// takes no tokens. The gateway must wait until the killed requests cannot run any
// more, which takes minutes.
func killOpenStackDriver(t *testing.T) {
	t.Parallel()
	s := &scenario{T: t, target: realOpenStack(t), prefix: unique()}
	s.chooseParts()
	s.network = s.done("network/network/create", object{"account_id": s.account, "name": s.prefix + "net"})
	s.subnet = s.done("network/subnet/create", object{"network_id": s.network, "name": s.prefix + "sub", "cidr": "10.78.0.0/24"})
	l := &ledger{t: t, client: s.gateway.Client, account: s.account}
	var clients sync.WaitGroup
	for i := range 4 {
		name := fmt.Sprintf("%s%d", s.prefix, i)
		for kind, body := range map[string]object{
			"network/nic":            {"subnet_id": s.subnet},
			"network/security-group": {},
			"storage/disk":           {"size_gib": 1},
			"compute/vm":             {"image_id": s.image, "flavor_id": s.smallFlavor, "nics": []object{{"subnet_id": s.subnet}}},
		} {
			body["account_id"], body["name"] = s.account, name
			clients.Go(func() { l.do(kind+"/create", name+kind, body) })
		}
	}
	time.Sleep(700 * time.Millisecond)
	s.gateway.KillDriver(t, "openstack")
	clients.Wait()
	l.settle()
	l.repeat()
	count := map[string]int{}
	for _, name := range s.cloud.left(t, s.prefix) {
		count[name]++
	}
	for name, n := range count {
		if n != 1 {
			t.Errorf("%s was made %d times", name, n)
		}
	}
	if want := len(l.writes) + 2; len(count) != want {
		t.Errorf("the cloud has %d resources, want %d: %v", len(count), want, count)
	}
	for _, kind := range []string{"compute/vm", "network/nic", "storage/disk", "network/security-group"} {
		for _, w := range l.writes {
			if w.name == kind+"/create" {
				s.done(kind+"/delete", object{"id": w.id})
			}
		}
	}
	s.done("network/subnet/delete", object{"id": s.subnet})
	s.done("network/network/delete", object{"id": s.network})
	s.expectNothingLeft()
}
