package inventory_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yunqiao/yunqiao/gateway/inventory"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
)

func TestSpecOf(t *testing.T) {
	t.Parallel()
	vm := &computev1.Vm{Name: "web", FlavorId: "m1", Vcpus: 2, MemoryMib: 1024, Charge: &apiv1.Charge{Mode: apiv1.ChargeMode_CHARGE_MODE_POSTPAID}}
	want := inventory.Spec{"flavor_id": "m1", "vcpus": float64(2), "memory_mib": float64(1024)}
	if diff := cmp.Diff(want, inventory.SpecOf(vm.ProtoReflect())); diff != "" {
		t.Error(diff)
	}
	vm.Charge = &apiv1.Charge{Mode: apiv1.ChargeMode_CHARGE_MODE_PREPAID, PeriodMonths: 6}
	want["charge_mode"], want["charge_months"], want["charge_auto_renew"] = "CHARGE_MODE_PREPAID", float64(6), false
	if diff := cmp.Diff(want, inventory.SpecOf(vm.ProtoReflect())); diff != "" {
		t.Error(diff)
	}
}
