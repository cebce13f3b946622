package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

// sevenSteps are the calls in which a stepwise memcloud makes the VM of sevenStepVM.
var sevenSteps = []string{"", "nic-0", "nic-1", "boot-disk", "data-disk-0", "data-disk-1", "start"}

// sevenStepVM is the request for a VM with two NICs and three disks, all of which go
// with it.
func (s site) sevenStepVM(account, name string) object {
	request := s.vm(account, name)
	request["nics"] = []object{{"subnet_id": s.subnet}, {"subnet_id": s.subnet}}
	request["boot_disk"] = object{"size_gib": 2, "delete_with_vm": true}
	request["data_disks"] = []object{{"size_gib": 1, "delete_with_vm": true}, {"size_gib": 3, "delete_with_vm": true}}
	return request
}

// TestEachStepFailsOnce lets each of the seven calls of a VM's creation fail once, in
// every way. Where the cloud has refused it the cloud is as before; otherwise the VM
// is complete.
func TestEachStepFailsOnce(t *testing.T) {
	t.Parallel()
	for _, mode := range memoryModes {
		if mode.embedded {
			continue // its knobs do not change while it runs
		}
		t.Run(mode.name, func(t *testing.T) {
			t.Parallel()
			knobs := harness.Knobs{"client_tokens": mode.tokens, "state_delay_scale": 0.02, "stepwise_vms": true, "request_timeout_seconds": 1}
			r := newRig(t, mode, knobs)
			place := newSite(t, r.gateway, r.account)
			before := r.contents(t)
			for _, fault := range []struct {
				name    string
				errors  []object // of every step, where they do not say which
				refused bool
			}{
				{name: "refused", refused: true, errors: []object{{"reason": "OUT_OF_STOCK"}}},
				{name: "refused, and the undo fails too", refused: true, errors: []object{{"reason": "OUT_OF_STOCK"}, {"step": "undo", "reason": "CLOUD_ERROR"}}},
				{name: "passing", errors: []object{{"reason": "CLOUD_UNAVAILABLE"}}},
				{name: "answer lost", errors: []object{{"reason": "CLOUD_TIMEOUT", "after_effect": true}}},
			} {
				for _, step := range sevenSteps {
					t.Run(fmt.Sprintf("%s %s", step, fault.name), func(t *testing.T) {
						rules := []object{}
						for _, e := range fault.errors {
							rule := object{"method": "*/CreateVm", "step": step, "count": 1}
							maps.Copy(rule, e)
							rules = append(rules, rule)
						}
						r.server.SetKnobs(t, with(knobs, "errors", rules))
						name := strings.NewReplacer(" ", "-", ",", "").Replace("vm-" + step + "-" + fault.name)
						id := r.createStepwise(t, place.sevenStepVM(r.account, name), fault.refused)
						r.server.SetKnobs(t, knobs)
						if !fault.refused {
							vm := r.gateway.Get(t, "compute/vm/get", object{"id": id}).Object("vm")
							if vm.Text("state") != "VM_STATE_RUNNING" || len(vm.List("nics")) != 2 || len(vm.Texts("disk_ids")) != 3 {
								t.Errorf("made %v", vm)
							}
							if made := r.contents(t); len(made) != len(before)+6 {
								t.Errorf("the cloud has %v", made)
							}
							r.gateway.Done(t, "compute/vm/delete", object{"id": id})
						}
						if diff := cmp.Diff(before, r.contents(t)); diff != "" {
							t.Errorf("left at the cloud:\n%s", diff)
						}
						if left := r.gateway.Get(t, "compute/vm/list", object{"view": "VIEW_CACHED"}).List("vms"); len(left) > 0 {
							t.Errorf("left in the inventory: %v", left)
						}
					})
				}
			}
		})
	}
}

// createStepwise creates a VM and waits for its end, which must be a refusal or a VM.
func (r *rig) createStepwise(t *testing.T, request object, refused bool) (id string) {
	t.Helper()
	answer := r.gateway.Send(t, "POST", harness.Path("compute/vm/create"), request)
	if operation := answer.Data.Text("operation_id"); operation != "" && answer.Code == 0 {
		ended := r.gateway.Wait(t, operation)
		if got := ended.Object("error").Text("reason"); refused != (got == "OUT_OF_STOCK") || refused == (ended.Text("status") == harness.Succeeded) {
			t.Fatalf("the operation ended as %v", ended)
		}
		if refused {
			r.expectUndone(t, operation)
		}
		return ended.Text("resource_id")
	}
	if !refused || answer.Reason() != "OUT_OF_STOCK" {
		t.Fatalf("answered with %d %s", answer.Status, answer.Body)
	}
	return ""
}

// expectUndone needs the explanation of an operation to tell that its steps were
// taken back.
func (r *rig) expectUndone(t *testing.T, operation string) {
	t.Helper()
	entries := r.gateway.Get(t, "operation/operation/explain", object{"id": operation}).List("entries")
	if text := strings.Join(harness.Texts(entries, "text"), "\n"); !strings.Contains(text, "taking steps back: OK") || !strings.Contains(text, "OUT_OF_STOCK") {
		t.Errorf("explained as\n%s", text)
	}
}

// contents lists everything that the account has at its cloud.
func (r *rig) contents(t *testing.T) []string {
	t.Helper()
	var all []string
	for kind, records := range r.server.Dump(t).Of(r.account) {
		for _, record := range records {
			all = append(all, kind+" "+record.ID)
		}
	}
	slices.Sort(all)
	return all
}

// with is knobs with one more.
func with(knobs harness.Knobs, name string, value any) harness.Knobs {
	out := maps.Clone(knobs)
	out[name] = value
	return out
}
