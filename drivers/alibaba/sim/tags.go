package sim

import (
	"maps"
	"slices"
)

// maxTags is how many tags a resource takes.
const maxTags = 20

// tagActions are the actions by which every product with tags changes and lists them.
// The name of the action that removes differs.
func tagActions(untag string) actions {
	return actions{"TagResources": tagResources, untag: untagResources, "ListTagResources": listTagResources}
}

// anyKind finds a record of the caller by id alone.
func (c *call) anyKind(id string) *record {
	for _, k := range c.w.kinds() {
		if r := c.find(k, id); r != nil {
			return r
		}
	}
	return nil
}

func (c *call) tagged() ([]*record, error) {
	var out []*record
	for _, id := range c.strs("ResourceId") {
		r := c.anyKind(id)
		if r == nil {
			return nil, c.failOne([]string{"InvalidResourceId.NotFound", "InvalidInstanceIds.NotFound"}, "The specified ResourceId %q is not found.", id)
		}
		c.touch(id)
		out = append(out, r)
	}
	return out, nil
}

func tagResources(c *call) (obj, error) {
	records, err := c.tagged()
	if err != nil {
		return nil, err
	}
	tags := c.tagsOf()
	for _, r := range records {
		all := maps.Clone(r.tags)
		maps.Copy(all, tags)
		if len(all) > maxTags {
			return nil, c.failOne([]string{"QuotaExceed.Tags", "QuotaExceeded.TagNum", "QuotaExceed.Tags"}, "The maximum number of tags is exceeded.")
		}
		r.tags = all
	}
	return obj{}, nil
}

func untagResources(c *call) (obj, error) {
	records, err := c.tagged()
	if err != nil {
		return nil, err
	}
	for _, r := range records {
		if c.yes("All") {
			clear(r.tags)
		}
		for _, key := range c.strs("TagKey") {
			delete(r.tags, key)
		}
	}
	return obj{}, nil
}

func listTagResources(c *call) (obj, error) {
	ids, want := c.strs("ResourceId"), c.tagsOf()
	if len(ids) == 0 && len(want) == 0 {
		return nil, c.fail("BothEmpty.TagsAndResources", "The specified Tags and ResourcesIds are not allow to both empty.")
	}
	var rows []row
	for _, k := range c.w.kinds() {
		for r := range c.all(k) {
			if len(ids) > 0 && !slices.Contains(ids, r.id) || !hasTags(r, want) {
				continue
			}
			for i, key := range slices.Sorted(maps.Keys(r.tags)) {
				rows = append(rows, row{r.seq*(maxTags+1) + i, obj{
					"ResourceType": c.str("ResourceType"), "ResourceId": r.id, "TagKey": key, "TagValue": r.tags[key],
				}})
			}
		}
	}
	slices.SortFunc(rows, func(a, b row) int { return a.seq - b.seq })
	path := "TagResources"
	if s := c.action.Response.Properties["TagResources"]; s != nil && s.Type == "object" {
		path = "TagResources.TagResource"
	}
	return c.listedRows(path, rows)
}
