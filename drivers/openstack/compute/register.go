package compute

import (
	"context"

	"google.golang.org/grpc"

	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Resource types of the contract that this package serves or refers to.
const (
	typeVM       = "compute.vm"
	typeFlavor   = "compute.flavor"
	typeKeyPair  = "compute.key_pair"
	typeImage    = "storage.image"
	typeSubnet   = "network.subnet"
	typeNIC      = "network.nic"
	typeDiskType = "storage.disk_type"
	typeSnapshot = "storage.snapshot"
	typeDisk     = "storage.disk"
	typeGroup    = "network.security_group"
	typeZone     = "compute.zone"
)

// Microversions of features.
const (
	versionVolumeType = 67 // disk types at create
	versionHostName   = 90 // host name at create and for everyone to read
	versionKeyNames   = 92 // key pair names with "." and "@"
)

// Features that this package offers.
const (
	featureHostName = "compute.vm.host_name"
	featureBootDisk = "compute.vm.boot_disk"
	featureDiskType = "compute.vm.disk_type"
	featureDataDisk = "compute.vm.data_disks"
	featureFromSnap = "compute.vm.data_disk_from_snapshot"
	featureForce    = "compute.vm.force_stop"
	featureGroups   = "compute.vm.security_groups"
	featureNICByID  = "compute.vm.nic_by_id"
	featureFixedIP  = "compute.vm.fixed_ip"
	featureKeyPair  = "compute.vm.key_pair"
	featurePassword = "compute.vm.password"
	featureUserData = "compute.vm.user_data"
	featureZone     = "compute.vm.zone"
)

// Register adds the compute services, which work in the given accounts.
func Register(r grpc.ServiceRegistrar, accounts *sdk.Accounts[*session.Session]) {
	b := base{accounts: accounts}
	computev1.RegisterVmServiceServer(r, &VMs{base: b})
	computev1.RegisterFlavorServiceServer(r, &Flavors{base: b})
	computev1.RegisterKeyPairServiceServer(r, &KeyPairs{base: b})
	computev1.RegisterZoneServiceServer(r, &Zones{base: b})
	computev1.RegisterRegionServiceServer(r, &Regions{base: b})
}

// Features lists the optional abilities of the package.
func Features() []*driverv1.Feature {
	return []*driverv1.Feature{
		{Name: "compute.vm.description"},
		{Name: "compute.vm.tags", Note: "kept as server metadata"},
		{Name: featureHostName, Note: "microversion 2.90"},
		{Name: featureGroups},
		{Name: featureNICByID},
		{Name: featureFixedIP},
		{Name: featureBootDisk, Note: "a volume"},
		{Name: featureDiskType, Note: "disk_type_id of boot_disk and data_disks, microversion 2.67"},
		{Name: featureDataDisk},
		{Name: featureFromSnap},
		{Name: featureKeyPair},
		{Name: featurePassword, Note: "given as adminPass and as cloud-config"},
		{Name: featureUserData},
		{Name: featureZone},
	}
}

// Attributes explains the keys of provider_attributes.
func Attributes() []*driverv1.AttributeDoc {
	return []*driverv1.AttributeDoc{
		{Resource: typeVM, Key: attributeHost, Meaning: "opaque id of the host, the same for VMs of one project on one host"},
		{Resource: typeVM, Key: attributePower, Meaning: "power state that the hypervisor reported last"},
		{Resource: typeVM, Key: attributeFault, Meaning: "what the compute service says of the failure of a VM in ERROR"},
	}
}

// AbsentFeatures lists those of Features that this account's cloud lacks.
func AbsentFeatures(s *session.Session) []string {
	var absent []string
	if !session.AtLeast(s.Compute, versionHostName) {
		absent = append(absent, featureHostName)
	}
	if s.Volume == nil {
		absent = append(absent, featureBootDisk, featureDataDisk, featureFromSnap)
	}
	if s.Volume == nil || !session.AtLeast(s.Compute, versionVolumeType) {
		absent = append(absent, featureDiskType)
	}
	if s.Network == nil {
		absent = append(absent, featureGroups, featureNICByID, featureFixedIP)
	}
	return absent
}

// base is what all servers of the package share.
type base struct {
	accounts *sdk.Accounts[*session.Session]
}

// open finds the session of the call's account, which has a compute service.
func (b base) open(ctx context.Context) (*session.Session, error) {
	s, err := b.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	return s, session.Require(s.Compute)
}

// openVM is open for an rpc on one VM, whose id it checks.
func (b base) openVM(ctx context.Context, id string) (*session.Session, error) {
	s, err := b.open(ctx)
	if err != nil {
		return nil, err
	}
	return s, session.UUID(typeVM, id)
}
