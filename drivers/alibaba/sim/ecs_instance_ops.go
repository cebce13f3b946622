package sim

import "strconv"

func ecsInstanceOps() actions {
	return actions{
		"StartInstance": startInstance, "StopInstance": stopInstance, "RebootInstance": rebootInstance,
		"StartInstances": each(startInstance), "StopInstances": each(stopInstance), "RebootInstances": each(rebootInstance),
		"ModifyInstanceAttribute": modifyInstance, "ModifyInstanceSpec": modifyInstanceSpec, "ModifyPrepayInstanceSpec": modifyInstanceSpec,
		"ModifyInstanceNetworkSpec": changing((*call).instance, "InternetMaxBandwidthOut", "InternetMaxBandwidthOut", "InternetMaxBandwidthIn", "InternetMaxBandwidthIn", "NetworkChargeType", "InternetChargeType"), "ModifyInstanceAutoReleaseTime": modifyAutoRelease,
		"ModifyInstanceChargeType": modifyInstanceCharge, "RenewInstance": renewInstance, "AllocatePublicIpAddress": allocatePublicIP,
		"DescribeInstanceVncUrl": describeVncURL, "GetInstanceConsoleOutput": consoleOutput, "GetInstanceScreenshot": screenshot,
		"DescribeInstanceAutoRenewAttribute": describeAutoRenew, "ModifyInstanceAutoRenewAttribute": modifyAutoRenew,
		"AttachInstanceRamRole": attachRole, "DetachInstanceRamRole": detachRole, "DescribeInstanceRamRole": describeInstanceRole,
		"DescribeInstanceHistoryEvents": noEvents, "DescribeInstancesFullStatus": fullStatus, "DescribeDisksFullStatus": noEvents,
		"ModifyInstanceVpcAttribute": modifyInstanceVpc, "JoinResourceGroup": joinResourceGroup, "DescribeInstanceMaintenanceAttributes": describeMaintenance, "ModifyInstanceMaintenanceAttributes": modifyMaintenance,
		"ModifyInstanceMetadataOptions": modifyMetadata,
	}
}

func (c *call) wrongStatus() error {
	return c.fail("IncorrectInstanceStatus", "The current status of the resource does not support this operation.")
}

// instanceIn finds an instance that must be in a status.
func (c *call) instanceIn(status string) (*record, error) {
	vm, err := c.instance()
	if err == nil && !vm.is("Status", status) {
		return nil, c.wrongStatus()
	}
	return vm, err
}

func startInstance(c *call) (obj, error) {
	vm, err := c.instanceIn("Stopped")
	if err != nil {
		return nil, err
	}
	if c.soldOut(vm.str("InstanceType")) && vm.is("StoppedMode", "StopCharging") {
		return nil, c.fail("OperationDenied.NoStock", "The resource is out of stock.")
	}
	vm.set("Status", "Starting")
	vm.set("StoppedMode", "Not-applicable")
	c.becomes(vm, "Status", "Running")
	return obj{}, nil
}

func stopInstance(c *call) (obj, error) {
	vm, err := c.instanceIn("Running")
	if err != nil {
		return nil, err
	}
	vm.set("Status", "Stopping")
	mode := c.or("StoppedMode", "KeepCharging")
	c.later(vm, 1, func() { vm.set("Status", "Stopped"); vm.set("StoppedMode", mode) })
	return obj{}, nil
}

func rebootInstance(c *call) (obj, error) {
	vm, err := c.instanceIn("Running")
	if err != nil {
		return nil, err
	}
	vm.set("Status", "Stopping")
	c.becomes(vm, "Status", "Starting")
	c.later(vm, 2, func() { vm.set("Status", "Running") })
	return obj{}, nil
}

// each makes an action over a list of instances of one over an instance; with the
// default AllTogether nothing is done if one cannot be.
func each(one handler) handler {
	return func(c *call) (obj, error) {
		list := c.strs("InstanceId")
		var results []any
		before := map[string]string{}
		for _, id := range list {
			vm, err := c.need(kindInstance, id, "InvalidInstanceId.NotFound")
			if err != nil {
				return nil, err
			}
			before[id] = vm.str("Status")
		}
		for _, id := range list {
			c.args["InstanceId"] = id
			result := obj{"InstanceId": id, "PreviousStatus": before[id], "Code": "200", "Message": "success"}
			if _, err := one(c); err != nil {
				if !c.is("BatchOptimization", "SuccessFirst") {
					return nil, err
				}
				result["Code"], result["Message"] = "403", err.Error()
			}
			result["CurrentStatus"] = c.find(kindInstance, id).str("Status")
			results = append(results, result)
		}
		return wrap("InstanceResponses.InstanceResponse", results), nil
	}
}

func modifyInstance(c *call) (obj, error) {
	vm, err := c.instance()
	if err != nil {
		return nil, err
	}
	if vm.is("Status", "Pending") {
		return nil, c.wrongStatus()
	}
	c.change(vm, "InstanceName", "InstanceName", "Description", "Description", "HostName", "HostName", "DeletionProtection", "DeletionProtection",
		"UserData", "_userData", "CreditSpecification", "CreditSpecification", "Recyclable", "Recyclable")
	if groups := c.strs("SecurityGroupIds"); len(groups) > 0 {
		for _, id := range groups {
			if c.find(kindSecurityGroup, id) == nil {
				return nil, c.failOne([]string{"InvalidSecurityGroupId.NotFound"}, "The specified security group does not exist.")
			}
		}
		if nic := c.find(kindInterface, vm.str("_nic")); nic != nil {
			nic.set("SecurityGroupIds", obj{"SecurityGroupId": groups})
		}
	}
	return obj{}, nil
}

func modifyInstanceSpec(c *call) (obj, error) {
	vm, err := c.instance()
	if err != nil {
		return nil, err
	}
	if !vm.is("Status", "Stopped") {
		return nil, c.failOne([]string{"IncorrectInstanceStatus", "InvalidInstanceStatus.NotStopped"}, "The instance is not stopped.")
	}
	if id := c.str("InstanceType"); id != "" {
		t, ok := findType(id)
		if !ok {
			return nil, c.fail("InvalidInstanceType.ValueNotSupported", "The specified InstanceType does not exist.")
		}
		if c.soldOut(t.id) {
			return nil, c.failOne([]string{"OperationDenied.NoStock", "InvalidInstanceType.ValueNotSupported"}, "The instance type is out of stock.")
		}
		vm.set("InstanceType", t.id)
		vm.set("InstanceTypeFamily", t.family)
		vm.set("Cpu", t.cpu)
		vm.set("Memory", int(t.memory*1024))
	}
	c.change(vm, "InternetMaxBandwidthOut", "InternetMaxBandwidthOut", "InternetMaxBandwidthIn", "InternetMaxBandwidthIn")
	return obj{}, nil
}

func modifyAutoRelease(c *call) (obj, error) {
	vm, err := c.instance()
	if err != nil {
		return nil, err
	}
	if vm.is("InstanceChargeType", "PrePaid") {
		return nil, c.fail("ChargeTypeViolation", "The operation is not permitted due to the charge type of the instance.")
	}
	vm.set("AutoReleaseTime", c.str("AutoReleaseTime"))
	if at := c.str("AutoReleaseTime"); at != "" {
		c.releaseAt(vm, at)
	}
	return obj{}, nil
}

func modifyInstanceCharge(c *call) (obj, error) {
	for _, id := range c.strs("InstanceIds") {
		vm, err := c.need(kindInstance, id, "InvalidInstanceId.NotFound")
		if err != nil {
			return nil, err
		}
		charge := c.or("InstanceChargeType", "PrePaid")
		vm.set("InstanceChargeType", charge)
		vm.set("ExpiredTime", "2099-12-31T15:59Z")
		if charge == "PrePaid" {
			vm.set("ExpiredTime", c.monthsAhead())
		}
	}
	return obj{"OrderId": c.w.digits(15)}, nil
}

// monthsAhead is when a period that a call asks for ends.
func (c *call) monthsAhead() string {
	return c.now.AddDate(0, max(1, c.num("Period", 1)), 0).UTC().Format(minutes)
}

func renewInstance(c *call) (obj, error) {
	vm, err := c.instance()
	if err != nil {
		return nil, err
	}
	if !vm.is("InstanceChargeType", "PrePaid") {
		return nil, c.fail("ChargeTypeViolation", "The operation is not permitted due to the charge type of the instance.")
	}
	vm.set("ExpiredTime", c.monthsAhead())
	return obj{"OrderId": c.w.digits(15)}, nil
}

func allocatePublicIP(c *call) (obj, error) {
	vm, err := c.instance()
	if err != nil {
		return nil, err
	}
	if vm.num("InternetMaxBandwidthOut") == 0 {
		return nil, c.failOne([]string{"AllocateIpInvalidInstanceBandwidth", "IncorrectInstanceStatus"}, "The instance has no public bandwidth.")
	}
	a := c.w.publicAddress()
	vm.set("PublicIpAddress", obj{"IpAddress": []any{a}})
	return obj{"IpAddress": a}, nil
}

func describeVncURL(c *call) (obj, error) {
	vm, err := c.instanceIn("Running")
	if err != nil {
		return nil, err
	}
	return obj{"VncUrl": "wss://" + vm.region + "-vnc.aliyun.example/websockify/?s=" + c.w.word(40)}, nil
}

func consoleOutput(c *call) (obj, error) {
	vm, err := c.instance()
	if err != nil {
		return nil, err
	}
	return obj{"InstanceId": vm.id, "ConsoleOutput": "", "LastUpdateTime": c.stamp("2006-01-02 15:04:05")}, nil
}

func screenshot(c *call) (obj, error) {
	vm, err := c.instance()
	if err != nil {
		return nil, err
	}
	return obj{"InstanceId": vm.id, "Screenshot": ""}, nil
}

func describeAutoRenew(c *call) (obj, error) {
	records := c.among(keep(c.selected(kindInstance), func(r *record) bool { return r.is("InstanceChargeType", "PrePaid") }), "InstanceId")
	var items []any
	for _, r := range records {
		items = append(items, obj{
			"InstanceId": r.id, "AutoRenewEnabled": r.is("_renewal", "AutoRenewal"), "Duration": r.num("_renewPeriod"), "PeriodUnit": "Month",
			"RenewalStatus": textOr(r.attrs["_renewal"], "Normal"),
		})
	}
	return merge(wrap("InstanceRenewAttributes.InstanceRenewAttribute", items), obj{"TotalCount": len(items), "PageNumber": 1, "PageSize": 50}), nil
}

func modifyAutoRenew(c *call) (obj, error) {
	for _, id := range c.strs("InstanceId") {
		vm, err := c.need(kindInstance, id, "InvalidInstanceId.NotFound")
		if err != nil {
			return nil, err
		}
		vm.set("_renewal", c.or("RenewalStatus", map[bool]string{true: "AutoRenewal", false: "Normal"}[c.yes("AutoRenew")]))
		vm.set("_renewPeriod", c.num("Duration", 1))
	}
	return obj{}, nil
}

func attachRole(c *call) (obj, error) { return c.setRole(c.str("RamRoleName")) }

func detachRole(c *call) (obj, error) { return c.setRole("") }

func (c *call) setRole(name string) (obj, error) {
	list := c.strs("InstanceIds")
	for _, id := range list {
		vm, err := c.need(kindInstance, id, "InvalidInstanceId.NotFound")
		if err != nil {
			return nil, err
		}
		vm.set("RamRoleName", name)
	}
	return obj{"TotalCount": len(list), "RamRoleName": name}, nil
}

func describeInstanceRole(c *call) (obj, error) {
	var items []any
	for _, vm := range c.among(c.selected(kindInstance, "RamRoleName"), "InstanceIds") {
		if vm.str("RamRoleName") == "" {
			continue
		}
		items = append(items, obj{"InstanceId": vm.id, "RamRoleName": vm.str("RamRoleName")})
	}
	return merge(wrap("InstanceRamRoleSets.InstanceRamRoleSet", items), obj{"TotalCount": len(items), "RegionId": c.region}), nil
}

// noEvents is the answer of lists that stay empty here.
func noEvents(*call) (obj, error) { return obj{"PageNumber": 1, "PageSize": 10}, nil }

func describeMaintenance(c *call) (obj, error) {
	records := c.among(c.selected(kindInstance), "InstanceId")
	return c.listedAfter("MaintenanceAttributes.MaintenanceAttribute", records, func(r *record) {
		r.set("NotifyOnMaintenance", isTrue(r.attrs["_notify"]))
		r.set("ActionOnMaintenance", obj{
			"Value": textOr(r.attrs["_maintenance"], "AutoRecover"), "DefaultValue": "AutoRecover",
			"SupportedValues": obj{"SupportedValue": []string{"AutoRecover", "AutoRedeploy", "Stop"}},
		})
	})
}

func modifyMaintenance(c *call) (obj, error) {
	for _, id := range c.strs("InstanceId") {
		vm, err := c.need(kindInstance, id, "InvalidInstanceId.NotFound")
		if err != nil {
			return nil, err
		}
		c.change(vm, "ActionOnMaintenance", "_maintenance", "NotifyOnMaintenance", "_notify")
	}
	return obj{}, nil
}

func fullStatus(c *call) (obj, error) {
	page, out, err := paged(c, c.among(c.selected(kindInstance), "InstanceId"), func(r *record) int { return r.seq })
	if err != nil {
		return nil, err
	}
	items := make([]any, len(page))
	for i, r := range page {
		items[i] = obj{"InstanceId": r.id, "Status": obj{"Name": r.str("Status"), "Code": 1}, "HealthStatus": obj{"Name": "Ok", "Code": 0}}
	}
	return merge(out, wrap("InstanceFullStatusSet.InstanceFullStatusType", items)), nil
}

func modifyInstanceVpc(c *call) (obj, error) {
	vm, err := c.instance()
	if err != nil {
		return nil, err
	}
	v, err := c.need(kindVSwitch, c.str("VSwitchId"), noVSwitch...)
	if err != nil {
		return nil, err
	}
	if !vm.is("Status", "Stopped") {
		return nil, c.wrongStatus()
	}
	nic := c.find(kindInterface, vm.str("_nic"))
	address := c.str("PrivateIpAddress")
	if err := c.addressFree(v, address); err != nil {
		return nil, err
	}
	if address == "" {
		address, _ = freeAddress(v.str("CidrBlock"), c.takenIn(v))
	}
	vm.set("VSwitchId", v.id)
	nic.set("VSwitchId", v.id)
	setAddresses(nic, []string{address})
	return obj{}, nil
}

func joinResourceGroup(c *call) (obj, error) {
	r := c.anyKind(c.str("ResourceId"))
	if r == nil {
		return nil, c.fail("InvalidResourceId.NotFound", "The specified ResourceId does not exist.")
	}
	r.set("ResourceGroupId", c.str("ResourceGroupId"))
	return obj{}, nil
}

func modifyMetadata(c *call) (obj, error) {
	vm, err := c.instance()
	if err != nil {
		return nil, err
	}
	hops, _ := strconv.Atoi(c.or("HttpPutResponseHopLimit", "1"))
	vm.set("MetadataOptions", obj{"HttpEndpoint": c.or("HttpEndpoint", "enabled"), "HttpTokens": c.or("HttpTokens", "optional"), "HttpPutResponseHopLimit": hops})
	return obj{}, nil
}
