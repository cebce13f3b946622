package sim

import (
	"cmp"
	"maps"
	"slices"
)

// tagKinds are the resources by the words of ResourceType, with the member of the
// answer that counts them.
var tagKinds = map[string]struct {
	kind   kind
	member string
}{
	"instance": {kindInstance, "Instance"}, "disk": {kindDisk, "Disk"}, "snapshot": {kindSnapshot, "Snapshot"}, "image": {kindImage, "Image"},
	"securitygroup": {kindSecurityGroup, "Securitygroup"}, "eni": {kindInterface, "Eni"}, "keypair": {kindKeyPair, "KeyPair"},
}

// describeTags is the older way to look for tags; ListTagResources has replaced it.
func describeTags(c *call) (obj, error) {
	asked := c.str("ResourceType")
	if _, ok := tagKinds[asked]; !ok && asked != "" {
		return nil, c.fail("InvalidResourceType.NotFound", "The ResourceType provided does not exist in our records.")
	}
	type tag struct{ key, value string }
	counts := map[tag]obj{}
	want := c.tagsOf()
	for word, of := range tagKinds {
		if asked != "" && asked != word {
			continue
		}
		for r := range c.all(of.kind) {
			if id := c.str("ResourceId"); id != "" && id != r.id {
				continue
			}
			for key, value := range r.tags {
				if looked, ok := want[key]; len(want) > 0 && (!ok || looked != "" && looked != value) {
					continue
				}
				of, count := of.member, counts[tag{key, value}]
				if count == nil {
					count = obj{}
					counts[tag{key, value}] = count
				}
				count[of] = number(count[of], 0) + 1
			}
		}
	}
	tags := slices.SortedFunc(maps.Keys(counts), func(a, b tag) int { return cmp.Compare(a.key+"\x00"+a.value, b.key+"\x00"+b.value) })
	var rows []row
	for i, t := range tags {
		rows = append(rows, row{i + 1, obj{"TagKey": t.key, "TagValue": t.value, "ResourceTypeCount": counts[t]}})
	}
	return c.listedRows("Tags.Tag", rows)
}
