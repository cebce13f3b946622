package compute

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/limits"
	"google.golang.org/protobuf/testing/protocmp"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
)

func TestToFlavor(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		in   flavors.Flavor
		want *computev1.Flavor
	}{
		"plain": {
			flavors.Flavor{ID: "1", Name: "m1.tiny", RAM: 512, VCPUs: 1, Disk: 1, Ephemeral: 2, Description: "d"},
			&computev1.Flavor{Id: "1", Name: "m1.tiny", Description: "d", RegionId: "r", Vcpus: 1, MemoryMib: 512, LocalDiskGib: 3, Family: "m1", Sellable: true},
		},
		"virtual graphics": {
			flavors.Flavor{ID: "g", Name: "gpu", ExtraSpecs: map[string]string{"resources:VGPU": "2", "trait:HW_ARCH_X86_64": "required"}},
			&computev1.Flavor{Id: "g", Name: "gpu", RegionId: "r", GpuCount: 2, GpuModel: "VGPU", Architecture: apiv1.Architecture_ARCHITECTURE_X86_64, Sellable: true},
		},
		"passed through": {
			flavors.Flavor{ID: "p", Name: "p", ExtraSpecs: map[string]string{"pci_passthrough:alias": "fast-nic:1, a100-GPU:4", "capabilities:cpu_info:arch": "aarch64"}},
			&computev1.Flavor{Id: "p", Name: "p", RegionId: "r", GpuCount: 4, GpuModel: "a100-GPU", Architecture: apiv1.Architecture_ARCHITECTURE_ARM64, Sellable: true},
		},
		"other device": {
			flavors.Flavor{ID: "n", Name: "n", ExtraSpecs: map[string]string{"pci_passthrough:alias": "fast-nic:1", "resources:VGPU": "x"}},
			&computev1.Flavor{Id: "n", Name: "n", RegionId: "r", Sellable: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, toFlavor(&tc.in, "r"), protocmp.Transform()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestFits(t *testing.T) {
	t.Parallel()
	a := &limits.Absolute{MaxTotalInstances: 10, TotalInstancesUsed: 9, MaxTotalCores: 8, TotalCoresUsed: 6, MaxTotalRAMSize: -1, TotalRAMUsed: 1 << 20}
	for name, tc := range map[string]struct {
		need need
		want bool
	}{
		"just":                  {need{1, 2, 4096}, true},
		"one VM too many":       {need{2, 1, 1}, false},
		"one core too many":     {need{1, 3, 1}, false},
		"smaller than before":   {need{0, -2, -1024}, true},
		"memory without limits": {need{0, 0, 1 << 30}, true},
	} {
		if got := fits(a, tc.need); got != tc.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func TestToQuotas(t *testing.T) {
	t.Parallel()
	limit := func(n int32) *int32 { return &n }
	got := toQuotas(&limits.Absolute{MaxTotalInstances: 10, TotalInstancesUsed: 0, MaxTotalCores: -1, TotalCoresUsed: 6, MaxTotalRAMSize: 51200, TotalRAMUsed: 512, MaxTotalKeypairs: 100})
	want := []*apiv1.Quota{
		{Name: "compute.vm.count", Unit: "count", Limit: limit(10), Used: limit(0)},
		{Name: "compute.vm.vcpus", Unit: "count", Used: limit(6)},
		{Name: "compute.vm.memory", Unit: "mib", Limit: limit(51200), Used: limit(512)},
		{Name: "compute.key_pair.count", Unit: "count", Limit: limit(100)},
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestAddZones(t *testing.T) {
	t.Parallel()
	list := addZones(nil, serviceCompute, map[string]bool{"nova": false})
	list = addZones(list, serviceStorage, map[string]bool{"nova": true})
	list = addZones(list, serviceNetwork, nil)
	if len(list) != 1 || !list[0].Available || !cmp.Equal(list[0].Services, []string{"compute", "storage"}) {
		t.Errorf("got %+v", list)
	}
}
