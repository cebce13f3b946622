package vpn

import (
	"strconv"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/tags"
)

// fromProtoService maps what a request says of a new gateway, but for description
// and tags.
func fromProtoService(req *securityv1.CreateVpnServiceRequest) api.Params {
	params := api.Params{}.Set("Name", req.GetName()).Set("VpcId", req.GetNetworkId()).Int("Bandwidth", req.GetBandwidthMbps()).
		Set("InstanceChargeType", "POSTPAY").Set("VpnType", "Normal").Bool("AutoPay", true).Bool("EnableIpsec", true).Bool("EnableSsl", false)
	if req.GetNetworkType() == securityv1.VpnNetworkType_VPN_NETWORK_TYPE_PRIVATE {
		params.Set("NetworkType", "private")
	}
	for i, id := range req.GetSubnetIds() {
		params.Set([]string{"VSwitchId", "DisasterRecoveryVSwitchId"}[i], id)
	}
	return params
}

// toProtoService maps a VPN gateway.
func toProtoService(v *gateway, region string) *securityv1.VpnService {
	out := &securityv1.VpnService{
		Id:            v.VpnGatewayID,
		Name:          v.Name,
		Description:   strings.TrimSpace(v.Description),
		Tags:          v.Tags.ToProto(),
		State:         toProtoServiceState(v.Status),
		ProviderState: v.Status,
		CreatedAt:     kind.ToProtoMillis(v.CreateTime),
		RegionId:      region,
		Charge:        &apiv1.Charge{Mode: apiv1.ChargeMode_CHARGE_MODE_POSTPAID},
		NetworkId:     v.VpcID,
		BandwidthMbps: bandwidth(v.Spec),
		NetworkType:   securityv1.VpnNetworkType_VPN_NETWORK_TYPE_PUBLIC,
		Enabled:       true,
	}
	if strings.EqualFold(v.ChargeType, "Prepay") {
		out.Charge = &apiv1.Charge{Mode: apiv1.ChargeMode_CHARGE_MODE_PREPAID, ExpiresAt: kind.ToProtoMillis(v.EndTime)}
	}
	if strings.EqualFold(v.NetworkType, "private") {
		out.NetworkType = securityv1.VpnNetworkType_VPN_NETWORK_TYPE_PRIVATE
	}
	if strings.EqualFold(v.BusinessStatus, "FinancialLocked") {
		out.LockReasons = []apiv1.LockReason{apiv1.LockReason_LOCK_REASON_ARREARS}
	}
	for _, id := range []string{v.VSwitchID, v.DisasterRecoveryVSwitchID} {
		if id != "" {
			out.SubnetIds = append(out.SubnetIds, id)
		}
	}
	for _, ip := range []string{v.InternetIP, v.DisasterRecoveryInternetIP} {
		if ip != "" {
			out.PublicIpAddresses = append(out.PublicIpAddresses, ip)
		}
	}
	return out
}

// bandwidth reads a specification: "5M" is 5 Mbit/s.
func bandwidth(spec string) int32 {
	n, err := strconv.ParseInt(strings.TrimRight(spec, "MmBbps "), 10, 32)
	if err != nil {
		return 0
	}
	return int32(n)
}

// toProtoServiceState maps the status of a gateway. Source: DescribeVpnGateways, Status.
func toProtoServiceState(status string) securityv1.VpnServiceState {
	switch strings.ToLower(status) {
	case "init", "provisioning":
		return securityv1.VpnServiceState_VPN_SERVICE_STATE_CREATING
	case "active":
		return securityv1.VpnServiceState_VPN_SERVICE_STATE_ACTIVE
	case "updating":
		return securityv1.VpnServiceState_VPN_SERVICE_STATE_UPDATING
	case "deleting":
		return securityv1.VpnServiceState_VPN_SERVICE_STATE_DELETING
	default:
		return securityv1.VpnServiceState_VPN_SERVICE_STATE_UNSPECIFIED
	}
}

// keepsService tells whether a VPN service fits the filters of a request.
func keepsService(req *securityv1.ListVpnServicesRequest, v *securityv1.VpnService) bool {
	return (req.GetName() == "" || req.GetName() == v.GetName()) &&
		tags.Match(v.GetTags(), req.GetTag()) &&
		(req.GetState() == 0 || req.GetState() == v.GetState()) &&
		(req.GetNetworkId() == "" || req.GetNetworkId() == v.GetNetworkId()) &&
		req.GetRouterId() == ""
}
