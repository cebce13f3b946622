package memcloud

import (
	"google.golang.org/protobuf/proto"

	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"
)

// The kinds of resources; none of these values ever changes.
var (
	vms       = collection[*computev1.Vm]{"compute.vm", "vm-"}
	flavors   = collection[*computev1.Flavor]{"compute.flavor", ""}
	keyPairs  = collection[*computev1.KeyPair]{"compute.key_pair", ""}
	zones     = collection[*computev1.Zone]{"compute.zone", ""}
	regions   = collection[*computev1.Region]{"compute.region", ""}
	disks     = collection[*storagev1.Disk]{"storage.disk", "disk-"}
	diskTypes = collection[*storagev1.DiskType]{"storage.disk_type", ""}
	snapshots = collection[*storagev1.Snapshot]{"storage.snapshot", "snap-"}
	images    = collection[*storagev1.Image]{"storage.image", "img-"}
	networks  = collection[*networkv1.Network]{"network.network", "net-"}
	subnets   = collection[*networkv1.Subnet]{"network.subnet", "sub-"}
	routers   = collection[*networkv1.Router]{"network.router", "rtr-"}
	nics      = collection[*networkv1.Nic]{"network.nic", "nic-"}
	groups    = collection[*networkv1.SecurityGroup]{"network.security_group", "sg-"}
	rules     = collection[*networkv1.SecurityGroupRule]{"network.security_group_rule", "sgr-"}
	publicIPs = collection[*networkv1.PublicIp]{"network.public_ip", "ip-"}
)

// newMessage makes an empty resource of a kind; nil for an unknown kind.
func newMessage(k kind) proto.Message {
	switch k {
	case vms.kind:
		return &computev1.Vm{}
	case flavors.kind:
		return &computev1.Flavor{}
	case keyPairs.kind:
		return &computev1.KeyPair{}
	case zones.kind:
		return &computev1.Zone{}
	case regions.kind:
		return &computev1.Region{}
	case disks.kind:
		return &storagev1.Disk{}
	case diskTypes.kind:
		return &storagev1.DiskType{}
	case snapshots.kind:
		return &storagev1.Snapshot{}
	case images.kind:
		return &storagev1.Image{}
	case networks.kind:
		return &networkv1.Network{}
	case subnets.kind:
		return &networkv1.Subnet{}
	case routers.kind:
		return &networkv1.Router{}
	case nics.kind:
		return &networkv1.Nic{}
	case groups.kind:
		return &networkv1.SecurityGroup{}
	case rules.kind:
		return &networkv1.SecurityGroupRule{}
	case publicIPs.kind:
		return &networkv1.PublicIp{}
	default:
		return nil
	}
}

// settlers finds what moves resources of a kind. Kinds without moves never have
// a due time.
func settlers(k kind) settler {
	switch k {
	case vms.kind:
		return settleVm
	case disks.kind:
		return settleDisk
	case snapshots.kind:
		return settleSnapshot
	case images.kind:
		return settleImage
	case networks.kind:
		return settleNetwork
	case subnets.kind:
		return settleSubnet
	case routers.kind:
		return settleRouter
	case nics.kind:
		return settleNic
	case publicIPs.kind:
		return settlePublicIP
	default:
		return func(*view, *record) {}
	}
}
