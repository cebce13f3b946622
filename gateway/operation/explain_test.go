package operation_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/gateway/operation"
	operationv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/operation/v1"
)

// nobodyRecorded is a record of requests without entries.
type nobodyRecorded struct{}

func (nobodyRecorded) Explain(context.Context, string) (string, time.Time, time.Duration, error) {
	return "", time.Time{}, 0, nil
}

// recorded is a record of requests with one entry.
type recorded struct{ at time.Time }

func (r recorded) Explain(context.Context, string) (string, time.Time, time.Duration, error) {
	return "CreateVm by li (token) from 127.0.0.1: OK", r.at, time.Millisecond, nil
}

func TestExplain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.cloud.set("vm-1", running)
	created := r.mustSubmit(r.createVm("a", ""))
	r.ends(created.GetOperationId(), succeeded)
	server := operation.NewServer(r.engine, everybody{}, recorded{time.Now().UTC()})
	answer, err := server.ExplainOperation(t.Context(), &operationv1.ExplainOperationRequest{Id: created.GetOperationId()})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[operationv1.ExplainKind]string{}
	var last time.Time
	for _, e := range answer.GetEntries() {
		seen[e.GetKind()] += e.GetText() + "\n"
		if e.GetAt().AsTime().Before(last) {
			t.Errorf("entry %q is out of order", e.GetText())
		}
		last = e.GetAt().AsTime()
	}
	for kind, want := range map[operationv1.ExplainKind]string{
		operationv1.ExplainKind_EXPLAIN_KIND_REQUEST:    "by li",
		operationv1.ExplainKind_EXPLAIN_KIND_CLOUD_CALL: "attempt 1: OK",
		operationv1.ExplainKind_EXPLAIN_KIND_EVENT:      "ResourceStateChanged acc.vm-",
	} {
		if !strings.Contains(seen[kind], want) {
			t.Errorf("%v: got %q, want %q in it", kind, seen[kind], want)
		}
	}
}
