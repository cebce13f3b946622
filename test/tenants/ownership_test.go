package tenants

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

// TestShared shows what people may use that nobody owns, and what not.
func TestShared(t *testing.T) {
	w := newBareWorld(t)
	member := w.beta.users["tenant-member"].as()
	orphan := w.Done(t, "network/network/create", object{"account_id": sharedAccount, "name": "roots-own"})
	for name, tc := range map[string]struct {
		read string
		id   string
		want int
	}{
		"flavor":                     {"compute/flavor/get", "m1.tiny", http.StatusOK},
		"public image":               {"storage/image/get", "img-cirros", http.StatusOK},
		"external network":           {"network/network/get", "net-public", http.StatusOK},
		"subnet of external network": {"network/subnet/get", "sub-public", http.StatusOK},
		"network of the root":        {"network/network/get", native(orphan), http.StatusForbidden},
	} {
		answer := w.Send(t, http.MethodGet, harness.Path(tc.read)+"?id="+sharedAccount+"."+tc.id, nil, member)
		if answer.Status != tc.want {
			t.Errorf("get %s: %d %s, want %d", name, answer.Status, answer.Body, tc.want)
		}
	}
	for list, id := range map[string]string{"storage/image/list": "img-cirros", "network/network/list": "net-public", "network/subnet/list": "sub-public"} {
		if answer := w.Send(t, http.MethodGet, harness.Path(list), nil, member); !bytes.Contains(answer.Body, []byte(id)) {
			t.Errorf("%s does not show %s: %s", list, id, answer.Body)
		}
	}
	for rpc, body := range map[string]object{
		"storage/image/delete":   {"id": sharedAccount + ".img-cirros"},
		"network/network/update": {"id": sharedAccount + ".net-public", "name": "mine-now"},
		"network/network/delete": {"id": orphan},
	} {
		w.Refused(t, "RESOURCE_FORBIDDEN", rpc, body, member)
	}
}

// TestOwnThings is what people do with their own.
func TestOwnThings(t *testing.T) {
	w := newBareWorld(t)
	u := w.beta.users["tenant-member"]
	network := w.Done(t, "network/network/create", object{"account_id": sharedAccount, "name": "betaown-net"}, u.as())
	subnet := w.Done(t, "network/subnet/create", object{"network_id": network, "name": "betaown-sub", "cidr": "10.1.0.0/24"}, u.as())
	vm := w.Done(t, "compute/vm/create", object{
		"account_id": sharedAccount, "name": "betaown-vm", "image_id": sharedAccount + ".img-cirros", "flavor_id": sharedAccount + ".m1.tiny",
		"nics": []object{{"subnet_id": subnet}}, "data_disks": []object{{"size_gib": 1}},
	}, u.as())
	for list, member := range map[string]string{"network/nic/list": "nics", "storage/disk/list": "disks"} {
		things := w.Send(t, http.MethodGet, harness.Path(list)+"?vm_id="+vm, nil, u.as()).Data.List(member)
		if len(things) == 0 || things[0].Text("tenant_id") != w.beta.organization {
			t.Errorf("%s: what was made with the VM is not its owner's: %v", list, things)
		}
		cached := w.Send(t, http.MethodGet, harness.Path(list)+"?view=cached", nil, u.as()).Data.List(member)
		if len(cached) != len(things) || cached[0].Text("state") == "" {
			t.Errorf("%s: cached %v, live %v", list, cached, things)
		}
	}
	batch := w.Send(t, http.MethodGet, harness.Path("compute/vm/list")+"?ids="+sharedAccount+".vm-none,"+vm, nil, w.alpha.users["tenant-member"].as())
	if missing := batch.Data.Texts("missing_ids"); !slices.Equal(missing, []string{sharedAccount + ".vm-none", vm}) || len(batch.Data.List("vms")) > 0 {
		t.Errorf("a batch get tells another's VM from none: %s", batch.Body)
	}
	for range 2 {
		w.Done(t, "compute/vm/delete", object{"id": vm}, u.as())
	}
	w.Refused(t, "RESOURCE_FORBIDDEN", "compute/vm/delete", object{"id": vm}, w.alpha.users["tenant-member"].as())
}

// TestChildren makes things for an organization below the caller's.
func TestChildren(t *testing.T) {
	w := newBareWorld(t)
	admin := w.beta.users["tenant-administrator"].as()
	child := w.Post(t, "tenant/organization/create", object{"name": "betaown-child"}, admin).Text("id")
	body := object{"account_id": sharedAccount, "name": "for-child", "tenant_id": child}
	w.Refused(t, "RESOURCE_FORBIDDEN", "network/network/create", body, admin) // may not use the account yet
	w.Refused(t, "RESOURCE_FORBIDDEN", "tenant/organization/set-accounts", object{"id": child, "account_ids": []string{secretAccount}}, admin)
	w.Refused(t, "ACCOUNT_NOT_FOUND", "tenant/organization/set-accounts", object{"id": child, "account_ids": []string{"absent"}})
	w.Post(t, "tenant/organization/set-accounts", object{"id": child, "account_ids": []string{sharedAccount}}, admin)
	network := w.Done(t, "network/network/create", body, admin)
	got := w.Send(t, http.MethodGet, harness.Path("network/network/get")+"?id="+network, nil, admin).Data.Object("network")
	if got.Text("tenant_id") != child {
		t.Errorf("the network is of %s, want the child %s", got.Text("tenant_id"), child)
	}
	w.Refused(t, "RESOURCE_FORBIDDEN", "network/network/create", object{"account_id": sharedAccount, "name": "for-others", "tenant_id": w.alpha.organization}, admin)
}

// TestQuota takes the last places of a quota from many sides at once.
func TestQuota(t *testing.T) {
	w := newBareWorld(t)
	const limit = 5
	w.Post(t, "tenant/organization/set-quota", object{"id": w.beta.organization, "quotas": []object{{"resource_type": "network.network", "limit": limit}}})
	w.Refused(t, "PERMISSION_DENIED", "tenant/organization/set-quota", object{"id": w.beta.organization}, w.beta.users["tenant-administrator"].as())
	var group sync.WaitGroup
	for i := range 50 {
		group.Go(func() {
			answer := w.Send(t, http.MethodPost, harness.Path("network/network/create"),
				object{"account_id": sharedAccount, "name": fmt.Sprintf("betaown-%d", i)}, w.beta.users["tenant-member"].as())
			if answer.Code != 0 && answer.Reason() != "TENANT_QUOTA_EXCEEDED" {
				t.Errorf("create: %d %s", answer.Status, answer.Body)
			}
		})
	}
	group.Wait()
	networks := w.Send(t, http.MethodGet, harness.Path("network/network/list")+"?view=cached", nil, w.beta.users["tenant-member"].as()).Data.List("networks")
	quota := w.Get(t, "tenant/organization/get", object{"id": w.beta.organization}).Object("organization").List("quotas")
	if len(networks) != limit || quota[0].Int("used") != limit {
		t.Errorf("%d networks were made, %v told, the limit is %d", len(networks), quota, limit)
	}
	if calls := driverCalls(t, w, "CreateNetwork"); calls != limit {
		t.Errorf("the cloud was called %d times, %d calls are within the quota", calls, limit)
	}
	w.Post(t, "tenant/organization/set-quota", object{"id": w.beta.organization, "quotas": []object{
		{"resource_type": "network.network", "limit": limit + 1}, {"resource_type": "network.subnet", "limit": 1},
	}})
	w.Refused(t, "TENANT_QUOTA_EXCEEDED", "network/network/create", object{"account_id": sharedAccount, "name": "with-parts", "subnets": []object{
		{"name": "one", "cidr": "10.1.0.0/24"}, {"name": "two", "cidr": "10.1.1.0/24"},
	}}, w.beta.users["tenant-member"].as())
}

// TestQuotaOfAnAccount limits what an organization owns in one of its accounts.
func TestQuotaOfAnAccount(t *testing.T) {
	w := newBareWorld(t)
	w.Post(t, "tenant/organization/set-quota", object{"id": w.alpha.organization, "quotas": []object{
		{"resource_type": "network.network", "account_id": sharedAccount, "limit": 1}, {"resource_type": "network.network", "limit": 2},
	}})
	member := w.alpha.users["tenant-member"].as()
	body := func(account, name string) object { return object{"account_id": account, "name": name} }
	w.Done(t, "network/network/create", body(sharedAccount, "first"), member)
	w.Refused(t, "TENANT_QUOTA_EXCEEDED", "network/network/create", body(sharedAccount, "second"), member)
	other := w.Done(t, "network/network/create", body(secretAccount, "third"), member)
	w.Refused(t, "TENANT_QUOTA_EXCEEDED", "network/network/create", body(secretAccount, "fourth"), member)
	w.Done(t, "network/network/delete", object{"id": other}, member)
	w.Done(t, "network/network/create", body(secretAccount, "fifth"), member)
}

// driverCalls is how often a driver was called by an rpc, as the metrics tell.
func driverCalls(t *testing.T, w *world, rpc string) (calls int) {
	t.Helper()
	for line := range strings.Lines(string(w.Send(t, http.MethodGet, "/metrics", nil).Body)) {
		if !strings.HasPrefix(line, "yunqiao_driver_call_seconds_count") || !strings.Contains(line, rpc) {
			continue
		}
		n, err := strconv.Atoi(line[strings.LastIndexByte(line, ' ')+1 : len(line)-1])
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		calls += n
	}
	return calls
}

// TestAdoption gives things that were made without the gateway to organizations.
func TestAdoption(t *testing.T) {
	cloud := harness.NewMemcloud(t, programs, harness.Object{"state_delay_scale": 0.01, "client_tokens": true})
	settings := map[string]string{"endpoint": cloud.Endpoint, "project": "newsroom"}
	// Another installation makes things in the same project.
	elsewhere := harness.NewGateway(t, programs, harness.Account{ID: "there", Driver: "memory", Settings: settings})
	var ids []string
	for i := range 4 {
		tags := object{"department": "news"}
		if i == 3 {
			tags = object{"department": "sports"}
		}
		ids = append(ids, "here."+native(elsewhere.Done(t, "network/network/create", object{"account_id": "there", "name": fmt.Sprintf("net-%d", i), "tags": tags})))
	}
	setup := harness.Setup{Store: "sqlite", Config: object{"reconcile": object{"interval": "5s"}}}
	w := harness.NewGatewayWith(t, programs, setup, harness.Account{ID: "here", Driver: "memory", Settings: settings})
	organizations := map[string]string{}
	for _, name := range []string{"first", "second", "third"} {
		organizations[name] = w.Post(t, "tenant/organization/create", object{"name": name}).Text("id")
		if name != "third" {
			w.Post(t, "tenant/organization/set-accounts", object{"id": organizations[name], "account_ids": []string{"here"}})
		}
	}
	harness.Eventually(t, time.Minute, "the comparison with the cloud shows the orphans", func() bool {
		orphans := w.All(t, "tenant/ownership/list-orphans", "resources", object{"page_size": 2, "resource_type": "network.network"})
		return slices.Equal(harness.Texts(orphans, "id"), slices.Sorted(slices.Values(ids)))
	})
	adopt := func(body object) object { return w.Post(t, "tenant/ownership/adopt", body) }
	owner := func(id string) string {
		return w.Get(t, "network/network/get", object{"id": id}).Object("network").Text("tenant_id")
	}

	got := adopt(object{"organization_id": organizations["first"], "ids": []string{ids[0], "here.net-none", "here.net-public"}, "since": "2026-01-31T08:00:00Z"})
	if resources := got.List("resources"); len(resources) != 1 || resources[0].Text("since") != "2026-01-31T08:00:00Z" ||
		!slices.Equal(got.Texts("refused_ids"), []string{"here.net-none", "here.net-public"}) {
		t.Errorf("adopted by id: %v", got)
	}
	got = adopt(object{"organization_id": organizations["second"], "account_id": "here", "resource_types": []string{"network.network"}, "tag": "department=news"})
	if len(got.List("resources")) != 2 || !slices.Equal(got.Texts("refused_ids"), ids[:1]) {
		t.Errorf("adopted by tag: %v", got)
	}
	w.Refused(t, "REFERENCE_MISMATCH", "tenant/ownership/adopt", object{
		"organization_id": organizations["second"], "account_id": "here", "resource_types": []string{"network.network"}, "cloud_project": "other",
	})
	for range 2 { // repeating it is safe
		got = adopt(object{"organization_id": organizations["second"], "account_id": "here", "resource_types": []string{"network.network"}, "cloud_project": "newsroom"})
		if len(got.List("resources")) != 3 {
			t.Errorf("adopted by project: %v", got)
		}
	}
	for i, want := range []string{"first", "second", "second", "second"} {
		if owner(ids[i]) != organizations[want] {
			t.Errorf("network %d is of %q, want %s", i, owner(ids[i]), want)
		}
	}
	cached := w.Get(t, "network/network/list", object{"view": "cached", "name_contains": "net-"}).List("networks")
	if len(cached) != 4 || cached[0].Text("state") == "" || !strings.HasPrefix(cached[0].Text("name"), "net-") {
		t.Errorf("cached: %v", cached)
	}

	w.Refused(t, "RESOURCE_FORBIDDEN", "tenant/ownership/transfer", object{"organization_id": organizations["third"], "ids": ids[:1]})
	w.Refused(t, "RESOURCE_FORBIDDEN", "tenant/ownership/transfer", object{"organization_id": organizations["second"], "ids": []string{ids[0], "here.net-none"}})
	w.Post(t, "tenant/organization/set-quota", object{"id": organizations["second"], "quotas": []object{{"resource_type": "network.network", "limit": 3}}})
	w.Refused(t, "TENANT_QUOTA_EXCEEDED", "tenant/ownership/transfer", object{"organization_id": organizations["second"], "ids": ids[:1]})
	if owner(ids[0]) != organizations["first"] {
		t.Error("a refused transfer has changed the owner")
	}
	w.Post(t, "tenant/ownership/transfer", object{"organization_id": organizations["first"], "ids": ids[1:2]})
	if owner(ids[1]) != organizations["first"] {
		t.Error("the transfer has not changed the owner")
	}
	w.Stop(t)
	if events := ownerEvents(t, w, ids[1]); events != 2 {
		t.Errorf("%d events of an adoption and a transfer", events)
	}
}

// TestReadiness: who is nobody sees counts only.
func TestReadiness(t *testing.T) {
	w := newBareWorld(t)
	public := w.Send(t, http.MethodGet, "/readyz", nil, harness.Header("Authorization", ""))
	if public.Status != http.StatusOK || bytes.Contains(public.Body, []byte(sharedAccount)) || bytes.Contains(public.Body, []byte("memory")) ||
		!bytes.Contains(public.Body, []byte(`"accounts_ready":2`)) {
		t.Errorf("for everybody: %s", public.Body)
	}
	tenant := w.Send(t, http.MethodGet, "/readyz", nil, w.beta.users["tenant-member"].as())
	if !bytes.Contains(tenant.Body, []byte(sharedAccount)) || bytes.Contains(tenant.Body, []byte(secretAccount)) {
		t.Errorf("for a tenant: %s", tenant.Body)
	}
}

// ownerEvents counts the changes of owner of a resource in the store of a gateway
// that has been stopped.
func ownerEvents(t *testing.T, g *harness.Gateway, id string) int64 {
	t.Helper()
	store, err := db.Open(t.Context(), db.Config{DSN: filepath.Join(g.Dir, "yunqiao.db")})
	if err != nil {
		t.Fatal(err)
	}
	var n int64
	err = store.Read.Table("outbox_events").Where("resource_id = ? AND type = 'ResourceOwnerChanged'", id).Count(&n).Error
	if err := errors.Join(err, store.Close()); err != nil {
		t.Fatal(err)
	}
	return n
}
