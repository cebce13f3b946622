package vpn

import (
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/tags"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// toProtoService maps a VPN service; networkID is its router's only network, or
// empty.
func toProtoService(v *vpnService, networkID, region string) *securityv1.VpnService {
	out := &securityv1.VpnService{
		Id:            v.ID,
		Name:          v.Name,
		Description:   rest.Unmarked(v.Description),
		State:         toProtoServiceState(v.Status),
		ProviderState: v.Status,
		StateReason:   stateReason(v.Status),
		RegionId:      region,
		Charge:        &apiv1.Charge{Mode: apiv1.ChargeMode_CHARGE_MODE_POSTPAID},
		RouterId:      v.RouterID,
		NetworkId:     networkID,
		NetworkType:   securityv1.VpnNetworkType_VPN_NETWORK_TYPE_PUBLIC,
		Enabled:       v.AdminStateUp,
	}
	if v.SubnetID != "" {
		out.SubnetIds = []string{v.SubnetID}
	}
	for _, ip := range []string{v.ExternalIPv4, v.ExternalIPv6} {
		if ip != "" {
			out.PublicIpAddresses = append(out.PublicIpAddresses, ip)
		}
	}
	return out
}

// toProtoServiceState maps the status. A service stays PENDING_CREATE until its
// first connection: agents are only told of services that have one.
func toProtoServiceState(status string) securityv1.VpnServiceState {
	switch strings.ToUpper(status) {
	case "PENDING_CREATE", "DOWN", "BUILD":
		return securityv1.VpnServiceState_VPN_SERVICE_STATE_INACTIVE
	case "ACTIVE":
		return securityv1.VpnServiceState_VPN_SERVICE_STATE_ACTIVE
	case "PENDING_UPDATE":
		return securityv1.VpnServiceState_VPN_SERVICE_STATE_UPDATING
	case "PENDING_DELETE":
		return securityv1.VpnServiceState_VPN_SERVICE_STATE_DELETING
	case "ERROR":
		return securityv1.VpnServiceState_VPN_SERVICE_STATE_ERROR
	default:
		return securityv1.VpnServiceState_VPN_SERVICE_STATE_UNSPECIFIED
	}
}

func stateReason(status string) string {
	if !strings.EqualFold(status, "ERROR") {
		return ""
	}
	return sdk.ReasonName(apiv1.Reason_REASON_RESOURCE_FAILED)
}

// checkCreateService refuses what no service of Neutron has.
func checkCreateService(req *securityv1.CreateVpnServiceRequest) error {
	switch {
	case len(req.GetSubnetIds()) > 0:
		return sdk.Unsupported("security.vpn_service.subnets")
	case req.GetBandwidthMbps() != 0:
		return sdk.Unsupported("security.vpn_service.bandwidth")
	case req.GetNetworkType() == securityv1.VpnNetworkType_VPN_NETWORK_TYPE_PRIVATE:
		return sdk.Unsupported("security.vpn_service.private")
	case req.GetCharge().GetMode() == apiv1.ChargeMode_CHARGE_MODE_PREPAID:
		return sdk.Unsupported("security.vpn_service.prepaid")
	case req.GetCharge().GetMode() == apiv1.ChargeMode_CHARGE_MODE_SPOT:
		return sdk.Unsupported("security.vpn_service.spot")
	}
	return nil
}

func keepsService(req *securityv1.ListVpnServicesRequest, v *securityv1.VpnService) bool {
	return (req.GetName() == "" || req.GetName() == v.GetName()) &&
		tags.Match(v.GetTags(), req.GetTag()) &&
		(req.GetState() == 0 || req.GetState() == v.GetState()) &&
		(req.GetRouterId() == "" || req.GetRouterId() == v.GetRouterId()) &&
		(req.GetNetworkId() == "" || req.GetNetworkId() == v.GetNetworkId())
}
