package e2e

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

// ledger remembers what clients were told while programs were being killed, and
// compares it with what the gateway and the cloud say afterwards.
type ledger struct {
	t       *testing.T
	client  *harness.Client
	account string

	mu     sync.Mutex
	writes []*write
}

// write is one request of a client, repeated until its answer was final.
type write struct {
	name, key string
	body      object
	id        string
	operation string
	last      string // the newest operation on the resource
	deleted   bool   // the resource, by a later write
	flavor    string // of a vm that a later write has resized
}

// do makes a write. It answers nil, and fails the test, if no good answer comes.
func (l *ledger) do(name, key string, body object) *write {
	id, operation, err := l.client.Persist(l.t, name, key, body)
	if err != nil {
		l.t.Error(err)
		return nil
	}
	w := &write{name: name, key: key, body: body, id: id, operation: operation, last: operation}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writes = append(l.writes, w)
	return w
}

// remove deletes what a write has made, once that is finished.
func (l *ledger) remove(w *write) {
	if _, err := l.client.PersistWait(l.t, w.last); err != nil {
		l.t.Error(err)
		return
	}
	if l.do(strings.TrimSuffix(w.name, "/create")+"/delete", w.key+"-delete", object{"id": w.id}) == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	w.deleted = true
}

// resize gives a vm another flavor, in two steps at the cloud.
func (l *ledger) resize(w *write, flavor string) {
	if _, err := l.client.PersistWait(l.t, w.last); err != nil {
		l.t.Error(err)
		return
	}
	resized := l.do("compute/vm/resize", w.key+"-resize", object{"id": w.id, "flavor_id": flavor, "allow_restart": true})
	if resized == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	w.flavor, w.last = flavor, resized.operation
}

// checkFlavors needs every resize to have been confirmed.
func (l *ledger) checkFlavors() {
	l.t.Helper()
	for _, w := range l.writes {
		if w.flavor == "" || w.deleted {
			continue
		}
		vm := l.client.Get(l.t, "compute/vm/get", object{"id": w.id}).Object("vm")
		if vm.Text("flavor_id") != w.flavor || vm.Text("state") != "VM_STATE_RUNNING" {
			l.t.Errorf("vm %s was resized to %s and is %v", w.id, w.flavor, vm)
		}
	}
}

// counted are the resources that exist only by a client's request, with the
// inventory's name for their list.
var counted = map[string]struct{ list, member string }{
	"compute.vm":                  {"compute/vm/list", "vms"},
	"storage.disk":                {"storage/disk/list", "disks"},
	"network.network":             {"network/network/list", "networks"},
	"network.subnet":              {"network/subnet/list", "subnets"},
	"network.nic":                 {"network/nic/list", "nics"},
	"network.security_group":      {"network/security-group/list", "security_groups"},
	"network.public_ip":           {"network/public-ip/list", "public_ips"},
	"network.security_group_rule": {"network/security-group/list-rules", "rules"},
}

// converging is how long the inventory may take to show what comparisons find.
const converging = 30 * time.Second

// settle waits until every operation has ended, and checks that each has ended well.
func (l *ledger) settle() {
	l.t.Helper()
	for _, operation := range l.client.Operations(l.t, l.account) {
		if !harness.Final(operation.Text("status")) {
			operation = l.client.Wait(l.t, operation.Text("id"))
		}
		if operation.Text("status") != harness.Succeeded && !passing(operation) {
			l.t.Errorf("operation ended badly: %v", operation)
		}
	}
}

// passing tells whether an operation failed cleanly: nothing was done, and its
// client was told to repeat.
func passing(operation object) bool {
	return operation.Object("error").Bool("retryable")
}

// repeat sends every write once more, and needs the same answers.
func (l *ledger) repeat() {
	l.t.Helper()
	for _, w := range l.writes {
		id, operation, err := l.client.Persist(l.t, w.name, w.key, w.body)
		if err != nil || id != w.id || operation != w.operation {
			l.t.Errorf("repeat of %s under %s: %s, operation %s (%v); it was %s, operation %s", w.name, w.key, id, operation, err, w.id, w.operation)
		}
	}
}

// reconcile compares ids: what clients were told, what the gateway lists live and
// from its inventory, and what the cloud has.
func (l *ledger) reconcile(dump func() harness.Dump) {
	l.t.Helper()
	live, cached := map[string][]string{}, map[string][]string{}
	for kind, list := range counted {
		cached[kind] = l.ids(list.list, list.member, object{"account_id": l.account, "view": "cached", "page_size": 500})
		if kind == "network.security_group_rule" { // listed live within a group only
			cached[kind] = l.settledRules()
			continue
		}
		live[kind] = l.ids(list.list, list.member, object{"account_id": l.account, "page_size": 500})
		// What goes along with a VM is found to be gone by a comparison with the cloud.
		for deadline := time.Now().Add(converging); !slices.Equal(cached[kind], live[kind]) && time.Now().Before(deadline); {
			time.Sleep(200 * time.Millisecond)
			cached[kind] = l.ids(list.list, list.member, object{"account_id": l.account, "view": "cached", "page_size": 500})
		}
	}
	records := dump().Of(l.account)
	l.checkParts(records["compute.vm"])
	for kind := range counted {
		there := []string{}
		names := map[string]int{}
		for _, r := range records[kind] {
			if ofCloud(r.Resource) {
				continue
			}
			there = append(there, l.account+"."+r.ID)
			if name := r.Resource.Text("name"); name != "" && r.Resource.Text("vm_id") == "" {
				names[name]++
			}
			if !l.askedFor(kind, r) {
				l.t.Errorf("%s %s is at the cloud, and nobody has asked for it: %v", kind, r.ID, r.Resource)
			}
		}
		slices.Sort(there)
		if !slices.Equal(cached[kind], there) {
			l.t.Errorf("%s: the inventory has %d, the cloud %d: %v", kind, len(cached[kind]), len(there), difference(cached[kind], there))
		}
		if ids, ok := live[kind]; ok && !slices.Equal(ids, there) {
			l.t.Errorf("%s: the gateway lists %d, the cloud has %d: %v", kind, len(ids), len(there), difference(ids, there))
		}
		for name, n := range names {
			if n > 1 {
				l.t.Errorf("%s %s was made %d times", kind, name, n)
			}
		}
		for _, w := range l.writes {
			if createdKind(w.name) == kind && slices.Contains(there, w.id) == w.deleted {
				l.t.Errorf("%s %s: deleted is %v, but the cloud says otherwise", kind, w.id, w.deleted)
			}
		}
	}
}

// settledRules lists the rules of the inventory, when it knows of each in which group
// it is and that the group is still there.
func (l *ledger) settledRules() []string {
	l.t.Helper()
	everything := object{"account_id": l.account, "view": "cached", "page_size": 500}
	for deadline := time.Now().Add(converging); ; time.Sleep(200 * time.Millisecond) {
		rules := l.client.All(l.t, "network/security-group/list-rules", "rules", everything)
		groups := harness.Texts(l.client.All(l.t, "network/security-group/list", "security_groups", everything), "id")
		settled := !slices.ContainsFunc(rules, func(rule object) bool { return !slices.Contains(groups, rule.Text("security_group_id")) })
		if settled || time.Now().After(deadline) {
			ids := harness.Texts(slices.DeleteFunc(rules, ofCloud), "id")
			slices.Sort(ids)
			return ids
		}
	}
}

// askedFor tells whether a client knows of a resource, or of what it is a part of.
func (l *ledger) askedFor(kind string, r harness.Record) bool {
	ids := []string{r.ID}
	switch kind {
	case "network.subnet", "network.security_group_rule": // made along with the whole, or by themselves
		ids = append(ids, r.Resource.Text("network_id"), r.Resource.Text("security_group_id"))
	case "network.nic", "storage.disk":
		ids = append(ids, r.Resource.Text("vm_id"))
	}
	return r.Resource.Text("name") == siteName || slices.ContainsFunc(l.writes, func(w *write) bool {
		_, native, _ := strings.Cut(w.id, ".")
		return slices.Contains(ids, native)
	})
}

// checkParts needs every VM to have exactly the NICs and disks that were asked for.
func (l *ledger) checkParts(vms []harness.Record) {
	l.t.Helper()
	for _, r := range vms {
		for _, w := range l.writes {
			if w.name != "compute/vm/create" || w.id != l.account+"."+r.ID {
				continue
			}
			nics, _ := w.body["nics"].([]object)
			disks, _ := w.body["data_disks"].([]object)
			wanted := len(disks)
			if w.body["boot_disk"] != nil {
				wanted++
			}
			if len(r.Resource.List("nics")) != len(nics) || len(r.Resource.Texts("disk_ids")) != wanted {
				l.t.Errorf("vm %s shall have %d NICs and %d disks: %v", w.id, len(nics), wanted, r.Resource)
			}
		}
	}
}

// ofCloud tells what nobody has asked for: what every cloud has, and the rules
// outwards that come with a group.
func ofCloud(resource object) bool {
	return resource.Bool("system") || resource.Text("name") == "public" || resource.Text("direction") == "DIRECTION_EGRESS"
}

// ids lists what clients have asked for, sorted.
func (l *ledger) ids(name, member string, query object) []string {
	l.t.Helper()
	items := slices.DeleteFunc(l.client.All(l.t, name, member, query), ofCloud)
	ids := harness.Texts(items, "id")
	slices.Sort(ids)
	return ids
}

// createdKind is what a write makes: "compute.vm" of "compute/vm/create".
func createdKind(name string) string {
	kind, ok := strings.CutSuffix(name, "/create")
	if !ok {
		return ""
	}
	return strings.NewReplacer("/", ".", "-", "_").Replace(kind)
}

func difference(a, b []string) []string {
	var out []string
	for _, id := range a {
		if !slices.Contains(b, id) {
			out = append(out, "-"+id)
		}
	}
	for _, id := range b {
		if !slices.Contains(a, id) {
			out = append(out, "+"+id)
		}
	}
	return out
}

// siteName is what a site's network and subnet are called.
const siteName = "site"

// site is a network that bad days happen in.
type site struct{ network, subnet string }

func newSite(t *testing.T, gateway *harness.Gateway, account string) site {
	t.Helper()
	network := gateway.Done(t, "network/network/create", object{"account_id": account, "name": siteName})
	subnet := gateway.Done(t, "network/subnet/create", object{"network_id": network, "name": siteName, "cidr": "10.0.0.0/16"})
	return site{network, subnet}
}

// vm is the request for one on a memcloud.
func (s site) vm(account, name string) object {
	return object{
		"account_id": account, "name": name, "image_id": account + ".img-cirros", "flavor_id": account + ".m1.tiny",
		"nics": []object{{"subnet_id": s.subnet}},
	}
}

// memoryMode is one way to run memcloud.
type memoryMode struct {
	name     string
	embedded bool
	tokens   bool
}

var memoryModes = []memoryMode{{"embedded", true, true}, {"server", false, true}, {"server without tokens", false, false}}

// rig is a gateway on a memcloud that is slow enough to be interrupted.
type rig struct {
	gateway *harness.Gateway
	server  *harness.Memcloud // nil if embedded
	account string
}

func newRig(t *testing.T, mode memoryMode, knobs harness.Knobs) *rig {
	t.Helper()
	return newRigOn(t, harness.Setup{}, mode, knobs)
}

func newRigOn(t *testing.T, setup harness.Setup, mode memoryMode, knobs harness.Knobs) *rig {
	t.Helper()
	const account = "memory"
	all := harness.Knobs{"client_tokens": mode.tokens, "request_timeout_seconds": 1}
	if !mode.tokens {
		all["marker_delay_ms"] = 300
	}
	for name, value := range knobs {
		all[name] = value
	}
	r := &rig{account: account}
	settings := map[string]string{"knobs": all.String()}
	if !mode.embedded {
		r.server = harness.NewMemcloud(t, programs, all)
		settings = map[string]string{"endpoint": r.server.Endpoint}
	}
	r.gateway = harness.NewGatewayWith(t, programs, setup, harness.Account{ID: account, Driver: "memory", Settings: settings})
	return r
}

// dump looks into the cloud; an embedded one is let go of first.
func (r *rig) dump(t *testing.T) harness.Dump {
	t.Helper()
	if r.server != nil {
		return r.server.Dump(t)
	}
	r.gateway.Stop(t)
	return harness.DumpFile(t, programs, r.gateway.CloudFile(r.account))
}

// finish waits for the end of everything, repeats everything, and compares.
func (r *rig) finish(t *testing.T, l *ledger) {
	t.Helper()
	begin := time.Now()
	l.settle()
	l.repeat()
	l.settle()
	l.checkFlavors()
	l.reconcile(func() harness.Dump { return r.dump(t) })
	t.Logf("%d writes compared in %s", len(l.writes), time.Since(begin).Round(time.Millisecond))
	r.gateway.Stop(t)
	r.gateway.ExpectNoDrivers(t)
}
