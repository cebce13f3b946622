package e2e

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

// TestScenario is the same day on every kind of cloud.
func TestScenario(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(t *testing.T) target{
		"memcloud embedded":              embedded,
		"memcloud server":                remote(true),
		"memcloud server without tokens": remote(false),
		"openstack":                      realOpenStack,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &scenario{T: t, target: open(t), prefix: unique()}
			s.run()
		})
	}
}

// scenario is one run; its members are filled in as it goes.
type scenario struct {
	*testing.T
	target
	prefix string

	image, smallFlavor, largeFlavor, externalNetwork        string
	network, subnet, router, group, otherGroup, nic, nicTwo string
	vm, vmOperation                                         string
	vmRequest                                               object
	disk, snapshot, customImage, publicIP                   string
}

func (s *scenario) run() {
	for _, step := range []struct {
		name string
		do   func()
	}{
		{"flavors and images", s.chooseParts},
		{"network, subnet, router, group, nics", s.makeNetwork},
		{"vm", s.makeVM},
		{"the same call again", s.repeatVM},
		{"initial password", s.readPassword},
		{"disk, attach, detach", s.useDisk},
		{"snapshot, restore, image", s.useSnapshot},
		{"deactivate, reactivate", s.switchImage},
		{"public ip", s.usePublicIP},
		{"stop, start, reboot, resize", s.runVM},
		{"change groups, rename", s.changeVM},
		{"load balancer", s.useLoadBalancer},
		{"VPN", s.useVPN},
		{"containers", s.useContainers},
		{"load balancer changed", s.changeLoadBalancer},
		{"firewall, IPS, anti-virus, WAF", s.useFirewalls},
		{"VPN listed", s.listVPN},
		{"databases", s.useDatabases},
		{"what is left to change and read", s.changeTheRest},
		{"lists", s.readLists},
		{"delete in a wrong order", s.deleteWrongly},
		{"delete in the right order", s.deleteAll},
		{"everything was used", s.expectAllUsed},
		{"nothing is left", s.expectNothingLeft},
	} {
		begin := time.Now()
		step.do()
		if s.Failed() {
			s.Fatalf("after the step %q", step.name)
		}
		s.Logf("%-40s %s", step.name, time.Since(begin).Round(time.Millisecond))
	}
}

func (s *scenario) post(name string, body object, options ...harness.Option) object {
	s.Helper()
	return s.gateway.Post(s, name, body, options...)
}

// done is post and the good end of its operation; it returns the resource's id.
func (s *scenario) done(name string, body object, options ...harness.Option) string {
	s.Helper()
	return s.gateway.Done(s, name, body, options...)
}

// get reads one resource.
func (s *scenario) get(name, member, id string) object {
	s.Helper()
	return s.gateway.Get(s, name, object{"id": id}).Object(member)
}

func (s *scenario) list(name, member string, parameters object) []object {
	s.Helper()
	query := object{"account_id": s.account}
	for k, v := range parameters {
		query[k] = v
	}
	return s.gateway.All(s, name, member, query)
}

func (s *scenario) expect(what string, got, want any) {
	s.Helper()
	if got != want {
		s.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func (s *scenario) expectState(name, member, id, want string) object {
	s.Helper()
	resource := s.get(name, member, id)
	s.expect(name+" state", resource.Text("state"), want)
	return resource
}

// chooseParts takes the smallest flavor that fits the smallest image, a larger
// one, and the network that leads outside.
func (s *scenario) chooseParts() {
	images := slices.DeleteFunc(s.list("storage/image/list", "images", nil), func(i object) bool {
		return i.Text("state") != "IMAGE_STATE_AVAILABLE" || i.Text("origin") != "IMAGE_ORIGIN_PUBLIC" || i.Text("os_type") == "OS_TYPE_WINDOWS"
	})
	if len(images) == 0 {
		s.Fatal("the cloud has no image")
	}
	slices.SortFunc(images, func(a, b object) int { return cmp.Compare(a.Int("min_disk_gib"), b.Int("min_disk_gib")) })
	s.image = images[0].Text("id")
	flavors := slices.DeleteFunc(s.list("compute/flavor/list", "flavors", nil), func(f object) bool {
		return !f.Bool("sellable") || f.Int("gpu_count") > 0 || f.Int("memory_mib") < images[0].Int("min_memory_mib")
	})
	if len(flavors) < 2 {
		s.Fatalf("the cloud has too few flavors: %v", flavors)
	}
	slices.SortFunc(flavors, func(a, b object) int { return cmp.Compare(a.Int("memory_mib"), b.Int("memory_mib")) })
	s.smallFlavor, s.largeFlavor = flavors[0].Text("id"), flavors[1].Text("id")
	external := s.list("network/network/list", "networks", object{"external": true})
	if len(external) == 0 {
		s.Fatal("the cloud has no network that leads outside")
	}
	s.externalNetwork = external[0].Text("id")
}

func (s *scenario) makeNetwork() {
	s.network = s.done("network/network/create", object{"account_id": s.account, "name": s.prefix + "net", "description": "of an end-to-end test"})
	s.subnet = s.done("network/subnet/create", object{"network_id": s.network, "name": s.prefix + "sub", "cidr": "10.77.0.0/24", "dns_servers": []string{"10.77.0.2"}})
	s.router = s.done("network/router/create", object{
		"account_id": s.account, "name": s.prefix + "router", "external_gateway": object{"network_id": s.externalNetwork},
	})
	s.done("network/router/add-interface", object{"id": s.router, "subnet_id": s.subnet})
	router := s.get("network/router/get", "router", s.router)
	s.expect("gateway of the router", router.Object("external_gateway").Text("network_id"), s.externalNetwork)
	if subnets := harness.Texts(router.List("interfaces"), "subnet_id"); !slices.Contains(subnets, s.subnet) {
		s.Errorf("interfaces of the router are in %v, not in %s", subnets, s.subnet)
	}

	// One rule comes with the group, in a chain that the gateway runs; one later.
	s.group = s.done("network/security-group/create", object{
		"account_id": s.account, "name": s.prefix + "group",
		"rules": []object{{"direction": "DIRECTION_INGRESS", "protocol": "SECURITY_GROUP_PROTOCOL_TCP", "ports": object{"first": 22, "last": 22}, "remote_cidr": "10.0.0.0/8"}},
	})
	rule := s.done("network/security-group/create-rule", object{
		"security_group_id": s.group, "direction": "DIRECTION_INGRESS", "protocol": "SECURITY_GROUP_PROTOCOL_UDP",
		"ports": object{"first": 5000, "last": 5010}, "remote_cidr": "0.0.0.0/0",
	})
	ingress := s.list("network/security-group/list-rules", "rules", object{"security_group_id": s.group, "direction": "DIRECTION_INGRESS"})
	if len(ingress) != 2 || !slices.Contains(harness.Texts(ingress, "id"), rule) {
		s.Errorf("the group's rules inwards are %v", ingress)
	}
	s.otherGroup = s.done("network/security-group/create", object{"account_id": s.account, "name": s.prefix + "other"})

	s.nic = s.done("network/nic/create", object{"account_id": s.account, "name": s.prefix + "nic", "subnet_id": s.subnet, "security_group_ids": []string{s.group}})
	waited := s.post("network/nic/create", object{"account_id": s.account, "name": s.prefix + "nic2", "subnet_id": s.subnet, "wait_seconds": 60})
	s.nicTwo = waited.Text("id")
	s.expect("operation that was waited for", waited.Text("operation_status"), harness.Succeeded)
	s.expect("state that was waited for", waited.Text("state"), "NIC_STATE_AVAILABLE")
	nic := s.get("network/nic/get", "nic", s.nic)
	s.expect("network of the nic", nic.Text("network_id"), s.network)
	s.expect("addresses of the nic", len(nic.Texts("ip_addresses")), 1)
}

func (s *scenario) makeVM() {
	s.vmRequest = object{
		"account_id": s.account, "name": s.prefix + "vm", "image_id": s.image, "flavor_id": s.smallFlavor,
		"nics": []object{{"nic_id": s.nic}}, "security_group_ids": []string{s.group},
		"tags": object{"purpose": "e2e", "run": strings.TrimSuffix(s.prefix, "-")}, "generate_password": true,
	}
	data := s.post("compute/vm/create", s.vmRequest, harness.Key(s.prefix+"vm"))
	s.vm, s.vmOperation = data.Text("id"), data.Text("operation_id")
	if s.vm == "" || s.vmOperation == "" {
		s.Fatalf("the answer names no vm: %v", data)
	}
	operation := s.gateway.Wait(s, s.vmOperation)
	s.expect("operation", operation.Text("status"), harness.Succeeded)
	s.expect("resource of the operation", operation.Text("resource_id"), s.vm)
	vm := s.expectState("compute/vm/get", "vm", s.vm, "VM_STATE_RUNNING")
	s.expect("name", vm.Text("name"), s.prefix+"vm")
	s.expect("flavor", vm.Text("flavor_id"), s.smallFlavor)
	s.expect("image", vm.Text("image_id"), s.image)
	s.expect("tag", vm.Object("tags").Text("purpose"), "e2e")
	s.expect("tags, all of them ours", len(vm.Object("tags")), 2)
	s.expect("managed", vm.Text("managed"), "MANAGED_CREATED")
	if nics := harness.Texts(vm.List("nics"), "nic_id"); !slices.Equal(nics, []string{s.nic}) {
		s.Errorf("nics of the vm are %v, want %s", nics, s.nic)
	}
	if groups := vm.Texts("security_group_ids"); !slices.Equal(groups, []string{s.group}) {
		s.Errorf("groups of the vm are %v, want %s", groups, s.group)
	}
	s.expect("vm of the nic", s.get("network/nic/get", "nic", s.nic).Text("vm_id"), s.vm)
}

func (s *scenario) repeatVM() {
	again := s.post("compute/vm/create", s.vmRequest, harness.Key(s.prefix+"vm"))
	s.expect("id of the repeat", again.Text("id"), s.vm)
	s.expect("operation of the repeat", again.Text("operation_id"), s.vmOperation)
	other := object{}
	for k, v := range s.vmRequest {
		other[k] = v
	}
	other["name"] = s.prefix + "vm-other"
	s.gateway.Refused(s, "IDEMPOTENCY_CONFLICT", "compute/vm/create", other, harness.Key(s.prefix+"vm"))
	s.expect("vms of that name", len(s.list("compute/vm/list", "vms", object{"name": s.prefix + "vm"})), 1)
}

func (s *scenario) readPassword() {
	first := s.gateway.Get(s, "compute/vm/get-initial-password", object{"id": s.vm})
	if len(first.Text("password")) < 16 || first.Text("username") == "" {
		s.Errorf("no password was kept: user %q, %d characters", first.Text("username"), len(first.Text("password")))
	}
	vm := s.gateway.Send(s, http.MethodGet, harness.Path("compute/vm/get")+"?id="+s.vm, nil)
	if strings.Contains(string(vm.Body), first.Text("password")) {
		s.Error("the vm shows its password")
	}
}

func (s *scenario) useDisk() {
	s.disk = s.done("storage/disk/create", object{"account_id": s.account, "name": s.prefix + "disk", "size_gib": 1, "source_image_id": s.image})
	s.expectState("storage/disk/get", "disk", s.disk, "DISK_STATE_AVAILABLE")
	s.done("storage/disk/attach", object{"id": s.disk, "vm_id": s.vm})
	disk := s.expectState("storage/disk/get", "disk", s.disk, "DISK_STATE_IN_USE")
	s.expect("vm of the disk", disk.Text("vm_id"), s.vm)
	if disks := s.get("compute/vm/get", "vm", s.vm).Texts("disk_ids"); !slices.Contains(disks, s.disk) {
		s.Errorf("disks of the vm are %v, without %s", disks, s.disk)
	}
	s.expectBlocked("storage/disk/delete", s.disk, s.vm)
	s.done("storage/disk/detach", object{"id": s.disk, "vm_id": s.vm})
	disk = s.expectState("storage/disk/get", "disk", s.disk, "DISK_STATE_AVAILABLE")
	s.expect("vm of the detached disk", disk.Text("vm_id"), "")
}

func (s *scenario) useSnapshot() {
	s.snapshot = s.done("storage/snapshot/create", object{"account_id": s.account, "name": s.prefix + "snap", "disk_id": s.disk})
	snapshot := s.expectState("storage/snapshot/get", "snapshot", s.snapshot, "SNAPSHOT_STATE_AVAILABLE")
	s.expect("disk of the snapshot", snapshot.Text("disk_id"), s.disk)
	s.expect("restored disk", s.done("storage/snapshot/restore", object{"id": s.snapshot, "disk_id": s.disk}), s.disk)
	s.expectState("storage/disk/get", "disk", s.disk, "DISK_STATE_AVAILABLE")
	s.customImage = s.done("storage/image/create", object{
		"account_id": s.account, "name": s.prefix + "image", "snapshot_id": s.snapshot, "os_type": "OS_TYPE_LINUX",
	})
	image := s.expectState("storage/image/get", "image", s.customImage, "IMAGE_STATE_AVAILABLE")
	if sources := image.Texts("source_snapshot_ids"); !slices.Equal(sources, []string{s.snapshot}) {
		s.Errorf("the image is of %v, want %s", sources, s.snapshot)
	}
}

// asOperator is the id of a resource in the operator's account.
func (s *scenario) asOperator(id string) string {
	_, native, _ := strings.Cut(id, ".")
	return s.operator + "." + native
}

func (s *scenario) switchImage() {
	s.done("storage/image/deactivate", object{"id": s.asOperator(s.customImage)})
	s.expectState("storage/image/get", "image", s.customImage, "IMAGE_STATE_DEACTIVATED")
	refused := s.gateway.Refused(s, "INVALID_STATE", "compute/vm/create", object{
		"account_id": s.account, "name": s.prefix + "never", "image_id": s.customImage, "flavor_id": s.smallFlavor,
		"nics": []object{{"subnet_id": s.subnet}},
	})
	s.expect("status", refused.Status, http.StatusConflict)
	s.done("storage/image/reactivate", object{"id": s.asOperator(s.customImage)})
	s.expectState("storage/image/get", "image", s.customImage, "IMAGE_STATE_AVAILABLE")
}

func (s *scenario) usePublicIP() {
	s.publicIP = s.done("network/public-ip/create", object{
		"account_id": s.account, "name": s.prefix + "ip", "description": s.prefix + "ip", "external_network_id": s.externalNetwork, "nic_id": s.nic,
	})
	ip := s.expectState("network/public-ip/get", "public_ip", s.publicIP, "PUBLIC_IP_STATE_IN_USE")
	s.expect("nic of the public ip", ip.Text("nic_id"), s.nic)
	if ip.Text("ip_address") == "" {
		s.Error("the public ip has no address")
	}
	s.expect("public ip of the nic", s.get("network/nic/get", "nic", s.nic).Text("public_ip_id"), s.publicIP)
	s.done("network/public-ip/update", object{"id": s.publicIP, "nic_id": s.nicTwo, "allow_rebind": true})
	ip = s.expectState("network/public-ip/get", "public_ip", s.publicIP, "PUBLIC_IP_STATE_IN_USE")
	s.expect("nic of the moved public ip", ip.Text("nic_id"), s.nicTwo)
	s.done("network/public-ip/update", object{"id": s.publicIP, "unbind": true})
	ip = s.expectState("network/public-ip/get", "public_ip", s.publicIP, "PUBLIC_IP_STATE_AVAILABLE")
	s.expect("nic of the released public ip", ip.Text("nic_id"), "")
}

func (s *scenario) runVM() {
	s.done("compute/vm/stop", object{"id": s.vm})
	s.expectState("compute/vm/get", "vm", s.vm, "VM_STATE_STOPPED")
	s.done("compute/vm/start", object{"id": s.vm})
	s.expectState("compute/vm/get", "vm", s.vm, "VM_STATE_RUNNING")
	s.done("compute/vm/reboot", object{"id": s.vm})
	s.expectState("compute/vm/get", "vm", s.vm, "VM_STATE_RUNNING")
	s.done("compute/vm/resize", object{"id": s.vm, "flavor_id": s.largeFlavor, "allow_restart": true})
	vm := s.expectState("compute/vm/get", "vm", s.vm, "VM_STATE_RUNNING")
	s.expect("flavor", vm.Text("flavor_id"), s.largeFlavor)
}

func (s *scenario) changeVM() {
	s.done("compute/vm/set-security-groups", object{"id": s.vm, "security_group_ids": []string{s.group, s.otherGroup}})
	groups := s.get("compute/vm/get", "vm", s.vm).Texts("security_group_ids")
	slices.Sort(groups)
	if want := slices.Sorted(slices.Values([]string{s.group, s.otherGroup})); !slices.Equal(groups, want) {
		s.Errorf("groups of the vm are %v, want %v", groups, want)
	}
	s.done("compute/vm/update", object{"id": s.vm, "name": s.prefix + "renamed"})
	s.expect("name", s.get("compute/vm/get", "vm", s.vm).Text("name"), s.prefix+"renamed")
}

// readLists reads live pages one by one, and the inventory.
func (s *scenario) readLists() {
	var paged []string
	query := object{"account_id": s.account, "page_size": 1}
	for pages := 0; ; pages++ {
		page := s.gateway.Get(s, "network/nic/list", query)
		if n := len(page.List("nics")); n > 1 {
			s.Errorf("a page of 1 has %d items", n)
		}
		paged = append(paged, harness.Texts(page.List("nics"), "id")...)
		query["page_token"] = page.Text("next_page_token")
		if query.Text("page_token") == "" || pages > 1000 {
			break
		}
	}
	whole := harness.Texts(s.list("network/nic/list", "nics", nil), "id")
	slices.Sort(paged)
	slices.Sort(whole)
	if !slices.Equal(paged, whole) || !slices.Contains(paged, s.nic) || !slices.Contains(paged, s.nicTwo) {
		s.Errorf("nics in pages of one: %v, in one page: %v", paged, whole)
	}
	batch := s.gateway.Get(s, "compute/vm/list", object{"ids": s.vm + "," + s.absent(s.vm)})
	s.expect("vms by id", strings.Join(harness.Texts(batch.List("vms"), "id"), " "), s.vm)
	s.expect("missing ids", strings.Join(batch.Texts("missing_ids"), " "), s.absent(s.vm))

	rest := s.gateway.Send(s, http.MethodGet, "/compute/v1/vms/"+s.vm, nil)
	s.expect("vm by its own address", rest.Data.Object("vm").Text("id"), s.vm)

	cached := s.gateway.Get(s, "compute/vm/list", object{"account_id": s.account, "view": "cached", "name_contains": s.prefix, "order_by": "name desc"})
	s.expect("cached vms", cached.Int("total_size"), 1)
	if vms := cached.List("vms"); len(vms) == 1 {
		s.expect("cached id", vms[0].Text("id"), s.vm)
		s.expect("cached name", vms[0].Text("name"), s.prefix+"renamed")
		s.expect("cached state", vms[0].Text("state"), "VM_STATE_RUNNING")
		s.expect("cached flavor", vms[0].Text("flavor_id"), s.largeFlavor)
	}
	s.expect("sources", strings.Join(harness.Texts(cached.List("sources"), "account_id"), " "), s.account)
	for name, member := range map[string]string{
		"network/network": "networks", "network/subnet": "subnets", "network/router": "routers", "network/security-group": "security_groups",
		"network/nic": "nics", "storage/disk": "disks", "storage/snapshot": "snapshots", "storage/image": "images",
	} {
		cached := s.list(name+"/list", member, object{"view": "cached", "name_contains": s.prefix})
		if len(cached) == 0 {
			s.Errorf("the inventory shows no %s", member)
		}
		for _, item := range cached {
			if !strings.HasPrefix(item.Text("name"), s.prefix) {
				s.Errorf("cached %s: %v", name, item)
			}
		}
	}
}

// absent is a well-formed id that no resource of the run has.
func (s *scenario) absent(id string) string {
	last := "0"
	if strings.HasSuffix(id, last) {
		last = "1"
	}
	return id[:len(id)-1] + last
}

// expectBlocked needs a deletion to be refused, naming what stands in its way.
func (s *scenario) expectBlocked(name, id string, blockers ...string) {
	s.Helper()
	refused := s.gateway.Refused(s, "IN_USE", name, object{"id": id})
	s.expect(name+" status", refused.Status, http.StatusConflict)
	for _, blocker := range blockers {
		if !strings.Contains(string(refused.Body), blocker+`"`) {
			s.Errorf("%s %s does not name %s: %s", name, id, blocker, refused.Body)
		}
	}
}

func (s *scenario) deleteWrongly() {
	s.expectBlocked("network/security-group/delete", s.group, s.nic)
	s.expectBlocked("network/nic/delete", s.nic, s.vm)
	s.expectBlocked("network/subnet/delete", s.subnet, s.nic)
	s.expectBlocked("network/network/delete", s.network, s.nic)
	s.expectBlocked("network/router/delete", s.router, s.subnet)
	s.expectBlocked("storage/disk/delete", s.disk, s.snapshot)
	s.expectBlocked("storage/snapshot/delete", s.snapshot, s.customImage)
}

func (s *scenario) deleteAll() {
	s.done("compute/vm/delete", object{"id": s.vm})
	s.done("network/public-ip/delete", object{"id": s.publicIP})
	s.done("network/nic/delete", object{"id": s.nic})
	s.done("network/nic/delete", object{"id": s.nicTwo})
	s.done("network/router/remove-interface", object{"id": s.router, "subnet_id": s.subnet})
	s.done("network/router/delete", object{"id": s.router})
	s.done("network/subnet/delete", object{"id": s.subnet})
	s.done("network/network/delete", object{"id": s.network})
	s.done("network/security-group/delete", object{"id": s.group})
	s.done("network/security-group/delete", object{"id": s.otherGroup})
	s.done("storage/image/delete", object{"id": s.customImage})
	s.done("storage/snapshot/delete", object{"id": s.snapshot})
	s.done("storage/disk/delete", object{"id": s.disk})

	gone := s.gateway.Send(s, http.MethodGet, harness.Path("compute/vm/get")+"?id="+s.vm, nil)
	s.expect("reason of a deleted vm", gone.Reason(), "NOT_FOUND")
	password := s.gateway.Send(s, http.MethodGet, harness.Path("compute/vm/get-initial-password")+"?id="+s.vm, nil)
	s.expect("reason of its password", password.Reason(), "NOT_FOUND")
	// To delete what is gone is no error.
	s.done("compute/vm/delete", object{"id": s.vm})
	cached := s.list("compute/vm/list", "vms", object{"view": "cached", "name_contains": s.prefix})
	s.expect("cached vms", len(cached), 0)
}

func (s *scenario) expectNothingLeft() {
	if left := s.cloud.left(s.T, s.prefix); len(left) > 0 {
		s.Errorf("the cloud still has %v", left)
	}
}
