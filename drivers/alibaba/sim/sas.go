package sim

import (
	"encoding/json"
	"strings"
)

const (
	kindMachine   kind = "sas_machine"
	kindScan      kind = "sas_scan"
	kindAlarm     kind = "sas_alarm"
	kindCycleTask kind = "sas_cycle_task"
)

func sasActions() actions {
	return actions{
		"DescribeVersionConfig": sasVersion, "DescribeCloudCenterInstances": sasMachines, "RefreshAssets": sasRefresh, "BindAuthToMachine": sasBind,
		"GetAuthSummary": sasSummary, "StartVirusScanTask": sasScan, "CreateVirusScanOnceTask": sasScanAll, "DescribeScanTaskProgress": sasProgress,
		"GetVirusScanLatestTaskStatistic": sasLatest, "DescribeLatestScanTask": sasLastScan, "ListVirusScanTask": sasScans, "ListVirusScanMachine": sasInfected,
		"ListVirusScanMachineEvent": sasInfectedEvents, "DescribeSuspEvents": sasAlarms, "DescribeSuspEventDetail": sasAlarm, "HandleSecurityEvents": sasHandle,
		"DescribeSecurityEventOperationStatus": sasHandled, "OperateVirusEvents": sasOperate, "ConfirmVirusEvents": sasConfirm, "PauseClient": sasPause,
		"CreateCycleTask": sasCreateCycle, "ModifyCycleTask": sasModifyCycle, "DeleteCycleTask": removing((*call).cycle), "DescribeCycleTaskList": sasCycles,
		"DescribeSuspEventQuaraFiles": sasNone, "GetVirusScanConfig": sasNone, "DescribeFieldStatistics": sasNone, "DescribeInstallCodes": sasNone, "DescribeAllGroups": sasNone,
		"DescribeSecurityStatInfo": sasNone,
	}
}

func sasNone(c *call) (obj, error) {
	out := obj{}
	for name, v := range map[string]any{"PageInfo": obj{"CurrentPage": 1, "PageSize": 20, "TotalCount": 0}, "CurrentPage": 1, "PageSize": 20} {
		if s := c.action.Response.Properties[name]; s != nil {
			out[name] = restrict(s, v)
		}
	}
	return out, nil
}

// machines are the servers that the service knows: every instance of the account, in
// every region, once it has been created.
func (c *call) machines() []*record {
	s := c.w.records[kindInstance]
	if s == nil {
		return nil
	}
	var out []*record
	for _, vm := range s.order {
		if vm.account != c.who.account || vm.is("Status", "Pending") {
			continue
		}
		out = append(out, c.machine(vm))
	}
	return out
}

// machine is the service's view of an instance.
func (c *call) machine(vm *record) *record {
	m := c.w.byID(kindMachine, vm.id)
	if m == nil {
		m = c.w.add(&record{kind: kindMachine, id: vm.id, account: vm.account, region: global, created: c.now, tags: map[string]string{}, attrs: obj{
			"InstanceId": vm.id, "Uuid": "inet-" + c.uuid(), "Bind": false, "AuthVersion": 1, "AuthVersionName": "Basic", "AlarmStatus": "NO", "RiskStatus": "NO",
			"VulStatus": "NO", "HcStatus": "NO", "AssetType": "0", "Vendor": 0, "Importance": 1, "CreatedTime": int(vm.created.UnixMilli()), "ClientStatus": "online",
		}})
	}
	running := map[bool]string{true: "Running", false: "notRunning"}[vm.is("Status", "Running")]
	merge(m.attrs, obj{
		"InstanceName": vm.str("InstanceName"), "RegionId": vm.region, "Region": vm.region, "Status": running, "VpcInstanceId": vm.str("VpcId"), "Cores": vm.num("Cpu"), "Mem": vm.num("Memory"),
		"Os": vm.str("OSType"), "OsName": vm.str("OSName"), "IntranetIp": c.addressOf(vm), "Ip": c.addressOf(vm),
	})
	if !vm.is("Status", "Running") && !m.is("ClientStatus", "pause") {
		m.set("ClientStatus", "offline")
	} else if vm.is("Status", "Running") && m.is("ClientStatus", "offline") {
		m.set("ClientStatus", "online")
	}
	return m
}

func sasVersion(c *call) (obj, error) {
	return obj{"InstanceId": "sas-" + c.who.account.uid[:8], "Version": 7, "HighestVersion": 7, "AssetLevel": 100, "VmCores": 400, "ReleaseTime": 4102444800000, "IsPostpay": false, "MVAuthCount": 100}, nil
}

func sasMachines(c *call) (obj, error) {
	records := c.machines()
	var criteria []obj
	if c.has("Criteria") && json.Unmarshal([]byte(c.str("Criteria")), &criteria) != nil {
		return nil, c.failOne([]string{"IllegalParam", "InvalidParameter"}, "The specified Criteria is not valid.")
	}
	names := map[string]string{
		"instanceId": "InstanceId", "instanceName": "InstanceName", "uuid": "Uuid", "internetIp": "InternetIp", "regionId": "RegionId", "clientStatus": "ClientStatus", "vpcInstanceId": "VpcInstanceId",
	}
	or := strings.EqualFold(c.str("LogicalExp"), "OR")
	records = keep(records, func(r *record) bool {
		hits, known := 0, 0
		for _, cond := range criteria {
			attr := names[text(cond["name"])]
			if attr == "" {
				continue
			}
			known++
			if strings.Contains(r.str(attr), text(cond["value"])) {
				hits++
			}
		}
		return known == 0 || or && hits > 0 || !or && hits == known
	})
	return c.numbered("Instances", records)
}

func sasRefresh(*call) (obj, error) { return obj{}, nil }

// editions are the versions that a server can be given.
var editions = map[int]string{6: "Anti-virus", 5: "Advanced", 3: "Enterprise", 7: "Ultimate", 10: "Value-added Plan"}

// seats is how many servers the bought edition covers.
func (c *call) seats() int {
	if n, ok := c.sim.faults.Quotas["sas_seat"]; ok {
		return n
	}
	return 100
}

func (c *call) byUUID(uuid string) *record {
	for _, m := range c.machines() {
		if m.is("Uuid", uuid) {
			return m
		}
	}
	return nil
}

func sasBind(c *call) (obj, error) {
	version := c.num("AuthVersion", 0)
	bind, unbind := c.strs("Bind"), c.strs("UnBind")
	if len(bind) > 0 && editions[version] == "" {
		return nil, c.fail("-101", "Invalid parameter value.")
	}
	used := 0
	for _, m := range c.machines() {
		if isTrue(m.attrs["Bind"]) {
			used++
		}
	}
	out := obj{"ResultCode": 0, "BindCount": 0, "UnBindCount": 0, "InsufficientEcsCount": 0}
	for _, uuid := range unbind {
		if m := c.byUUID(uuid); m != nil && isTrue(m.attrs["Bind"]) {
			m.set("Bind", false)
			m.set("AuthVersion", 1)
			m.set("AuthVersionName", "Basic")
			out["UnBindCount"] = number(out["UnBindCount"], 0) + 1
			used--
		}
	}
	for _, uuid := range bind {
		m := c.byUUID(uuid)
		if m == nil {
			return nil, c.fail("-101", "Invalid parameter value.")
		}
		if !isTrue(m.attrs["Bind"]) && used >= c.seats() {
			out["ResultCode"], out["InsufficientEcsCount"] = 1, number(out["InsufficientEcsCount"], 0)+1
			continue
		}
		used++
		m.set("Bind", true)
		m.set("AuthVersion", version)
		m.set("AuthVersionName", editions[version])
		m.set("AuthModifyTime", c.millis())
		out["BindCount"] = number(out["BindCount"], 0) + 1
	}
	return out, nil
}

func sasSummary(c *call) (obj, error) {
	total, used := 0, map[int]int{}
	bound := 0
	for _, m := range c.machines() {
		total++
		if isTrue(m.attrs["Bind"]) {
			bound++
			used[m.num("AuthVersion")]++
		}
	}
	items := []any{}
	for i, v := range []int{6, 5, 3, 7} {
		items = append(items, obj{"Index": i, "Version": v, "UsedEcsCount": used[v], "TotalEcsAuthCount": c.seats(), "UnusedEcsAuthCount": max(0, c.seats()-bound), "TotalCount": c.seats(), "UnUsedCount": max(0, c.seats()-bound), "AuthBindType": "VM"})
	}
	return obj{"VersionSummary": items, "HighestVersion": 7, "IsMultiVersion": 1, "AllowPartialBuy": 1, "Machine": obj{"TotalEcsCount": total, "BindEcsCount": bound, "UnBindEcsCount": total - bound}}, nil
}

func sasPause(c *call) (obj, error) {
	for _, uuid := range c.strs("Uuids") {
		if m := c.byUUID(uuid); m != nil {
			m.set("ClientStatus", map[bool]string{true: "pause", false: "online"}[c.is("Value", "1")])
		}
	}
	return obj{}, nil
}
