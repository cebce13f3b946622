package sim

import "strconv"

const kindSnapshot kind = "snapshot"

// maxSnapshots is how many a disk may have.
const maxSnapshots = 256

func ecsSnapshots() actions {
	return actions{
		"CreateSnapshot": createSnapshot, "DescribeSnapshots": describeSnapshots, "DeleteSnapshot": deleteSnapshot,
		"ModifySnapshotAttribute": modifySnapshot, "DescribeSnapshotsUsage": describeSnapshotsUsage,
	}
}

func (c *call) newSnapshot(d *record, more obj) *record {
	id := c.w.id("s-")
	return c.create(kindSnapshot, id, merge(obj{
		"SnapshotId": id, "SourceDiskId": d.id, "SourceDiskSize": strconv.Itoa(d.num("Size")), "SourceDiskType": d.str("Type"), "Status": "progressing",
		"Progress": "0%", "CreationTime": c.stamp(seconds), "LastModifiedTime": c.stamp(seconds), "SnapshotType": "user", "Usage": "none",
		"SnapshotSN": id[2:], "SnapshotLinkId": "sl-" + d.id[2:], "SourceStorageType": "disk", "Category": "standard", "Available": false,
		"Encrypted": d.attrs["Encrypted"], "ResourceGroupId": "", "_image": d.str("ImageId"),
	}, more))
}

func createSnapshot(c *call) (obj, error) {
	d, err := c.disk()
	if err != nil {
		return nil, err
	}
	switch {
	case !isTrue(d.attrs["_used"]):
		return nil, c.fail("IncorrectDiskStatus.NeverAttached", "The disk has never been attached.")
	case !d.is("Status", "In_use") && !d.is("Status", "Available"):
		return nil, c.fail("IncorrectDiskStatus", "The current disk status does not support this operation.")
	}
	mine := c.with(kindSnapshot, "SourceDiskId", d.id)
	for _, s := range mine {
		if s.is("Status", "progressing") {
			return nil, c.failOne([]string{"DISK_HAS_CREATING_SNAPSHOT", "IncorrectDiskStatus.CreatingSnapshot"}, "The disk is creating a snapshot.")
		}
	}
	if len(mine) >= maxSnapshots {
		return nil, c.failOne([]string{"QuotaExceed.Snapshot", "QuotaExceed"}, "The disk has too many snapshots.")
	}
	r := c.newSnapshot(d, obj{
		"SnapshotName": c.str("SnapshotName"), "Description": c.str("Description"), "RetentionDays": c.num("RetentionDays", 0),
		"Category": c.or("Category", "standard"), "InstantAccess": c.yes("InstantAccess"),
		"ResourceGroupId": c.str("ResourceGroupId"),
	})
	c.later(r, 1, func() { r.set("Status", "accomplished"); r.set("Progress", "100%"); r.set("Available", true) })
	return obj{"SnapshotId": r.id}, nil
}

func describeSnapshots(c *call) (obj, error) {
	records := c.selected(kindSnapshot, "DiskId=SourceDiskId", "SnapshotName", "SnapshotLinkId", "Encrypted", "ResourceGroupId", "Category",
		"SourceDiskType", "KMSKeyId")
	if s := c.or("Status", "all"); s != "all" {
		records = keep(records, func(r *record) bool { return r.is("Status", s) })
	}
	if t := c.or("SnapshotType", "all"); t != "all" {
		records = keep(records, func(r *record) bool { return r.is("SnapshotType", t) })
	}
	if vm := c.str("InstanceId"); vm != "" {
		records = keep(records, func(r *record) bool {
			d := c.find(kindDisk, r.str("SourceDiskId"))
			return d != nil && d.is("InstanceId", vm)
		})
	}
	for _, r := range records {
		r.set("Usage", c.usageOf(r))
	}
	return c.listed("Snapshots.Snapshot", c.among(records, "SnapshotIds"))
}

// usageOf tells what was made of a snapshot.
func (c *call) usageOf(s *record) string {
	image, disk := len(c.with(kindImage, "_snapshot", s.id)) > 0, len(c.with(kindDisk, "SourceSnapshotId", s.id)) > 0
	switch {
	case image && disk:
		return "image_disk"
	case image:
		return "image"
	case disk:
		return "disk"
	}
	return "none"
}

func deleteSnapshot(c *call) (obj, error) {
	r, err := c.need(kindSnapshot, c.str("SnapshotId"), "InvalidSnapshotId.NotFound")
	if err != nil {
		return nil, err
	}
	usage := c.usageOf(r)
	switch {
	case usage == "image" || usage == "image_disk":
		return nil, c.fail("SnapshotCreatedImage", "An image was made of the snapshot.")
	case usage == "disk" && !c.yes("Force"):
		return nil, c.fail("SnapshotCreatedDisk", "A disk was made of the snapshot.")
	}
	c.w.remove(r)
	return obj{}, nil
}

func modifySnapshot(c *call) (obj, error) {
	list := c.strs("SnapshotIds")
	if c.has("SnapshotId") {
		list = append(list, c.str("SnapshotId"))
	}
	for _, id := range list {
		r, err := c.need(kindSnapshot, id, "InvalidSnapshotId.NotFound")
		if err != nil {
			return nil, err
		}
		c.change(r, "SnapshotName", "SnapshotName", "Description", "Description", "RetentionDays", "RetentionDays")
	}
	return obj{}, nil
}

func describeSnapshotsUsage(c *call) (obj, error) {
	count, size := 0, 0
	for r := range c.all(kindSnapshot) {
		count++
		size += number(r.attrs["SourceDiskSize"], 0)
	}
	return obj{"SnapshotCount": count, "SnapshotSize": size << 30}, nil
}
