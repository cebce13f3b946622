package e2e

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

// TestLostAnswers makes every other create take effect and lose its answer, and
// throttles. Each client still gets one resource, and no error that it must act on.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	for _, mode := range memoryModes {
		t.Run(mode.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, mode, harness.Knobs{
				"seed": 7, "state_delay_scale": 0.1,
				"errors": []object{
					{"method": "*/Create*", "reason": "CLOUD_TIMEOUT", "probability": 0.3, "after_effect": true},
					{"method": "*/Create*", "reason": "CLOUD_ERROR", "probability": 0.1},
					{"method": "*/Get*", "reason": "CLOUD_UNAVAILABLE", "probability": 0.1},
				},
				"throttle": []object{{"method": "cloud.compute.v1.VmService/CreateVm", "calls_per_second": 10}},
			})
			l := &ledger{t: t, client: r.gateway.Client, account: r.account}
			network := l.do("network/network/create", "net", object{"account_id": r.account, "name": "net"})
			if network == nil {
				return
			}
			subnet := l.do("network/subnet/create", "sub", object{"network_id": network.id, "name": "sub", "cidr": "10.0.0.0/16"})
			if subnet == nil {
				return
			}
			place := site{network.id, subnet.id}
			var clients sync.WaitGroup
			for i := range 20 {
				clients.Go(func() {
					name := fmt.Sprintf("vm-%d", i)
					l.do("compute/vm/create", name, place.vm(r.account, name))
				})
			}
			clients.Wait()
			if len(l.writes) != 22 {
				t.Fatalf("%d of 22 creates were answered", len(l.writes))
			}
			l.settle()
			l.repeat()
			r.reconcileVMs(t, l)
		})
	}
}

// reconcileVMs compares vms alone, past a cloud whose reads fail now and then.
func (r *rig) reconcileVMs(t *testing.T, l *ledger) {
	t.Helper()
	told := map[string]string{}
	for _, w := range l.writes {
		if strings.HasPrefix(w.key, "vm-") {
			told[w.id] = w.key
		}
	}
	cached := l.ids("compute/vm/list", "vms", object{"account_id": r.account, "view": "cached", "page_size": 500})
	records := r.dump(t).Of(r.account)["compute.vm"]
	if len(told) != len(records) || len(cached) != len(records) {
		t.Errorf("clients know %d vms, the inventory %d, the cloud %d", len(told), len(cached), len(records))
	}
	for _, record := range records {
		if told[r.account+"."+record.ID] != record.Resource.Text("name") {
			t.Errorf("the cloud has %s, of which no client knows", record.ID)
		}
	}
}

// TestResourceThatFails creates a vm that the cloud accepts and cannot build.
func TestResourceThatFails(t *testing.T) {
	t.Parallel()
	r := newRig(t, memoryMode{"server", false, true}, harness.Knobs{
		"state_delay_scale": 0.1, "failures": []object{{"kind": "compute.vm", "name": "bad*", "reason": "OUT_OF_STOCK"}},
	})
	place := newSite(t, r.gateway, r.account)
	data := r.gateway.Post(t, "compute/vm/create", place.vm(r.account, "bad-one"), harness.Key("bad"))
	operation := r.gateway.Wait(t, data.Text("operation_id"))
	if operation.Text("status") != "OPERATION_STATUS_FAILED" || operation.Object("error").Int("code") != 50204 {
		t.Errorf("operation %v", operation)
	}
	vm := r.gateway.Get(t, "compute/vm/get", object{"id": data.Text("id")}).Object("vm")
	if vm.Text("state") != "VM_STATE_ERROR" || vm.Text("state_reason") != "OUT_OF_STOCK" || vm.Text("state_message") == "" {
		t.Errorf("vm %v", vm)
	}
	if again := r.gateway.Post(t, "compute/vm/create", place.vm(r.account, "bad-one"), harness.Key("bad")); again.Text("id") != data.Text("id") {
		t.Errorf("a repeat is answered with %v", again)
	}
	r.gateway.Done(t, "compute/vm/delete", object{"id": data.Text("id")})
	if left := r.server.Dump(t).Of(r.account)["compute.vm"]; len(left) != 0 {
		t.Errorf("the cloud has %d vms", len(left))
	}
}
