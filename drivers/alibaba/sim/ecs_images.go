package sim

const kindImage kind = "image"

func ecsImages() actions {
	return actions{
		"DescribeImages": describeImages, "CreateImage": createImage, "DeleteImage": deleteImage, "ModifyImageAttribute": modifyImage,
		"CopyImage": copyImage, "DescribeImageSharePermission": describeSharing, "ModifyImageSharePermission": modifySharing,
	}
}

// systemImages are the cloud's own images, which are in every region.
func (c *call) systemImages() []*record {
	var out []*record
	for i, p := range publicImages() {
		out = append(out, &record{kind: kindImage, id: p.id, account: c.who.account, region: c.region, seq: i - len(publicImages()), attrs: obj{
			"ImageId": p.id, "ImageName": p.id, "OSName": p.os, "OSNameEn": p.os, "OSType": p.osType, "Platform": p.platform, "Size": p.size,
			"Architecture": "x86_64", "Status": "Available", "ImageOwnerAlias": "system", "CreationTime": "2024-08-20T00:00:00Z",
			"IsSupportIoOptimized": true, "IsSupportCloudinit": p.osType == "linux", "Usage": "none", "Progress": "100%", "IsPublic": true,
			"BootMode": "BIOS", "IsSelfShared": "",
		}})
	}
	return out
}

// image finds an image that the caller may use.
func (c *call) image(id string) *record {
	if r := c.find(kindImage, id); r != nil {
		return r
	}
	for _, r := range c.systemImages() {
		if r.id == id {
			return r
		}
	}
	if s := c.w.records[kindImage]; s != nil {
		if r := s.byID[id]; r != nil && r.region == c.region && contains(r.in("_shared"), c.who.account.uid) {
			return r
		}
	}
	return nil
}

func describeImages(c *call) (obj, error) {
	match := []string{"ImageName", "OSType", "Architecture", "ImageFamily", "ImageOwnerAlias", "SnapshotId=_snapshot", "ResourceGroupId"}
	records := c.systemImages()
	if s := c.w.records[kindImage]; s != nil {
		for _, r := range s.order {
			if c.sees(r) || r.region == c.region && contains(r.in("_shared"), c.who.account.uid) {
				records = append(records, r)
			}
		}
	}
	tags := c.tagsOf()
	statuses := c.strs("Status")
	if len(statuses) == 0 {
		statuses = []string{"Available"}
	}
	records = keep(records, func(r *record) bool {
		for _, name := range match {
			if !c.matchOne(r, name) {
				return false
			}
		}
		return contains(statuses, r.str("Status")) && hasTags(r, tags)
	})
	if c.str("Usage") != "" {
		for _, r := range records {
			c.refreshUsage(r)
		}
		records = keep(records, func(r *record) bool { return r.is("Usage", c.str("Usage")) })
	}
	return c.listed("Images.Image", c.among(records, "ImageId"))
}

// refreshUsage tells whether an image has instances.
func (c *call) refreshUsage(r *record) {
	usage := "none"
	if len(c.with(kindInstance, "ImageId", r.id)) > 0 {
		usage = "instance"
	}
	r.set("Usage", usage)
}

func createImage(c *call) (obj, error) {
	name := c.or("ImageName", "image-"+c.w.word(8))
	if len(c.with(kindImage, "ImageName", name)) > 0 {
		return nil, c.fail("InvalidImageName.Duplicated", "The specified image name already exists.")
	}
	attrs := obj{
		"ImageName": name, "Description": c.str("Description"), "ImageFamily": c.str("ImageFamily"), "ImageVersion": c.str("ImageVersion"),
		"Status": "Creating", "Progress": "0%", "ImageOwnerAlias": "self", "IsSelfShared": "false", "CreationTime": c.stamp(seconds), "Usage": "none",
		"Architecture": c.or("Architecture", "x86_64"), "Platform": c.or("Platform", "Ubuntu"), "OSType": "linux", "OSName": "Ubuntu 22.04 64位",
		"IsSupportIoOptimized": true, "IsSupportCloudinit": true, "ResourceGroupId": c.str("ResourceGroupId"), "BootMode": c.or("BootMode", "BIOS"),
		"ImageOwnerId": number(c.who.account.uid, 0),
	}
	snapshot, err := c.imageSource()
	if err != nil {
		return nil, err
	}
	if snapshot != nil {
		if base := c.image(snapshot.str("_image")); base != nil {
			for _, name := range []string{"Platform", "OSType", "OSName", "OSNameEn", "Architecture"} {
				attrs[name] = base.attrs[name]
			}
		}
		attrs["Size"] = number(snapshot.attrs["SourceDiskSize"], 0)
		attrs["_snapshot"] = snapshot.id
		attrs["DiskDeviceMappings"] = obj{"DiskDeviceMapping": []any{obj{
			"SnapshotId": snapshot.id, "Device": "/dev/xvda", "Size": text(attrs["Size"]), "Type": "system", "Progress": "100%",
		}}}
	}
	id := c.w.id("m-")
	attrs["ImageId"] = id
	r := c.create(kindImage, id, attrs)
	c.later(r, 1, func() { r.set("Status", "Available"); r.set("Progress", "100%") })
	return obj{"ImageId": id}, nil
}

// imageSource is the snapshot of a system disk that an image is made of; one is made
// if the call names an instance.
func (c *call) imageSource() (*record, error) {
	id := c.str("SnapshotId")
	if list := c.list("DiskDeviceMapping"); id == "" && len(list) > 0 {
		id = text(list[0]["SnapshotId"])
	}
	if id != "" {
		r, err := c.need(kindSnapshot, id, "InvalidSnapshotId.NotFound")
		if err != nil {
			return nil, err
		}
		if !r.is("Status", "accomplished") {
			return nil, c.failOne([]string{"InvalidSnapshotId.NotReady", "InvalidParameter"}, "The snapshot is not finished.")
		}
		if !r.is("SourceDiskType", "system") {
			return nil, c.failOne([]string{"InvalidSystemSnapshot.Missing", "InvalidParameter"}, "A snapshot of a system disk is required.")
		}
		return r, nil
	}
	vm, err := c.need(kindInstance, c.str("InstanceId"), "InvalidInstanceId.NotFound")
	if err != nil {
		return nil, err
	}
	for _, d := range c.with(kindDisk, "InstanceId", vm.id) {
		if d.is("Type", "system") {
			return c.newSnapshot(d, obj{"SnapshotName": "", "Status": "accomplished", "Progress": "100%", "Usage": "image"}), nil
		}
	}
	return nil, nil
}

func deleteImage(c *call) (obj, error) {
	r, err := c.need(kindImage, c.str("ImageId"), "InvalidImageId.NotFound")
	if err != nil {
		return nil, err
	}
	if len(r.in("_shared")) > 0 {
		return nil, c.fail("ImageUseShared", "The specified image has been shared.")
	}
	if !c.yes("Force") && len(c.with(kindInstance, "ImageId", r.id)) > 0 {
		return nil, c.fail("ImageUsingByInstance", "The specified image is used by an instance.")
	}
	c.w.remove(r)
	return obj{}, nil
}

func modifyImage(c *call) (obj, error) {
	r, err := c.need(kindImage, c.str("ImageId"), "InvalidImageId.NotFound")
	if err != nil {
		return nil, err
	}
	if name := c.str("ImageName"); name != "" && name != r.str("ImageName") && len(c.with(kindImage, "ImageName", name)) > 0 {
		return nil, c.fail("InvalidImageName.Duplicated", "The specified image name already exists.")
	}
	c.change(r, "ImageName", "ImageName", "Description", "Description", "ImageFamily", "ImageFamily", "Status", "Status", "BootMode", "BootMode")
	return obj{}, nil
}

func copyImage(c *call) (obj, error) {
	source := c.image(c.str("ImageId"))
	if source == nil {
		return nil, c.fail("InvalidImageId.NotFound", "The specified image does not exist.")
	}
	attrs, _ := clone(source.attrs).(obj)
	id := c.w.id("m-")
	region := c.or("DestinationRegionId", c.region)
	merge(attrs, obj{
		"ImageId": id, "ImageName": c.or("DestinationImageName", id), "Description": c.str("DestinationDescription"), "Status": "Creating",
		"Progress": "0%", "ImageOwnerAlias": "self", "IsCopied": true, "CreationTime": c.stamp(seconds), "_shared": []string{},
	})
	r := c.create(kindImage, id, attrs)
	r.region = region
	c.later(r, 2, func() { r.set("Status", "Available"); r.set("Progress", "100%") })
	return obj{"ImageId": id}, nil
}

func describeSharing(c *call) (obj, error) {
	r, err := c.need(kindImage, c.str("ImageId"), "InvalidImageId.NotFound")
	if err != nil {
		return nil, err
	}
	var accounts []any
	for _, uid := range r.in("_shared") {
		accounts = append(accounts, obj{"AliyunId": uid})
	}
	return merge(wrap("Accounts.Account", accounts), obj{
		"ImageId": r.id, "RegionId": r.region, "TotalCount": len(accounts), "PageNumber": 1, "PageSize": max(10, len(accounts)),
	}), nil
}

func modifySharing(c *call) (obj, error) {
	r, err := c.need(kindImage, c.str("ImageId"), "InvalidImageId.NotFound")
	if err != nil {
		return nil, err
	}
	shared := r.in("_shared")
	for _, uid := range c.strs("RemoveAccount") {
		shared = without(shared, uid)
	}
	for _, uid := range c.strs("AddAccount") {
		if c.w.accounts[uid] == nil {
			return nil, c.failOne([]string{"InvalidAccount.NotFound", "InvalidParameter"}, "The specified account does not exist.")
		}
		shared = append(without(shared, uid), uid)
	}
	r.set("_shared", shared)
	return obj{}, nil
}
