package memcloud

import (
	"google.golang.org/grpc"

	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	databasev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/database/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"
)

// Register adds the cloud's resource services, and those of its tenants and alarms.
func (c *Cloud) Register(r grpc.ServiceRegistrar) {
	computev1.RegisterVmServiceServer(r, &vmService{c: c})
	computev1.RegisterContainerServiceServer(r, &containerService{c: c})
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
	networkv1.RegisterLoadBalancerServiceServer(r, &loadBalancerService{c: c})
	databasev1.RegisterInstanceServiceServer(r, &instanceService{c: c})
	databasev1.RegisterEngineServiceServer(r, &engineService{c: c})
	databasev1.RegisterDbFlavorServiceServer(r, &dbFlavorService{c: c})
	monitorv1.RegisterMetricServiceServer(r, &metricService{c: c})
	securityv1.RegisterFirewallServiceServer(r, &firewallService{c: c})
	securityv1.RegisterFirewallPolicyServiceServer(r, &firewallPolicyService{c: c})
	securityv1.RegisterFirewallRuleServiceServer(r, &firewallRuleService{c: c})
	securityv1.RegisterVpnServiceServiceServer(r, &vpnServiceService{c: c})
	securityv1.RegisterIkePolicyServiceServer(r, &ikePolicyService{c: c})
	securityv1.RegisterIpsecPolicyServiceServer(r, &ipsecPolicyService{c: c})
	securityv1.RegisterIpsecConnectionServiceServer(r, &ipsecConnectionService{c: c})
	securityv1.RegisterWafServiceServer(r, &wafService{c: c})
	securityv1.RegisterIpsServiceServer(r, &ipsService{c: c})
	securityv1.RegisterAntivirusServiceServer(r, &antivirusService{c: c})
	driverv1.RegisterTenantServiceServer(r, &tenantService{c: c})
	driverv1.RegisterCloudAlarmServiceServer(r, &cloudAlarmService{c: c})
}
