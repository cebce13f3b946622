package memcloud

import (
	"fmt"
	"io"
	"net/netip"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

// maxCountedAddresses bounds the count of free addresses shown for large (IPv6) pools.
const maxCountedAddresses = 1 << 16

// takeAddress gives a free address of a subnet; wanted, if not empty, is the
// one that must be free. OUT_OF_STOCK when the pools are used up.
func takeAddress(v *view, r *record, subnet *networkv1.Subnet, field, wanted string) (string, error) {
	used := usedAddresses(v, r.id)
	if wanted != "" {
		cidr, err := netip.ParsePrefix(subnet.GetCidr())
		if err != nil {
			return "", err
		}
		addr, err := netip.ParseAddr(wanted)
		if err != nil || !cidr.Contains(addr) {
			return "", rejected(field)
		}
		if used[addr] {
			return "", sdk.NewError(apiv1.Reason_REASON_CONFLICTS_WITH_EXISTING, sdk.Field(field))
		}
		return addr.String(), nil
	}
	for addr := range poolAddresses(subnet) {
		if !used[addr] {
			return addr.String(), nil
		}
	}
	return "", sdk.NewError(apiv1.Reason_REASON_OUT_OF_STOCK, sdk.Resource(string(subnets.kind), r.id))
}

// usedAddresses are those that NICs, and in the external network public IPs,
// gateways and VIPs of all projects, have in a subnet.
func usedAddresses(v *view, subnetID string) map[netip.Addr]bool {
	used := map[netip.Addr]bool{}
	add := func(text string) {
		if addr, err := netip.ParseAddr(text); err == nil {
			used[addr] = true
		}
	}
	if subnetID == externalSubnetID {
		v.everywhere(publicIPs.kind, func(r *record) { add(r.msg.(*networkv1.PublicIp).GetIpAddress()) })
		v.everywhere(routers.kind, func(r *record) {
			for _, ip := range r.msg.(*networkv1.Router).GetExternalGateway().GetIpAddresses() {
				add(ip)
			}
		})
		v.everywhere(vips.kind, func(r *record) { add(r.aux[auxInternetAddress]) })
		return used
	}
	for _, nic := range nics.mine(v) {
		if nic.GetSubnetId() != subnetID {
			continue
		}
		for _, ip := range nic.GetIpAddresses() {
			add(ip)
		}
	}
	return used
}

func poolAddresses(subnet *networkv1.Subnet) func(func(netip.Addr) bool) {
	return func(yield func(netip.Addr) bool) {
		for _, pool := range subnet.GetAllocationPools() {
			addr, errFirst := netip.ParseAddr(pool.GetFirst())
			last, errLast := netip.ParseAddr(pool.GetLast())
			if errFirst != nil || errLast != nil {
				continue
			}
			for ; addr.IsValid() && !last.Less(addr); addr = addr.Next() {
				if addr.String() != subnet.GetGatewayIp() && !yield(addr) {
					return
				}
			}
		}
	}
}

func freeCount(v *view, subnet *networkv1.Subnet) int32 {
	used := usedAddresses(v, subnet.GetId())
	free := int32(0)
	for addr := range poolAddresses(subnet) {
		if !used[addr] {
			free++
		}
		if free == maxCountedAddresses {
			break
		}
	}
	return free
}

// lastUsable is the last address of a range, for IPv4 the one before broadcast.
func lastUsable(cidr netip.Prefix) netip.Addr {
	bytes := cidr.Addr().AsSlice()
	for bit := cidr.Bits(); bit < len(bytes)*8; bit++ {
		bytes[bit/8] |= 1 << (7 - bit%8)
	}
	last, _ := netip.AddrFromSlice(bytes)
	if last.Is4() {
		return last.Prev()
	}
	return last
}

// secondAddress is the IPv6 address that goes with an IPv4 one in a dual
// subnet: the same last four bytes. Empty in other subnets.
func secondAddress(subnet *networkv1.Subnet, ipv4 string) string {
	prefix, err := netip.ParsePrefix(subnet.GetIpv6Cidr())
	if err != nil {
		return ""
	}
	addr, err := netip.ParseAddr(ipv4)
	if err != nil || !addr.Is4() {
		return ""
	}
	bytes, host := prefix.Addr().As16(), addr.As4()
	copy(bytes[12:], host[:])
	return netip.AddrFrom16(bytes).String()
}

// newIPv6Range makes a /64 out of the unique local addresses (RFC 4193).
func (c *Cloud) newIPv6Range() string {
	bytes := [16]byte{0xfd}
	if _, err := io.ReadFull(c.random, bytes[1:8]); err != nil {
		panic(fmt.Sprintf("memcloud: the source of addresses ran dry: %v", err))
	}
	return netip.PrefixFrom(netip.AddrFrom16(bytes), 64).String()
}

// newMAC makes a locally administered MAC address.
func (c *Cloud) newMAC() string {
	var b [3]byte
	if _, err := io.ReadFull(c.random, b[:]); err != nil {
		panic(fmt.Sprintf("memcloud: the source of addresses ran dry: %v", err))
	}
	return fmt.Sprintf("52:54:00:%02x:%02x:%02x", b[0], b[1], b[2])
}
