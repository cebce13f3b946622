package sim

const kindInstanceEvent kind = "instance_event"

func ecsEvents() actions {
	return actions{"DescribeInstanceHistoryEvents": describeHistoryEvents}
}

// takeBack releases an instance that was accepted and cannot be made, if the faults say
// so, and leaves the event that tells of it.
func (c *call) takeBack(vm *record) bool {
	if !contains(c.sim.faults.TakenBack, vm.str("InstanceType")) {
		return false
	}
	at := c.now
	c.later(vm, 2, func() {
		c.gone(vm)
		id := c.w.id("e-")
		c.w.add(&record{
			kind: kindInstanceEvent, id: id, account: vm.account, region: vm.region, created: at, tags: map[string]string{}, attrs: obj{
				"EventId": id, "InstanceId": vm.id, "ResourceType": "instance", "ImpactLevel": "100", "Reason": "instance creation failure", "ReasonCode": "",
				"EventPublishTime": at.UTC().Format(seconds), "NotBefore": at.UTC().Format(seconds), "EventFinishTime": at.UTC().Format(seconds),
				"EventType": obj{"Name": "SystemFailure.Delete", "Code": 35}, "EventCycleStatus": obj{"Name": "Executed", "Code": 32}, "_type": "SystemFailure.Delete",
			},
		})
	})
	return true
}

func describeHistoryEvents(c *call) (obj, error) {
	records := c.selected(kindInstanceEvent, "InstanceId", "EventType=_type", "ResourceType", "ImpactLevel")
	records = c.among(records, "EventId")
	return c.listed("InstanceSystemEventSet.InstanceSystemEventType", oneOfEach(c, records, "ResourceId=InstanceId", "InstanceEventType=_type"))
}
