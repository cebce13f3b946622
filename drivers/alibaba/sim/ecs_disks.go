package sim

const kindDisk kind = "disk"

func ecsDisks() actions {
	return actions{
		"CreateDisk": createDisk, "DescribeDisks": describeDisks, "AttachDisk": attachDisk, "DetachDisk": detachDisk, "DeleteDisk": deleteDisk,
		"ResizeDisk": resizeDisk, "ModifyDiskAttribute": modifyDisk, "ModifyDiskSpec": modifyDiskSpec, "ModifyDiskChargeType": modifyDiskCharge,
		"ResetDisk": resetDisk, "ReInitDisk": reInitDisk, "ReplaceSystemDisk": replaceSystemDisk,
	}
}

// newDisk adds a disk; more holds what differs.
func (c *call) newDisk(more obj) *record {
	id := c.w.id("d-")
	return c.create(kindDisk, id, merge(obj{
		"DiskId": id, "Status": "Creating", "CreationTime": c.stamp(seconds), "Portable": true, "DiskChargeType": "PostPaid",
		"DeleteAutoSnapshot": false, "EnableAutoSnapshot": true, "DeleteWithInstance": false, "Encrypted": false, "Type": "data",
		"SerialNumber": id[2:], "MultiAttach": "Disabled", "ResourceGroupId": "", "IOPS": 1800, "InstanceId": "", "Device": "",
		"Category": "cloud_essd", "PerformanceLevel": "", "DiskName": "", "Description": "", "SourceSnapshotId": "", "ImageId": "",
	}, more))
}

func sizeLimits(category string) (least, most int) {
	switch category {
	case "cloud_auto", "cloud_essd":
		return 1, 65536
	case "cloud_essd_entry":
		return 10, 32768
	}
	return 20, 32768
}

func createDisk(c *call) (obj, error) {
	if err := c.solvent(); err != nil {
		return nil, err
	}
	size := c.num("Size", 0)
	more := obj{
		"DiskName": c.str("DiskName"), "Description": c.str("Description"), "Category": c.or("DiskCategory", "cloud_efficiency"), "ZoneId": c.str("ZoneId"),
		"Encrypted": c.yes("Encrypted"), "KMSKeyId": c.str("KMSKeyId"), "PerformanceLevel": c.str("PerformanceLevel"), "MultiAttach": c.or("MultiAttach", "Disabled"),
		"ResourceGroupId": c.str("ResourceGroupId"), "BurstingEnabled": c.yes("BurstingEnabled"),
	}
	if id := c.str("SnapshotId"); id != "" {
		s, err := c.need(kindSnapshot, id, "InvalidSnapshotId.NotFound")
		if err != nil {
			return nil, err
		}
		least := number(s.attrs["SourceDiskSize"], 0)
		size = max(size, least)
		more["SourceSnapshotId"] = s.id
	}
	if c.str("InstanceId") != "" {
		vm, err := c.need(kindInstance, c.str("InstanceId"), "InvalidInstanceId.NotFound")
		if err != nil {
			return nil, err
		}
		more["ZoneId"], more["DiskChargeType"] = vm.str("ZoneId"), "PrePaid"
	}
	category := text(more["Category"])
	if category == "cloud_essd" && text(more["PerformanceLevel"]) == "" {
		more["PerformanceLevel"] = "PL1"
	}
	least, most := sizeLimits(category)
	switch {
	case !contains(diskCategories(), category) && category != "cloud":
		return nil, c.failOne([]string{"InvalidDataDiskCategory.NotSupported", "InvalidDiskCategory.NotSupported"}, "The specified disk category is not supported.")
	case size < least || size > most:
		return nil, c.failOne([]string{"InvalidDiskSize.NotSupported", "InvalidDataDiskSize.ValueNotSupported"}, "The specified disk size is not supported.")
	case !contains(c.sim.zones(c.region), text(more["ZoneId"])):
		return nil, c.failOne([]string{"InvalidZoneId.NotFound", "InvalidZoneId.NotFound"}, "The specified zone does not exist.")
	case c.soldOut(category, text(more["ZoneId"])):
		return nil, c.failOne([]string{"InvalidDiskCategory.NotSupported", "OperationDenied.NoStock"}, "The disk category is sold out in the zone.")
	}
	if err := c.quota(kindDisk, 0, "QuotaExceed.DiskCapacity", "QuotaExceed.PortableCloudDisk", "QuotaExceed"); err != nil {
		return nil, err
	}
	more["Size"] = size
	r := c.newDisk(more)
	if vm := c.find(kindInstance, c.str("InstanceId")); vm != nil {
		c.attach(r, vm, "")
	} else {
		c.becomes(r, "Status", "Available")
	}
	return obj{"DiskId": r.id}, nil
}

// solvent refuses purchases of an account that owes money.
func (c *call) solvent() error {
	if contains(c.sim.faults.Arrears, c.who.account.uid) {
		return c.failOne([]string{"Account.Arrearage", "InvalidAccountStatus.NotEnoughBalance", "InsufficientBalance", "Account.Arrearage"},
			"Your account has an outstanding payment.")
	}
	return nil
}

func describeDisks(c *call) (obj, error) {
	records := c.selected(kindDisk, "ZoneId", "InstanceId", "Category", "DiskName", "SnapshotId=SourceSnapshotId", "Portable", "DeleteWithInstance",
		"Encrypted", "DiskChargeType", "ResourceGroupId", "MultiAttach", "KMSKeyId", "AutoSnapshotPolicyId")
	if t := c.or("DiskType", "all"); t != "all" {
		records = keep(records, func(r *record) bool { return r.is("Type", t) })
	}
	if s := c.or("Status", "All"); s != "All" {
		records = keep(records, func(r *record) bool { return r.is("Status", s) })
	}
	return c.listed("Disks.Disk", c.among(records, "DiskIds"))
}

func (c *call) disk() (*record, error) {
	return c.need(kindDisk, c.str("DiskId"), "InvalidDiskId.NotFound")
}

// attach gives a disk to an instance, at the next free device.
func (c *call) attach(d, vm *record, device string) {
	taken := map[string]bool{}
	for _, other := range c.with(kindDisk, "InstanceId", vm.id) {
		taken[other.str("Device")] = true
	}
	for letter := 'a'; device == "" && letter <= 'z'; letter++ {
		if name := "/dev/xvd" + string(letter); !taken[name] {
			device = name
		}
	}
	at := c.stamp(seconds)
	d.set("Status", "Attaching")
	d.set("InstanceId", vm.id)
	d.set("Device", device)
	d.set("AttachedTime", at)
	d.set("_used", true)
	d.set("Attachments", obj{"Attachment": []any{obj{"InstanceId": vm.id, "Device": device, "AttachedTime": at}}})
	d.set("MountInstances", obj{"MountInstance": []any{}})
	c.becomes(d, "Status", "In_use")
}

func attachDisk(c *call) (obj, error) {
	d, err := c.disk()
	if err != nil {
		return nil, err
	}
	vm, err := c.need(kindInstance, c.str("InstanceId"), "InvalidInstanceId.NotFound")
	if err != nil {
		return nil, err
	}
	switch {
	case !d.is("Status", "Available"):
		return nil, c.fail("IncorrectDiskStatus", "The current disk status does not support this operation.")
	case !vm.is("Status", "Running") && !vm.is("Status", "Stopped"):
		return nil, c.fail("IncorrectInstanceStatus", "The current instance status does not support this operation.")
	case d.str("ZoneId") != vm.str("ZoneId"):
		return nil, c.failOne([]string{"InvalidInstance.ZoneConflict", "ResourcesNotInSameZone"}, "The disk and the instance are not in the same zone.")
	case len(c.with(kindDisk, "InstanceId", vm.id)) >= 17:
		return nil, c.fail("InstanceDiskLimitExceeded", "The instance has too many disks.")
	}
	c.change(d, "DeleteWithInstance", "DeleteWithInstance")
	c.attach(d, vm, c.str("Device"))
	return obj{}, nil
}

func detachDisk(c *call) (obj, error) {
	d, err := c.disk()
	if err != nil {
		return nil, err
	}
	if _, err := c.need(kindInstance, c.str("InstanceId"), "InvalidInstanceId.NotFound"); err != nil {
		return nil, err
	}
	switch {
	case !d.is("InstanceId", c.str("InstanceId")):
		return nil, c.failOne([]string{"InvalidDisk.AlreadyDetached", "DependencyViolation"}, "The disk is not attached to the instance.")
	case !d.is("Status", "In_use"):
		return nil, c.fail("IncorrectDiskStatus", "The current disk status does not support this operation.")
	case d.is("Type", "system"):
		return nil, c.failOne([]string{"DiskTypeViolation", "InvalidOperation.Conflict"}, "A system disk cannot be detached.")
	case !isTrue(d.attrs["Portable"]):
		return nil, c.fail("DiskNotPortable", "The specified disk is not a portable disk.")
	}
	d.set("Status", "Detaching")
	c.later(d, 1, func() {
		c.released(d)
		d.set("DetachedTime", d.str("AttachedTime"))
	})
	return obj{}, nil
}

// released makes a disk free again.
func (c *call) released(d *record) {
	d.set("Status", "Available")
	d.set("InstanceId", "")
	d.set("Device", "")
	d.set("AttachedTime", "")
	d.set("Attachments", obj{"Attachment": []any{}})
}

func deleteDisk(c *call) (obj, error) {
	d, err := c.disk()
	if err != nil {
		return nil, err
	}
	switch {
	case d.str("InstanceId") != "":
		return nil, c.failOne([]string{"DiskStillAttached", "IncorrectDiskStatus"}, "The specified disk is still attached.")
	case !d.is("Status", "Available"):
		return nil, c.fail("IncorrectDiskStatus", "The current disk status does not support this operation.")
	}
	for _, s := range c.with(kindSnapshot, "SourceDiskId", d.id) {
		if s.is("Status", "progressing") {
			return nil, c.fail("DiskCreatingSnapshot", "The disk is creating a snapshot.")
		}
	}
	c.w.remove(d)
	return obj{}, nil
}

func resizeDisk(c *call) (obj, error) {
	d, err := c.disk()
	if err != nil {
		return nil, err
	}
	size := c.num("NewSize", 0)
	_, most := sizeLimits(d.str("Category"))
	vm := c.find(kindInstance, d.str("InstanceId"))
	switch {
	case !d.is("Status", "Available") && !d.is("Status", "In_use"):
		return nil, c.fail("IncorrectDiskStatus", "The current disk status does not support this operation.")
	case size <= d.num("Size"):
		return nil, c.fail("InvalidDiskSize.TooSmall", "The new size must be larger.")
	case size > most:
		return nil, c.fail("InvalidDiskSize.TooLarge", "The new size is too large.")
	case c.is("Type", "online") && vm != nil && !vm.is("Status", "Running"):
		return nil, c.fail("InvalidInstanceStatus.NotRunning", "The instance is not running.")
	}
	d.set("Size", size)
	return obj{}, nil
}

// is compares a parameter with a value.
func (c *call) is(name, value string) bool { return c.str(name) == value }

func modifyDisk(c *call) (obj, error) {
	var list []string
	if c.has("DiskIds") {
		list = c.strs("DiskIds")
	} else {
		list = []string{c.str("DiskId")}
	}
	for _, id := range list {
		d, err := c.need(kindDisk, id, "InvalidDiskId.NotFound")
		if err != nil {
			return nil, err
		}
		c.change(d, "DiskName", "DiskName", "Description", "Description", "DeleteWithInstance", "DeleteWithInstance",
			"DeleteAutoSnapshot", "DeleteAutoSnapshot", "EnableAutoSnapshot", "EnableAutoSnapshot", "BurstingEnabled", "BurstingEnabled")
	}
	return obj{}, nil
}

func modifyDiskSpec(c *call) (obj, error) {
	d, err := c.disk()
	if err != nil {
		return nil, err
	}
	c.change(d, "PerformanceLevel", "PerformanceLevel", "DiskCategory", "Category")
	return obj{"TaskId": "t-" + c.w.word(20), "OrderId": ""}, nil
}

func modifyDiskCharge(c *call) (obj, error) {
	for _, id := range c.strs("DiskIds") {
		d, err := c.need(kindDisk, id, "InvalidDiskId.NotFound")
		if err != nil {
			return nil, err
		}
		c.change(d, "DiskChargeType", "DiskChargeType")
	}
	return obj{}, nil
}

func resetDisk(c *call) (obj, error) {
	d, err := c.disk()
	if err != nil {
		return nil, err
	}
	s, err := c.need(kindSnapshot, c.str("SnapshotId"), "InvalidSnapshotId.NotFound")
	if err != nil {
		return nil, err
	}
	if s.str("SourceDiskId") != d.id {
		return nil, c.failOne([]string{"InvalidSnapshotId.NotFound", "InvalidParameter"}, "The snapshot is not of the disk.")
	}
	return c.reset(d)
}

func reInitDisk(c *call) (obj, error) {
	d, err := c.disk()
	if err != nil {
		return nil, err
	}
	return c.reset(d)
}

// reset puts a disk back, which needs its instance to be stopped.
func (c *call) reset(d *record) (obj, error) {
	if vm := c.find(kindInstance, d.str("InstanceId")); vm != nil && !vm.is("Status", "Stopped") {
		return nil, c.fail("IncorrectInstanceStatus", "The current instance status does not support this operation.")
	}
	before := d.str("Status")
	if before != "In_use" && before != "Available" {
		return nil, c.fail("IncorrectDiskStatus", "The current disk status does not support this operation.")
	}
	d.set("Status", "ReIniting")
	c.becomes(d, "Status", before)
	return obj{}, nil
}

func replaceSystemDisk(c *call) (obj, error) {
	vm, err := c.need(kindInstance, c.str("InstanceId"), "InvalidInstanceId.NotFound")
	if err != nil {
		return nil, err
	}
	if !vm.is("Status", "Stopped") {
		return nil, c.fail("IncorrectInstanceStatus", "The current instance status does not support this operation.")
	}
	image := c.image(c.or("ImageId", vm.str("ImageId")))
	if image == nil {
		return nil, c.fail("InvalidImageId.NotFound", "The specified image does not exist.")
	}
	size, category := 40, "cloud_essd"
	for _, d := range c.with(kindDisk, "InstanceId", vm.id) {
		if d.is("Type", "system") {
			size, category = max(d.num("Size"), image.num("Size")), d.str("Category")
			c.w.remove(d)
		}
	}
	d := c.systemDisk(vm, image, c.num("SystemDisk.Size", size), category)
	c.attach(d, vm, "/dev/xvda")
	vm.set("ImageId", image.id)
	vm.set("OSName", image.attrs["OSName"])
	vm.set("OSType", image.attrs["OSType"])
	return obj{"DiskId": d.id}, nil
}
