package storage

import (
	"context"
	"time"

	"google.golang.org/grpc"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/ecs"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/alibaba/tags"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Resource types of the contract that this package serves or refers to.
const (
	typeDisk     = "storage.disk"
	typeDiskType = "storage.disk_type"
	typeSnapshot = "storage.snapshot"
	typeImage    = "storage.image"
	typeVM       = "compute.vm"
)

// Keys of provider_attributes.
const (
	attributeFamily = "image_family"
)

// pollAfter is how soon a started change is worth looking at.
const pollAfter = 2 * time.Second

// Register adds the storage services, which work in the given accounts.
func Register(r grpc.ServiceRegistrar, accounts *session.Accounts) {
	b := base{accounts: accounts}
	storagev1.RegisterDiskServiceServer(r, &Disks{base: b})
	storagev1.RegisterDiskTypeServiceServer(r, &DiskTypes{base: b})
	storagev1.RegisterSnapshotServiceServer(r, &Snapshots{base: b})
	storagev1.RegisterImageServiceServer(r, &Images{base: b})
}

// Features lists the optional abilities of the package.
func Features() []*driverv1.Feature {
	return []*driverv1.Feature{
		{Name: "storage.disk.description"},
		{Name: "storage.disk.tags"},
		{Name: "storage.disk.standalone"},
		{Name: "storage.disk.zonal"},
		{Name: "storage.disk.encrypt"},
		{Name: "storage.disk.multi_attach", Note: "ESSD categories"},
		{Name: "storage.disk.delete_with_vm"},
		{Name: "storage.disk.from_snapshot"},
		{Name: "storage.disk.resize"},
		{Name: "storage.disk.resize_attached"},
		{Name: "storage.snapshot.description"},
		{Name: "storage.snapshot.tags"},
		{Name: "storage.snapshot.outlives_disk", Note: "manual ones; the disk's automatic ones go with it"},
		{Name: "storage.snapshot.retention", Note: "can only be made longer"},
		{Name: "storage.snapshot.restore"},
		{Name: "storage.snapshot.restore_attached", Note: "with the VM stopped"},
		{Name: "storage.snapshot.restore_any"},
		{Name: "storage.image.description"},
		{Name: "storage.image.tags"},
		{Name: "storage.image.from_snapshot", Note: "the image keeps the snapshot alive"},
		{Name: "storage.image.from_vm"},
		{Name: "storage.image.deactivate", Note: "the cloud lets VMs be made of it all the same; the gateway does not"},
		{Name: "storage.image.force_delete"},
	}
}

// Attributes explains the keys of provider_attributes.
func Attributes() []*driverv1.AttributeDoc {
	return []*driverv1.AttributeDoc{
		{Resource: typeDisk, Key: ecs.AttributeGroup, Meaning: "resource group"},
		{Resource: typeSnapshot, Key: ecs.AttributeGroup, Meaning: "resource group"},
		{Resource: typeImage, Key: ecs.AttributeGroup, Meaning: "resource group"},
		{Resource: typeImage, Key: attributeFamily, Meaning: "image family"},
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

// tagged is what a resource of the package is for tagging.
func tagged(word, id string) tags.Target {
	return tags.Target{Product: api.ECS, Kind: word, Untag: "UntagResources", ID: id}
}

// unsupported refuses a field that the cloud has nothing for.
func unsupported(feature, field string) error {
	return sdk.NewError(apiv1.Reason_REASON_UNSUPPORTED_FEATURE, sdk.Feature(feature), sdk.Field(field))
}
