package e2e

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

// TestDrain ends the gateway in order while calls are on their way. Those are
// answered, and what was begun is finished after the next start.
func TestDrain(t *testing.T) {
	t.Parallel()
	r := newRig(t, memoryMode{"server", false, true}, harness.Knobs{"state_delay_scale": 0.5, "stepwise_vms": true})
	place := newSite(t, r.gateway, r.account)
	r.server.SetKnobs(t, harness.Knobs{
		"state_delay_scale": 0.5, "stepwise_vms": true,
		"latency": []object{{"method": "*/GetFlavor", "before_ms": 2000}, {"method": "*/CreateVm", "before_ms": 700}},
	})
	var calls sync.WaitGroup
	answers := make(chan *harness.Answer, 20)
	for range 10 {
		calls.Go(func() {
			answers <- r.gateway.Send(t, http.MethodGet, harness.Path("compute/flavor/get")+"?id="+r.account+".m1.tiny", nil)
		})
		calls.Go(func() {
			answers <- r.gateway.Send(t, http.MethodPost, harness.Path("compute/vm/create"), place.sevenStepVM(r.account, "drained"))
		})
	}
	time.Sleep(500 * time.Millisecond) // all are on their way
	begin := time.Now()
	r.gateway.Stop(t) // an error if it does not end well
	took := time.Since(begin)
	calls.Wait()
	close(answers)
	l := &ledger{t: t, client: r.gateway.Client, account: r.account}
	for answer := range answers {
		if answer.Code != 0 {
			t.Errorf("answered with %d %s", answer.Status, answer.Body)
		}
		if id := answer.Data.Text("operation_id"); id != "" {
			l.writes = append(l.writes, &write{
				name: "compute/vm/create", body: place.sevenStepVM(r.account, "drained"), id: answer.Data.Text("id"), operation: id, last: id,
			})
		}
	}
	t.Logf("ended %s after the signal", took.Round(time.Millisecond))
	r.gateway.Start(t)
	l.settle()
	records := r.server.Dump(t).Of(r.account)["compute.vm"]
	l.checkParts(records)
	if len(l.writes) != 10 || len(records) != 10 {
		t.Errorf("%d VMs were answered, the cloud has %d", len(l.writes), len(records))
	}
}
