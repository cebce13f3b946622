package sim

import (
	"slices"
	"strings"
)

func ecsRegions() actions {
	return actions{
		"DescribeRegions": describeRegions, "DescribeZones": describeZones, "DescribeInstanceTypes": describeInstanceTypes,
		"DescribeInstanceTypeFamilies": describeFamilies, "DescribeAvailableResource": describeAvailable,
		"DescribeAccountAttributes": describeAccountAttributes, "DescribeBandwidthLimitation": describeBandwidth,
		"DescribeResourcesModification": describeModification, "DescribeTags": describeTags,
	}
}

// describeRegions serves every product that has the action.
func describeRegions(c *call) (obj, error) {
	var items []any
	for _, id := range c.sim.opts.Regions {
		items = append(items, restrict(c.at("Regions.Region"), obj{
			"RegionId": id, "LocalName": regionName(id), "RegionEndpoint": strings.ToLower(c.action.Product.Name) + "." + id + ".aliyuncs.com", "Status": "available",
		}))
	}
	return wrap("Regions.Region", items), nil
}

// describeZones serves every product that has the action.
func describeZones(c *call) (obj, error) {
	var types []string
	for _, t := range instanceTypes() {
		types = append(types, t.id)
	}
	var items []any
	for i, id := range c.sim.zones(c.region) {
		items = append(items, restrict(c.at("Zones.Zone"), obj{
			"ZoneId": id, "LocalName": regionName(c.region) + " 可用区" + string(rune('H'+i)), "ZoneType": "AvailabilityZone",
			"AvailableInstanceTypes":    obj{"InstanceTypes": types},
			"AvailableDiskCategories":   obj{"DiskCategories": diskCategories()},
			"AvailableResourceCreation": obj{"ResourceTypes": []string{"VSwitch", "IoOptimized", "Instance", "Disk"}},
			"AvailableResources": obj{"ResourcesInfo": []any{obj{
				"IoOptimized": true, "InstanceTypes": obj{"supportedInstanceType": types},
				"SystemDiskCategories": obj{"supportedSystemDiskCategory": diskCategories()},
				"DataDiskCategories":   obj{"supportedDataDiskCategory": diskCategories()},
				"NetworkTypes":         obj{"supportedNetworkCategory": []string{"vpc"}},
			}}},
			"MasterZoneId": id, "SlaveZones": obj{"SlaveZone": []any{}},
		}))
	}
	if items == nil {
		return nil, c.fail("InvalidRegionId.NotFound", "The specified RegionId does not exist.")
	}
	return wrap("Zones.Zone", items), nil
}

func describeInstanceTypes(c *call) (obj, error) {
	var rows []instanceType
	wanted := c.strs("InstanceTypes")
	for _, t := range instanceTypes() {
		if f := c.str("InstanceTypeFamily"); f != "" && f != t.family || len(wanted) > 0 && !slices.Contains(wanted, t.id) {
			continue
		}
		if t.cpu < c.num("MinimumCpuCoreCount", 0) || t.cpu > c.num("MaximumCpuCoreCount", 1<<20) || t.gpu < c.num("MinimumGPUAmount", 0) ||
			t.memory < float64(c.num("MinimumMemorySize", 0)) || t.memory > float64(c.num("MaximumMemorySize", 1<<20)) {
			continue
		}
		rows = append(rows, t)
	}
	index := func(t instanceType) int {
		return slices.IndexFunc(rows, func(o instanceType) bool { return o.id == t.id }) + 1
	}
	page, out := rows, obj{}
	if c.has("MaxResults") || c.has("NextToken") {
		var err error
		if page, out, err = paged(c, rows, index); err != nil {
			return nil, err
		}
	}
	items := make([]any, len(page))
	for i, t := range page {
		items[i] = obj{
			"InstanceTypeId": t.id, "InstanceTypeFamily": t.family, "CpuCoreCount": t.cpu, "MemorySize": t.memory, "EniQuantity": t.interfaces,
			"EniPrivateIpAddressQuantity": t.addresses, "GPUAmount": t.gpu, "CpuArchitecture": "X86", "InstanceFamilyLevel": "EnterpriseLevel",
			"EniTotalQuantity": t.interfaces, "DiskQuantity": 17, "NvmeSupport": "supported", "InstanceCategory": "General-purpose",
			"InstanceBandwidthRx": 3072000, "InstanceBandwidthTx": 3072000,
		}
	}
	return merge(out, wrap("InstanceTypes.InstanceType", items)), nil
}

func describeFamilies(c *call) (obj, error) {
	var items []any
	seen := map[string]bool{}
	for _, t := range instanceTypes() {
		if !seen[t.family] {
			items = append(items, obj{"InstanceTypeFamilyId": t.family, "Generation": "ecs-5"})
			seen[t.family] = true
		}
	}
	return wrap("InstanceTypeFamilies.InstanceTypeFamily", items), nil
}

func (c *call) soldOut(names ...string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return n != "" && contains(c.sim.faults.SoldOut, n) })
}

func describeAvailable(c *call) (obj, error) {
	var values []string
	kindOfResource := c.str("DestinationResource")
	switch kindOfResource {
	case "InstanceType":
		for _, t := range instanceTypes() {
			values = append(values, t.id)
		}
		values = onlyIf(values, c.str("InstanceType"))
	case "SystemDisk", "DataDisk":
		values = onlyIf(diskCategories(), c.or("SystemDiskCategory", c.str("DataDiskCategory")))
	case "Zone", "Network", "IoOptimized", "ddh":
	default:
		return nil, c.failOne([]string{"Invalid.DestinationResource", "InvalidParameter"}, "The specified parameter DestinationResource is not valid.")
	}
	var zones []any
	for _, zone := range onlyIf(c.sim.zones(c.region), c.str("ZoneId")) {
		var supported []any
		for _, v := range values {
			status, category := "Available", "WithStock"
			if c.soldOut(zone, v) {
				status, category = "SoldOut", "WithoutStock"
			}
			item := obj{"Value": v, "Status": status, "StatusCategory": category}
			if kindOfResource == "SystemDisk" || kindOfResource == "DataDisk" {
				item["Min"], item["Max"], item["Unit"] = 20, 32768, "GiB"
			}
			supported = append(supported, item)
		}
		item := obj{"ZoneId": zone, "RegionId": c.region, "Status": "Available", "StatusCategory": "WithStock"}
		if c.soldOut(zone) {
			item["Status"], item["StatusCategory"] = "SoldOut", "WithoutStock"
		}
		if len(supported) > 0 {
			item["AvailableResources"] = obj{"AvailableResource": []any{obj{"Type": kindOfResource, "SupportedResources": obj{"SupportedResource": supported}}}}
		}
		zones = append(zones, item)
	}
	return wrap("AvailableZones.AvailableZone", zones), nil
}

// describeModification tells what an instance may be changed to.
func describeModification(c *call) (obj, error) {
	var supported []any
	for _, t := range instanceTypes() {
		supported = append(supported, obj{"Value": t.id, "Status": "Available", "StatusCategory": "WithStock"})
	}
	return wrap("AvailableZones.AvailableZone", []any{obj{
		"ZoneId": c.sim.zones(c.region)[0], "RegionId": c.region, "Status": "Available", "StatusCategory": "WithStock",
		"AvailableResources": obj{"AvailableResource": []any{obj{"Type": "InstanceType", "SupportedResources": obj{"SupportedResource": supported}}}},
	}}), nil
}

// onlyIf is the whole list, or of it what is asked for.
func onlyIf(list []string, want string) []string {
	if want == "" {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), func(v string) bool { return v != want })
}

func describeAccountAttributes(c *call) (obj, error) {
	values := map[string]string{
		"instance-network-type": "vpc", "max-security-groups": "100", "max-elastic-network-interfaces": "5000",
		"max-postpaid-instance-vcpu-count": "500", "used-postpaid-instance-vcpu-count": "0",
	}
	used := 0
	for r := range c.all(kindInstance) {
		used += r.num("Cpu")
	}
	values["used-postpaid-instance-vcpu-count"] = text(used)
	names := c.strs("AttributeName")
	var items []any
	for _, name := range []string{
		"instance-network-type", "max-security-groups", "max-elastic-network-interfaces", "max-postpaid-instance-vcpu-count", "used-postpaid-instance-vcpu-count",
	} {
		if len(names) == 0 || contains(names, name) {
			items = append(items, obj{"AttributeName": name, "AttributeValues": obj{"ValueItem": []any{obj{"Value": values[name]}}}})
		}
	}
	return wrap("AccountAttributeItems.AccountAttributeItem", items), nil
}

func describeBandwidth(c *call) (obj, error) {
	return wrap("Bandwidths.Bandwidth", []any{obj{"InternetChargeType": "PayByTraffic", "Min": 0, "Max": 100, "Unit": "Mbps"}}), nil
}
