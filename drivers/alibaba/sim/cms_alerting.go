package sim

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"
)

// alertLevels are the escalations of a rule, the worst first, by the numbers that
// answers have for them.
func alertLevels() []string { return []string{"Critical", "Warn", "Info"} }

const firstAlertLevel = 2

// alertingResources evaluates the enabled rules: a rule alerts at a resource whose
// figure of now passes a threshold. How often in a row it must is not looked at.
func alertingResources(c *call) (obj, error) {
	items := []any{}
	for r := range c.all(kindAlarmRule) {
		if !isTrue(r.attrs["EnableState"]) || c.str("RuleId") != "" && c.str("RuleId") != r.str("RuleId") || c.str("Namespace") != "" && c.str("Namespace") != r.str("Namespace") {
			continue
		}
		items = append(items, c.alertsOf(r)...)
	}
	size, page := max(1, c.num("PageSize", 10)), max(1, c.num("Page", 1))
	start := min((page-1)*size, len(items))
	shown := items[start:min(start+size, len(items))]
	return merge(wrap("Resources.Resource", shown), obj{"Total": len(items), "Code": 200, "Success": true}), nil
}

func (c *call) alertsOf(rule *record) []any {
	i := slices.IndexFunc(metrics(), func(m metric) bool { return m.namespace == rule.str("Namespace") && m.name == rule.str("MetricName") })
	var resources []obj
	if i < 0 || json.Unmarshal([]byte(rule.str("Resources")), &resources) != nil {
		return nil
	}
	m := metrics()[i]
	var out []any
	for _, resource := range resources {
		id := text(resource[m.dimension])
		if c.find(m.kind, id) == nil {
			continue
		}
		value := m.value(id, c.now.Truncate(time.Minute))
		level, passed := passedLevel(rule, value)
		if passed == nil {
			continue
		}
		out = append(out, obj{
			"RuleId": rule.str("RuleId"), "RuleName": rule.str("RuleName"), "Namespace": m.namespace, "MetricName": m.name, "Enable": "true",
			"Resource": "userId=" + rule.account.uid + "," + m.dimension + "=" + id, "Statistics": text(passed["Statistics"]), "Threshold": text(passed["Threshold"]), "Level": level,
			"RetryTimes": strconv.Itoa(number(passed["Times"], 3)), "StartTime": text(rule.attrs["GmtUpdate"]), "LastAlertTime": strconv.Itoa(c.millis()),
			"Escalation": obj{"Resource": []any{obj{"Level": level, "ComparisonOperator": sign(text(passed["ComparisonOperator"])), "Threshold": text(passed["Threshold"]), "Times": number(passed["Times"], 3)}}},
		})
	}
	return out
}

// passedLevel is the worst level whose threshold a value passes, with its escalation.
func passedLevel(rule *record, value float64) (int, obj) {
	all, _ := rule.attrs["Escalations"].(obj)
	for i, level := range alertLevels() {
		escalation, _ := all[level].(obj)
		threshold, err := strconv.ParseFloat(text(escalation["Threshold"]), 64)
		if err == nil && passes(text(escalation["ComparisonOperator"]), value, threshold) {
			return firstAlertLevel + i, escalation
		}
	}
	return 0, nil
}

func passes(operator string, value, threshold float64) bool {
	switch sign(operator) {
	case ">=":
		return value >= threshold
	case ">":
		return value > threshold
	case "<=":
		return value <= threshold
	case "<":
		return value < threshold
	default:
		return false // the other operators compare with the past
	}
}

// sign is an operator as answers write it.
func sign(operator string) string {
	return map[string]string{
		"GreaterThanOrEqualToThreshold": ">=", "GreaterThanThreshold": ">", "LessThanOrEqualToThreshold": "<=", "LessThanThreshold": "<",
	}[operator]
}
