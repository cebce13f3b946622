package sim

import (
	"encoding/json"
	"hash/fnv"
	"math"
	"slices"
	"strconv"
	"time"
)

func cmsMetrics() actions {
	return actions{
		"DescribeMetricList": metricList, "DescribeMetricData": metricList, "DescribeMetricLast": metricLast, "DescribeMetricTop": metricTop,
		"DescribeMetricMetaList": metricMeta, "DescribeProjectMeta": projectMeta,
	}
}

// metric is one that the cloud measures, with the kind that it is about and the
// dimension that names it.
type metric struct {
	namespace, name, unit, dimension string
	kind                             kind
	scale                            float64
}

func metrics() []metric {
	return []metric{
		{"acs_ecs_dashboard", "CPUUtilization", "%", "instanceId", kindInstance, 100},
		{"acs_ecs_dashboard", "cpu_total", "%", "instanceId", kindInstance, 100},
		{"acs_ecs_dashboard", "memory_usedutilization", "%", "instanceId", kindInstance, 100},
		{"acs_ecs_dashboard", "diskusage_utilization", "%", "instanceId", kindInstance, 100},
		{"acs_ecs_dashboard", "DiskReadBPS", "B/s", "instanceId", kindInstance, 1 << 20},
		{"acs_ecs_dashboard", "DiskWriteBPS", "B/s", "instanceId", kindInstance, 1 << 20},
		{"acs_ecs_dashboard", "DiskReadIOPS", "Count/s", "instanceId", kindInstance, 500},
		{"acs_ecs_dashboard", "DiskWriteIOPS", "Count/s", "instanceId", kindInstance, 500},
		{"acs_ecs_dashboard", "IntranetInRate", "bit/s", "instanceId", kindInstance, 1 << 24},
		{"acs_ecs_dashboard", "IntranetOutRate", "bit/s", "instanceId", kindInstance, 1 << 24},
		{"acs_ecs_dashboard", "InternetInRate", "bit/s", "instanceId", kindInstance, 1 << 22},
		{"acs_ecs_dashboard", "InternetOutRate", "bit/s", "instanceId", kindInstance, 1 << 22},
		{"acs_ecs_dashboard", "VPC_PublicIP_InternetInRate", "bit/s", "instanceId", kindInstance, 1 << 22},
		{"acs_ecs_dashboard", "VPC_PublicIP_InternetOutRate", "bit/s", "instanceId", kindInstance, 1 << 22},
		{"acs_vpc_eip", "net_rx.rate", "bit/s", "instanceId", kindEIP, 1 << 22},
		{"acs_vpc_eip", "net_tx.rate", "bit/s", "instanceId", kindEIP, 1 << 22},
		{"acs_slb_dashboard", "TrafficRXNew", "bit/s", "instanceId", kindLoadBalancer, 1 << 24},
		{"acs_slb_dashboard", "TrafficTXNew", "bit/s", "instanceId", kindLoadBalancer, 1 << 24},
		{"acs_slb_dashboard", "ActiveConnection", "Count", "instanceId", kindLoadBalancer, 1000},
		{"acs_rds_dashboard", "CpuUsage", "%", "instanceId", kindDatabase, 100},
		{"acs_rds_dashboard", "MemoryUsage", "%", "instanceId", kindDatabase, 100},
		{"acs_rds_dashboard", "DiskUsage", "%", "instanceId", kindDatabase, 100},
		{"acs_rds_dashboard", "ConnectionUsage", "%", "instanceId", kindDatabase, 100},
		{"acs_vpn", "net_rx.rate", "bit/s", "instanceId", kindVpnGateway, 1 << 22},
		{"acs_vpn", "net_tx.rate", "bit/s", "instanceId", kindVpnGateway, 1 << 22},
	}
}

func (c *call) metric() (metric, error) {
	i := slices.IndexFunc(metrics(), func(m metric) bool { return m.namespace == c.str("Namespace") && m.name == c.str("MetricName") })
	if i < 0 {
		return metric{}, c.failOne([]string{"ResourceNotFound", "404", "InvalidParameter"}, "The specified metric does not exist.")
	}
	return metrics()[i], nil
}

// value is what a resource had at a time: the same whenever it is asked for.
func (m metric) value(id string, at time.Time) float64 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(m.name + id))
	phase := float64(h.Sum32()%1000) / 1000
	wave := (math.Sin(float64(at.Unix())/600+phase*2*math.Pi) + 1) / 2
	return math.Round(m.scale*(0.1+0.6*wave)*100) / 100
}

// measured are the resources that a call asks about.
func (c *call) measured(m metric) []*record {
	var dimensions []obj
	raw := c.str("Dimensions")
	if raw != "" && json.Unmarshal([]byte(raw), &dimensions) != nil {
		var one obj
		if json.Unmarshal([]byte(raw), &one) == nil {
			dimensions = []obj{one}
		}
	}
	return c.where(m.kind, func(r *record) bool {
		if raw == "" {
			return true
		}
		return slices.ContainsFunc(dimensions, func(d obj) bool { return text(d[m.dimension]) == r.id })
	})
}

// instant reads a time: milliseconds, or text in UTC+8 or with a zone.
func instant(s string, absent time.Time) time.Time {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return time.UnixMilli(n)
	}
	for _, layout := range []string{seconds, time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			return t
		}
	}
	if t, err := time.ParseInLocation("2006-01-02 15:04:05", s, time.FixedZone("UTC+8", 8*3600)); err == nil {
		return t
	}
	return absent
}

const maxPoints = 1440

func metricList(c *call) (obj, error) {
	m, err := c.metric()
	if err != nil {
		return nil, err
	}
	period := max(15, number(c.or("Period", "60"), 60))
	end := instant(c.str("EndTime"), c.now)
	start := instant(c.str("StartTime"), end.Add(-time.Hour))
	if end.After(c.now) {
		end = c.now
	}
	step := time.Duration(period) * time.Second
	var points []obj
	for at := start.Truncate(step); at.Before(end); at = at.Add(step) {
		if at.Before(start) {
			continue
		}
		for _, r := range c.measured(m) {
			if at.Before(r.created.Truncate(step)) {
				continue
			}
			points = append(points, m.point(r, at))
		}
	}
	limit := min(maxPoints, max(1, number(c.or("Length", "1000"), 1000)))
	from := 0
	if c.has("NextToken") {
		if from, err = c.position(); err != nil {
			return nil, err
		}
	}
	page := points[min(from, len(points)):min(from+limit, len(points))]
	out, err := datapoints(page, period)
	if from+limit < len(points) && c.action.Response.Properties["NextToken"] != nil {
		out["NextToken"] = c.token(from + limit)
	}
	return out, err
}

func (m metric) point(r *record, at time.Time) obj {
	v := m.value(r.id, at)
	return obj{"timestamp": at.UnixMilli(), "userId": r.account.uid, "instanceId": r.id, "Average": v, "Minimum": math.Round(v*90) / 100, "Maximum": math.Round(v*110) / 100}
}

func datapoints(points []obj, period int) (obj, error) {
	if points == nil {
		points = []obj{}
	}
	encoded, err := json.Marshal(points)
	return obj{"Datapoints": string(encoded), "Period": strconv.Itoa(period), "Code": "200"}, err
}

func metricLast(c *call) (obj, error) {
	m, err := c.metric()
	if err != nil {
		return nil, err
	}
	period := max(15, number(c.or("Period", "60"), 60))
	var points []obj
	for _, r := range c.measured(m) {
		points = append(points, m.point(r, c.now.Truncate(time.Duration(period)*time.Second)))
	}
	return datapoints(points, period)
}

func metricTop(c *call) (obj, error) {
	m, err := c.metric()
	if err != nil {
		return nil, err
	}
	var points []obj
	for _, r := range c.measured(m) {
		points = append(points, m.point(r, c.now.Truncate(time.Minute)))
	}
	slices.SortFunc(points, func(a, b obj) int {
		d := b["Average"].(float64) - a["Average"].(float64)
		if c.is("OrderDesc", "True") || d == 0 {
			return int(math.Copysign(1, d))
		}
		return -int(math.Copysign(1, d))
	})
	return datapoints(points[:min(len(points), number(c.or("Length", "10"), 10))], 60)
}

func metricMeta(c *call) (obj, error) {
	items := []any{}
	for _, m := range metrics() {
		if n := c.str("Namespace"); n != "" && n != m.namespace || c.str("MetricName") != "" && c.str("MetricName") != m.name {
			continue
		}
		items = append(items, obj{
			"Namespace": m.namespace, "MetricName": m.name, "Unit": m.unit, "Dimensions": "userId," + m.dimension, "Periods": "60,300", "Statistics": "Average,Minimum,Maximum", "Labels": "[]",
		})
	}
	size, page := max(1, c.num("PageSize", 30)), max(1, c.num("PageNumber", 1))
	total := len(items)
	start := min((page-1)*size, total)
	return merge(wrap("Resources.Resource", items[start:min(start+size, total)]), obj{"TotalCount": strconv.Itoa(total), "Code": "200"}), nil
}

func projectMeta(c *call) (obj, error) {
	items := []any{}
	var seen []string
	for _, m := range metrics() {
		if !contains(seen, m.namespace) {
			seen = append(seen, m.namespace)
			items = append(items, obj{"Namespace": m.namespace, "Labels": "[]"})
		}
	}
	return merge(wrap("Resources.Resource", items), obj{"Total": strconv.Itoa(len(items)), "PageNumber": "1", "PageSize": "30", "Code": "200"}), nil
}
