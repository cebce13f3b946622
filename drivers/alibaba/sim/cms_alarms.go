package sim

import (
	"strconv"
	"strings"
)

const (
	kindAlarmRule    kind = "cms_alarm_rule"
	kindContact      kind = "cms_contact"
	kindContactGroup kind = "cms_contact_group"
)

func cmsAlarms() actions {
	return actions{
		"PutResourceMetricRule": putRule, "PutResourceMetricRules": putRules, "DescribeMetricRuleList": describeRuleList, "DeleteMetricRules": deleteMetricRules,
		"EnableMetricRules": enableRules(true), "DisableMetricRules": enableRules(false), "DescribeMetricRuleCount": countRules, "DescribeAlertLogList": alertLog,
		"PutContact": putContact, "DescribeContactList": describeContacts, "DeleteContact": deleteContact, "PutContactGroup": putContactGroup,
		"DescribeContactGroupList": describeContactGroups, "DeleteContactGroup": deleteContactGroup, "DescribeAlertingMetricRuleResources": alertingResources,
	}
}

// escalation is one level of a rule, from parameters with dots.
func escalation(in map[string]any, level string) obj {
	prefix := "Escalations." + level + "."
	if text(in[prefix+"Threshold"]) == "" {
		return obj{}
	}
	return obj{
		"Statistics": text(in[prefix+"Statistics"]), "ComparisonOperator": text(in[prefix+"ComparisonOperator"]), "Threshold": text(in[prefix+"Threshold"]), "Times": number(in[prefix+"Times"], 3),
	}
}

func (c *call) putAlarm(in map[string]any) {
	id := text(in["RuleId"])
	attrs := obj{
		"RuleId": id, "RuleName": text(in["RuleName"]), "Namespace": text(in["Namespace"]), "MetricName": text(in["MetricName"]), "Resources": text(in["Resources"]), "Dimensions": text(in["Resources"]),
		"ContactGroups": text(in["ContactGroups"]), "Webhook": text(in["Webhook"]), "EffectiveInterval": textOr(in["EffectiveInterval"], "00:00-23:59"), "SilenceTime": number(in["SilenceTime"], 86400),
		"Period": textOr(in["Period"], "300"), "MailSubject": text(in["EmailSubject"]), "EnableState": true, "AlertState": "OK", "SourceType": "METRIC", "NoDataPolicy": textOr(in["NoDataPolicy"], "KEEP_LAST_STATE"),
		"Escalations": obj{"Critical": escalation(in, "Critical"), "Warn": escalation(in, "Warn"), "Info": escalation(in, "Info")}, "GmtCreate": c.millis(), "GmtUpdate": strconv.Itoa(c.millis()),
	}
	if old := c.find(kindAlarmRule, c.ramID(id)); old != nil {
		attrs["EnableState"] = old.attrs["EnableState"]
		old.attrs = attrs
		return
	}
	c.create(kindAlarmRule, c.ramID(id), attrs).region = global
}

func putRule(c *call) (obj, error) {
	for _, group := range c.strs("ContactGroups") {
		if c.find(kindContactGroup, c.ramID(group)) == nil {
			return nil, c.failOne([]string{"ResourceNotFound", "InvalidParameter"}, "The contact group does not exist.")
		}
	}
	c.putAlarm(c.args)
	return obj{}, nil
}

func putRules(c *call) (obj, error) {
	for _, in := range c.list("Rules") {
		c.putAlarm(in)
	}
	return obj{}, nil
}

func describeRuleList(c *call) (obj, error) {
	records := c.selected(kindAlarmRule, "MetricName", "Namespace", "AlertState", "EnableState")
	if ids := c.strs("RuleIds"); len(ids) > 0 {
		records = keep(records, func(r *record) bool { return contains(ids, r.str("RuleId")) })
	}
	if name := c.str("RuleName"); name != "" {
		records = keep(records, func(r *record) bool { return strings.Contains(r.str("RuleName"), name) })
	}
	size, page := max(1, c.num("PageSize", 10)), max(1, c.num("Page", 1))
	start := min((page-1)*size, len(records))
	items := []any{}
	for _, r := range records[start:min(start+size, len(records))] {
		items = append(items, c.show(r, "Alarms.Alarm"))
	}
	return merge(wrap("Alarms.Alarm", items), obj{"Total": strconv.Itoa(len(records)), "Code": 200}), nil
}

func (c *call) rulesNamed(name string) ([]*record, error) {
	var out []*record
	for _, id := range c.strs(name) {
		r := c.find(kindAlarmRule, c.ramID(id))
		if r == nil {
			return nil, c.failOne([]string{"ResourceNotFound", "404", "InvalidParameter"}, "The rule does not exist.")
		}
		out = append(out, r)
	}
	return out, nil
}

func deleteMetricRules(c *call) (obj, error) {
	for _, id := range c.strs("Id") {
		if r := c.find(kindAlarmRule, c.ramID(id)); r != nil {
			c.w.remove(r)
		}
	}
	return obj{}, nil
}

func enableRules(on bool) handler {
	return func(c *call) (obj, error) {
		list, err := c.rulesNamed("RuleId")
		if err != nil {
			return nil, err
		}
		for _, r := range list {
			r.set("EnableState", on)
		}
		return obj{}, nil
	}
}

func countRules(c *call) (obj, error) {
	total, disabled := 0, 0
	for r := range c.all(kindAlarmRule) {
		total++
		if !isTrue(r.attrs["EnableState"]) {
			disabled++
		}
	}
	return obj{"MetricRuleCount": obj{"Total": total, "Disable": disabled, "Ok": total - disabled}}, nil
}

// alertLog is empty: nobody is notified.
func alertLog(c *call) (obj, error) {
	out := obj{}
	for name, v := range map[string]int{"PageNumber": 1, "PageSize": c.num("PageSize", 10)} {
		if c.action.Response.Properties[name] != nil {
			out[name] = v
		}
	}
	return out, nil
}

func (c *call) put(k kind, name string, attrs obj) {
	if old := c.find(k, c.ramID(name)); old != nil {
		old.attrs = attrs
		return
	}
	c.create(k, c.ramID(name), attrs).region = global
}

func putContact(c *call) (obj, error) {
	name := c.str("ContactName")
	c.put(kindContact, name, obj{
		"Name": name, "Desc": c.str("Describe"), "CreateTime": c.millis(), "UpdateTime": c.millis(), "Lang": c.or("Lang", "zh-cn"),
		"Channels": obj{"Mail": c.str("Channels.Mail"), "SMS": c.str("Channels.SMS"), "DingWebHook": c.str("Channels.DingWebHook"), "AliIM": c.str("Channels.AliIM")},
	})
	return obj{}, nil
}

func describeContacts(c *call) (obj, error) {
	records := c.selected(kindContact, "ContactName=Name")
	items := []any{}
	for _, r := range records {
		items = append(items, c.show(r, "Contacts.Contact"))
	}
	return merge(wrap("Contacts.Contact", items), obj{"Total": len(items)}), nil
}

func deleteContact(c *call) (obj, error) { return c.deleteNamedCMS(kindContact, c.str("ContactName")) }

func (c *call) deleteNamedCMS(k kind, name string) (obj, error) {
	r := c.find(k, c.ramID(name))
	if r == nil {
		return nil, c.failOne([]string{"ResourceNotFound", "404", "InvalidParameter"}, "The specified resource is not found.")
	}
	c.w.remove(r)
	return obj{}, nil
}

func putContactGroup(c *call) (obj, error) {
	name := c.str("ContactGroupName")
	c.put(kindContactGroup, name, obj{
		"Name": name, "Describe": c.str("Describe"), "CreateTime": c.millis(), "UpdateTime": c.millis(), "EnableSubscribed": c.yes("EnableSubscribed"),
		"Contacts": obj{"Contact": anys(c.strs("ContactNames"))},
	})
	return obj{}, nil
}

func describeContactGroups(c *call) (obj, error) {
	items, names := []any{}, []any{}
	for r := range c.all(kindContactGroup) {
		items = append(items, c.show(r, "ContactGroupList.ContactGroup"))
		names = append(names, r.str("Name"))
	}
	return merge(merge(wrap("ContactGroupList.ContactGroup", items), wrap("ContactGroups.ContactGroup", names)), obj{"Total": len(items)}), nil
}

func deleteContactGroup(c *call) (obj, error) {
	return c.deleteNamedCMS(kindContactGroup, c.str("ContactGroupName"))
}
