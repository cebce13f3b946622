package operation_test

import (
	"slices"
	"testing"
	"time"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// TestEndedOperationsAreDropped: what ended long ago goes, but for the parts of a
// chain that is still open and for results that are still to be posted.
func TestEndedOperationsAreDropped(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(r *rig) {
		r.opts.LeaseTime, r.opts.KeyLife, r.opts.KeepEnded = 60*time.Millisecond, time.Hour, 3*time.Hour
	})
	ended := func(name string) string {
		id := r.mustSubmit(r.createVm(name, name)).GetOperationId()
		r.ends(id, succeeded)
		return id
	}
	set := func(id string, values map[string]any) {
		if err := r.store.Write.Table("operation_operations").Where("id = ?", id).Updates(values).Error; err != nil {
			t.Fatal(err)
		}
	}
	old, part, open, posting := ended("a"), ended("b"), ended("c"), ended("d")
	far := time.Now().Add(1000 * time.Hour)
	set(open, map[string]any{"status": int32(apiv1.OperationStatus_OPERATION_STATUS_RUNNING), "lease_until": far.UnixMilli(), "lease_owner": "another"})
	set(part, map[string]any{"parent_id": open})
	set(posting, map[string]any{"callback_due_at": far})

	shown := func() []string {
		var ids []string
		for _, o := range r.list() {
			ids = append(ids, o.GetId())
		}
		slices.Sort(ids)
		return ids
	}
	r.clock.move(2 * time.Hour)
	young := ended("e")
	r.eventually("the old key is forgotten", func() bool { return r.get(old).GetIdempotencyKey() == "" })
	if got := shown(); len(got) != 5 {
		t.Errorf("after two hours of three there are %v", got)
	}
	r.clock.move(2 * time.Hour)
	want := []string{part, open, posting, young}
	slices.Sort(want)
	r.eventually("the old operation is dropped, the others stay", func() bool { return slices.Equal(shown(), want) })
	set(open, map[string]any{"status": int32(succeeded)})
	r.clock.move(2 * time.Hour)
	r.eventually("all but the one that is posted are dropped", func() bool { return slices.Equal(shown(), []string{posting}) })
}
