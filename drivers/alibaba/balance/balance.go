package balance

import (
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/tags"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Types of resources of the contract.
const (
	TypeVIP      = "network.vip"
	TypePool     = "network.pool"
	TypeMember   = "network.member"
	TypeListener = "network.listener"
	TypeNIC      = "network.nic"
	TypeVM       = "compute.vm"
)

// Rejected refuses a field of a request, saying what it must be.
func Rejected(field, why string) error {
	return sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field(field), sdk.Violation(field, why))
}

// Mismatch refuses a field that does not fit what it refers to.
func Mismatch(resourceType, id, field string) error {
	return sdk.NewError(apiv1.Reason_REASON_REFERENCE_MISMATCH, sdk.Resource(resourceType, id), sdk.Field(field))
}

// OneCertificate refuses more than one: the listeners of all three begin with one.
func OneCertificate(ids []string) error {
	if len(ids) > 1 {
		return Rejected("certificate_ids", "a listener has one certificate on this cloud")
	}
	return nil
}

// IsWeb tells whether a protocol works at layer 7.
func IsWeb(p networkv1.LoadBalancerProtocol) bool {
	return p == networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTP ||
		p == networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTPS
}

// KeepsVIP tells whether a VIP fits the filters of a request.
func KeepsVIP(req *networkv1.ListVipsRequest, v *networkv1.Vip) bool {
	return (req.GetName() == "" || req.GetName() == v.GetName()) &&
		tags.Match(v.GetTags(), req.GetTag()) &&
		(req.GetState() == 0 || req.GetState() == v.GetState()) &&
		(req.GetNetworkId() == "" || req.GetNetworkId() == v.GetNetworkId())
}

// KeepsPool tells whether a pool fits the filters of a request.
func KeepsPool(req *networkv1.ListPoolsRequest, v *networkv1.Pool) bool {
	return (req.GetName() == "" || req.GetName() == v.GetName()) &&
		tags.Match(v.GetTags(), req.GetTag()) &&
		(req.GetState() == 0 || req.GetState() == v.GetState()) &&
		(req.GetVipId() == "" || req.GetVipId() == v.GetVipId())
}

// KeepsListener tells whether a listener fits the filters of a request.
func KeepsListener(req *networkv1.ListListenersRequest, v *networkv1.Listener) bool {
	return (req.GetName() == "" || req.GetName() == v.GetName()) &&
		tags.Match(v.GetTags(), req.GetTag()) &&
		(req.GetState() == 0 || req.GetState() == v.GetState()) &&
		(req.GetVipId() == "" || req.GetVipId() == v.GetVipId()) &&
		(req.GetDefaultPoolId() == "" || req.GetDefaultPoolId() == v.GetDefaultPoolId())
}

// KeepsMember tells whether a member fits the filters of a request.
func KeepsMember(req *networkv1.ListMembersRequest, v *networkv1.Member) bool {
	return (req.GetName() == "" || req.GetName() == v.GetName()) &&
		(req.GetState() == 0 || req.GetState() == v.GetState()) &&
		(req.GetPoolId() == "" || req.GetPoolId() == v.GetPoolId())
}
