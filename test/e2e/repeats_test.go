package e2e

import (
	"net/http"
	"sync"
	"testing"

	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

// TestThousandRepeats sends one create 1,000 times, 100 at a time.
func TestThousandRepeats(t *testing.T) {
	t.Parallel()
	const repeats, workers = 1000, 100
	r := newRig(t, memoryMode{"server", false, true}, slowly)
	request := newSite(t, r.gateway, r.account).vm(r.account, "only-one")
	var mu sync.Mutex
	answers := map[string]int{}
	queue := make(chan struct{}, repeats)
	for range repeats {
		queue <- struct{}{}
	}
	close(queue)
	var clients sync.WaitGroup
	for range workers {
		clients.Go(func() {
			for range queue {
				answer, err := r.gateway.Try(t, http.MethodPost, harness.Path("compute/vm/create"), request, harness.Key("the-only-key"))
				if err != nil {
					t.Error(err)
					return
				}
				if answer.Status != http.StatusOK || answer.Data.Text("id") == "" {
					t.Errorf("%d %s", answer.Status, answer.Body)
				}
				mu.Lock()
				answers[answer.Data.String()]++
				mu.Unlock()
			}
		})
	}
	clients.Wait()
	if len(answers) != 1 {
		t.Errorf("there were %d different answers: %v", len(answers), answers)
	}
	l := &ledger{t: t, client: r.gateway.Client, account: r.account}
	l.do("compute/vm/create", "the-only-key", request)
	l.settle()
	if vms := r.server.Dump(t).Of(r.account)["compute.vm"]; len(vms) != 1 {
		t.Errorf("the cloud has %d vms", len(vms))
	}
	l.reconcile(func() harness.Dump { return r.dump(t) })
}

// TestRepeatOutlivesItsReferences repeats a create whose subnet is gone: the first
// answer stands.
func TestRepeatOutlivesItsReferences(t *testing.T) {
	t.Parallel()
	r := newRig(t, memoryMode{"server", false, true}, harness.Knobs{"state_delay_scale": 0.1})
	place := newSite(t, r.gateway, r.account)
	request := object{"account_id": r.account, "name": "nic", "subnet_id": place.subnet}
	nic := r.gateway.Done(t, "network/nic/create", request, harness.Key("nic"))
	r.gateway.Done(t, "network/nic/delete", object{"id": nic})
	r.gateway.Done(t, "network/subnet/delete", object{"id": place.subnet})
	if again := r.gateway.Post(t, "network/nic/create", request, harness.Key("nic")); again.Text("id") != nic {
		t.Errorf("the repeat is answered with %v, the first was %s", again, nic)
	}
	r.gateway.Refused(t, "REFERENCE_NOT_FOUND", "network/nic/create", request, harness.Key("another"))
	if nics := r.server.Dump(t).Of(r.account)["network.nic"]; len(nics) != 0 {
		t.Errorf("the cloud has %d nics", len(nics))
	}
}
