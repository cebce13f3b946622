package network

import (
	"context"
	"net/url"
	"strings"

	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// portsInUse is the IN_USE of a resource that ports hold, and names them. cause
// is what the cloud answered.
func portsInUse(ctx context.Context, client *rest.Client, resourceType, id string, query url.Values, cause error) error {
	ports, err := nics.List(ctx, client, query)
	if err != nil {
		return session.Error(cause, resourceType, id)
	}
	return sdk.InUse(resourceType, id, cause, portBlockers(ports)...)
}

// publicIPsInUse is the IN_USE of a resource that floating IPs hold, and names them.
func publicIPsInUse(ctx context.Context, client *rest.Client, resourceType, id string, query url.Values, cause error) error {
	ips, err := publicIPs.List(ctx, client, query)
	if err != nil {
		return session.Error(cause, resourceType, id)
	}
	var blockers []string
	for i := range ips {
		if ips[i].PortID != "" && len(blockers) < rest.MaxBlockers {
			blockers = append(blockers, rest.Blocker(publicIPs.Type, ips[i].ID))
		}
	}
	return sdk.InUse(resourceType, id, cause, blockers...)
}

// portBlockers names what the ports belong to: for a router or load balancer
// that, else the port. Ports that the cloud removes by itself block nothing.
func portBlockers(ports []port) []string {
	var blockers []string
	seen := map[string]bool{}
	for i := range ports {
		p := &ports[i]
		b := rest.Blocker(nics.Type, p.ID)
		switch toProtoDeviceKind(p.DeviceOwner, p.DeviceID) {
		case networkv1.NicDeviceKind_NIC_DEVICE_KIND_DHCP:
			continue
		case networkv1.NicDeviceKind_NIC_DEVICE_KIND_ROUTER:
			b = rest.Blocker(routers.Type, p.DeviceID)
		case networkv1.NicDeviceKind_NIC_DEVICE_KIND_LOAD_BALANCER:
			b = rest.Blocker("network.vip", strings.TrimPrefix(p.DeviceID, loadBalancerPrefix))
		}
		if !seen[b] && len(blockers) < rest.MaxBlockers {
			seen[b] = true
			blockers = append(blockers, b)
		}
	}
	return blockers
}
