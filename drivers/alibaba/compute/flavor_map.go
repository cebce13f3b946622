package compute

import (
	"math"
	"slices"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
)

// instanceType is an item of DescribeInstanceTypes, as far as the driver reads it.
type instanceType struct {
	InstanceTypeID       string `json:"InstanceTypeId"`
	InstanceTypeFamily   string
	CPUCoreCount         int32   `json:"CpuCoreCount"`
	MemorySize           float64 // GiB
	LocalStorageCapacity int32   // GiB of one local disk
	LocalStorageAmount   int32
	GPUAmount            int32
	GPUSpec              string
	CPUArchitecture      string `json:"CpuArchitecture"`
}

const mibPerGiB = 1024

// toProtoFlavor maps an instance type and the zones that have it in stock.
func toProtoFlavor(v *instanceType, zones []string, region string) *computev1.Flavor {
	return &computev1.Flavor{
		Id:           v.InstanceTypeID,
		Name:         v.InstanceTypeID,
		RegionId:     region,
		Vcpus:        v.CPUCoreCount,
		MemoryMib:    int32(math.Round(v.MemorySize * mibPerGiB)),
		LocalDiskGib: v.LocalStorageCapacity * v.LocalStorageAmount,
		GpuCount:     v.GPUAmount,
		GpuModel:     v.GPUSpec,
		Architecture: toProtoArchitecture(v.CPUArchitecture),
		Family:       v.InstanceTypeFamily,
		ZoneIds:      zones,
		Sellable:     len(zones) > 0,
	}
}

func toProtoArchitecture(cpu string) apiv1.Architecture {
	switch strings.ToUpper(cpu) {
	case "X86":
		return apiv1.Architecture_ARCHITECTURE_X86_64
	case "ARM":
		return apiv1.Architecture_ARCHITECTURE_ARM64
	}
	return apiv1.Architecture_ARCHITECTURE_UNSPECIFIED
}

// keepsFlavor tells whether a flavor fits the filters of a request.
func keepsFlavor(req *computev1.ListFlavorsRequest, v *computev1.Flavor) bool {
	return (req.GetName() == "" || req.GetName() == v.GetName()) &&
		(req.GetZoneId() == "" || slices.Contains(v.GetZoneIds(), req.GetZoneId())) &&
		(req.GetVcpus() == 0 || req.GetVcpus() == v.GetVcpus()) &&
		(req.GetMemoryMib() == 0 || req.GetMemoryMib() == v.GetMemoryMib()) &&
		(req.GetArchitecture() == 0 || req.GetArchitecture() == v.GetArchitecture())
}
