package sim

import (
	"strings"
	"testing"
)

func TestRules(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		rule Rule
		want string // of ten calls: x is hit
	}{
		"all":                 {Rule{Action: "Ecs.*"}, "xxxxxxxxxx"},
		"another's":           {Rule{Action: "Vpc.*"}, ".........."},
		"the first three":     {Rule{Action: "*", Times: 3}, "xxx......."},
		"after two":           {Rule{Action: "*", Skip: 2}, "..xxxxxxxx"},
		"each third":          {Rule{Action: "*", Every: 3}, "..x..x..x."},
		"each third, twice":   {Rule{Action: "*", Every: 3, Times: 2}, "..x..x...."},
		"the second page":     {Rule{Action: "Ecs.DescribeInstances", Skip: 1, Times: 1}, ".x........"},
		"each second, skip 4": {Rule{Action: "*", Skip: 4, Every: 2}, ".....x.x.x"},
	} {
		f := Faults{Rules: []Rule{tc.rule}}
		var got strings.Builder
		for range 10 {
			if f.hit("Ecs.DescribeInstances") != nil {
				got.WriteByte('x')
			} else {
				got.WriteByte('.')
			}
		}
		if got.String() != tc.want {
			t.Errorf("%s: %s, want %s", name, got.String(), tc.want)
		}
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		cidr, address string
		count         int
		usable        bool
	}{
		"first":            {"192.168.1.0/29", "192.168.1.1", 4, true},
		"last":             {"192.168.1.0/29", "192.168.1.4", 4, true},
		"kept":             {"192.168.1.0/29", "192.168.1.5", 4, false},
		"the network":      {"192.168.1.0/29", "192.168.1.0", 4, false},
		"elsewhere":        {"192.168.1.0/29", "192.168.2.1", 4, false},
		"host bits":        {"192.168.1.1/29", "192.168.1.1", 0, false},
		"no address":       {"192.168.1.0/29", "x", 4, false},
		"not of version 4": {"fd00::/64", "fd00::1", 0, false},
	} {
		if n, ok := addressCount(tc.cidr), usable(tc.cidr, tc.address); n != tc.count || ok != tc.usable {
			t.Errorf("%s: %d %v", name, n, ok)
		}
	}
	taken := map[string]bool{}
	for range 4 {
		a, ok := freeAddress("192.168.1.0/29", taken)
		if !ok || taken[a] {
			t.Fatalf("%s %v", a, ok)
		}
		taken[a] = true
	}
	if a, ok := freeAddress("192.168.1.0/29", taken); ok {
		t.Errorf("a fifth address %s", a)
	}
}
