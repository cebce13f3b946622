package memcloud

import (
	"slices"
	"time"

	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

const (
	publicIPDelay        = time.Second / 2 // of each move, at scale 1
	defaultBandwidthMbps = 5
)

func beginUnbind(v *view, r *record) {
	r, ip := publicIPs.edit(v, r)
	setState(ip, networkv1.PublicIpState_PUBLIC_IP_STATE_UNBINDING)
	v.after(r, publicIPDelay)
}

// unbind takes an address off its NIC at once.
func unbind(v *view, r *record) {
	r, ip := publicIPs.edit(v, r)
	nicID := ip.GetNicId()
	ip.NicId, ip.PrivateIpAddress = "", ""
	r.due = time.Time{}
	setState(ip, networkv1.PublicIpState_PUBLIC_IP_STATE_AVAILABLE)
	if nr, _, ok := nics.find(v, nicID); ok {
		_, nic := nics.edit(v, nr)
		nic.PublicIpId = ""
		refreshVM(v, nic.GetVmId())
		refreshVIP(v, nic.GetDeviceId())
	}
}

// settlePublicIP ends a public IP's move.
func settlePublicIP(v *view, r *record) {
	_, ip := publicIPs.edit(v, r)
	switch ip.GetState() {
	case networkv1.PublicIpState_PUBLIC_IP_STATE_CREATING:
		settleTo(r, networkv1.PublicIpState_PUBLIC_IP_STATE_AVAILABLE, networkv1.PublicIpState_PUBLIC_IP_STATE_ERROR)
	case networkv1.PublicIpState_PUBLIC_IP_STATE_BINDING:
		setState(ip, networkv1.PublicIpState_PUBLIC_IP_STATE_IN_USE)
	case networkv1.PublicIpState_PUBLIC_IP_STATE_UNBINDING:
		unbind(v, r)
	case networkv1.PublicIpState_PUBLIC_IP_STATE_DELETING:
		v.remove(r.key)
	}
}

// leadsOut tells whether a router joins the subnet to the external network.
func leadsOut(v *view, subnetID, externalID string) bool {
	for _, router := range routers.mine(v) {
		if router.GetExternalGateway().GetNetworkId() == externalID && interfaceIn(router, subnetID) >= 0 {
			return true
		}
	}
	return false
}

// boundIn names the public IPs bound to NICs of a subnet.
func boundIn(v *view, subnetID string) []string {
	return publicIPs.blockers(v, func(ip *networkv1.PublicIp) bool {
		_, nic, ok := nics.find(v, ip.GetNicId())
		return ok && nic.GetSubnetId() == subnetID
	})
}

// boundBehind names the public IPs bound in the subnets of a router.
func boundBehind(v *view, router *networkv1.Router) []string {
	var used []string
	for _, i := range router.GetInterfaces() {
		used = append(used, boundIn(v, i.GetSubnetId())...)
	}
	slices.Sort(used)
	return used
}
