package network

import (
	"strconv"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/tags"
)

// Words of an EIP.
const (
	boundToVM  = "EcsInstance" // that is, to its primary interface
	boundToNIC = "NetworkInterface"

	byBandwidth = "PayByBandwidth"
	byTraffic   = "PayByTraffic"

	boundTypeAttribute = "bound_type"
	boundIDAttribute   = "bound_id"
)

// toProtoPublicIP maps an EIP. nicOfVM tells the primary interface of a VM, which
// is what an address bound to the VM is bound to.
func toProtoPublicIP(v *eip, region string, nicOfVM map[string]string) *networkv1.PublicIp {
	out := &networkv1.PublicIp{
		Id:               v.AllocationID,
		Name:             v.Name,
		Description:      noWords(v.Description),
		Tags:             v.Tags.ToProto(),
		State:            toProtoPublicIPState(v.Status),
		ProviderState:    v.Status,
		CreatedAt:        kind.ToProtoTime(v.AllocationTime),
		RegionId:         region,
		Charge:           &apiv1.Charge{Mode: apiv1.ChargeMode_CHARGE_MODE_POSTPAID},
		IpAddress:        v.IPAddress,
		BandwidthCharge:  toProtoBandwidthCharge(v.InternetChargeType),
		PrivateIpAddress: v.PrivateIPAddress,
		LockReasons:      toProtoLocks(v),
	}
	if strings.EqualFold(v.ChargeType, "PrePaid") {
		out.Charge = &apiv1.Charge{Mode: apiv1.ChargeMode_CHARGE_MODE_PREPAID, ExpiresAt: kind.ToProtoTime(v.ExpiredTime)}
	}
	if n, err := strconv.ParseInt(v.Bandwidth, 10, 32); err == nil {
		out.BandwidthMbps = int32(n)
	}
	switch {
	case v.InstanceID == "":
	case v.InstanceType == boundToNIC:
		out.NicId = v.InstanceID
	case v.InstanceType == boundToVM && nicOfVM[v.InstanceID] != "":
		out.NicId = nicOfVM[v.InstanceID]
	default:
		out.ProviderAttributes = map[string]string{boundTypeAttribute: v.InstanceType, boundIDAttribute: v.InstanceID}
	}
	return out
}

// toProtoPublicIPState maps the status of an EIP. Source: DescribeEipAddresses, Status.
func toProtoPublicIPState(status string) networkv1.PublicIpState {
	switch strings.ToLower(status) {
	case "available":
		return networkv1.PublicIpState_PUBLIC_IP_STATE_AVAILABLE
	case "associating":
		return networkv1.PublicIpState_PUBLIC_IP_STATE_BINDING
	case "inuse":
		return networkv1.PublicIpState_PUBLIC_IP_STATE_IN_USE
	case "unassociating":
		return networkv1.PublicIpState_PUBLIC_IP_STATE_UNBINDING
	case "releasing":
		return networkv1.PublicIpState_PUBLIC_IP_STATE_DELETING
	default:
		return networkv1.PublicIpState_PUBLIC_IP_STATE_UNSPECIFIED
	}
}

func toProtoBandwidthCharge(name string) networkv1.BandwidthCharge {
	switch name {
	case byBandwidth:
		return networkv1.BandwidthCharge_BANDWIDTH_CHARGE_BY_BANDWIDTH
	case byTraffic:
		return networkv1.BandwidthCharge_BANDWIDTH_CHARGE_BY_TRAFFIC
	default:
		return networkv1.BandwidthCharge_BANDWIDTH_CHARGE_UNSPECIFIED
	}
}

func fromProtoBandwidthCharge(c networkv1.BandwidthCharge) string {
	switch c {
	case networkv1.BandwidthCharge_BANDWIDTH_CHARGE_BY_BANDWIDTH:
		return byBandwidth
	case networkv1.BandwidthCharge_BANDWIDTH_CHARGE_BY_TRAFFIC:
		return byTraffic
	default:
		return ""
	}
}

// toProtoLocks tells why the cloud refuses changes to an EIP. Source:
// DescribeEipAddresses, BusinessStatus and OperationLocks.
func toProtoLocks(v *eip) []apiv1.LockReason {
	var out []apiv1.LockReason
	if strings.EqualFold(v.BusinessStatus, "FinancialLocked") {
		out = append(out, apiv1.LockReason_LOCK_REASON_ARREARS)
	}
	for _, l := range v.OperationLocks.LockReason {
		if strings.EqualFold(l.LockReason, "security") {
			out = append(out, apiv1.LockReason_LOCK_REASON_SECURITY)
		}
	}
	return out
}

// vmsOf are the VMs that EIPs are bound to.
func vmsOf(all []eip) []string {
	var out []string
	for i := range all {
		if all[i].InstanceType == boundToVM && all[i].InstanceID != "" {
			out = append(out, all[i].InstanceID)
		}
	}
	return out
}

// keepsPublicIP tells whether an address fits the filters of a request.
func keepsPublicIP(req *networkv1.ListPublicIpsRequest, v *networkv1.PublicIp) bool {
	return (req.GetName() == "" || req.GetName() == v.GetName()) &&
		tags.Match(v.GetTags(), req.GetTag()) &&
		(req.GetState() == 0 || req.GetState() == v.GetState()) &&
		(req.GetNicId() == "" || req.GetNicId() == v.GetNicId()) &&
		(req.GetIpAddress() == "" || req.GetIpAddress() == v.GetIpAddress())
}
