package e2e

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/config/clouds"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"

	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

// badDay is a real cloud behind a proxy, with a network to work in.
type badDay struct {
	*scenario
	proxy *cloudProxy
	own   *openStackCloud // past the proxy
	admin *openStackCloud // as the cloud's administrator
}

// newBadDay opens an account through a proxy. change, if given, changes what the cloud
// answers from the first call on.
func newBadDay(t *testing.T, change func(string) string) *badDay {
	t.Helper()
	return newBadDayWith(t, harness.Setup{}, change)
}

// newBadDayWith is newBadDay with another setup of the gateway.
func newBadDayWith(t *testing.T, setup harness.Setup, change func(string) string) *badDay {
	t.Helper()
	file, name := os.Getenv(envCloudsFile), os.Getenv(envCloud)
	if file == "" || name == "" {
		if os.Getenv(envRequireReal) != "" {
			t.Fatalf("%s and %s must name a cloud", envCloudsFile, envCloud)
		}
		t.Skipf("%s and %s name no cloud", envCloudsFile, envCloud)
	}
	auth, _, _, err := clouds.Parse(clouds.WithLocations(file), clouds.WithCloudName(name))
	if err != nil {
		t.Fatal(err)
	}
	proxy := newCloudProxy(t, auth.IdentityEndpoint)
	proxy.change = change
	const account = "os-proxied"
	gateway := harness.NewGatewayWith(t, programs, setup, harness.Account{ID: account, Driver: "openstack", Settings: map[string]string{
		"clouds_file": file, "cloud": name, "auth_url": proxy.URL + portPrefix + portIdentity + "/v3",
	}})
	own := openOpenStack(t, file, name)
	s := &scenario{T: t, target: target{gateway, account, account, own}, prefix: unique()}
	return &badDay{scenario: s, proxy: proxy, own: own, admin: openOpenStack(t, file, adminName())}
}

func adminName() string {
	if name := os.Getenv(envCloudAdmin); name != "" {
		return name
	}
	return "admin"
}

// site makes the network that VMs need; it goes at the end, when nothing may be left.
func (d *badDay) site() {
	d.Helper()
	d.chooseParts()
	d.network = d.done("network/network/create", object{"account_id": d.account, "name": d.prefix + "net"})
	d.subnet = d.done("network/subnet/create", object{"network_id": d.network, "name": d.prefix + "sub", "cidr": "10.79.0.0/24"})
	d.Cleanup(func() {
		d.proxy.fail(nil)
		d.done("network/subnet/delete", object{"id": d.subnet})
		d.done("network/network/delete", object{"id": d.network})
		d.expectNothingLeft()
	})
}

func (d *badDay) vmBody(name string) object {
	return object{
		"account_id": d.account, "name": d.prefix + name, "image_id": d.image, "flavor_id": d.smallFlavor, "nics": []object{{"subnet_id": d.subnet}},
	}
}

// read asks for a network, which costs one call to the cloud.
func (d *badDay) read() *harness.Answer {
	d.Helper()
	return d.gateway.Send(d, http.MethodGet, harness.Path("network/network/get")+"?id="+d.network, nil)
}

// TestOpenStackIdentityFails: the identity service is away, then slow, and tokens that
// were good are refused.
func TestOpenStackIdentityFails(t *testing.T) {
	t.Parallel()
	d := newBadDay(t, nil)
	d.site()
	away := func(w http.ResponseWriter, _ *http.Request, port string) bool {
		if port == portIdentity {
			drop(w)
		}
		return port == portIdentity
	}
	d.proxy.fail(away)
	if answer := d.read(); answer.Status != http.StatusOK {
		t.Errorf("with a good token nobody needs the identity service: %d %s", answer.Status, answer.Body)
	}
	d.proxy.fail(func(w http.ResponseWriter, r *http.Request, port string) bool {
		if port == portIdentity {
			return away(w, r, port)
		}
		refuseToken(w)
		return true
	})
	if answer := d.read(); answer.Reason() != "CLOUD_UNAVAILABLE" || !answer.Data.Bool("retryable") {
		t.Errorf("no token and no identity service: %d %s", answer.Status, answer.Body)
	}
	d.proxy.fail(func(_ http.ResponseWriter, r *http.Request, port string) bool {
		if port == portIdentity {
			pause(r.Context(), 3*time.Second)
		}
		return false
	})
	harness.Eventually(t, time.Minute, "reads work as soon as the identity service does", func() bool { return d.read().Status == http.StatusOK })

	var refused atomic.Int32
	d.proxy.fail(func(w http.ResponseWriter, _ *http.Request, port string) bool {
		// As after a rotation of keys: the first call with the old token is refused.
		if port == portIdentity || !refused.CompareAndSwap(0, 1) {
			return false
		}
		refuseToken(w)
		return true
	})
	if answer := d.read(); answer.Status != http.StatusOK || refused.Load() != 1 {
		t.Errorf("a refused token is renewed unseen: %d %s", answer.Status, answer.Body)
	}
}

// TestOpenStackTokenExpiresInAPage: between the pages, and between the calls of one page,
// which for VMs are one to the compute service and then one to that of networks.
func TestOpenStackTokenExpiresInAPage(t *testing.T) {
	t.Parallel()
	d := newBadDay(t, nil)
	d.site()
	groups := map[string]bool{}
	for _, name := range []string{"a", "b", "c"} {
		groups[d.done("network/security-group/create", object{"account_id": d.account, "name": d.prefix + name})] = true
	}
	d.Cleanup(func() {
		for id := range groups {
			d.done("network/security-group/delete", object{"id": id})
		}
	})
	vm := d.done("compute/vm/create", d.vmBody("vm"))
	d.pagesWithExpiredTokens("network/security-group/list", "security_groups", groups)
	d.pagesWithExpiredTokens("compute/vm/list", "vms", map[string]bool{vm: true})
	d.proxy.fail(nil)
	d.done("compute/vm/delete", object{"id": vm})
}

// pagesWithExpiredTokens reads a list one by one, while the network service refuses the
// token once in every page. The wanted ids come, and each once.
func (d *badDay) pagesWithExpiredTokens(name, member string, wanted map[string]bool) {
	d.Helper()
	seen, refusals := map[string]bool{}, 0
	query := object{"account_id": d.account, "page_size": 1}
	for {
		var refused atomic.Bool
		d.proxy.fail(func(w http.ResponseWriter, _ *http.Request, port string) bool {
			if port != portNetwork || refused.Swap(true) {
				return false
			}
			refuseToken(w)
			return true
		})
		page := d.gateway.Get(d, name, query)
		for _, id := range harness.Texts(page.List(member), "id") {
			if seen[id] {
				d.Errorf("%s came twice", id)
			}
			seen[id] = true
		}
		if refused.Load() {
			refusals++
		}
		if query["page_token"] = page.Text("next_page_token"); query.Text("page_token") == "" {
			break
		}
	}
	for id := range wanted {
		if !seen[id] {
			d.Errorf("%s was lost", id)
		}
	}
	if refusals < len(wanted) {
		d.Errorf("%s: a token was refused %d times only", name, refusals)
	}
}

// TestOpenStackMadeOutside: what is made and removed past the gateway is found by its
// reconciler.
func TestOpenStackMadeOutside(t *testing.T) {
	t.Parallel()
	d := newBadDayWith(t, harness.Setup{Config: object{"reconcile": object{"interval": "1s"}}}, nil)
	d.chooseParts()
	cached := func(name, member string) int {
		n := 0
		for _, v := range d.list(name, member, object{"view": "VIEW_CACHED"}) {
			if strings.HasPrefix(v.Text("name"), d.prefix) {
				n++
			}
		}
		return n
	}
	found := func(what string, vms, made int) {
		harness.Eventually(t, 2*time.Minute, what, func() bool {
			return cached("compute/vm/list", "vms") == vms && cached("network/network/list", "networks") == made
		})
	}
	told := func() (whole, changes int) {
		for _, call := range d.proxy.seen() {
			if strings.HasPrefix(call, "GET "+portCompute+" /v2.1/servers/detail") {
				if strings.Contains(call, "changes-since=") {
					changes++
				} else if !strings.Contains(call, "uuid=") {
					whole++
				}
			}
		}
		return whole, changes
	}
	harness.Eventually(t, 2*time.Minute, "the reconciler asks for changes", func() bool { _, changes := told(); return changes > 0 })
	wholeBefore, _ := told()
	d.bare(2)
	network, err := networks.Create(t.Context(), d.own.network, networks.CreateOpts{Name: d.prefix + "outside"}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	remove := sync.OnceFunc(func() {
		if err := networks.Delete(context.WithoutCancel(t.Context()), d.own.network, network.ID).ExtractErr(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(remove)
	found("what was made outside is found", 2, 1)
	d.removeBare()
	remove()
	found("what was removed outside is missed", 0, 0)
	if whole, changes := told(); whole != wholeBefore || changes < 3 {
		t.Errorf("all VMs were listed %d times more, their changes %d times", whole-wholeBefore, changes)
	}
}

// TestOpenStackComputeFails: 503 in the middle of following a creation. One VM is made in
// the end, and none is left.
func TestOpenStackComputeFails(t *testing.T) {
	t.Parallel()
	d := newBadDay(t, nil)
	d.site()
	var left atomic.Int32
	left.Store(3)
	d.proxy.fail(func(w http.ResponseWriter, r *http.Request, port string) bool {
		if port != portCompute || r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/servers/") || left.Add(-1) < 0 {
			return false
		}
		unavailable(w)
		return true
	})
	vm := d.done("compute/vm/create", d.vmBody("vm"))
	if left.Load() >= 0 {
		t.Errorf("the fault was met %d times too few", left.Load()+1)
	}
	d.proxy.fail(nil)
	if n := len(d.list("compute/vm/list", "vms", object{"name": d.prefix + "vm"})); n != 1 {
		t.Errorf("%d VMs", n)
	}
	d.done("compute/vm/delete", object{"id": vm})
}

// TestOpenStackComputeRefusesToMake: 503 to the very request that makes a VM, before the
// service got it or after. It is repeated soon, for what was answered runs no more, and
// one VM is made.
func TestOpenStackComputeRefusesToMake(t *testing.T) {
	t.Parallel()
	d := newBadDay(t, nil)
	d.site()
	for name, took := range map[string]bool{"before": false, "after": true} {
		var left atomic.Int32
		var refusedAt, longest atomic.Int64 // Unix seconds; the wait until the repeat's first call
		left.Store(2)
		d.proxy.fail(func(w http.ResponseWriter, r *http.Request, port string) bool {
			if at := refusedAt.Swap(0); port == portCompute && at != 0 {
				longest.Store(max(longest.Load(), time.Now().Unix()-at))
			}
			if port != portCompute || r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/servers") || left.Add(-1) < 0 {
				return false
			}
			if took {
				d.proxy.swallow(r)
			}
			refusedAt.Store(time.Now().Unix())
			unavailable(w)
			return true
		})
		vm := d.done("compute/vm/create", d.vmBody(name))
		if longest.Load() > 60 {
			t.Errorf("%s: the repeat came after %d s, as if a request might still run", name, longest.Load())
		}
		d.proxy.fail(nil)
		if n := len(d.mine(servers.ListOpts{Name: d.prefix + name})); n != 1 {
			t.Errorf("%s: the cloud has %d VMs", name, n)
		}
		d.done("compute/vm/delete", object{"id": vm})
	}
}

// TestOpenStackVMFails: a VM that no host takes is in ERROR, with the reason.
func TestOpenStackVMFails(t *testing.T) {
	t.Parallel()
	d := newBadDay(t, nil)
	disk := 1
	flavor, err := flavors.Create(t.Context(), d.admin.compute, flavors.CreateOpts{Name: d.prefix + "nowhere", RAM: 512, VCPUs: 1, Disk: &disk}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	defer func() {
		if err := flavors.Delete(ctx, d.admin.compute, flavor.ID).ExtractErr(); err != nil {
			t.Error(err)
		}
	}()
	specs := flavors.ExtraSpecsOpts{"trait:HW_GPU_API_VULKAN": "required"}
	if _, err := flavors.CreateExtraSpecs(ctx, d.admin.compute, flavor.ID, specs).Extract(); err != nil {
		t.Fatal(err)
	}
	d.site() // after the flavor: the driver keeps its list of flavors for a while
	body := d.vmBody("nowhere")
	body["flavor_id"] = d.account + "." + flavor.ID
	operation := d.gateway.Wait(t, d.post("compute/vm/create", body).Text("operation_id"))
	d.expect("status", operation.Text("status"), "OPERATION_STATUS_FAILED")
	d.expect("reason", operation.Object("error").Text("reason"), "RESOURCE_FAILED")
	d.expect("cause", operation.Object("error").Text("cause_reason"), "OUT_OF_STOCK")
	vms := d.list("compute/vm/list", "vms", object{"name": d.prefix + "nowhere"})
	if len(vms) != 1 {
		t.Fatalf("VMs: %v", vms)
	}
	vm := d.expectState("compute/vm/get", "vm", vms[0].Text("id"), "VM_STATE_ERROR")
	d.expect("reason of the VM", vm.Text("state_reason"), "OUT_OF_STOCK")
	fault := vm.Object("provider_attributes").Text("fault")
	if !strings.HasPrefix(fault, "No valid host") || !strings.Contains(vm.Text("state_message"), fault) {
		t.Errorf("the VM does not tell why in the cloud's words: %v", vm)
	}
	d.done("compute/vm/delete", object{"id": vm.Text("id")})
}

// TestOpenStackVolumeStuckInDeleting: the volume service does not get to it. Its state
// is told as it is, also after the cloud's operator has reset it, and the deletion ends
// when the service is back.
func TestOpenStackVolumeStuckInDeleting(t *testing.T) {
	service := processOf(t, "cinder-volume.pid")
	d := newBadDay(t, nil)
	id := d.done("storage/disk/create", object{"account_id": d.account, "name": d.prefix + "stuck", "size_gib": 1})
	_, native, _ := strings.Cut(id, ".")
	resume := halt(t, service)
	defer resume()
	operationID := d.post("storage/disk/delete", object{"id": id}).Text("operation_id")
	d.expectState("storage/disk/get", "disk", id, "DISK_STATE_DELETING")
	if status := d.gateway.Get(t, "operation/operation/get", object{"id": operationID}).Object("operation").Text("status"); harness.Final(status) {
		t.Errorf("the operation is %s while the volume is stuck", status)
	}
	err := volumes.ResetStatus(t.Context(), d.admin.volume, native, volumes.ResetStatusOpts{Status: "error"}).ExtractErr()
	if err != nil {
		t.Fatal(err)
	}
	d.expectState("storage/disk/get", "disk", id, "DISK_STATE_ERROR")
	resume()
	d.gateway.Wait(t, operationID)
	d.done("storage/disk/delete", object{"id": id})
	d.expectNothingLeft()
}

// TestOpenStackHalfOfTheServices: what the catalogue lacks is declared, and refused by
// the names of method and account.
func TestOpenStackHalfOfTheServices(t *testing.T) {
	t.Parallel()
	// The catalogue's entries of volumes, images, load balancers and databases get a
	// type that nobody asks for.
	d := newBadDay(t, func(body string) string {
		for _, kind := range []string{"volumev3", "image", "load-balancer", "database"} {
			body = strings.ReplaceAll(body, `"type": "`+kind+`"`, `"type": "gone"`)
		}
		return body
	})
	for method, want := range map[string]bool{
		"cloud.storage.v1.DiskService/CreateDisk": false, "cloud.storage.v1.ImageService/ListImages": false,
		"cloud.network.v1.LoadBalancerService/CreateVip": false, "cloud.security.v1.FirewallService/CreateFirewall": false,
		"cloud.compute.v1.ContainerService/CreateContainer": false, "cloud.database.v1.InstanceService/CreateInstance": false,
		"cloud.compute.v1.VmService/ListVms": true,
	} {
		if d.offers(method) != want {
			t.Errorf("%s is declared as %v", method, !want)
		}
	}
	answer := d.gateway.Send(t, http.MethodPost, harness.Path("storage/disk/create"), object{"account_id": d.account, "name": d.prefix + "x", "size_gib": 1})
	d.expect("status", answer.Status, http.StatusNotImplemented)
	d.expect("reason", answer.Reason(), "UNSUPPORTED_METHOD")
	for _, word := range []string{"storage disk", d.account} {
		if !strings.Contains(string(answer.Body), word) {
			t.Errorf("the refusal does not name %s: %s", word, answer.Body)
		}
	}
	d.gateway.Get(t, "compute/vm/list", object{"account_id": d.account})
}

// TestOpenStackBrokerStops: requests are taken and then stand still. The VM is told to
// be in the making, and is done when the broker is back.
func TestOpenStackBrokerStops(t *testing.T) {
	broker := processOf(t, "broker.pid", "rabbit.pid")
	d := newBadDay(t, nil)
	d.site()
	resume := halt(t, broker)
	defer resume()
	answer := d.gateway.Send(t, http.MethodPost, harness.Path("compute/vm/create"), d.vmBody("stuck"), harness.Key(d.prefix+"stuck"))
	if answer.Status/100 != 2 && !answer.Data.Bool("retryable") {
		t.Errorf("with the broker stopped: %d %s", answer.Status, answer.Body)
	}
	operationID := answer.Data.Text("operation_id")
	if id := answer.Data.Text("id"); id != "" {
		d.expectState("compute/vm/get", "vm", id, "VM_STATE_CREATING")
	}
	if status := d.gateway.Get(t, "operation/operation/get", object{"id": operationID}).Object("operation").Text("status"); harness.Final(status) {
		t.Errorf("the operation is %s while the broker stands still", status)
	}
	resume()
	operation := d.gateway.Wait(t, operationID)
	d.expect("status", operation.Text("status"), harness.Succeeded)
	page, err := servers.List(d.own.compute, servers.ListOpts{Name: d.prefix}).AllPages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if list, err := servers.ExtractServers(page); err != nil || len(list) != 1 {
		t.Errorf("the cloud has %d VMs, %v", len(list), err)
	}
	d.done("compute/vm/delete", object{"id": operation.Text("resource_id")})
}

// processOf is the process group of one of the test cloud's processes, or skips the test.
func processOf(t *testing.T, files ...string) int {
	t.Helper()
	run := filepath.Join(filepath.Dir(os.Getenv(envCloudsFile)), "run")
	for _, name := range files {
		text, err := os.ReadFile(filepath.Join(run, name))
		if err != nil {
			continue
		}
		if pid, err := strconv.Atoi(strings.Fields(string(text))[0]); err == nil {
			return pid
		}
	}
	t.Skipf("%s tells of no process %v that could be stopped", run, files)
	return 0
}

// halt stops a process group until resume is called, at the latest at the test's end.
func halt(t *testing.T, group int) (resume func()) {
	t.Helper()
	if err := syscall.Kill(-group, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	resume = sync.OnceFunc(func() {
		if err := syscall.Kill(-group, syscall.SIGCONT); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(resume)
	return resume
}
