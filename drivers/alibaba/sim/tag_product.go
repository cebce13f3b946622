package sim

import (
	"maps"
	"slices"
	"strings"
)

const kindMetaTag kind = "meta_tag"

func tagProduct() actions {
	return actions{
		"TagResources": tagByARN, "UntagResources": untagByARN, "ListTagResources": listByARN, "ListTagKeys": listTagKeys, "ListTagValues": listTagValues,
		"CreateTags": createTags, "DeleteTag": deleteTag, "DescribeRegions": describeRegions,
	}
}

// arns splits acs:service:region:account:type/id.
func (c *call) arnRecord(arn string) *record {
	_, id, ok := strings.Cut(arn, "/")
	if !ok {
		return nil
	}
	for _, k := range c.w.kinds() {
		if r := c.w.byID(k, id); r != nil && r.account == c.who.account {
			return r
		}
	}
	return nil
}

func tagByARN(c *call) (obj, error) {
	tags := c.member("Tags")
	failed := []any{}
	for _, arn := range c.strs("ResourceARN") {
		r := c.arnRecord(arn)
		if r == nil {
			failed = append(failed, obj{"ResourceARN": arn, "Result": obj{"Code": "InvalidResourceId.NotFound", "Message": "The resource does not exist."}})
			continue
		}
		r.tags = maps.Clone(r.tags)
		for key, value := range tags {
			r.tags[key] = text(value)
		}
	}
	return wrap("FailedResources.FailedResource", failed), nil
}

func untagByARN(c *call) (obj, error) {
	for _, arn := range c.strs("ResourceARN") {
		if r := c.arnRecord(arn); r != nil {
			for _, key := range c.strs("TagKey") {
				delete(r.tags, key)
			}
		}
	}
	return obj{}, nil
}

func listByARN(c *call) (obj, error) {
	want, arns := c.member("Tags"), c.strs("ResourceARN")
	var rows []row
	for _, k := range c.w.kinds() {
		for _, r := range c.w.records[k].order {
			arn := "acs:ecs:" + r.region + ":" + r.account.uid + ":" + string(r.kind) + "/" + r.id
			given := slices.IndexFunc(arns, func(a string) bool { return strings.HasSuffix(a, "/"+r.id) })
			if r.account != c.who.account || len(r.tags) == 0 || len(arns) > 0 && given < 0 || !tagsMatch(r, want) {
				continue
			}
			if given >= 0 {
				arn = arns[given]
			}
			tags := []any{}
			for _, key := range slices.Sorted(maps.Keys(r.tags)) {
				tags = append(tags, obj{"Key": key, "Value": r.tags[key], "Category": "Custom"})
			}
			rows = append(rows, row{r.seq, obj{"ResourceARN": arn, "Tags": tags}})
		}
	}
	return c.listedRows("TagResources", rows)
}

func tagsMatch(r *record, want obj) bool {
	for key, value := range want {
		if have, ok := r.tags[key]; !ok || text(value) != "" && have != text(value) {
			return false
		}
	}
	return true
}

// known are the caller's tags: of resources and of those made in advance.
func (c *call) knownTags() map[string][]string {
	out := map[string][]string{}
	add := func(key, value string) {
		if !slices.Contains(out[key], value) {
			out[key] = append(out[key], value)
		}
	}
	for _, k := range c.w.kinds() {
		for _, r := range c.w.records[k].order {
			if r.account != c.who.account {
				continue
			}
			if k == kindMetaTag {
				add(r.str("Key"), r.str("Value"))
			}
			for key, value := range r.tags {
				add(key, value)
			}
		}
	}
	return out
}

func listTagKeys(c *call) (obj, error) {
	items := []any{}
	for _, key := range slices.Sorted(maps.Keys(c.knownTags())) {
		items = append(items, obj{"Key": key, "Category": "Custom"})
	}
	return wrap("Keys.Key", items), nil
}

func listTagValues(c *call) (obj, error) {
	values := c.knownTags()[c.str("Key")]
	slices.Sort(values)
	return wrap("Values.Value", anys(values)), nil
}

func createTags(c *call) (obj, error) {
	for _, in := range c.list("TagKeyValueParamList") {
		values := objects(in["TagValueParamList"])
		if len(values) == 0 {
			values = []obj{{"Value": ""}}
		}
		for _, v := range values {
			id := c.ramID(text(in["Key"]) + "=" + text(v["Value"]))
			if c.find(kindMetaTag, id) == nil {
				c.create(kindMetaTag, id, obj{"Key": text(in["Key"]), "Value": text(v["Value"])}).region = global
			}
		}
	}
	return obj{}, nil
}

func deleteTag(c *call) (obj, error) {
	found := false
	for _, r := range c.with(kindMetaTag, "Key", c.str("Key")) {
		if !c.has("Value") || r.is("Value", c.str("Value")) {
			c.w.remove(r)
			found = true
		}
	}
	if !found {
		return nil, c.fail("MetaTagKeyNotFound", "The tag does not exist.")
	}
	return obj{}, nil
}
