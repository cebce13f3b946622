package sim

import (
	"net/netip"
	"strings"
)

// parseCIDR reads an IPv4 network whose host bits are zero.
func parseCIDR(s string) (netip.Prefix, bool) {
	p, err := netip.ParsePrefix(s)
	if err != nil || !p.Addr().Is4() || p.Masked() != p {
		return netip.Prefix{}, false
	}
	return p, true
}

// within tells whether one network lies wholly in another.
func within(inner, outer netip.Prefix) bool {
	return inner.Bits() >= outer.Bits() && outer.Contains(inner.Addr())
}

func overlap(a, b string) bool {
	p, okP := parseCIDR(a)
	q, okQ := parseCIDR(b)
	return okP && okQ && p.Overlaps(q)
}

// reservedAddresses are the first and the last three of a vSwitch, which the cloud
// keeps.
const reservedAddresses = 4

func addressCount(cidr string) int {
	p, ok := parseCIDR(cidr)
	if !ok {
		return 0
	}
	return max(0, 1<<(32-p.Bits())-reservedAddresses)
}

// freeAddress finds the lowest address of a vSwitch that nobody has.
func freeAddress(cidr string, taken map[string]bool) (string, bool) {
	p, ok := parseCIDR(cidr)
	if !ok {
		return "", false
	}
	a := p.Addr().Next()
	for range addressCount(cidr) {
		if !taken[a.String()] {
			return a.String(), true
		}
		a = a.Next()
	}
	return "", false
}

// usable tells whether a vSwitch can give an address.
func usable(cidr, address string) bool {
	p, ok := parseCIDR(cidr)
	a, err := netip.ParseAddr(address)
	if !ok || err != nil || !p.Contains(a) {
		return false
	}
	index := 0
	for b := p.Addr(); b != a; b = b.Next() {
		index++
	}
	return index >= 1 && index <= addressCount(cidr)
}

// publicAddress makes an address of 47.96.0.0/12 that was not given before.
func (w *world) publicAddress() string {
	w.addresses++
	n := w.addresses
	return netip.AddrFrom4([4]byte{47, byte(96 + n>>16&15), byte(n >> 8), byte(n)}).String()
}

// macAddress makes one of the cloud's.
func (w *world) macAddress() string {
	h := "0123456789abcdef"
	var b strings.Builder
	b.WriteString("00:16:3e")
	for range 3 {
		b.WriteByte(':')
		b.WriteByte(h[w.rnd.IntN(16)])
		b.WriteByte(h[w.rnd.IntN(16)])
	}
	return b.String()
}
