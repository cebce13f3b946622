package contracttest_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"buf.build/go/protovalidate"

	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

// neededBy are the features that an account must have for a subnet's range.
func neededBy(cidr string) []string {
	m := (&networkv1.CreateSubnetRequest{Cidr: cidr}).ProtoReflect()
	return contract.FeaturesNeeded(m, m.Descriptor().Fields().ByName("cidr"))
}

// TestSubnetRanges: private ranges go anywhere, shared and public ones where the account
// allows them, and those of a special purpose nowhere, not even as a part.
func TestSubnetRanges(t *testing.T) {
	const refused, shared, public = "refused", "network.subnet.shared_space", "network.subnet.public_space"
	validator, err := protovalidate.New()
	if err != nil {
		t.Fatal(err)
	}
	for cidr, want := range map[string]string{
		"10.0.0.0/16": "", "172.16.0.0/24": "", "172.31.255.248/29": "", "192.168.0.0/16": "", "fd00:1::/64": "", "FC00:1:2::/48": "",
		"100.64.0.0/24": shared, "100.127.0.0/16": shared,
		"100.63.0.0/16": public, "100.128.0.0/24": public, "11.0.0.0/24": public, "172.15.0.0/24": public, "172.32.0.0/24": public,
		"192.167.0.0/24": public, "192.169.0.0/24": public, "223.255.0.0/24": public, "8.8.8.0/24": public,
		"198.51.101.0/24": public, "198.51.102.0/23": public, "203.0.112.0/24": public, "203.0.114.0/23": public, "192.88.100.0/22": public,
		"192.88.97.0/24": public, "192.1.0.0/16": public, "2400:3200::/48": public, "2001:470:1::/64": public, "2001:200::/32": public,
		"0.0.0.0/16": refused, "127.0.0.0/24": refused, "169.254.0.0/24": refused, "192.0.0.0/24": refused, "192.0.0.0/16": refused,
		"192.0.2.0/24": refused, "192.88.99.0/24": refused, "192.88.0.0/16": refused, "192.88.96.0/21": refused, "192.88.98.0/23": refused,
		"198.18.0.0/24": refused, "198.19.0.0/24": refused, "198.51.100.0/24": refused, "198.51.0.0/17": refused, "198.51.96.0/20": refused,
		"198.51.100.0/22": refused, "203.0.113.0/24": refused, "203.0.64.0/18": refused, "203.0.112.0/21": refused, "203.0.112.0/23": refused,
		"224.0.0.0/24": refused, "240.0.0.0/24": refused, "10.0.0.0/8": refused, "10.0.0.0/30": refused, "10.0.0.1/24": refused,
		"2001:db8::/32": refused, "2001:0db8:1::/64": refused, "2001::/32": refused, "2001:10::/28": refused, "2001:1ff::/32": refused,
		"2002:a00::/24": refused, "fe80::/64": refused, "ff02::/64": refused, "::/64": refused, "4000::/16": refused, "here": refused,
	} {
		request := &networkv1.CreateSubnetRequest{Name: "sub", NetworkId: "a.n", Cidr: cidr}
		if strings.Contains(cidr, ":") {
			request.IpVersion = apiv1.IpVersion_IP_VERSION_IPV6
		}
		err := validator.Validate(request)
		switch needed := neededBy(cidr); {
		case (err != nil) != (want == refused):
			t.Errorf("%s: %v, want %q", cidr, err, want)
		case want == "" && len(needed) != 0, want != "" && want != refused && !slices.Equal(needed, []string{want}):
			t.Errorf("%s needs %v, want %q", cidr, needed, want)
		}
	}
}

// TestPublicSpace compares the pattern with all that IPv4 has.
func TestPublicSpace(t *testing.T) {
	sharedSpace := netip.MustParsePrefix("100.64.0.0/10")
	for first := range 224 {
		for second := range 256 {
			cidr := netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(first), byte(second)}), 16)
			needed, private := neededBy(cidr.String()), cidr.Addr().IsPrivate() || first == 0
			want := "[network.subnet.public_space]"
			switch {
			case private:
				want = "[]"
			case sharedSpace.Contains(cidr.Addr()):
				want = "[network.subnet.shared_space]"
			}
			if got := fmt.Sprint(needed); got != want {
				t.Fatalf("%s needs %s, want %s", cidr, got, want)
			}
		}
	}
}
