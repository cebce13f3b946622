package storage

import (
	"context"

	"github.com/gophercloud/gophercloud/v2"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"
	"google.golang.org/grpc"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Resource types of the contract.
const (
	typeDisk     = "storage.disk"
	typeDiskType = "storage.disk_type"
	typeSnapshot = "storage.snapshot"
	typeImage    = "storage.image"
)

// Register adds the storage services, which work in the given accounts.
func Register(r grpc.ServiceRegistrar, accounts *sdk.Accounts[*session.Session]) {
	b := base{accounts: accounts}
	storagev1.RegisterDiskServiceServer(r, &diskServer{base: b})
	storagev1.RegisterDiskTypeServiceServer(r, &diskTypeServer{base: b})
	storagev1.RegisterSnapshotServiceServer(r, &snapshotServer{base: b})
	storagev1.RegisterImageServiceServer(r, &imageServer{base: b})
}

// base is what all servers of the package share.
type base struct {
	accounts *sdk.Accounts[*session.Session]
}

// cinder finds the session of the call's account and its volume client.
func (b base) cinder(ctx context.Context) (*session.Session, *gophercloud.ServiceClient, error) {
	s, err := b.accounts.From(ctx)
	if err != nil {
		return nil, nil, err
	}
	return s, s.Volume, session.Require(s.Volume)
}

// glance finds the session of the call's account and its image client.
func (b base) glance(ctx context.Context) (*session.Session, *gophercloud.ServiceClient, error) {
	s, err := b.accounts.From(ctx)
	if err != nil {
		return nil, nil, err
	}
	return s, s.Image, session.Require(s.Image)
}
