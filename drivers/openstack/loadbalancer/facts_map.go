package loadbalancer

import (
	"strings"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
)

// Keys of what Octavia does not hold, in hidden tags "yunqiao-<key>=<value>".
const (
	factKind       = "kind"
	factMemberKind = "member-kind"
	factProtocol   = "protocol"
	factVM         = "vm"
	factNIC        = "nic"
)

// factTags are the hidden tags of facts; empty ones are left out.
func factTags(facts map[string]string) []string {
	var out []string
	for key, value := range facts {
		if value != "" {
			out = append(out, session.ReservedPrefix+key+"="+value)
		}
	}
	return out
}

// fact is the value of a hidden tag, or empty.
func fact(tags []string, key string) string {
	for _, tag := range tags {
		if value, ok := strings.CutPrefix(tag, session.ReservedPrefix+key+"="); ok {
			return value
		}
	}
	return ""
}
