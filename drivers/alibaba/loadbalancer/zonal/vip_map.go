package zonal

import (
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/balance"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Editions of ALB, as the cloud writes them; NLB has none.
const (
	editionBasic    = "Basic"
	editionStandard = "Standard"
	editionWAF      = "StandardWithWaf"
)

const (
	addressInternal = "Intranet"
	addressInternet = "Internet"
)

// Names tells whether the contract's edition names this product: its word, with one of
// ALB's editions behind a dot ("alb", "alb.Basic", "nlb").
func (p *Product) Names(edition string) bool {
	word, _, _ := strings.Cut(edition, ".")
	return strings.EqualFold(word, p.Word)
}

// edition is the cloud's word for the contract's edition; without one it is Standard.
// Errors: PARAMETER_REJECTED.
func (p *Product) edition(edition string) (string, error) {
	_, wanted, has := strings.Cut(edition, ".")
	if !has {
		return editionStandard, nil
	}
	for _, name := range []string{editionBasic, editionStandard, editionWAF} {
		if strings.EqualFold(wanted, name) && !p.isNLB() {
			return name, nil
		}
	}
	return "", balance.Rejected("edition", "must be alb, alb.Basic, alb.Standard, alb.StandardWithWaf or nlb on this cloud")
}

func (p *Product) toProtoEdition(v *balancer) string {
	if v.LoadBalancerEdition == "" {
		return p.Word
	}
	return p.Word + "." + v.LoadBalancerEdition
}

// toProtoVIP maps an instance. In lists of ALB it has no addresses.
func (p *Product) toProtoVIP(v *balancer, region string) *networkv1.Vip {
	out := &networkv1.Vip{
		Id:            v.LoadBalancerID,
		Name:          v.LoadBalancerName,
		Tags:          v.Tags.ToProto(),
		State:         toProtoVIPState(v.LoadBalancerStatus),
		ProviderState: v.LoadBalancerStatus,
		CreatedAt:     kind.ToProtoTime(v.CreateTime),
		RegionId:      region,
		Charge:        &apiv1.Charge{Mode: apiv1.ChargeMode_CHARGE_MODE_POSTPAID},
		NetworkId:     v.VpcID,
		Scheme:        networkv1.VipScheme_VIP_SCHEME_INTERNAL,
		DnsName:       v.DNSName,
		Kind:          p.Kind,
		Enabled:       !strings.EqualFold(v.LoadBalancerStatus, "Inactive"),
		Edition:       p.toProtoEdition(v),

		DeletionProtected: v.DeletionProtectionConfig.Enabled,
	}
	if strings.EqualFold(v.AddressType, addressInternet) {
		out.Scheme = networkv1.VipScheme_VIP_SCHEME_INTERNET
	}
	if out.GetState() == networkv1.LoadBalancerState_LOAD_BALANCER_STATE_ERROR {
		out.StateReason = sdk.ReasonName(apiv1.Reason_REASON_CLOUD_ERROR)
	}
	for _, zone := range v.ZoneMappings {
		for _, a := range zone.LoadBalancerAddresses {
			address := a.toProto(out.GetScheme(), zone.VSwitchID)
			out.Addresses = append(out.Addresses, address)
			out.Subnets = append(out.Subnets, &networkv1.VipSubnet{SubnetId: zone.VSwitchID, IpAddress: address.GetIpAddress()})
		}
	}
	for _, lock := range append(v.LoadBalancerOperationLocks, v.OperationLocks...) {
		out.LockReasons = append(out.LockReasons, toProtoLock(lock.LockType))
	}
	return out
}

func (a *zoneAddress) toProto(scheme networkv1.VipScheme, subnetID string) *networkv1.VipAddress {
	out := &networkv1.VipAddress{IpAddress: a.PrivateIPv4Address, PublicIpAddress: a.PublicIPv4Address, SubnetId: subnetID, NicId: a.EniID}
	switch {
	case a.Address == "":
	case scheme == networkv1.VipScheme_VIP_SCHEME_INTERNET:
		out.IpAddress, out.PublicIpAddress = a.IntranetAddress, a.Address
	default:
		out.IpAddress = a.Address
	}
	return out
}

// toProtoLock maps why an instance is locked. Source: GetLoadBalancerAttribute, LockType.
func toProtoLock(lock string) apiv1.LockReason {
	switch lock {
	case "FinancialLocked", "ResidualLocked":
		return apiv1.LockReason_LOCK_REASON_ARREARS
	case "SecurityLocked":
		return apiv1.LockReason_LOCK_REASON_SECURITY
	default:
		return apiv1.LockReason_LOCK_REASON_OTHER
	}
}

// toProtoVIPState maps the status of an instance. Source: GetLoadBalancerAttribute,
// LoadBalancerStatus.
func toProtoVIPState(status string) networkv1.LoadBalancerState {
	switch status {
	case "Active":
		return active
	case "Inactive":
		return networkv1.LoadBalancerState_LOAD_BALANCER_STATE_STOPPED
	case "Provisioning":
		return creating
	case "Configuring":
		return updating
	case "Deleting":
		return deleting
	case "Deleted":
		return deleted
	case "CreateFailed":
		return networkv1.LoadBalancerState_LOAD_BALANCER_STATE_ERROR
	default:
		return networkv1.LoadBalancerState_LOAD_BALANCER_STATE_UNSPECIFIED
	}
}

// toProtoState maps the status of a listener, group or server. Source: ListListeners,
// ListServerGroups, ListServerGroupServers.
func toProtoState(status string) networkv1.LoadBalancerState {
	switch status {
	case "Available", "Running":
		return active
	case "Provisioning", "Creating", "Adding":
		return creating
	case "Configuring", "Starting", "Stopping":
		return updating
	case "Stopped":
		return networkv1.LoadBalancerState_LOAD_BALANCER_STATE_STOPPED
	case "Deleting", "Removing":
		return deleting
	case "Deleted":
		return deleted
	default:
		return networkv1.LoadBalancerState_LOAD_BALANCER_STATE_UNSPECIFIED
	}
}
