package policy_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
)

// TestOneOfTwentyHangs: the list is there soon after the slowest healthy account,
// and names the one that hangs.
func TestOneOfTwentyHangs(t *testing.T) {
	t.Parallel()
	const hanging = "acc-07"
	r := newRig(t, func(d *driver) {
		d.readTimeout = 30 * time.Second
		d.hang[hanging] = make(chan struct{})
		for i := range 20 {
			d.accounts = append(d.accounts, fmt.Sprintf("acc-%02d", i))
		}
	})
	for _, id := range r.driver.accounts {
		r.fill(id, 1)
	}
	for range 2 {
		began := time.Now()
		answer := r.must(listVMs, &computev1.ListVmsRequest{}).(*computev1.ListVmsResponse)
		if took := time.Since(began); took < 200*time.Millisecond || took > 10*time.Second {
			t.Errorf("took %s, want 250 ms more than the healthy take, not the time of a read", took)
		}
		if len(answer.GetVms()) != 19 || len(answer.GetSources()) != 19 || len(answer.GetUnreachable()) != 1 || answer.GetUnreachable()[0].GetAccountId() != hanging {
			t.Fatalf("got %d VMs, %d sources, unreachable %v", len(answer.GetVms()), len(answer.GetSources()), answer.GetUnreachable())
		}
	}
	// It answers again: the late call is forgotten, the next list has all.
	close(r.driver.hang[hanging])
	if answer := r.must(listVMs, &computev1.ListVmsRequest{}).(*computev1.ListVmsResponse); len(answer.GetVms()) != 20 || len(answer.GetUnreachable()) != 0 {
		t.Errorf("got %d VMs, unreachable %v", len(answer.GetVms()), answer.GetUnreachable())
	}
}

// TestClientLeavesAList ends the calls of a list that nobody waits for.
func TestClientLeavesAList(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(d *driver) {
		d.readTimeout = 30 * time.Second
		d.hang["one"], d.hang["two"] = make(chan struct{}), make(chan struct{})
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, _ = r.runner.Handle(ctx, r.call(listVMs, &computev1.ListVmsRequest{}))
	r.runner.Close()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the calls went on for %s", took)
	}
}
