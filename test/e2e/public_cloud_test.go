package e2e

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/drivers/alibaba/sim"
	"github.com/yunqiao/yunqiao/drivers/alibaba/sim/simtest"
	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

// publicScenario is the scenario's day on a public cloud, where networks lead outside
// by themselves, everything is in a zone, and VMs come with a NIC of their own.
type publicScenario struct {
	scenario
	cloud *simtest.Cloud
	zone  string
}

// TestScenarioOnPublicCloud runs on a simulated Alibaba Cloud, over HTTP with the
// programs of gateway and driver.
func TestScenarioOnPublicCloud(t *testing.T) {
	t.Parallel()
	cloud := simtest.Start(t, sim.Options{})
	const account = "ali-hz"
	gateway := harness.NewGateway(t, programs, harness.Account{Driver: "alibaba"})
	gateway.Post(t, "account/account/create", object{
		"id": account, "driver": "alibaba", "cloud_kind": "CLOUD_KIND_PUBLIC",
		"settings": object{
			"access_key_id": cloud.Account.AccessKeyID, "region": cloud.Region, "scheme": "http",
			"endpoint": strings.TrimPrefix(cloud.URL, "http://"),
		},
		"credentials": object{"access_key_secret": cloud.Account.AccessKeySecret},
	})
	s := &publicScenario{cloud: cloud}
	s.scenario = scenario{T: t, target: target{gateway: gateway, account: account, operator: account}, prefix: unique()}
	s.run()
	cloud.CheckClean(t)
}

func (s *publicScenario) run() {
	for _, step := range []struct {
		name string
		do   func()
	}{
		{"flavors, images and zones", s.chooseParts},
		{"network, subnet, router, groups, nics", s.makeNetwork},
		{"vm", s.makeVM},
		{"the same call again", s.repeatVM},
		{"initial password", s.readPassword},
		{"disk, attach, detach", s.useDisk},
		{"snapshot, restore", s.useSnapshot},
		{"image", s.makeImage},
		{"public ip", s.usePublicIP},
		{"stop, start, reboot, resize", s.runVM},
		{"change groups, rename", s.changeVM},
		{"container", s.useContainer},
		{"load balancer", s.useLoadBalancer},
		{"load balancers of two zones", s.useBalancersOfZones},
		{"a VM that goes by itself, one that is taken back", s.outliveVM},
		{"routes", s.useRoutes},
		{"firewall", s.useFirewall},
		{"border to the Internet", s.useBorder},
		{"VPN", s.useVPNService},
		{"web application firewall", s.useWAF},
		{"antivirus", s.useAntivirus},
		{"database", s.useDatabase},
		{"delete in a wrong order", s.deleteWrongly},
		{"delete in the right order", s.deleteAll},
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

func (s *publicScenario) chooseParts() {
	images := slices.DeleteFunc(s.list("storage/image/list", "images", nil), func(i object) bool {
		return i.Text("state") != "IMAGE_STATE_AVAILABLE" || i.Text("os_type") != "OS_TYPE_LINUX"
	})
	flavors := slices.DeleteFunc(s.list("compute/flavor/list", "flavors", nil), func(f object) bool {
		return !f.Bool("sellable") || f.Int("gpu_count") > 0 || f.Text("architecture") != "ARCHITECTURE_X86_64"
	})
	if len(images) == 0 || len(flavors) < 2 {
		s.Fatalf("the cloud has %d images and %d flavors", len(images), len(flavors))
	}
	slices.SortFunc(flavors, func(a, b object) int { return cmp.Compare(a.Int("memory_mib"), b.Int("memory_mib")) })
	s.image, s.smallFlavor, s.largeFlavor = images[0].Text("id"), flavors[0].Text("id"), flavors[1].Text("id")
	s.zone = flavors[0].Texts("zone_ids")[0]
}

func (s *publicScenario) makeNetwork() {
	s.network = s.done("network/network/create", object{"account_id": s.account, "name": s.prefix + "net", "description": "端到端 测试+*", "cidr": "10.77.0.0/16"})
	s.expect("description", s.get("network/network/get", "network", s.network).Text("description"), "端到端 测试+*")
	s.subnet = s.done("network/subnet/create", object{"network_id": s.network, "name": s.prefix + "sub", "cidr": "10.77.0.0/24", "zone_id": s.zone})
	s.router = s.done("network/router/create", object{"account_id": s.account, "name": s.prefix + "router", "network_id": s.network})
	s.group = s.done("network/security-group/create", object{
		"account_id": s.account, "name": s.prefix + "group", "network_id": s.network,
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
	s.otherGroup = s.done("network/security-group/create", object{"account_id": s.account, "name": s.prefix + "other", "network_id": s.network})
	s.nic = s.done("network/nic/create", object{"account_id": s.account, "name": s.prefix + "nic", "subnet_id": s.subnet, "security_group_ids": []string{s.group}})
	s.expect("network of the nic", s.get("network/nic/get", "nic", s.nic).Text("network_id"), s.network)
}

func (s *publicScenario) makeVM() {
	s.vmRequest = object{
		"account_id": s.account, "name": s.prefix + "vm", "image_id": s.image, "flavor_id": s.smallFlavor, "zone_id": s.zone,
		"nics": []object{{"subnet_id": s.subnet}, {"nic_id": s.nic}}, "security_group_ids": []string{s.group},
		"boot_disk": object{"size_gib": 40}, "data_disks": []object{{"size_gib": 40, "delete_with_vm": true}},
		"tags": object{"purpose": "e2e", "run": strings.TrimSuffix(s.prefix, "-")}, "generate_password": true,
	}
	data := s.post("compute/vm/create", s.vmRequest, harness.Key(s.prefix+"vm"))
	s.vm, s.vmOperation = data.Text("id"), data.Text("operation_id")
	operation := s.gateway.Wait(s, s.vmOperation)
	s.expect("operation", operation.Text("status"), harness.Succeeded)
	vm := s.expectState("compute/vm/get", "vm", s.vm, "VM_STATE_RUNNING")
	s.expect("flavor", vm.Text("flavor_id"), s.smallFlavor)
	s.expect("image", vm.Text("image_id"), s.image)
	s.expect("tags, all of them ours", len(vm.Object("tags")), 2)
	s.expect("disks", len(vm.Texts("disk_ids")), 2)
	nics := vm.List("nics")
	if len(nics) != 2 || nics[1].Text("nic_id") != s.nic || nics[1].Text("subnet_id") != s.subnet {
		s.Errorf("nics of the vm are %v", nics)
	}
}

func (s *publicScenario) useDisk() {
	s.disk = s.done("storage/disk/create", object{"account_id": s.account, "name": s.prefix + "disk", "size_gib": 40, "zone_id": s.zone})
	s.expectState("storage/disk/get", "disk", s.disk, "DISK_STATE_AVAILABLE")
	s.done("storage/disk/attach", object{"id": s.disk, "vm_id": s.vm})
	disk := s.expectState("storage/disk/get", "disk", s.disk, "DISK_STATE_IN_USE")
	s.expect("vm of the disk", disk.Text("vm_id"), s.vm)
	s.expectBlocked("storage/disk/delete", s.disk, s.vm)
	s.done("storage/disk/resize", object{"id": s.disk, "size_gib": 60})
	s.expect("size", s.get("storage/disk/get", "disk", s.disk).Int("size_gib"), 60)
	s.done("storage/disk/detach", object{"id": s.disk, "vm_id": s.vm})
	s.expectState("storage/disk/get", "disk", s.disk, "DISK_STATE_AVAILABLE")
}

func (s *publicScenario) useSnapshot() {
	s.snapshot = s.done("storage/snapshot/create", object{"account_id": s.account, "name": s.prefix + "snap", "disk_id": s.disk})
	snapshot := s.expectState("storage/snapshot/get", "snapshot", s.snapshot, "SNAPSHOT_STATE_AVAILABLE")
	s.expect("disk of the snapshot", snapshot.Text("disk_id"), s.disk)
	s.expect("restored disk", s.done("storage/snapshot/restore", object{"id": s.snapshot, "disk_id": s.disk}), s.disk)
	s.expectState("storage/disk/get", "disk", s.disk, "DISK_STATE_AVAILABLE")
}

// makeImage makes an image of the VM and puts it out of use and back.
func (s *publicScenario) makeImage() {
	s.customImage = s.done("storage/image/create", object{"account_id": s.account, "name": s.prefix + "image", "vm_id": s.vm})
	s.expectState("storage/image/get", "image", s.customImage, "IMAGE_STATE_AVAILABLE")
	s.done("storage/image/deactivate", object{"id": s.customImage})
	s.expectState("storage/image/get", "image", s.customImage, "IMAGE_STATE_DEACTIVATED")
	refused := s.gateway.Refused(s, "INVALID_STATE", "compute/vm/create", object{
		"account_id": s.account, "name": s.prefix + "never", "image_id": s.customImage, "flavor_id": s.smallFlavor,
		"nics": []object{{"subnet_id": s.subnet}}, "security_group_ids": []string{s.group},
	})
	s.expect("status", refused.Status, http.StatusConflict)
	s.done("storage/image/reactivate", object{"id": s.customImage})
	s.expectState("storage/image/get", "image", s.customImage, "IMAGE_STATE_AVAILABLE")
}

func (s *publicScenario) usePublicIP() {
	s.publicIP = s.done("network/public-ip/create", object{
		"account_id": s.account, "name": s.prefix + "ip", "bandwidth_mbps": 5, "nic_id": s.nic,
	})
	ip := s.expectState("network/public-ip/get", "public_ip", s.publicIP, "PUBLIC_IP_STATE_IN_USE")
	s.expect("nic of the public ip", ip.Text("nic_id"), s.nic)
	s.done("network/public-ip/update", object{"id": s.publicIP, "unbind": true})
	s.expectState("network/public-ip/get", "public_ip", s.publicIP, "PUBLIC_IP_STATE_AVAILABLE")
}

func (s *publicScenario) useContainer() {
	container := s.done("compute/container/create", object{
		"account_id": s.account, "name": strings.ReplaceAll(s.prefix, "_", "-") + "web", "image": "registry.example.com/demo/web:1",
		"cpu_millicores": 500, "memory_mib": 1024, "subnet_id": s.subnet, "security_group_ids": []string{s.group},
		"environment": []object{{"name": "MODE", "value": "test"}},
	})
	got := s.expectState("compute/container/get", "container", container, "CONTAINER_STATE_RUNNING")
	s.expect("memory", got.Int("memory_mib"), 1024)
	s.done("compute/container/update", object{"id": container, "memory_mib": 2048})
	s.expect("memory", s.get("compute/container/get", "container", container).Int("memory_mib"), 2048)
	s.done("compute/container/restart", object{"id": container})
	refused := s.gateway.Refused(s, "UNSUPPORTED_METHOD", "compute/container/stop", object{"id": container})
	s.expect("status of what the cloud lacks", refused.Status, http.StatusNotImplemented)
	s.done("compute/container/delete", object{"id": container})
}

func (s *publicScenario) useDatabase() {
	database := s.done("database/instance/create", object{
		"account_id": s.account, "name": "e2edb", "engine": "ENGINE_TYPE_MYSQL", "engine_version": "8.0", "vcpus": 2, "memory_mib": 4096,
		"storage_gib": 20, "subnet_id": s.subnet, "zone_id": s.zone,
	})
	s.expectState("database/instance/get", "instance", database, "INSTANCE_STATE_RUNNING")
	s.done("database/instance/restart", object{"id": database})
	s.done("database/instance/delete", object{"id": database})
}

func (s *publicScenario) deleteWrongly() {
	s.expectBlocked("network/security-group/delete", s.group)
	s.expectBlocked("network/subnet/delete", s.subnet)
	s.expectBlocked("network/network/delete", s.network)
}

func (s *publicScenario) deleteAll() {
	s.done("compute/vm/delete", object{"id": s.vm})
	s.done("network/public-ip/delete", object{"id": s.publicIP})
	s.done("network/nic/delete", object{"id": s.nic})
	s.done("storage/image/delete", object{"id": s.customImage})
	s.done("storage/snapshot/delete", object{"id": s.snapshot})
	s.done("storage/disk/delete", object{"id": s.disk})
	s.done("network/router/delete", object{"id": s.router})
	s.done("network/security-group/delete", object{"id": s.group})
	s.done("network/security-group/delete", object{"id": s.otherGroup})
	s.done("network/subnet/delete", object{"id": s.subnet})
	s.done("network/network/delete", object{"id": s.network})
	gone := s.gateway.Send(s, http.MethodGet, harness.Path("compute/vm/get")+"?id="+s.vm, nil)
	s.expect("reason of a deleted vm", gone.Reason(), "NOT_FOUND")
}

// expectNothingLeft reads the lists of the cloud anew.
func (s *publicScenario) expectNothingLeft() {
	for name, member := range map[string]string{
		"compute/vm": "vms", "compute/container": "containers", "network/network": "networks", "network/subnet": "subnets",
		"network/security-group": "security_groups", "network/nic": "nics", "network/public-ip": "public_ips",
		"storage/disk": "disks",
	} {
		for _, item := range s.list(name+"/list", member, nil) {
			s.Errorf("left: %s %s", member, item.Text("name"))
		}
	}
}
