package compute

import (
	"context"
	"time"

	"google.golang.org/grpc"

	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/ecs"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
)

// Resource types of the contract that this package serves or refers to.
const (
	typeVM        = "compute.vm"
	typeContainer = "compute.container"
	typeFlavor    = "compute.flavor"
	typeKeyPair   = "compute.key_pair"
	typeZone      = "compute.zone"
	typeRegion    = "compute.region"
	typeNIC       = "network.nic"
)

// Features that this package refuses or offers by name.
const (
	featureKeepBootDisk = "compute.vm.keep_boot_disk"
	featureNICByID      = "compute.vm.nic_by_id"
	featureManyGroups   = "compute.container.many_security_groups"
)

// pollAfter is how soon a started change of an instance is worth looking at.
const pollAfter = 3 * time.Second

// Register adds the compute services, which work in the given accounts.
func Register(r grpc.ServiceRegistrar, accounts *session.Accounts) {
	b := base{accounts: accounts}
	computev1.RegisterVmServiceServer(r, &VMs{base: b})
	computev1.RegisterContainerServiceServer(r, &Containers{base: b})
	computev1.RegisterFlavorServiceServer(r, &Flavors{base: b})
	computev1.RegisterKeyPairServiceServer(r, &KeyPairs{base: b})
	computev1.RegisterZoneServiceServer(r, &Zones{base: b})
	computev1.RegisterRegionServiceServer(r, &Regions{base: b})
}

// Features lists the optional abilities of the package.
func Features() []*driverv1.Feature {
	return []*driverv1.Feature{
		{Name: "compute.vm.description"},
		{Name: "compute.vm.tags"},
		{Name: "compute.vm.host_name"},
		{Name: "compute.vm.security_groups", Note: "at least one is needed"},
		{Name: featureNICByID, Note: "not for the primary NIC, which the cloud makes"},
		{Name: "compute.vm.fixed_ip"},
		{Name: "compute.vm.boot_disk", Note: "always removed with its VM"},
		{Name: "compute.vm.data_disks"},
		{Name: "compute.vm.data_disk_from_snapshot"},
		{Name: "compute.vm.key_pair", Note: "Linux only"},
		{Name: "compute.vm.password"},
		{Name: "compute.vm.user_data"},
		{Name: "compute.vm.zone", Note: "must be the zone of the primary NIC's subnet"},
		{Name: "compute.vm.prepaid", Note: "paid at once from the account's balance"},
		{Name: "compute.vm.spot"},
		{Name: "compute.vm.release_at", Note: "by the minute, half an hour to three years ahead"},
		{Name: "compute.vm.force_stop"},
		{Name: "compute.vm.stop_release", Note: "economical mode; the cloud keeps charging where it does not apply"},
		{Name: "compute.container.tags"},
		{Name: "compute.container.restart_policy"},
		{Name: "compute.container.registry_auth"},
		{Name: "compute.container.zone"},
		{Name: "compute.container.command"},
		{Name: "compute.container.secret_environment", Note: "hides all variables of the container"},
		{Name: "compute.container.resize", Note: "restarts the container"},
		{Name: "compute.key_pair.tags"},
	}
}

// Attributes explains the keys of provider_attributes.
func Attributes() []*driverv1.AttributeDoc {
	return []*driverv1.AttributeDoc{
		{Resource: typeVM, Key: ecs.AttributeGroup, Meaning: "resource group"},
		{Resource: typeVM, Key: attributeOS, Meaning: "name of the operating system"},
		{Resource: typeContainer, Key: ecs.AttributeGroup, Meaning: "resource group"},
		{Resource: typeContainer, Key: attributeMessage, Meaning: "why the container is not running"},
	}
}

// base is what all servers of the package share.
type base struct {
	accounts *session.Accounts
}

// open finds the session of the call's account.
func (b base) open(ctx context.Context) (*session.Session, error) {
	return b.accounts.From(ctx)
}
