package reconcile

import (
	"context"
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
)

// BenchmarkCycleOver10000 states what a cycle costs; its output is in
// docs/benchmarks.md. The cloud and its driver run in this process, so their share
// of the CPU is in it.
func BenchmarkCycleOver10000(b *testing.B) {
	for name, dsn := range map[string]func(testing.TB) string{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		b.Run(name, func(b *testing.B) {
			r := newRig(b, dbtest.Open(b, dsn(b)), Options{})
			r.quotas(-1)
			r.newVM("first")
			for i := range 9999 {
				_, err := r.vms().CreateVm(b.Context(), &computev1.CreateVmRequest{
					Name: fmt.Sprint("vm-", i), ImageId: "img-cirros", FlavorId: "m1.tiny", Nics: []*computev1.NicSpec{{SubnetId: r.subnet}},
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			r.clock.pass(time.Minute)
			r.measure("10,000 VMs and 10,000 NICs discovered")
			r.measure("nothing changed")
			for i, id := range r.someVMs(100) {
				call(r, func(ctx context.Context) (*computev1.UpdateVmResponse, error) {
					return r.vms().UpdateVm(ctx, &computev1.UpdateVmRequest{Id: id, Name: proto.String(fmt.Sprint("new-", i))})
				})
			}
			r.measure("100 changed")
			for _, id := range r.someVMs(100) {
				call(r, func(ctx context.Context) (*computev1.DeleteVmResponse, error) {
					return r.vms().DeleteVm(ctx, &computev1.DeleteVmRequest{Id: id})
				})
			}
			r.measure("100 VMs with their NICs deleted")
		})
	}
}

func (r *rig) quotas(limit int32) {
	r.Helper()
	knobs := r.cloud.Knobs()
	knobs.Quotas = map[string]int32{}
	for _, name := range []string{"compute.vm.count", "compute.vcpu.count", "compute.memory.mib", "network.nic.count", "compute.vm.vcpus", "compute.vm.memory"} {
		knobs.Quotas[name] = limit
	}
	if err := r.cloud.SetKnobs(knobs); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) someVMs(n int32) []string {
	r.Helper()
	answer, err := r.vms().ListVms(r.Context(), &computev1.ListVmsRequest{PageSize: n})
	if err != nil {
		r.Fatal(err)
	}
	var ids []string
	for _, vm := range answer.GetVms() {
		ids = append(ids, vm.GetId())
	}
	return ids
}

func (r *rig) measure(what string) {
	r.Helper()
	r.clock.pass(5 * time.Minute)
	calls, events := r.metrics.calls, len(r.events())
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu, began := cpuTime(), time.Now()
	r.reconciler.cycle(r.Context(), accountID)
	elapsed, cpu := time.Since(began), cpuTime()-cpu
	runtime.ReadMemStats(&after)
	if reasons := r.metrics.cycles; reasons[len(reasons)-1] != "" {
		r.Fatalf("%s: %v", what, reasons[len(reasons)-1])
	}
	r.Logf("%-40s %4d calls, %6.2f s, %6.2f s CPU, %4d MiB allocated, %5d events", what, r.metrics.calls-calls,
		elapsed.Seconds(), cpu.Seconds(), (after.TotalAlloc-before.TotalAlloc)>>20, len(r.events())-events)
}

func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
