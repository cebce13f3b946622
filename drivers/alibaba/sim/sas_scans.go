package sim

import (
	"encoding/json"
	"strings"
)

// sasScan scans servers that its JSON names. A server whose name has "eicar" in it is
// found infected.
func sasScan(c *call) (obj, error) {
	var targets []obj
	if json.Unmarshal([]byte(c.str("TargetInfo")), &targets) != nil || len(targets) == 0 {
		return nil, c.fail("IllegalParam", "Illegal param")
	}
	var machines []*record
	for _, t := range targets {
		if m := c.byUUID(text(t["target"])); m != nil {
			machines = append(machines, m)
		}
	}
	r := c.scan(machines, "user")
	return obj{"ScanTaskId": r.num("_id")}, nil
}

func sasScanAll(c *call) (obj, error) {
	c.scan(c.machines(), c.or("ScanType", "system"))
	return obj{}, nil
}

func (c *call) scan(machines []*record, scanType string) *record {
	id := c.w.digits(7)
	r := c.create(kindScan, c.ramID(id), obj{
		"_id": number(id, 0), "TaskId": id, "ScanType": scanType, "Status": 1, "StartTime": c.millis(), "Progress": 0, "ScanTime": c.millis(),
		"TaskName": "virus scan", "ScanMachine": len(machines),
	})
	r.region = global
	var uuids []string
	for _, m := range machines {
		uuids = append(uuids, m.str("Uuid"))
	}
	r.set("_uuids", uuids)
	c.later(r, 2, func() {
		found := 0
		for _, m := range machines {
			m.set("_scanned", int(c.sim.opts.Now().UnixMilli()))
			if strings.Contains(m.str("InstanceName"), "eicar") && isTrue(m.attrs["Bind"]) && len(c.alarmsOf(m)) == 0 {
				c.alarm(m)
			}
			found += len(c.alarmsOf(m))
		}
		r.set("Status", 2)
		r.set("Progress", 100)
		r.set("EndTime", int(c.sim.opts.Now().UnixMilli()))
		r.set("_found", found)
	})
	return r
}

func (c *call) alarmsOf(m *record) []*record {
	return c.where(kindAlarm, func(r *record) bool { return r.is("Uuid", m.str("Uuid")) && r.is("EventStatus", "1") })
}

func (c *call) alarm(m *record) {
	id := c.w.digits(8)
	now := c.sim.opts.Now()
	c.w.add(&record{kind: kindAlarm, id: c.ramID(id), account: c.who.account, region: global, created: now, tags: map[string]string{}, attrs: obj{
		"Id": number(id, 0), "Uuid": m.str("Uuid"), "InstanceId": m.id, "InstanceName": m.str("InstanceName"), "IntranetIp": m.str("IntranetIp"), "Level": "serious",
		"AlarmEventName": "EICAR-Test-File", "AlarmEventNameDisplay": "EICAR-Test-File", "Name": "EICAR-Test-File", "AlarmEventType": "恶意软件", "AlarmEventTypeDisplay": "恶意软件", "EventStatus": 1,
		"OccurrenceTime": now.UTC().Format("2006-01-02 15:04:05"), "OccurrenceTimeStamp": int(now.UnixMilli()), "LastTime": now.UTC().Format("2006-01-02 15:04:05"), "LastTimeStamp": int(now.UnixMilli()),
		"SecurityEventIds": id, "AlarmUniqueInfo": c.w.word(32), "UniqueInfo": c.w.word(32), "CanBeDealOnLine": true, "DataSource": "aegis_suspicious_file_v2",
	}})
	m.set("AlarmStatus", "YES")
	m.set("RiskStatus", "YES")
}

func (c *call) lastScan() *record {
	var last *record
	for r := range c.all(kindScan) {
		last = r
	}
	return last
}

func sasProgress(c *call) (obj, error) {
	r := c.find(kindScan, c.ramID(c.str("TaskId")))
	if r == nil {
		return nil, c.fail("IllegalParam", "Illegal param")
	}
	return obj{"ScanTaskProgress": text(r.num("Progress")), "TargetInfo": "[]"}, nil
}

func sasLatest(c *call) (obj, error) {
	r := c.lastScan()
	if r == nil {
		return obj{}, nil
	}
	status, done := 10, 0
	if r.is("Status", "2") {
		status, done = 100, r.num("ScanMachine")
	}
	return obj{"Data": obj{
		"TaskId": r.str("TaskId"), "ScanTime": r.num("StartTime"), "Status": status, "SuspiciousCount": r.num("_found"), "ScanMachine": r.num("ScanMachine"), "ScanType": r.str("ScanType"),
		"Progress": text(r.num("Progress")), "CompleteMachine": done, "UnCompleteMachine": r.num("ScanMachine") - done,
	}}, nil
}

func sasLastScan(c *call) (obj, error) {
	r := c.lastScan()
	if r == nil {
		return obj{}, nil
	}
	return obj{"LastCheckTime": r.num("StartTime"), "RiskNum": r.num("_found"), "Uuids": anys(r.in("_uuids")), "TargetInfo": "[]"}, nil
}

func sasScans(c *call) (obj, error) {
	records := c.selected(kindScan, "TaskId", "ScanType", "Status")
	return c.numbered("List", records)
}

func sasInfected(c *call) (obj, error) {
	records := keep(c.machines(), func(m *record) bool { return len(c.alarmsOf(m)) > 0 && c.matchOne(m, "Uuid") })
	for _, m := range records {
		m.set("EventCount", len(c.alarmsOf(m)))
	}
	return c.numbered("Data", records)
}

func sasInfectedEvents(c *call) (obj, error) {
	records := c.where(kindAlarm, func(r *record) bool { return c.matchOne(r, "Uuid") })
	for _, r := range records {
		r.set("EventId", r.num("Id"))
		r.set("EventName", r.str("AlarmEventName"))
	}
	return c.numbered("Data", records)
}

func sasAlarms(c *call) (obj, error) {
	records := c.where(kindAlarm, func(r *record) bool {
		if uuids := c.strs("Uuids"); len(uuids) > 0 && !contains(uuids, r.str("Uuid")) {
			return false
		}
		if levels := c.strs("Levels"); len(levels) > 0 && !contains(levels, r.str("Level")) {
			return false
		}
		if status := c.strs("Status"); len(status) > 0 && status[0] != "0" && !contains(status, r.str("EventStatus")) {
			return false
		}
		switch c.str("Dealed") {
		case "N":
			return r.is("EventStatus", "1")
		case "Y":
			return !r.is("EventStatus", "1")
		}
		return true
	})
	out, err := c.numbered("SuspEvents", records)
	if err != nil {
		return nil, err
	}
	list, _ := out["SuspEvents"].([]any)
	out["Count"] = len(list)
	return out, nil
}

func sasAlarm(c *call) (obj, error) {
	r, err := c.need(kindAlarm, c.ramID(c.str("SuspiciousEventId")), "IllegalParam", "InvalidParameter")
	if err != nil {
		return nil, err
	}
	r.set("EventName", r.str("AlarmEventName"))
	return c.show(r, ""), nil
}

// handle ends alarms: by ignoring, or as handled.
func (c *call) handle(records []*record) {
	status := 32
	if c.is("OperationCode", "ignore") {
		status = 2
	}
	for _, r := range records {
		r.set("EventStatus", status)
		if m := c.w.byID(kindMachine, r.str("InstanceId")); m != nil && len(c.alarmsOf(m)) == 0 {
			m.set("AlarmStatus", "NO")
			m.set("RiskStatus", "NO")
		}
	}
}

func sasHandle(c *call) (obj, error) {
	var records []*record
	for _, id := range c.strs("SecurityEventIds") {
		r, err := c.need(kindAlarm, c.ramID(id), "IllegalParam", "InvalidParameter")
		if err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	c.handle(records)
	return obj{"HandleSecurityEventsResponse": obj{"TaskId": number(c.w.digits(7), 0)}}, nil
}

func sasHandled(c *call) (obj, error) {
	items := []any{}
	for _, id := range c.strs("SecurityEventIds") {
		items = append(items, obj{"SecurityEventId": id, "Status": "Success", "ErrorCode": ""})
	}
	return obj{"SecurityEventOperationStatusResponse": obj{"TaskStatus": "Success", "SecurityEventOperationStatuses": items}}, nil
}

func sasOperate(c *call) (obj, error) {
	c.handle(c.where(kindAlarm, func(r *record) bool { return r.is("EventStatus", "1") }))
	return obj{"TaskId": number(c.w.digits(7), 0)}, nil
}

func sasConfirm(c *call) (obj, error) {
	c.handle(c.where(kindAlarm, func(r *record) bool { return r.is("EventStatus", "1") }))
	return obj{"Result": true}, nil
}

func sasCreateCycle(c *call) (obj, error) {
	id := c.w.word(32)
	attrs := obj{"ConfigId": id}
	for _, p := range c.action.Parameters {
		if v, ok := c.args[p.Name]; ok {
			attrs[p.Name] = coerce(&p.Schema, v)
		}
	}
	c.create(kindCycleTask, id, attrs).region = global
	return obj{"ConfigId": id}, nil
}

func (c *call) cycle() (*record, error) {
	return c.need(kindCycleTask, c.str("ConfigId"), "IllegalParam", "InvalidParameter")
}

func sasModifyCycle(c *call) (obj, error) {
	r, err := c.cycle()
	if err != nil {
		return nil, err
	}
	for _, p := range c.action.Parameters {
		if v, ok := c.args[p.Name]; ok {
			r.set(p.Name, coerce(&p.Schema, v))
		}
	}
	return obj{}, nil
}

func sasCycles(c *call) (obj, error) {
	return c.numbered("CycleScheduleResponseList", c.selected(kindCycleTask, "TaskName", "TaskType", "ConfigId"))
}
