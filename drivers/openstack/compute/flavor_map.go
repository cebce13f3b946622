package compute

import (
	"strconv"
	"strings"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
)

// Extra specs of flavors (https://docs.openstack.org/nova/latest/configuration/extra-specs.html).
const (
	specVGPU        = "resources:VGPU"
	specPCIAlias    = "pci_passthrough:alias"
	specTraitX86    = "trait:HW_ARCH_X86_64"
	specTraitARM    = "trait:HW_ARCH_AARCH64"
	specHypervisor  = "capabilities:cpu_info:arch"
	traitIsRequired = "required"
)

// toFlavor maps a flavor. Its family is what its name has before the first dot.
func toFlavor(f *flavors.Flavor, region string) *computev1.Flavor {
	count, model := gpuOf(f.ExtraSpecs)
	family, _, dotted := strings.Cut(f.Name, ".")
	if !dotted {
		family = ""
	}
	return &computev1.Flavor{
		Id:           f.ID,
		Name:         f.Name,
		Description:  f.Description,
		RegionId:     region,
		Vcpus:        int32(f.VCPUs),
		MemoryMib:    int32(f.RAM),
		LocalDiskGib: int32(f.Disk + f.Ephemeral),
		GpuCount:     count,
		GpuModel:     model,
		Architecture: architectureOf(f.ExtraSpecs),
		Family:       family,
		Sellable:     true, // Nova shows disabled flavors to nobody
	}
}

func architectureOf(specs map[string]string) apiv1.Architecture {
	arch := strings.ToLower(specs[specHypervisor])
	switch {
	case specs[specTraitX86] == traitIsRequired, strings.Contains(arch, "x86_64"):
		return apiv1.Architecture_ARCHITECTURE_X86_64
	case specs[specTraitARM] == traitIsRequired, strings.Contains(arch, "aarch64"):
		return apiv1.Architecture_ARCHITECTURE_ARM64
	}
	return apiv1.Architecture_ARCHITECTURE_UNSPECIFIED
}

// gpuOf reads the graphics processors: virtual ones, or devices passed through
// under an alias that the operator has named so ("a1-gpu:2").
func gpuOf(specs map[string]string) (count int32, model string) {
	if n, err := strconv.ParseInt(specs[specVGPU], 10, 32); err == nil {
		return int32(n), "VGPU"
	}
	for alias := range strings.SplitSeq(specs[specPCIAlias], ",") {
		name, number, _ := strings.Cut(strings.TrimSpace(alias), ":")
		n, err := strconv.ParseInt(number, 10, 32)
		if err == nil && strings.Contains(strings.ToLower(name), "gpu") {
			return int32(n), name
		}
	}
	return 0, ""
}
