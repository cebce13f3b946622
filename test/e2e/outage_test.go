package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

// TestCloudStopped stops one of two clouds. Reads say so, lists name it, a write
// is answered with its operation and finished when the cloud is back.
func TestCloudStopped(t *testing.T) {
	t.Parallel()
	const there, away = "there", "away"
	server := harness.NewMemcloud(t, programs, harness.Knobs{"state_delay_scale": 0.1})
	gateway := harness.NewGateway(t, programs,
		harness.Account{ID: there, Driver: "memory"},
		harness.Account{ID: away, Driver: "memory", Settings: map[string]string{"endpoint": server.Endpoint}})
	place := newSite(t, gateway, away)
	server.Kill()

	read := gateway.Send(t, http.MethodGet, harness.Path("network/network/get")+"?id="+place.network, nil)
	if read.Status != http.StatusServiceUnavailable || read.Reason() != "CLOUD_UNAVAILABLE" || !read.Data.Bool("retryable") {
		t.Errorf("a read is answered with %d %s", read.Status, read.Body)
	}
	list := gateway.Get(t, "compute/flavor/list", nil)
	if len(list.List("flavors")) == 0 {
		t.Error("a list over both clouds shows nothing of the one that is there")
	}
	if gone := harness.Texts(list.List("unreachable"), "account_id"); len(gone) != 1 || gone[0] != away {
		t.Errorf("a list over both clouds names %v as unreachable", gone)
	}

	request := place.vm(away, "late")
	begin := time.Now()
	write := gateway.Send(t, http.MethodPost, harness.Path("compute/vm/create"), request, harness.Key("late"))
	operationID := write.Data.Text("operation_id")
	if write.Status != http.StatusAccepted || operationID == "" || write.Data.Text("id") != "" {
		t.Fatalf("a write is answered with %d %s", write.Status, write.Body)
	}
	t.Logf("202 after %s", time.Since(begin).Round(time.Millisecond))
	server.Start(t)
	begin = time.Now()
	operation := gateway.Wait(t, operationID)
	if operation.Text("status") != harness.Succeeded || operation.Text("resource_id") == "" {
		t.Fatalf("the operation ended as %v", operation)
	}
	t.Logf("finished %s after the cloud was back", time.Since(begin).Round(time.Millisecond))
	again := gateway.Post(t, "compute/vm/create", request, harness.Key("late"))
	if again.Text("id") != operation.Text("resource_id") || again.Text("operation_id") != operationID {
		t.Errorf("the repeat is answered with %v, the operation is %v", again, operation)
	}
	if vms := server.Dump(t).Of(away)["compute.vm"]; len(vms) != 1 {
		t.Errorf("the cloud has %d vms", len(vms))
	}
}

// TestStartWithoutCloud starts the gateway while its cloud is away.
func TestStartWithoutCloud(t *testing.T) {
	t.Parallel()
	const account = "memory"
	r := newRig(t, memoryMode{"server", false, true}, nil)
	place := newSite(t, r.gateway, account)
	r.server.Kill()
	r.gateway.Stop(t)
	r.gateway.Launch(t)
	if state := r.gateway.AccountStates(t)[account]; state != "ACCOUNT_STATE_UNREACHABLE" {
		t.Errorf("the account is %s", state)
	}
	request := place.vm(account, "first")
	refused := r.gateway.Send(t, http.MethodPost, harness.Path("compute/vm/create"), request, harness.Key("first"))
	if refused.Status != http.StatusServiceUnavailable || !refused.Data.Bool("retryable") {
		t.Errorf("a write is answered with %d %s", refused.Status, refused.Body)
	}
	r.server.Start(t)
	r.gateway.AwaitAccounts(t)
	r.gateway.Done(t, "compute/vm/create", request, harness.Key("first"))
	if vms := r.server.Dump(t).Of(account)["compute.vm"]; len(vms) != 1 {
		t.Errorf("the cloud has %d vms", len(vms))
	}
}
