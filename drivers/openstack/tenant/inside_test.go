package tenant

import "testing"

func TestBlocker(t *testing.T) {
	t.Parallel()
	const mine, other = "p1", "p2"
	for name, tc := range map[string]struct {
		resourceType string
		thing        thing
		want         string
	}{
		"a VM":                        {"compute.vm", thing{ID: "a"}, "compute.vm/a"},
		"a network":                   {"network.network", thing{ID: "a", ProjectID: mine, TenantID: mine}, "network.network/a"},
		"the filter was ignored":      {"network.network", thing{ID: "a", ProjectID: other}, ""},
		"an image of another":         {"storage.image", thing{ID: "a", Owner: other}, ""},
		"a key pair":                  {"compute.key_pair", thing{KeyPair: &thing{Name: "laptop"}}, "compute.key_pair/laptop"},
		"the group of every project":  {"network.security_group", thing{ID: "a", Name: "default", ProjectID: mine}, ""},
		"a group of the user":         {"network.security_group", thing{ID: "a", Name: "web", ProjectID: mine}, "network.security_group/a"},
		"a NIC":                       {"network.nic", thing{ID: "a", ProjectID: mine}, "network.nic/a"},
		"a NIC of a VM":               {"network.nic", thing{ID: "a", ProjectID: mine, DeviceOwner: "compute:nova"}, "network.nic/a"},
		"the port of a DHCP server":   {"network.nic", thing{ID: "a", ProjectID: mine, DeviceOwner: "network:dhcp"}, ""},
		"a network called default":    {"network.network", thing{ID: "a", Name: "default"}, "network.network/a"},
		"the firewall of any project": {"security.firewall", thing{ID: "a", Name: "default"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := (content{resourceType: tc.resourceType}).blocker(tc.thing, mine); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
