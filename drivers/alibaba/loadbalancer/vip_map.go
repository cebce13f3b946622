package loadbalancer

import (
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
)

const (
	defaultSpec = "slb.s1.small"
	// byUse as edition is the instance that is paid by capacity units.
	byUse = "PayByCLCU"

	addressInternal = "intranet"
	addressInternet = "internet"

	tagKind = api.ReservedPrefix + "vip-kind"
)

// fromProtoVIP maps what a request says of a new VIP, but for subnet and zone.
func fromProtoVIP(req *networkv1.CreateVipRequest) api.Params {
	params := api.Params{}.Set("LoadBalancerName", req.GetName()).Set("PayType", "PayOnDemand")
	switch edition := req.GetEdition(); edition {
	case "":
		params.Set("LoadBalancerSpec", defaultSpec)
	case byUse:
		params.Set("InstanceChargeType", byUse)
	default:
		params.Set("LoadBalancerSpec", edition)
	}
	if req.GetScheme() == networkv1.VipScheme_VIP_SCHEME_INTERNET {
		return params.Set("AddressType", addressInternet).Set("InternetChargeType", "paybytraffic")
	}
	params.Set("AddressType", addressInternal)
	for _, subnet := range req.GetSubnets() {
		params.Set("VSwitchId", subnet.GetSubnetId()).Set("Address", subnet.GetIpAddress())
	}
	return params
}

// withKind adds the hidden tag that keeps a VIP's kind.
func withKind(req *networkv1.CreateVipRequest) map[string]string {
	all := map[string]string{tagKind: strings.TrimPrefix(req.GetKind().String(), "VIP_KIND_")}
	for key, value := range req.GetTags() {
		all[key] = value
	}
	return all
}

// toProtoVIP maps a CLB instance, but for its health.
func toProtoVIP(v *instance, region string) *networkv1.Vip {
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
		Kind:          networkv1.VipKind_VIP_KIND_L4_L7,
		Enabled:       !strings.EqualFold(v.LoadBalancerStatus, "inactive"),
		Edition:       v.LoadBalancerSpec,
		LockReasons:   toProtoVIPLocks(v.LoadBalancerStatus),

		DeletionProtected: strings.EqualFold(v.DeleteProtection, on),
	}
	if n, ok := networkv1.VipKind_value["VIP_KIND_"+v.Tags.All()[tagKind]]; ok {
		out.Kind = networkv1.VipKind(n)
	}
	if strings.EqualFold(v.PayType, "PrePay") {
		out.Charge.Mode = apiv1.ChargeMode_CHARGE_MODE_PREPAID
	}
	if strings.EqualFold(v.AddressType, addressInternet) {
		out.Scheme = networkv1.VipScheme_VIP_SCHEME_INTERNET
		out.Addresses = []*networkv1.VipAddress{{PublicIpAddress: v.Address}}
		return out
	}
	out.Addresses = []*networkv1.VipAddress{{IpAddress: v.Address, SubnetId: v.VSwitchID}}
	if v.VSwitchID != "" {
		out.Subnets = []*networkv1.VipSubnet{{SubnetId: v.VSwitchID, IpAddress: v.Address}}
	}
	return out
}

// toProtoVIPState maps the status of an instance. Source: DescribeLoadBalancers,
// LoadBalancerStatus.
func toProtoVIPState(status string) networkv1.LoadBalancerState {
	switch strings.ToLower(status) {
	case "active":
		return networkv1.LoadBalancerState_LOAD_BALANCER_STATE_ACTIVE
	case "inactive", "locked":
		return networkv1.LoadBalancerState_LOAD_BALANCER_STATE_STOPPED
	default:
		return networkv1.LoadBalancerState_LOAD_BALANCER_STATE_UNSPECIFIED
	}
}

func toProtoVIPLocks(status string) []apiv1.LockReason {
	if strings.EqualFold(status, "locked") {
		return []apiv1.LockReason{apiv1.LockReason_LOCK_REASON_ARREARS}
	}
	return nil
}

// toProtoVIPHealth sums up what the members of a VIP are.
func toProtoVIPHealth(members []health) networkv1.VipHealth {
	good, bad := 0, 0
	for i := range members {
		switch toProtoHealth(members[i].ServerHealthStatus) {
		case networkv1.MemberHealth_MEMBER_HEALTH_HEALTHY:
			good++
		case networkv1.MemberHealth_MEMBER_HEALTH_UNHEALTHY:
			bad++
		}
	}
	switch {
	case good > 0 && bad > 0:
		return networkv1.VipHealth_VIP_HEALTH_DEGRADED
	case bad > 0:
		return networkv1.VipHealth_VIP_HEALTH_UNHEALTHY
	case good > 0:
		return networkv1.VipHealth_VIP_HEALTH_HEALTHY
	case len(members) > 0:
		return networkv1.VipHealth_VIP_HEALTH_NO_MONITOR
	}
	return networkv1.VipHealth_VIP_HEALTH_UNSPECIFIED
}
