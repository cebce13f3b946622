package memcloud

import (
	"google.golang.org/grpc"

	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"
)

// Register adds the cloud's resource services.
func (c *Cloud) Register(r grpc.ServiceRegistrar) {
	computev1.RegisterVmServiceServer(r, &vmService{c: c})
	computev1.RegisterFlavorServiceServer(r, &flavorService{c: c})
	computev1.RegisterKeyPairServiceServer(r, &keyPairService{c: c})
	computev1.RegisterZoneServiceServer(r, &zoneService{c: c})
	computev1.RegisterRegionServiceServer(r, &regionService{c: c})
	storagev1.RegisterDiskServiceServer(r, &diskService{c: c})
	storagev1.RegisterDiskTypeServiceServer(r, &diskTypeService{c: c})
	storagev1.RegisterSnapshotServiceServer(r, &snapshotService{c: c})
	storagev1.RegisterImageServiceServer(r, &imageService{c: c})
	networkv1.RegisterNetworkServiceServer(r, &networkService{c: c})
	networkv1.RegisterSubnetServiceServer(r, &subnetService{c: c})
	networkv1.RegisterRouterServiceServer(r, &routerService{c: c})
	networkv1.RegisterNicServiceServer(r, &nicService{c: c})
	networkv1.RegisterSecurityGroupServiceServer(r, &securityGroupService{c: c})
	networkv1.RegisterPublicIpServiceServer(r, &publicIPService{c: c})
}
