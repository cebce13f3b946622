package sim

import (
	"fmt"
	"slices"
	"strings"
)

const kindInstance kind = "instance"

func ecsInstances() actions {
	return actions{
		"RunInstances": runInstances, "CreateInstance": createInstance, "DescribeInstances": describeInstances,
		"DescribeInstanceStatus": describeInstanceStatus, "DescribeInstanceAttribute": describeInstanceAttribute,
		"DeleteInstance": deleteInstance, "DeleteInstances": deleteInstances, "DescribeUserData": describeUserData,
	}
}

// order is one instance to be made, as its request says.
type order struct {
	vswitch, image *record
	groups         []string
	kind           instanceType
	diskSize       int
	diskCategory   string
	address        string
}

// order reads and checks what RunInstances and CreateInstance have in common.
func (c *call) order() (order, error) {
	var o order
	if err := c.solvent(); err != nil {
		return o, err
	}
	var ok bool
	if o.kind, ok = findType(c.str("InstanceType")); !ok {
		return o, c.failOne([]string{"InvalidInstanceType.ValueNotSupported", "InvalidInstanceType.NotSupported"}, "The specified InstanceType does not exist.")
	}
	if o.image = c.image(c.str("ImageId")); o.image == nil {
		return o, c.fail("InvalidImageId.NotFound", "The specified ImageId does not exist.")
	}
	if !o.image.is("Status", "Available") && !o.image.is("Status", "Deprecated") {
		return o, c.fail("IncorrectImageStatus", "The image is not available.")
	}
	if err := c.orderNetwork(&o); err != nil {
		return o, err
	}
	o.diskSize = max(c.num("SystemDisk.Size", 40), 20)
	o.diskCategory = c.or("SystemDisk.Category", "cloud_essd")
	switch {
	case o.diskSize < o.image.num("Size"):
		return o, c.failOne([]string{"InvalidSystemDiskSize.LessThanImageSize", "InvalidSystemDiskSize.ValueNotSupported", "InvalidSystemDiskSize"}, "The system disk is smaller than the image.")
	case !contains(diskCategories(), o.diskCategory) && o.diskCategory != "cloud":
		return o, c.failOne([]string{"InvalidSystemDiskCategory.ValueNotSupported"}, "The system disk category is not supported.")
	case c.soldOut(o.kind.id, o.diskCategory, o.vswitch.str("ZoneId")):
		return o, c.failOne([]string{"OperationDenied.NoStock", "Zone.NotOnSale"}, "The resource is out of stock in the specified zone.")
	}
	if key := c.str("KeyPairName"); key != "" && len(c.with(kindKeyPair, "KeyPairName", key)) == 0 {
		return o, c.fail("InvalidKeyPairName.NotFound", "The specified KeyPairName does not exist.")
	}
	return o, nil
}

// orderNetwork finds the vSwitch and the security groups, which must be of one VPC.
func (c *call) orderNetwork(o *order) error {
	vswitch, groups, address := c.str("VSwitchId"), c.strs("SecurityGroupIds"), c.str("PrivateIpAddress")
	if id := c.str("SecurityGroupId"); id != "" {
		groups = append(groups, id)
	}
	if list := c.list("NetworkInterface"); len(list) > 0 && vswitch == "" {
		first := list[0]
		vswitch, address = text(first["VSwitchId"]), text(first["PrimaryIpAddress"])
		if groups = stringList(first["SecurityGroupIds"]); len(groups) == 0 {
			groups = stringList(first["SecurityGroupId"])
		}
	}
	if vswitch == "" {
		return c.failOne([]string{"InvalidVSwitchId.Necessary", "ClassicNetworkNotSupported", "MissingParameter"}, "A vSwitch is required.")
	}
	v, err := c.need(kindVSwitch, vswitch, noVSwitch...)
	if err != nil {
		return err
	}
	if !v.is("Status", "Available") {
		return c.fail("IncorrectVSwitchStatus", "The current status of the vSwitch does not support this operation.")
	}
	if zone := c.str("ZoneId"); zone != "" && zone != v.str("ZoneId") {
		return c.failOne([]string{"InvalidParameter.VSwitchId", "InvalidParameter.Conflict", "InvalidParameter"}, "The vSwitch is not in the zone.")
	}
	if len(groups) == 0 {
		return c.failOne([]string{"InvalidSecurityGroupId", "MissingParameter"}, "A security group is required.")
	}
	for _, id := range groups {
		g, err := c.need(kindSecurityGroup, id, "InvalidSecurityGroupId.NotFound", "InvalidSecurityGroup.NotFound")
		if err != nil {
			return err
		}
		if !g.is("VpcId", v.str("VpcId")) {
			return c.failOne([]string{"InvalidSecurityGroup.VpcMismatch", "InvalidSecurityGroupId.NotVpc", "InvalidParameter"}, "The security group is not of the VPC.")
		}
	}
	o.vswitch, o.groups, o.address = v, groups, address
	return c.addressFree(v, address)
}

// addressFree refuses an address that a vSwitch cannot give.
func (c *call) addressFree(v *record, address string) error {
	taken := c.takenIn(v)
	switch {
	case address == "":
		if _, ok := freeAddress(v.str("CidrBlock"), taken); !ok {
			return c.failOne([]string{"InvalidVSwitchId.IpNotEnough", "InvalidVSwitchId.IpNotEnough"}, "The vSwitch does not have enough IP addresses.")
		}
	case !usable(v.str("CidrBlock"), address):
		return c.failOne([]string{"InvalidOperation.AddressNotInVSwitchCidr", "InvalidIp.Address", "InvalidPrivateIpAddress.Malformed"}, "The address is not of the vSwitch.")
	case taken[address]:
		return c.failOne([]string{"InvalidPrivateIpAddress.Duplicated", "InvalidOperation.AddressAlreadyAllocated", "InvalidIp.IpAssigned", "InvalidPrivateIpAddress.Duplicated"}, "The address is in use.")
	}
	return nil
}

func runInstances(c *call) (obj, error) {
	o, err := c.order()
	if err != nil {
		return nil, err
	}
	amount := max(1, c.num("Amount", 1))
	if limit, ok := c.sim.faults.Quotas[string(kindInstance)]; ok && len(c.where(kindInstance, func(*record) bool { return true }))+amount > limit {
		return nil, c.failOne([]string{"QuotaExceed.ElasticQuota", "QuotaExceed"}, "The quota of instances is exceeded.")
	}
	if free := addressCount(o.vswitch.str("CidrBlock")) - c.addressesOf(o.vswitch); free < amount {
		return nil, c.failOne([]string{"InvalidVSwitchId.IpNotEnough", "InvalidVSwitchId.IpNotEnough"}, "The vSwitch does not have enough IP addresses.")
	}
	var made []string
	for i := range amount {
		name := c.or("InstanceName", "")
		if name != "" && amount > 1 && c.yes("UniqueSuffix") {
			name = fmt.Sprintf("%s%03d", name, i+1)
		}
		vm, err := c.newInstance(o, name)
		if err != nil {
			return nil, err
		}
		c.start(vm)
		made = append(made, vm.id)
	}
	out := wrap("InstanceIdSets.InstanceIdSet", made)
	out["TradePrice"] = o.kind.hourly * float64(amount)
	if c.is("InstanceChargeType", "PrePaid") {
		out["OrderId"] = c.w.digits(15)
	}
	return out, nil
}

func createInstance(c *call) (obj, error) {
	o, err := c.order()
	if err != nil {
		return nil, err
	}
	vm, err := c.newInstance(o, c.str("InstanceName"))
	if err != nil {
		return nil, err
	}
	c.becomes(vm, "Status", "Stopped")
	return obj{"InstanceId": vm.id, "TradePrice": o.kind.hourly}, nil
}

// start moves an instance to Running: Pending, Starting, Running.
func (c *call) start(vm *record) {
	if c.takeBack(vm) {
		return
	}
	c.becomes(vm, "Status", "Starting")
	c.later(vm, 2, func() {
		vm.set("Status", "Running")
		vm.set("StartTime", vm.created.UTC().Format(minutes))
	})
}

func (c *call) newInstance(o order, name string) (*record, error) {
	id := c.w.id("i-")
	host := c.or("HostName", "iZ"+id[2:]+"Z")
	charge := c.or("InstanceChargeType", "PostPaid")
	attrs := obj{
		"InstanceId": id, "InstanceName": name, "HostName": host, "Description": c.str("Description"), "Status": "Pending",
		"ImageId": o.image.id, "OSName": o.image.attrs["OSName"], "OSNameEn": o.image.attrs["OSNameEn"], "OSType": o.image.attrs["OSType"],
		"InstanceType": o.kind.id, "InstanceTypeFamily": o.kind.family, "Cpu": o.kind.cpu, "Memory": int(o.kind.memory * 1024), "GPUAmount": o.kind.gpu,
		"ZoneId": o.vswitch.str("ZoneId"), "VpcId": o.vswitch.str("VpcId"), "VSwitchId": o.vswitch.id, "CreationTime": c.stamp(minutes),
		"InstanceNetworkType": "vpc", "IoOptimized": true, "InstanceChargeType": charge, "ExpiredTime": "2099-12-31T15:59Z",
		"InternetChargeType": c.or("InternetChargeType", "PayByTraffic"), "InternetMaxBandwidthOut": c.num("InternetMaxBandwidthOut", 0),
		"InternetMaxBandwidthIn": c.num("InternetMaxBandwidthIn", 200), "SpotStrategy": c.or("SpotStrategy", "NoSpot"),
		"SpotPriceLimit": 0.0, "DeletionProtection": c.yes("DeletionProtection"), "KeyPairName": c.str("KeyPairName"), "StoppedMode": "Not-applicable",
		"ResourceGroupId": c.str("ResourceGroupId"), "AutoReleaseTime": c.str("AutoReleaseTime"), "SerialNumber": id[2:],
		"SecurityGroupIds": obj{"SecurityGroupId": o.groups}, "DeviceAvailable": true, "Recyclable": false, "CreditSpecification": c.str("CreditSpecification"),
		"PublicIpAddress": obj{"IpAddress": []any{}}, "InnerIpAddress": obj{"IpAddress": []any{}}, "EipAddress": obj{}, "_userData": c.str("UserData"),
		"MetadataOptions":            obj{"HttpEndpoint": c.or("HttpEndpoint", "enabled"), "HttpTokens": c.or("HttpTokens", "optional"), "HttpPutResponseHopLimit": 1},
		"DedicatedInstanceAttribute": obj{"Tenancy": c.or("Tenancy", "default"), "Affinity": "default"}, "RamRoleName": c.str("RamRoleName"),
		"EcsCapacityReservationAttr": obj{}, "OperationLocks": obj{"LockReason": []any{}}, "SpotDuration": c.num("SpotDuration", 0), "ClusterId": "",
		"HibernationOptions": obj{"Configured": false}, "InnerAccess": "", "IsSpot": false, "SaleCycle": "",
	}
	if charge == "PrePaid" {
		attrs["ExpiredTime"] = c.monthsAhead()
	}
	if c.num("InternetMaxBandwidthOut", 0) > 0 {
		attrs["PublicIpAddress"] = obj{"IpAddress": []any{c.w.publicAddress()}}
	}
	vm := c.create(kindInstance, id, attrs)
	nic, err := c.newInterface(o.vswitch, o.groups, o.address, obj{
		"Type": "Primary", "InstanceId": id, "Status": "InUse", "ResourceGroupId": vm.attrs["ResourceGroupId"],
	})
	if err != nil {
		c.w.remove(vm)
		return nil, err
	}
	nic.tags = map[string]string{}
	vm.set("_nic", nic.id)
	if err := c.secondaryInterfaces(vm, o); err != nil {
		c.w.remove(nic)
		c.w.remove(vm)
		return nil, err
	}
	system := c.systemDisk(vm, o.image, o.diskSize, o.diskCategory)
	c.attach(system, vm, "/dev/xvda")
	for _, spec := range c.list("DataDisk") {
		d := c.newDisk(obj{
			"DiskName": text(spec["DiskName"]), "Description": text(spec["Description"]), "Category": textOr(spec["Category"], "cloud_essd"),
			"Size": max(20, number(spec["Size"], 40)), "ZoneId": vm.str("ZoneId"), "SourceSnapshotId": text(spec["SnapshotId"]), "DeleteWithInstance": text(spec["DeleteWithInstance"]) != "false",
			"PerformanceLevel": text(spec["PerformanceLevel"]), "Encrypted": isTrue(spec["Encrypted"]), "DiskChargeType": charge,
			"ResourceGroupId": vm.attrs["ResourceGroupId"],
		})
		c.attach(d, vm, text(spec["Device"]))
	}
	if at := c.str("AutoReleaseTime"); at != "" {
		c.releaseAt(vm, at)
	}
	return vm, nil
}

func textOr(v any, absent string) string {
	if s := text(v); s != "" {
		return s
	}
	return absent
}

func (c *call) systemDisk(vm, image *record, size int, category string) *record {
	return c.newDisk(obj{
		"Type": "system", "Portable": false, "DeleteWithInstance": true, "ZoneId": vm.str("ZoneId"), "Size": size, "Category": category, "ImageId": image.id,
		"DiskName": c.str("SystemDisk.DiskName"), "Description": c.str("SystemDisk.Description"), "DiskChargeType": vm.str("InstanceChargeType"),
		"ResourceGroupId":  vm.attrs["ResourceGroupId"],
		"PerformanceLevel": c.or("SystemDisk.PerformanceLevel", performance(category)), "Encrypted": isTrue(c.member("SystemDisk")["Encrypted"]),
	})
}

func performance(category string) string {
	if category == "cloud_essd" {
		return "PL1"
	}
	return ""
}

// interfacesBy are the interfaces of an instance; a call that asks for many looks
// through all interfaces once.
func (c *call) interfacesBy(vm string) []*record {
	if c.interfaces == nil {
		c.interfaces = map[string][]*record{}
		if s := c.w.records[kindInterface]; s != nil {
			for _, n := range s.order {
				id := n.str("InstanceId")
				c.interfaces[id] = append(c.interfaces[id], n)
			}
		}
	}
	return c.interfaces[vm]
}

// refreshInstance fills what follows from interfaces.
func (c *call) refreshInstance(vm *record) {
	var nics, addresses []any
	for _, n := range c.interfacesBy(vm.id) {
		kindOf := "Secondary"
		if n.id == vm.str("_nic") {
			kindOf = "Primary"
			addresses = append(addresses, n.str("PrivateIpAddress"))
			vm.set("SecurityGroupIds", n.attrs["SecurityGroupIds"])
		}
		nics = append(nics, obj{
			"NetworkInterfaceId": n.id, "MacAddress": n.str("MacAddress"), "PrimaryIpAddress": n.str("PrivateIpAddress"), "Type": kindOf,
			"PrivateIpSets": n.attrs["PrivateIpSets"],
		})
	}
	vm.set("NetworkInterfaces", obj{"NetworkInterface": nics})
	vm.set("VpcAttributes", obj{
		"VpcId": vm.str("VpcId"), "VSwitchId": vm.str("VSwitchId"), "NatIpAddress": "", "PrivateIpAddress": obj{"IpAddress": addresses},
	})
}

func describeInstances(c *call) (obj, error) {
	records := c.selected(kindInstance, "VpcId", "VSwitchId", "ZoneId", "InstanceNetworkType", "InstanceChargeType", "InternetChargeType", "InstanceName",
		"ImageId", "Status", "InstanceType", "InstanceTypeFamily", "KeyPairName", "ResourceGroupId")
	records = c.among(records, "InstanceIds")
	if c.has("SecurityGroupId") || c.has("PrivateIpAddresses") {
		for _, r := range records {
			c.refreshInstance(r)
		}
	}
	if g := c.str("SecurityGroupId"); g != "" {
		records = keep(records, func(r *record) bool { return contains(groupsOf(r), g) })
	}
	for _, f := range []struct{ parameter, attr, list string }{
		{"PrivateIpAddresses", "VpcAttributes", "PrivateIpAddress"}, {"PublicIpAddresses", "PublicIpAddress", ""}, {"EipAddresses", "EipAddress", ""},
	} {
		if c.has(f.parameter) {
			want := c.strs(f.parameter)
			records = keep(records, func(r *record) bool {
				return slices.ContainsFunc(want, func(a string) bool { return strings.Contains(fmt.Sprint(r.attrs[f.attr])+" ", a) })
			})
		}
	}
	return c.listedAfter("Instances.Instance", records, c.refreshInstance)
}

// groupsOf are the security groups of an instance or an interface.
func groupsOf(r *record) []string {
	o, _ := r.attrs["SecurityGroupIds"].(obj)
	return stringList(o["SecurityGroupId"])
}

func describeInstanceStatus(c *call) (obj, error) {
	return c.listed("InstanceStatuses.InstanceStatus", c.among(c.selected(kindInstance, "ZoneId"), "InstanceId"))
}

func describeInstanceAttribute(c *call) (obj, error) {
	vm, err := c.instance()
	if err != nil {
		return nil, err
	}
	c.refreshInstance(vm)
	return c.show(vm, ""), nil
}

func (c *call) instance() (*record, error) {
	return c.need(kindInstance, c.str("InstanceId"), "InvalidInstanceId.NotFound")
}

func describeUserData(c *call) (obj, error) {
	vm, err := c.instance()
	if err != nil {
		return nil, err
	}
	return obj{"InstanceId": vm.id, "RegionId": vm.region, "UserData": vm.str("_userData")}, nil
}
