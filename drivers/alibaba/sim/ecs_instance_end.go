package sim

import (
	"slices"
	"time"
)

func deleteInstance(c *call) (obj, error) {
	vm, err := c.instance()
	if err != nil {
		return nil, err
	}
	if err := c.deletable(vm); err != nil {
		return nil, err
	}
	c.release(vm)
	return obj{}, nil
}

func deleteInstances(c *call) (obj, error) {
	var vms []*record
	for _, id := range c.strs("InstanceId") {
		vm, err := c.need(kindInstance, id, "InvalidInstanceId.NotFound")
		if err != nil {
			return nil, err
		}
		if err := c.deletable(vm); err != nil {
			return nil, err
		}
		vms = append(vms, vm)
	}
	for _, vm := range vms {
		c.release(vm)
	}
	return obj{}, nil
}

func (c *call) deletable(vm *record) error {
	switch {
	case isTrue(vm.attrs["DeletionProtection"]):
		return c.fail("InvalidOperation.DeletionProtection", "The operation is not allowed due to deletion protection.")
	case vm.is("Status", "Pending"):
		return c.failOne([]string{"IncorrectInstanceStatus.Initializing", "IncorrectInstanceStatus"}, "The instance is being initialized.")
	case vm.is("InstanceChargeType", "PrePaid") && !c.yes("TerminateSubscription"):
		return c.fail("ChargeTypeViolation", "The operation is not permitted due to the charge type of the instance.")
	case !vm.is("Status", "Stopped") && !c.yes("Force"):
		return c.fail("IncorrectInstanceStatus", "The current status of the resource does not support this operation.")
	}
	return nil
}

// release takes an instance away with the disks and interfaces that go with it.
func (c *call) release(vm *record) {
	vm.set("Status", "Stopping")
	c.later(vm, 1, func() { c.gone(vm) })
}

func (c *call) gone(vm *record) {
	for _, d := range c.w.attachedTo(kindDisk, vm.id) {
		if isTrue(d.attrs["DeleteWithInstance"]) {
			c.w.remove(d)
		} else {
			c.released(d)
		}
	}
	for _, n := range c.w.interfacesOf(vm.id) {
		if n.id == vm.str("_nic") || isTrue(n.attrs["DeleteOnRelease"]) {
			c.unbindFrom(n.id)
			c.w.remove(n)
			continue
		}
		freeInterface(n)
	}
	c.unbindFrom(vm.id)
	c.leaveBackends(vm.id)
	c.w.remove(vm)
}

// attachedTo are the records of a kind whose InstanceId is the instance, whoever looks.
func (w *world) attachedTo(k kind, vm string) []*record {
	s := w.records[k]
	if s == nil {
		return nil
	}
	var out []*record
	for _, r := range s.order {
		if r.is("InstanceId", vm) {
			out = append(out, r)
		}
	}
	return out
}

// releaseAt takes an instance away at a time, if it still says so then.
func (c *call) releaseAt(vm *record, text string) {
	at, err := time.Parse(seconds, text)
	if err != nil {
		if at, err = time.Parse(minutes, text); err != nil {
			return
		}
	}
	timer := &record{kind: "timer", id: vm.id + " " + text, account: vm.account, region: vm.region, seq: vm.seq, attrs: obj{}}
	c.w.after(timer, at, func() {
		if !vm.gone && vm.is("AutoReleaseTime", text) {
			c.gone(vm)
		}
	})
}

// leaveBackends takes an instance out of all load balancers.
func (c *call) leaveBackends(server string) {
	for _, k := range []kind{kindLoadBalancer, kindServerGroup} {
		s := c.w.records[k]
		if s == nil {
			continue
		}
		for _, r := range s.order {
			servers := objects(r.attrs["_servers"])
			r.set("_servers", anys(slices.DeleteFunc(servers, func(o obj) bool { return text(o["ServerId"]) == server })))
		}
	}
}
