package memcloud

import (
	"google.golang.org/protobuf/proto"

	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	databasev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/database/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"
)

// The kinds of resources; none of these values ever changes.
var (
	vms              = collection[*computev1.Vm]{"compute.vm", "vm-"}
	containers       = collection[*computev1.Container]{"compute.container", "ctr-"}
	flavors          = collection[*computev1.Flavor]{"compute.flavor", ""}
	keyPairs         = collection[*computev1.KeyPair]{"compute.key_pair", ""}
	zones            = collection[*computev1.Zone]{"compute.zone", ""}
	regions          = collection[*computev1.Region]{"compute.region", ""}
	disks            = collection[*storagev1.Disk]{"storage.disk", "disk-"}
	diskTypes        = collection[*storagev1.DiskType]{"storage.disk_type", ""}
	snapshots        = collection[*storagev1.Snapshot]{"storage.snapshot", "snap-"}
	images           = collection[*storagev1.Image]{"storage.image", "img-"}
	networks         = collection[*networkv1.Network]{"network.network", "net-"}
	subnets          = collection[*networkv1.Subnet]{"network.subnet", "sub-"}
	routers          = collection[*networkv1.Router]{"network.router", "rtr-"}
	nics             = collection[*networkv1.Nic]{"network.nic", "nic-"}
	groups           = collection[*networkv1.SecurityGroup]{"network.security_group", "sg-"}
	rules            = collection[*networkv1.SecurityGroupRule]{"network.security_group_rule", "sgr-"}
	publicIPs        = collection[*networkv1.PublicIp]{"network.public_ip", "ip-"}
	vips             = collection[*networkv1.Vip]{"network.vip", "vip-"}
	pools            = collection[*networkv1.Pool]{"network.pool", "pool-"}
	members          = collection[*networkv1.Member]{"network.member", "mbr-"}
	listeners        = collection[*networkv1.Listener]{"network.listener", "lsn-"}
	instances        = collection[*databasev1.Instance]{"database.instance", "db-"}
	engines          = collection[*databasev1.Engine]{"database.engine", ""}
	dbFlavors        = collection[*databasev1.DbFlavor]{"database.db_flavor", ""}
	firewalls        = collection[*securityv1.Firewall]{"security.firewall", "fw-"}
	firewallPolicies = collection[*securityv1.FirewallPolicy]{"security.firewall_policy", "fwp-"}
	firewallRules    = collection[*securityv1.FirewallRule]{"security.firewall_rule", "fwr-"}
	vpnServices      = collection[*securityv1.VpnService]{"security.vpn_service", "vpn-"}
	ikePolicies      = collection[*securityv1.IkePolicy]{"security.ike_policy", "ike-"}
	ipsecPolicies    = collection[*securityv1.IpsecPolicy]{"security.ipsec_policy", "ipsec-"}
	ipsecConnections = collection[*securityv1.IpsecConnection]{"security.ipsec_connection", "conn-"}
	wafs             = collection[*securityv1.Waf]{"security.waf", ""}
	ipsSettings      = collection[*securityv1.Ips]{"security.ips", ""}
	antiviruses      = collection[*securityv1.Antivirus]{"security.antivirus", ""}
	tenants          = collection[*driverv1.Tenant]{"cloud.tenant", "tenant-"}
)

// newMessage makes an empty resource of a kind; nil for an unknown kind.
func newMessage(k kind) proto.Message {
	switch k {
	case vms.kind:
		return &computev1.Vm{}
	case containers.kind:
		return &computev1.Container{}
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
	case vips.kind:
		return &networkv1.Vip{}
	case pools.kind:
		return &networkv1.Pool{}
	case members.kind:
		return &networkv1.Member{}
	case listeners.kind:
		return &networkv1.Listener{}
	case instances.kind:
		return &databasev1.Instance{}
	case engines.kind:
		return &databasev1.Engine{}
	case dbFlavors.kind:
		return &databasev1.DbFlavor{}
	case firewalls.kind:
		return &securityv1.Firewall{}
	case firewallPolicies.kind:
		return &securityv1.FirewallPolicy{}
	case firewallRules.kind:
		return &securityv1.FirewallRule{}
	case vpnServices.kind:
		return &securityv1.VpnService{}
	case ikePolicies.kind:
		return &securityv1.IkePolicy{}
	case ipsecPolicies.kind:
		return &securityv1.IpsecPolicy{}
	case ipsecConnections.kind:
		return &securityv1.IpsecConnection{}
	case wafs.kind:
		return &securityv1.Waf{}
	case ipsSettings.kind:
		return &securityv1.Ips{}
	case antiviruses.kind:
		return &securityv1.Antivirus{}
	case tenants.kind:
		return &driverv1.Tenant{}
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
	case containers.kind:
		return settleContainer
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
	case vips.kind:
		return settleVIP
	case pools.kind:
		return settlePool
	case members.kind:
		return settleMember
	case listeners.kind:
		return settleListener
	case instances.kind:
		return settleInstance
	case firewalls.kind:
		return settleFirewall
	case vpnServices.kind:
		return settleVpnService
	case ipsecConnections.kind:
		return settleIpsecConnection
	case wafs.kind:
		return settleWaf
	case ipsSettings.kind:
		return settleIps
	case antiviruses.kind:
		return settleAntivirus
	default:
		return func(*view, *record) {}
	}
}
