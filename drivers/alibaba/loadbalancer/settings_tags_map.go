package loadbalancer

import (
	"strconv"
	"strings"

	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
)

// Hidden tags of a group that keep the pool's settings while no listener does.
// A value has at most 128 characters.
const (
	tagProtocol    = api.ReservedPrefix + "protocol"
	tagAlgorithm   = api.ReservedPrefix + "algorithm"
	tagSticky      = api.ReservedPrefix + "sticky"
	tagMonitor     = api.ReservedPrefix + "monitor"
	tagMonitorPath = api.ReservedPrefix + "monitor-path"
	tagMonitorHost = api.ReservedPrefix + "monitor-host"

	none = "NONE" // a tag that says so replaces an older one
)

// toTags are the hidden tags of settings.
func (s settings) toTags() map[string]string {
	out := map[string]string{
		tagProtocol:  fromProtoProtocol(s.protocol),
		tagAlgorithm: fromProtoAlgorithm(s.algorithm),
		tagSticky:    none,
		tagMonitor:   none,
	}
	if v := s.sticky; v.GetType() > networkv1.SessionPersistenceType_SESSION_PERSISTENCE_TYPE_NONE {
		out[tagSticky] = join(int32(v.GetType()), v.GetTimeoutSeconds()) + " " + v.GetCookieName()
	}
	if m := s.monitor; m != nil {
		out[tagMonitor] = join(int32(m.GetType()), m.GetIntervalSeconds(), m.GetTimeoutSeconds(), m.GetHealthyThreshold(),
			m.GetUnhealthyThreshold(), m.GetPort()) + " " + m.GetHttpMethod() + " " + m.GetExpectedCodes()
		if m.GetUrlPath() != "" {
			out[tagMonitorPath] = m.GetUrlPath()
		}
		if m.GetHost() != "" {
			out[tagMonitorHost] = m.GetHost()
		}
	}
	return out
}

func join(numbers ...int32) string {
	text := make([]string, 0, len(numbers))
	for _, n := range numbers {
		text = append(text, strconv.Itoa(int(n)))
	}
	return strings.Join(text, " ")
}

// fromTags reads the settings of a group; ok is false where it has none of ours.
func fromTags(tags map[string]string) (s settings, ok bool) {
	s.protocol = toProtoProtocol(tags[tagProtocol])
	s.algorithm = toProtoAlgorithm(tags[tagAlgorithm])
	if v := strings.SplitN(tags[tagSticky], " ", 3); len(v) == 3 {
		s.sticky = &networkv1.SessionPersistence{
			Type: networkv1.SessionPersistenceType(number(v[0])), TimeoutSeconds: number(v[1]), CookieName: v[2],
		}
	}
	if v := strings.SplitN(tags[tagMonitor], " ", 8); len(v) == 8 {
		s.monitor = &networkv1.HealthMonitor{
			Type: networkv1.HealthMonitorType(number(v[0])), IntervalSeconds: number(v[1]), TimeoutSeconds: number(v[2]),
			HealthyThreshold: number(v[3]), UnhealthyThreshold: number(v[4]), Port: number(v[5]),
			HttpMethod: v[6], ExpectedCodes: v[7], UrlPath: tags[tagMonitorPath], Host: tags[tagMonitorHost],
		}
	}
	return s, tags[tagProtocol] != ""
}

func number(text string) int32 {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 0
	}
	return int32(n)
}
