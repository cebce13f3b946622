package e2e

import (
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

// TestMadeElsewhere lets a second gateway change the cloud behind the first one's
// back. The first shows it in its inventory after a cycle, and says so while the
// cloud cannot be reached.
func TestMadeElsewhere(t *testing.T) {
	t.Parallel()
	const account = "memory"
	server := harness.NewMemcloud(t, programs, harness.Knobs{"state_delay_scale": 0.1})
	there := harness.Account{ID: account, Driver: "memory", Settings: map[string]string{"endpoint": server.Endpoint}}
	gateway := harness.NewGatewayWith(t, programs, harness.Setup{Config: object{"reconcile": object{"interval": "400ms"}}}, there)
	other := harness.NewGatewayWith(t, programs, harness.Setup{Config: object{"reconcile": object{"off": true}}}, there)

	cached := func() object { return gateway.Get(t, "compute/vm/list", object{"view": "VIEW_CACHED"}) }
	shows := func(what string, want func(vms []object) bool) {
		t.Helper()
		harness.Eventually(t, 15*time.Second, what, func() bool { return want(cached().List("vms")) })
	}
	place := newSite(t, other, account)
	vm := other.Done(t, "compute/vm/create", place.vm(account, "elsewhere"))
	shows("the VM", func(vms []object) bool {
		return len(vms) == 1 && vms[0].Text("id") == vm && vms[0].Text("state") == "VM_STATE_RUNNING" && vms[0].Text("managed") == "MANAGED_DISCOVERED"
	})
	other.Done(t, "compute/vm/stop", object{"id": vm})
	shows("the stop", func(vms []object) bool { return vms[0].Text("state") == "VM_STATE_STOPPED" })
	other.Done(t, "compute/vm/resize", object{"id": vm, "flavor_id": account + ".m1.small"})
	shows("the flavor", func(vms []object) bool { return vms[0].Text("flavor_id") == account+".m1.small" })
	if source := cached().List("sources")[0]; !source.Bool("complete") || source.Text("observed_at") == "" {
		t.Errorf("source is %v", source)
	}

	server.Kill()
	harness.Eventually(t, 30*time.Second, "the source is said to be incomplete", func() bool {
		return !cached().List("sources")[0].Bool("complete")
	})
	list := cached()
	if vms, source := list.List("vms"), list.List("sources")[0]; len(vms) != 1 || source.Text("observed_at") == "" {
		t.Errorf("while the cloud is away: vms %v, source %v", vms, source)
	}
	server.Start(t)
	other.Done(t, "compute/vm/delete", object{"id": vm})
	shows("the deletion", func(vms []object) bool { return len(vms) == 0 })
}
