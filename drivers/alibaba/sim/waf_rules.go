package sim

import (
	"encoding/json"
	"slices"
	"strings"
)

const (
	kindWafTemplate kind = "waf_template"
	kindWafRule     kind = "waf_rule"
)

func wafRules() actions {
	return actions{
		"CreateDefenseTemplate": wafCreateTemplate, "DescribeDefenseTemplates": wafTemplates, "DescribeDefenseTemplate": wafTemplate,
		"ModifyDefenseTemplate": wafModifyTemplate, "ModifyDefenseTemplateStatus": wafModifyTemplate, "DeleteDefenseTemplate": wafDeleteTemplate,
		"ModifyTemplateResources": wafBind, "DescribeTemplateResources": wafBound, "DescribeDefenseResourceTemplates": wafTemplatesOf,
		"CreateDefenseRule": wafCreateRules, "DescribeDefenseRules": wafRulesList, "DescribeDefenseRule": wafRule, "ModifyDefenseRule": wafModifyRules,
		"ModifyDefenseRuleStatus": wafRuleStatus, "DeleteDefenseRule": wafDeleteRules,
	}
}

func wafCreateTemplate(c *call) (obj, error) {
	if _, err := c.wafOwned(); err != nil {
		return nil, err
	}
	id := c.w.digits(6)
	r := c.create(kindWafTemplate, id, obj{
		"TemplateId": number(id, 0), "TemplateName": c.str("TemplateName"), "TemplateType": c.str("TemplateType"), "TemplateStatus": c.num("TemplateStatus", 1),
		"DefenseScene": c.str("DefenseScene"), "TemplateOrigin": c.str("TemplateOrigin"), "Description": c.str("Description"), "GmtModified": c.millis(),
	})
	r.region = global
	return obj{"TemplateId": number(id, 0)}, nil
}

func (c *call) wafTemplate() (*record, error) {
	if _, err := c.wafOwned(); err != nil {
		return nil, err
	}
	return c.need(kindWafTemplate, c.str("TemplateId"), "Defense.Control.DefenseTemplateNotExist")
}

func wafTemplates(c *call) (obj, error) {
	if _, err := c.wafOwned(); err != nil {
		return nil, err
	}
	return c.listed("Templates", c.selected(kindWafTemplate, "TemplateId", "TemplateName", "TemplateType", "DefenseScene"))
}

func wafTemplate(c *call) (obj, error) {
	r, err := c.wafTemplate()
	if err != nil {
		return nil, err
	}
	return obj{"Template": c.show(r, "Template")}, nil
}

func wafModifyTemplate(c *call) (obj, error) {
	r, err := c.wafTemplate()
	if err != nil {
		return nil, err
	}
	c.change(r, "TemplateName", "TemplateName", "Description", "Description", "TemplateStatus", "TemplateStatus")
	r.set("GmtModified", c.millis())
	return obj{}, nil
}

func wafDeleteTemplate(c *call) (obj, error) {
	r, err := c.wafTemplate()
	if err != nil {
		return nil, err
	}
	for _, rule := range c.with(kindWafRule, "TemplateId", r.id) {
		c.w.remove(rule)
	}
	c.w.remove(r)
	return obj{}, nil
}

func wafBind(c *call) (obj, error) {
	r, err := c.wafTemplate()
	if err != nil {
		return nil, err
	}
	bound := slices.Clone(r.in("_bound"))
	for _, name := range c.strs("UnbindResources") {
		bound = without(bound, name)
	}
	for _, name := range c.strs("BindResources") {
		bound = append(without(bound, name), name)
	}
	r.set("_bound", bound)
	return obj{}, nil
}

func wafBound(c *call) (obj, error) {
	r, err := c.wafTemplate()
	if err != nil {
		return nil, err
	}
	bound := r.in("_bound")
	return obj{"Resources": anys(bound), "TotalCount": len(bound), "TemplateId": r.num("TemplateId")}, nil
}

func wafTemplatesOf(c *call) (obj, error) {
	items := []any{}
	for _, r := range c.selected(kindWafTemplate) {
		if contains(r.in("_bound"), c.str("Resource")) {
			items = append(items, c.show(r, "Templates"))
		}
	}
	return obj{"Templates": items}, nil
}

func wafCreateRules(c *call) (obj, error) {
	if _, err := c.wafOwned(); err != nil {
		return nil, err
	}
	list, ok := c.jsonObjects("Rules")
	if !ok || len(list) == 0 {
		return nil, c.failOne([]string{"Defense.Control.DefenseRuleConfigInvalid", "InvalidParameter"}, "The rules are not valid.")
	}
	if c.has("TemplateId") && c.find(kindWafTemplate, c.str("TemplateId")) == nil {
		return nil, c.fail("Defense.Control.DefenseTemplateNotExist", "The protection template does not exist.")
	}
	made := []string{}
	for _, in := range list {
		config, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		id := c.w.digits(8)
		c.create(kindWafRule, id, obj{
			"RuleId": number(id, 0), "RuleName": text(in["name"]), "Status": number(in["status"], 1), "Config": string(config), "DefenseScene": c.str("DefenseScene"),
			"DefenseOrigin": "custom", "TemplateId": c.num("TemplateId", 0), "GmtModified": c.millis(), "GmtCreate": c.millis(), "DefenseType": c.or("DefenseType", "template"), "Resource": c.str("Resource"),
		}).region = global
		made = append(made, id)
	}
	return obj{"RuleIds": strings.Join(made, ",")}, nil
}

func wafRulesList(c *call) (obj, error) {
	if _, err := c.wafOwned(); err != nil {
		return nil, err
	}
	records := c.selected(kindWafRule, "DefenseType")
	var q obj
	if json.Unmarshal([]byte(c.str("Query")), &q) == nil {
		for key, attr := range map[string]string{"templateId": "TemplateId", "ruleId": "RuleId", "name": "RuleName", "scene": "DefenseScene"} {
			if want := text(q[key]); want != "" {
				records = keep(records, func(r *record) bool { return r.is(attr, want) })
			}
		}
	}
	return c.listed("Rules", records)
}

func (c *call) wafRule() (*record, error) {
	if _, err := c.wafOwned(); err != nil {
		return nil, err
	}
	return c.need(kindWafRule, c.str("RuleId"), "Defense.Control.DefenseRuleNotExist")
}

func wafRule(c *call) (obj, error) {
	r, err := c.wafRule()
	if err != nil {
		return nil, err
	}
	return obj{"Rule": c.show(r, "Rule")}, nil
}

func wafModifyRules(c *call) (obj, error) {
	if _, err := c.wafOwned(); err != nil {
		return nil, err
	}
	list, ok := c.jsonObjects("Rules")
	if !ok {
		return nil, c.fail("InvalidParameter", "The rules are not valid.")
	}
	for _, in := range list {
		r, err := c.need(kindWafRule, text(in["id"]), "Defense.Control.DefenseRuleNotExist")
		if err != nil {
			return nil, err
		}
		config, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		r.set("Config", string(config))
		if name := text(in["name"]); name != "" {
			r.set("RuleName", name)
		}
		r.set("GmtModified", c.millis())
	}
	return obj{}, nil
}

func wafRuleStatus(c *call) (obj, error) {
	r, err := c.wafRule()
	if err != nil {
		return nil, err
	}
	r.set("Status", c.num("RuleStatus", 1))
	return obj{}, nil
}

func wafDeleteRules(c *call) (obj, error) {
	if _, err := c.wafOwned(); err != nil {
		return nil, err
	}
	for _, id := range c.strs("RuleIds") {
		r, err := c.need(kindWafRule, strings.TrimSpace(id), "Defense.Control.DefenseRuleNotExist")
		if err != nil {
			return nil, err
		}
		c.w.remove(r)
	}
	return obj{}, nil
}
