package sim

import (
	"fmt"
	"strconv"
	"strings"
)

const kindContainerGroup kind = "container_group"

func eciGroups() actions {
	return actions{
		"DescribeRegions": eciRegions, "CreateContainerGroup": createContainers, "DeleteContainerGroup": deleteContainers,
		"DescribeContainerGroups": describeContainers, "RestartContainerGroup": restartContainers, "UpdateContainerGroup": updateContainers,
		"DescribeContainerLog": containerLog, "ExecContainerCommand": execContainer, "DescribeContainerGroupStatus": containerStatus,
		"DescribeContainerGroupEvents": containerEvents, "DescribeContainerGroupPrice": containerPrice, "ListUsage": eciUsage,
		"DescribeContainerGroupMetric": containerMetric, "DescribeAvailableResource": describeAvailable,
	}
}

func eciRegions(c *call) (obj, error) {
	var items []any
	for _, id := range c.sim.opts.Regions {
		items = append(items, obj{"RegionId": id, "RegionEndpoint": "eci." + id + ".aliyuncs.com", "Zones": c.sim.zones(id), "RecommendZones": c.sim.zones(id), "UnavailableZones": []any{}})
	}
	return obj{"Regions": items}, nil
}

func createContainers(c *call) (obj, error) {
	if err := c.solvent(); err != nil {
		return nil, err
	}
	list := c.list("Container")
	if len(list) == 0 {
		return nil, c.fail("MissingParameter", "A container is required.")
	}
	attrs := obj{"ContainerGroupName": c.str("ContainerGroupName")}
	if err := c.containerNetwork(attrs); err != nil {
		return nil, err
	}
	if c.soldOut(text(attrs["ZoneId"]), c.str("InstanceType")) {
		return nil, c.failOne([]string{"OperationDenied.NoStock"}, "The resource is out of stock in the specified zone.")
	}
	if err := c.quota(kindContainerGroup, 500, "QuotaExceeded.ContainerGroup", "QuotaExceed.ElasticQuota", "QuotaExceeded"); err != nil {
		return nil, err
	}
	cpu, memory := 0.0, 0.0
	containers := []any{}
	for _, in := range list {
		containers = append(containers, c.container(in, "Waiting"))
		cpu += decimal(text(in["Cpu"]), 1)
		memory += decimal(text(in["Memory"]), 2)
	}
	initial := []any{}
	for _, in := range c.list("InitContainer") {
		initial = append(initial, c.container(in, "Terminated"))
	}
	id := c.w.id("eci-")
	r := c.create(kindContainerGroup, id, merge(attrs, obj{
		"ContainerGroupId": id, "Status": "Scheduling", "RestartPolicy": c.or("RestartPolicy", "Always"), "CreationTime": c.stamp(seconds),
		"Cpu": decimal(c.str("Cpu"), cpu), "Memory": decimal(c.str("Memory"), memory), "InstanceType": c.str("InstanceType"), "Containers": containers,
		"InitContainers": initial, "ResourceGroupId": c.or("ResourceGroupId", c.defaultGroup()), "RamRoleName": c.str("RamRoleName"),
		"SpotStrategy": c.or("SpotStrategy", "NoSpot"), "EniInstanceId": c.w.id("eni-"), "Volumes": volumes(c.list("Volume")), "Events": []any{},
		"DnsPolicy": c.or("DnsPolicy", "Default"), "ExpiredTime": "", "SucceededTime": "", "FailedTime": "", "EphemeralStorage": c.num("EphemeralStorage", 0),
		"HostAliases": []any{}, "SpotPriceLimit": 0.0, "DnsConfig": obj{asIs: true}, "EciSecurityContext": obj{asIs: true},
	}))
	c.becomes(r, "Status", "Pending")
	c.runContainers(r)
	return obj{"ContainerGroupId": id}, nil
}

func decimal(s string, absent float64) float64 {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f == 0 {
		return absent
	}
	return f
}

// containerNetwork finds vSwitch and security group; without, the first ones serve.
func (c *call) containerNetwork(attrs obj) error {
	vswitch := strings.Split(c.str("VSwitchId"), ",")[0]
	if vswitch == "" {
		return c.failOne([]string{"MissingParameter"}, "A vSwitch is required.")
	}
	v, err := c.need(kindVSwitch, vswitch, noVSwitch...)
	if err != nil {
		return err
	}
	g, err := c.need(kindSecurityGroup, c.str("SecurityGroupId"), "InvalidSecurityGroupId.NotFound")
	if err != nil {
		return err
	}
	if !g.is("VpcId", v.str("VpcId")) {
		return c.failOne([]string{"InvalidParameter.NotMatch", "InvalidParameter"}, "The security group is not of the VPC.")
	}
	if err := c.addressFree(v, c.str("PrivateIpAddress")); err != nil {
		return err
	}
	address := c.str("PrivateIpAddress")
	if address == "" {
		address, _ = freeAddress(v.str("CidrBlock"), c.takenIn(v))
	}
	if e := c.find(kindEIP, c.str("EipInstanceId")); e != nil {
		attrs["InternetIp"] = e.str("IpAddress")
	}
	merge(attrs, obj{"VSwitchId": v.id, "VpcId": v.str("VpcId"), "ZoneId": v.str("ZoneId"), "SecurityGroupId": g.id, "IntranetIp": address})
	return nil
}

// container is one as answers show it.
func (c *call) container(in obj, state string) obj {
	mounts, ports, environment := []any{}, []any{}, []any{}
	for _, m := range objects(in["VolumeMount"]) {
		mounts = append(mounts, obj{"Name": text(m["Name"]), "MountPath": text(m["MountPath"]), "ReadOnly": isTrue(m["ReadOnly"]), "SubPath": text(m["SubPath"])})
	}
	for _, p := range objects(in["Port"]) {
		ports = append(ports, obj{"Port": number(p["Port"], 0), "Protocol": textOr(p["Protocol"], "TCP")})
	}
	hidden := isTrue(in["EnvironmentVarHide"])
	for _, e := range objects(in["EnvironmentVar"]) {
		if hidden {
			break
		}
		environment = append(environment, obj{asIs: true, "Key": text(e["Key"]), "Value": text(e["Value"])})
	}
	shown := obj{
		asIs: true, "Name": text(in["Name"]), "Image": text(in["Image"]), "Cpu": decimal(text(in["Cpu"]), 0), "Memory": decimal(text(in["Memory"]), 0),
		"Commands": stringList(in["Command"]), "Command": stringList(in["Command"]), "Args": stringList(in["Arg"]), "VolumeMounts": mounts, "Ports": ports, "EnvironmentVars": environment,
		"ImagePullPolicy": textOr(in["ImagePullPolicy"], "IfNotPresent"), "WorkingDir": text(in["WorkingDir"]), "RestartCount": 0, "Ready": false,
		"Tty": isTrue(in["Tty"]), "Stdin": isTrue(in["Stdin"]), "StdinOnce": isTrue(in["StdinOnce"]), "Gpu": number(in["Gpu"], 0), "CurrentState": obj{"State": state},
	}
	for _, name := range []string{"LivenessProbe", "ReadinessProbe"} {
		if probe := containerProbe(in, name); probe != nil {
			shown[name] = probe
		}
	}
	if user := text(in["SecurityContext.RunAsUser"]); user != "" {
		shown["SecurityContext"] = obj{asIs: true, "RunAsUser": number(user, 0)}
	}
	return shown
}

// containerProbe shows a probe of a container, nil if it has none.
func containerProbe(in obj, name string) obj {
	probe := obj{asIs: true}
	for _, n := range []struct {
		member string
		absent int
	}{{"InitialDelaySeconds", 0}, {"PeriodSeconds", 10}, {"TimeoutSeconds", 1}, {"SuccessThreshold", 1}, {"FailureThreshold", 3}} {
		probe[n.member] = number(in[name+"."+n.member], n.absent)
	}
	if command := stringList(in[name+".Exec.Command"]); len(command) > 0 {
		probe["Execs"] = command
		return probe
	}
	if port := number(in[name+".TcpSocket.Port"], 0); port > 0 {
		probe["TcpSocket"] = obj{asIs: true, "Port": port}
		return probe
	}
	if port := number(in[name+".HttpGet.Port"], 0); port > 0 {
		probe["HttpGet"] = obj{asIs: true, "Port": port, "Path": text(in[name+".HttpGet.Path"]), "Scheme": textOr(in[name+".HttpGet.Scheme"], "HTTP")}
		return probe
	}
	return nil
}

func volumes(list []obj) []any {
	out := []any{}
	for _, in := range list {
		files := []any{}
		for _, f := range objects(in["ConfigFileVolume.ConfigFileToPath"]) {
			files = append(files, obj{"Path": text(f["Path"]), "Content": text(f["Content"])})
		}
		out = append(out, obj{
			"Name": text(in["Name"]), "Type": text(in["Type"]), "NFSVolumeServer": text(in["NFSVolume.Server"]), "NFSVolumePath": text(in["NFSVolume.Path"]),
			"NFSVolumeReadOnly": isTrue(in["NFSVolume.ReadOnly"]), "DiskVolumeDiskId": text(in["DiskVolume.DiskId"]), "DiskVolumeFsType": text(in["DiskVolume.FsType"]),
			"EmptyDirVolumeMedium": text(in["EmptyDirVolume.Medium"]), "ConfigFileVolumeConfigFileToPaths": files,
		})
	}
	return out
}

// runContainers lets a group run. The programs true and false end at once; an image
// named "missing" is never found.
func (c *call) runContainers(r *record) {
	c.later(r, 2, func() {
		now := c.sim.opts.Now().UTC().Format(seconds)
		status := "Running"
		for _, o := range objects(r.attrs["Containers"]) {
			program := strings.Join(append(stringList(o["Commands"]), stringList(o["Args"])...), " ")
			state := obj{"State": "Running", "StartTime": now}
			switch {
			case strings.Contains(text(o["Image"]), "missing"):
				state, status = obj{"State": "Waiting", "Reason": "ImagePullBackOff", "DetailStatus": "ImagePullBackOff"}, "Pending"
			case (program == "true" || program == "/bin/true") && !r.is("RestartPolicy", "Always"):
				state, status = obj{"State": "Terminated", "ExitCode": 0, "Reason": "Completed", "StartTime": now, "FinishTime": now}, "Succeeded"
			case (program == "false" || program == "/bin/false") && r.is("RestartPolicy", "Never"):
				state, status = obj{"State": "Terminated", "ExitCode": 1, "Reason": "Error", "StartTime": now, "FinishTime": now}, "Failed"
			}
			o["CurrentState"], o["Ready"] = state, state["State"] == "Running"
		}
		r.set("Status", status)
		switch status {
		case "Succeeded":
			r.set("SucceededTime", now)
		case "Failed":
			r.set("FailedTime", now)
		}
	})
}

// containers finds the group of a call. The definitions publish no code for an absent
// one; clients know this one.
func (c *call) containers() (*record, error) {
	return c.need(kindContainerGroup, c.str("ContainerGroupId"), "InvalidParameter.NotFound")
}

func deleteContainers(c *call) (obj, error) {
	r := c.find(kindContainerGroup, c.str("ContainerGroupId"))
	if r == nil {
		return obj{}, nil
	}
	c.touch(r.id)
	r.set("Status", "Terminating")
	c.later(r, 1, func() { c.leaveBackends(r.id); c.w.remove(r) })
	return obj{}, nil
}

func describeContainers(c *call) (obj, error) {
	records := c.selected(kindContainerGroup, "ZoneId", "VSwitchId", "ContainerGroupName", "Status", "ResourceGroupId", "SecurityGroupId")
	return c.listed("ContainerGroups", c.among(records, "ContainerGroupIds"))
}

func restartContainers(c *call) (obj, error) {
	r, err := c.containers()
	if err != nil {
		return nil, err
	}
	if !r.is("Status", "Running") {
		return nil, c.fail("IncorrectStatus", "The status of the container group does not support this operation.")
	}
	r.set("Status", "Restarting")
	for _, o := range objects(r.attrs["Containers"]) {
		o["RestartCount"] = number(o["RestartCount"], 0) + 1
		o["PreviousState"] = o["CurrentState"]
	}
	c.runContainers(r)
	return obj{}, nil
}

func updateContainers(c *call) (obj, error) {
	r, err := c.containers()
	if err != nil {
		return nil, err
	}
	if !r.is("Status", "Running") && !r.is("Status", "Pending") {
		return nil, c.fail("IncorrectStatus", "The status of the container group does not support this operation.")
	}
	c.change(r, "RestartPolicy", "RestartPolicy", "ResourceGroupId", "ResourceGroupId")
	if c.has("Cpu") {
		r.set("Cpu", decimal(c.str("Cpu"), 1))
	}
	if c.has("Memory") {
		r.set("Memory", decimal(c.str("Memory"), 2))
	}
	if tags := c.tagsOf(); len(tags) > 0 {
		r.tags = tags
	}
	if list := c.list("Container"); len(list) > 0 {
		c.updateEach(r, list)
		r.set("Status", "Updating")
		c.runContainers(r)
	}
	return obj{}, nil
}

// updateEach changes containers by name, and replaces all of them unless the update
// is incremental.
func (c *call) updateEach(r *record, list []obj) {
	old := objects(r.attrs["Containers"])
	containers := []any{}
	named := map[string]bool{}
	for _, in := range list {
		named[text(in["Name"])] = true
		containers = append(containers, c.container(in, "Waiting"))
	}
	if c.is("UpdateType", "IncrementalUpdate") {
		for _, o := range old {
			if !named[text(o["Name"])] {
				containers = append(containers, o)
			}
		}
	}
	r.set("Containers", containers)
}

func containerLog(c *call) (obj, error) {
	r, err := c.containers()
	if err != nil {
		return nil, err
	}
	for _, o := range objects(r.attrs["Containers"]) {
		if text(o["Name"]) == c.str("ContainerName") {
			return obj{"ContainerName": c.str("ContainerName"), "Content": fmt.Sprintf("%s started\n", text(o["Image"]))}, nil
		}
	}
	return nil, c.failOne([]string{"InvalidParameter.NotFound", "InvalidParameter"}, "The specified container does not exist.")
}

func execContainer(c *call) (obj, error) {
	r, err := c.containers()
	if err != nil {
		return nil, err
	}
	if !r.is("Status", "Running") {
		return nil, c.fail("IncorrectStatus", "The status of the container group does not support this operation.")
	}
	if c.yes("Sync") {
		return obj{"SyncResponse": ""}, nil
	}
	word := c.w.word(40)
	return obj{"WebSocketUri": "wss://eci-" + r.region + ".example/exec/?s=" + word, "HttpUrl": "https://eci-" + r.region + ".example/exec/?s=" + word}, nil
}

func containerStatus(c *call) (obj, error) {
	var items []any
	for _, r := range c.among(c.selected(kindContainerGroup, "ZoneId", "VSwitchId", "ResourceGroupId"), "ContainerGroupIds") {
		items = append(items, obj{"ContainerGroupId": r.id, "Name": r.str("ContainerGroupName"), "Status": r.str("Status"), "PodStatus": obj{"PodIp": r.str("IntranetIp"), "Phase": r.str("Status")}})
	}
	return obj{"Data": items, "TotalCount": len(items)}, nil
}

func containerEvents(c *call) (obj, error) {
	var items []any
	for _, r := range c.among(c.selected(kindContainerGroup), "ContainerGroupIds") {
		items = append(items, obj{"ContainerGroupId": r.id, "Name": r.str("ContainerGroupName"), "Events": []any{}})
	}
	return obj{"Data": items, "TotalCount": len(items)}, nil
}

// Prices of container groups an hour.
const cpuHour, memoryHour = 0.1764, 0.02205

func containerPrice(c *call) (obj, error) {
	price := decimal(c.str("Cpu"), 0)*cpuHour + decimal(c.str("Memory"), 0)*memoryHour
	if t, ok := findType(c.str("InstanceType")); ok {
		price = t.hourly
	}
	return obj{"PriceInfo": obj{"Price": obj{"Currency": "CNY", "OriginalPrice": price, "TradePrice": price, "DiscountPrice": 0.0}}}, nil
}

func eciUsage(c *call) (obj, error) {
	used := 0
	for range c.all(kindContainerGroup) {
		used++
	}
	return obj{"Attributes": obj{"EciCount": strconv.Itoa(used)}}, nil
}

func containerMetric(c *call) (obj, error) {
	r, err := c.containers()
	if err != nil {
		return nil, err
	}
	return obj{"ContainerGroupId": r.id, "Records": []any{obj{
		"Timestamp": c.stamp(seconds), "CPU": obj{"UsageNanoCores": 120000000, "Limit": int(r.attrs["Cpu"].(float64) * 1000), "Load": 12, "UsageCoreNanoSeconds": 1000000000},
		"Memory": obj{"UsageBytes": 64 << 20, "WorkingSet": 48 << 20, "AvailableBytes": 1 << 30},
	}}}, nil
}
