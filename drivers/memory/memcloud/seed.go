package memcloud

import (
	"google.golang.org/protobuf/proto"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"
)

// What every cloud has from the start, under ids that never change.
const (
	defaultZone       = "mem-zone-a"
	secondZone        = "mem-zone-b"
	defaultDiskType   = "standard"
	externalNetworkID = "net-public"
	externalSubnetID  = "sub-public"
	defaultMTU        = 1500
)

// seed adds what a new cloud, or one written by an older version, lacks of what
// every cloud has.
func (c *Cloud) seed() error {
	c.writing.Lock()
	defer c.writing.Unlock()
	v := &view{cloud: c, now: c.Now(), knobs: c.knobs.Load(), changes: newChanges()}
	zoneIDs := []string{defaultZone, secondZone}
	put(v, regions, c.region, &computev1.Region{Name: c.region, IsCurrent: true, DisplayName: "Memory region 1"})
	for _, id := range zoneIDs {
		put(v, zones, id, &computev1.Zone{Name: id, DisplayName: id, Available: true, Services: []string{"compute", "database", "network", "security", "storage"}})
	}
	seedFlavors(v, zoneIDs)
	put(v, diskTypes, defaultDiskType, &storagev1.DiskType{Name: "standard", Description: "Spinning disks",
		MinSizeGib: 1, MaxSizeGib: 65536, ZoneIds: zoneIDs, InStock: true, IsDefault: true})
	put(v, diskTypes, "ssd", &storagev1.DiskType{Name: "ssd", Description: "Solid state disks",
		MinSizeGib: 10, MaxSizeGib: 32768, ZoneIds: zoneIDs, InStock: true})
	seedImages(v)
	seedDatabases(v, zoneIDs)
	seedExternalNetwork(v, zoneIDs)
	if len(v.changes.touched) == 0 {
		return nil
	}
	return c.commit(v, nil)
}

func put[T proto.Message](v *view, c collection[T], id string, msg T) {
	if _, _, ok := c.find(v, id); !ok {
		r, _ := c.addAs(v, id, msg)
		r.fate = ""
	}
}

func seedFlavors(v *view, zoneIDs []string) {
	for _, f := range []struct {
		id                 string
		vcpus, memory, gib int32
	}{
		{"m1.tiny", 1, 512, 1},
		{"m1.small", 1, 2048, 20},
		{"m1.medium", 2, 4096, 40},
		{"m1.large", 4, 8192, 80},
		{"m1.xlarge", 8, 16384, 160},
	} {
		put(v, flavors, f.id, &computev1.Flavor{Name: f.id, Vcpus: f.vcpus, MemoryMib: f.memory, LocalDiskGib: f.gib,
			Architecture: apiv1.Architecture_ARCHITECTURE_X86_64, Family: "m1", ZoneIds: zoneIDs, Sellable: true})
	}
	put(v, flavors, "g1.large", &computev1.Flavor{Name: "g1.large", Vcpus: 8, MemoryMib: 32768, LocalDiskGib: 160,
		GpuCount: 1, GpuModel: "sim-gpu", Architecture: apiv1.Architecture_ARCHITECTURE_X86_64, Family: "g1", ZoneIds: zoneIDs, Sellable: true})
	put(v, flavors, "m0.retired", &computev1.Flavor{Name: "m0.retired", Vcpus: 1, MemoryMib: 256, LocalDiskGib: 1,
		Architecture: apiv1.Architecture_ARCHITECTURE_X86_64, Family: "m0", ZoneIds: zoneIDs})
}

func seedImages(v *view) {
	for _, i := range []struct {
		id, name, os, version string
		osType                computev1.OsType
		minDisk, minMemory    int32
	}{
		{"img-cirros", "cirros-0.6", "CirrOS", "0.6", computev1.OsType_OS_TYPE_LINUX, 1, 64},
		{"img-debian-12", "debian-12", "Debian", "12", computev1.OsType_OS_TYPE_LINUX, 2, 512},
		{"img-ubuntu-24.04", "ubuntu-24.04", "Ubuntu", "24.04", computev1.OsType_OS_TYPE_LINUX, 3, 512},
		{"img-windows-2022", "windows-2022", "Windows Server", "2022", computev1.OsType_OS_TYPE_WINDOWS, 40, 2048},
	} {
		image := &storagev1.Image{Name: i.name, OsName: i.os, OsVersion: i.version, OsType: i.osType,
			Origin: storagev1.ImageOrigin_IMAGE_ORIGIN_PUBLIC, Architecture: apiv1.Architecture_ARCHITECTURE_X86_64,
			BootMode: storagev1.BootMode_BOOT_MODE_BIOS, MinDiskGib: i.minDisk, MinMemoryMib: i.minMemory,
			SizeMib: i.minDisk * 512, ProgressPercent: proto.Int32(100)}
		setState(image, storagev1.ImageState_IMAGE_STATE_AVAILABLE)
		put(v, images, i.id, image)
	}
}

func seedExternalNetwork(v *view, zoneIDs []string) {
	network := &networkv1.Network{Name: "public", SubnetIds: []string{externalSubnetID}, Mtu: defaultMTU,
		ZoneIds: zoneIDs, External: true, System: true}
	setState(network, networkv1.NetworkState_NETWORK_STATE_AVAILABLE)
	put(v, networks, externalNetworkID, network)
	subnet := &networkv1.Subnet{Name: "public", NetworkId: externalNetworkID, Cidr: "203.0.113.0/24",
		IpVersion: apiv1.IpVersion_IP_VERSION_IPV4, GatewayIp: "203.0.113.1",
		AllocationPools: []*networkv1.IpRange{{First: "203.0.113.2", Last: "203.0.113.254"}}}
	setState(subnet, networkv1.SubnetState_SUBNET_STATE_AVAILABLE)
	put(v, subnets, externalSubnetID, subnet)
}
