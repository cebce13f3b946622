package sim_test

import (
	"fmt"
	"testing"

	"github.com/yunqiao/yunqiao/drivers/alibaba/sim"
)

func TestRoutes(t *testing.T) {
	t.Parallel()
	c := newClient(t, sim.Options{})
	vpc, vswitch, group := c.network()
	vm := c.instance(vswitch, group, nil)
	table := str(c.do("vpc", "CreateRouteTable", values{"VpcId": vpc, "RouteTableName": "t"}), "RouteTableId")
	status := values{"RouteTableId": table}
	c.until("Available", "RouterTableList.RouterTableListType.0.Status", "vpc", "DescribeRouteTableList", status)
	c.do("vpc", "AssociateRouteTable", values{"RouteTableId": table, "VSwitchId": vswitch})
	c.until("Available", "VSwitches.VSwitch.0.Status", "vpc", "DescribeVSwitches", values{"VSwitchId": vswitch})
	c.fails("ResourceAlreadyAssociated.RouteTable", "vpc", "AssociateRouteTable", values{"RouteTableId": table, "VSwitchId": vswitch})
	route := str(c.do("vpc", "CreateRouteEntry", values{"RouteTableId": table, "DestinationCidrBlock": "10.0.0.0/8", "NextHopType": "Instance", "NextHopId": vm}), "RouteEntryId")
	c.until("Available", "RouteEntrys.RouteEntry.0.Status", "vpc", "DescribeRouteEntryList", values{"RouteTableId": table, "RouteEntryId": route})
	c.fails("InvalidCIDRBlock.Duplicate", "vpc", "CreateRouteEntry", values{"RouteTableId": table, "DestinationCidrBlock": "10.0.0.0/8", "NextHopId": vm})
	c.fails("DependencyViolation.VSwitch", "vpc", "DeleteVpc", values{"VpcId": vpc})
	c.do("vpc", "DeleteRouteEntry", values{"RouteEntryId": route})
	c.do("vpc", "UnassociateRouteTable", values{"RouteTableId": table, "VSwitchId": vswitch})
	c.until("Available", "VSwitches.VSwitch.0.Status", "vpc", "DescribeVSwitches", values{"VSwitchId": vswitch})
	c.do("vpc", "DeleteRouteTable", values{"RouteTableId": table})
	c.cloud.CheckClean(t)
}

func TestAddressesAndInterfaces(t *testing.T) {
	t.Parallel()
	c := newClient(t, sim.Options{})
	_, vswitch, group := c.network()
	vm := c.instance(vswitch, group, nil)
	eip := str(c.do("vpc", "AllocateEipAddress", values{"Bandwidth": 5}), "AllocationId")
	c.do("vpc", "AssociateEipAddress", values{"AllocationId": eip, "InstanceId": vm})
	c.until("InUse", "EipAddresses.EipAddress.0.Status", "vpc", "DescribeEipAddresses", values{"AllocationId": eip})
	if got := str(c.do("ecs", "DescribeInstances", values{"InstanceIds": `["` + vm + `"]`}), "Instances.Instance.0.EipAddress.AllocationId"); got != eip {
		t.Errorf("the instance has %s", got)
	}
	c.fails("IncorrectEipStatus", "vpc", "ReleaseEipAddress", values{"AllocationId": eip})
	nic := str(c.do("ecs", "CreateNetworkInterface", values{"VSwitchId": vswitch, "SecurityGroupId": group, "PrimaryIpAddress": "192.168.1.77"}), "NetworkInterfaceId")
	c.fails("InvalidPrivateIpAddress.Duplicated", "ecs", "CreateNetworkInterface", values{"VSwitchId": vswitch, "SecurityGroupId": group, "PrimaryIpAddress": "192.168.1.77"})
	c.do("ecs", "AttachNetworkInterface", values{"NetworkInterfaceId": nic, "InstanceId": vm})
	c.until("InUse", "NetworkInterfaceSets.NetworkInterfaceSet.0.Status", "ecs", "DescribeNetworkInterfaces", values{"NetworkInterfaceId.1": nic})
	c.fails("InvalidOperation.InvalidEniState", "ecs", "DeleteNetworkInterface", values{"NetworkInterfaceId": nic})
	c.do("ecs", "DeleteInstance", values{"InstanceId": vm, "Force": true})
	c.until("0", "TotalCount", "ecs", "DescribeInstances", values{"InstanceIds": `["` + vm + `"]`})
	c.do("vpc", "ReleaseEipAddress", values{"AllocationId": eip})

	rule := values{"SecurityGroupId": group, "IpProtocol": "tcp", "PortRange": "22/22", "SourceCidrIp": "10.0.0.0/8"}
	c.do("ecs", "AuthorizeSecurityGroup", rule)
	c.do("ecs", "AuthorizeSecurityGroup", rule)
	out := c.do("ecs", "DescribeSecurityGroupAttribute", values{"SecurityGroupId": group})
	if n := len(at(out, "Permissions.Permission").([]any)); n != 1 {
		t.Errorf("%d rules", n)
	}
	c.fails("InvalidPortRange.Malformed", "ecs", "AuthorizeSecurityGroup", values{"SecurityGroupId": group, "IpProtocol": "tcp", "PortRange": "22", "SourceCidrIp": "10.0.0.0/8"})
	c.do("ecs", "RevokeSecurityGroup", values{"SecurityGroupId": group, "SecurityGroupRuleId.1": str(out, "Permissions.Permission.0.SecurityGroupRuleId")})
	c.cloud.CheckClean(t)
}

func TestLoadBalancers(t *testing.T) {
	t.Parallel()
	c := newClient(t, sim.Options{})
	_, vswitch, group := c.network()
	vm := c.instance(vswitch, group, nil)
	lb := str(c.do("slb", "CreateLoadBalancer", values{"LoadBalancerName": "lb", "AddressType": "intranet", "VSwitchId": vswitch}), "LoadBalancerId")
	servers := fmt.Sprintf("[{'ServerId':'%s','Port':80,'Weight':50}]", vm) // as one client sends it
	pool := str(c.do("slb", "CreateVServerGroup", values{"LoadBalancerId": lb, "BackendServers": servers}), "VServerGroupId")
	c.do("slb", "CreateLoadBalancerTCPListener", values{"LoadBalancerId": lb, "ListenerPort": 80, "Bandwidth": -1, "VServerGroupId": pool})
	c.do("slb", "StartLoadBalancerListener", values{"LoadBalancerId": lb, "ListenerPort": 80})
	where := values{"LoadBalancerId": lb, "ListenerPort": 80}
	c.until("running", "Status", "slb", "DescribeLoadBalancerTCPListenerAttribute", where)
	c.until("normal", "BackendServers.BackendServer.0.ServerHealthStatus", "slb", "DescribeHealthStatus", where)
	c.fails("RspoolVipExist", "slb", "DeleteVServerGroup", values{"VServerGroupId": pool})
	c.do("slb", "CreateLoadBalancerHTTPListener", values{"LoadBalancerId": lb, "ListenerPort": 8080, "HealthCheck": "off", "BackendServerPort": 80})
	c.do("slb", "DescribeLoadBalancerHTTPListenerAttribute", values{"LoadBalancerId": lb, "ListenerPort": 8080})
	if got := str(c.do("slb", "DescribeLoadBalancerListeners", values{"LoadBalancerId.1": lb}), "TotalCount"); got != "2" {
		t.Errorf("%s listeners", got)
	}
	c.do("slb", "AddBackendServers", values{"LoadBalancerId": lb, "BackendServers": servers})
	c.do("slb", "RemoveVServerGroupBackendServers", values{"VServerGroupId": pool, "BackendServers": servers})
	c.do("slb", "DescribeVServerGroupAttribute", values{"VServerGroupId": pool})
	c.do("slb", "DescribeLoadBalancerAttribute", values{"LoadBalancerId": lb})
	c.do("slb", "DeleteLoadBalancer", values{"LoadBalancerId": lb})
	c.cloud.CheckClean(t)
}

func TestVpn(t *testing.T) {
	t.Parallel()
	// A busy machine must not let the gateway be ready before the first refusal.
	c := newClient(t, sim.Options{Faults: sim.Faults{DelayMS: 50}})
	vpc, vswitch, _ := c.network()
	gateway := str(c.do("vpc", "CreateVpnGateway", values{"VpcId": vpc, "VSwitchId": vswitch, "Bandwidth": 10}), "VpnGatewayId")
	c.fails("VpnGateway.Configuring", "vpc", "DeleteVpnGateway", values{"VpnGatewayId": gateway})
	c.until("active", "Status", "vpc", "DescribeVpnGateway", values{"VpnGatewayId": gateway})
	peer := str(c.do("vpc", "CreateCustomerGateway", values{"IpAddress": "1.2.3.4"}), "CustomerGatewayId")
	c.fails("InvalidIpAddress.AlreadyExist", "vpc", "CreateCustomerGateway", values{"IpAddress": "1.2.3.4"})
	connection := str(c.do("vpc", "CreateVpnConnection", values{
		"VpnGatewayId": gateway, "CustomerGatewayId": peer, "LocalSubnet": "192.168.0.0/16", "RemoteSubnet": "10.0.0.0/24",
		"IkeConfig": `{"Psk":"secret 键","IkeVersion":"ikev2","IkeLifetime":3600}`, "IpsecConfig": `{"IpsecPfs":"group14"}`,
	}), "VpnConnectionId")
	out := c.until("active", "State", "vpc", "DescribeVpnConnection", values{"VpnConnectionId": connection})
	if got := str(out, "IkeConfig.Psk") + str(out, "IkeConfig.IkeLifetime") + str(out, "IpsecConfig.IpsecPfs"); got != "secret 键3600group14" {
		t.Errorf("settings are %s", got)
	}
	c.do("vpc", "ModifyVpnConnectionAttribute", values{"VpnConnectionId": connection, "Name": "n"})
	c.until("active", "State", "vpc", "DescribeVpnConnection", values{"VpnConnectionId": connection})
	c.until("active", "Status", "vpc", "DescribeVpnGateway", values{"VpnGatewayId": gateway})
	c.do("vpc", "CreateVpnRouteEntry", values{"VpnGatewayId": gateway, "RouteDest": "10.0.0.0/24", "NextHop": connection, "Weight": 100, "PublishVpc": true})
	c.do("vpc", "DescribeVpnRouteEntries", values{"VpnGatewayId": gateway})
	c.fails("DependencyViolation.VpnConnection", "vpc", "DeleteVpnGateway", values{"VpnGatewayId": gateway})
	c.do("vpc", "DeleteVpnConnection", values{"VpnConnectionId": connection})
	c.until("active", "Status", "vpc", "DescribeVpnGateway", values{"VpnGatewayId": gateway})
	c.until("0", "TotalCount", "vpc", "DescribeVpnConnections", nil)
	two := values{"VpnGatewayId": gateway, "LocalSubnet": "192.168.0.0/16", "RemoteSubnet": "10.0.1.0/24"}
	for i := 1; i <= 2; i++ {
		prefix := fmt.Sprintf("TunnelOptionsSpecification.%d.", i)
		two[prefix+"CustomerGatewayId"], two[prefix+"TunnelIkeConfig.Psk"] = peer, "p"
	}
	connection = str(c.do("vpc", "CreateVpnConnection", two), "VpnConnectionId")
	out = c.until("active", "State", "vpc", "DescribeVpnConnection", values{"VpnConnectionId": connection})
	if got := str(out, "TunnelOptionsSpecification.TunnelOptions.1.TunnelIkeConfig.Psk"); got != "p" {
		t.Errorf("second tunnel's key is %s", got)
	}
	c.do("vpc", "ModifyTunnelAttribute", values{"VpnConnectionId": connection, "TunnelId": str(out, "TunnelOptionsSpecification.TunnelOptions.0.TunnelId"), "TunnelOptionsSpecification.EnableDpd": false})
	c.cloud.CheckClean(t)
}

func TestContainers(t *testing.T) {
	t.Parallel()
	c := newClient(t, sim.Options{})
	_, vswitch, group := c.network()
	in := values{
		"ContainerGroupName": "web", "VSwitchId": vswitch, "SecurityGroupId": group, "RestartPolicy": "Never", "Cpu": 2, "Memory": 4,
		"Container.1.Name": "web", "Container.1.Image": "nginx", "Container.1.Port.1.Port": 80, "Container.1.EnvironmentVar.1.Key": "K", "Container.1.EnvironmentVar.1.Value": "v w",
		"Container.1.ReadinessProbe.HttpGet.Path": "/", "Container.1.ReadinessProbe.HttpGet.Port": 80, "Container.1.Command.1": "sh",
	}
	id := str(c.do("eci", "CreateContainerGroup", in), "ContainerGroupId")
	out := c.until("Running", "ContainerGroups.0.Status", "eci", "DescribeContainerGroups", values{"ContainerGroupIds": `["` + id + `"]`})
	if got := str(out, "ContainerGroups.0.Containers.0.EnvironmentVars.0.Value"); got != "v w" {
		t.Errorf("value %q", got)
	}
	c.do("eci", "DescribeContainerLog", values{"ContainerGroupId": id, "ContainerName": "web"})
	c.do("eci", "RestartContainerGroup", values{"ContainerGroupId": id})
	c.until("Running", "ContainerGroups.0.Status", "eci", "DescribeContainerGroups", values{"ContainerGroupIds": `["` + id + `"]`})
	c.do("eci", "ListUsage", nil)
	c.do("eci", "DescribeContainerGroupMetric", values{"ContainerGroupId": id})
	in["Container.1.Command.1"] = "true"
	job := str(c.do("eci", "CreateContainerGroup", in), "ContainerGroupId")
	c.until("Succeeded", "ContainerGroups.0.Status", "eci", "DescribeContainerGroups", values{"ContainerGroupIds": `["` + job + `"]`})
	c.do("eci", "DeleteContainerGroup", values{"ContainerGroupId": job})
	c.cloud.CheckClean(t)
}

func TestDatabases(t *testing.T) {
	t.Parallel()
	c := newClient(t, sim.Options{})
	vpc, vswitch, _ := c.network()
	id := str(c.do("rds", "CreateDBInstance", values{
		"Engine": "MySQL", "EngineVersion": "8.0", "DBInstanceClass": "mysql.n2.medium.1", "DBInstanceStorage": 20, "DBInstanceNetType": "Intranet",
		"SecurityIPList": "10.0.0.0/8", "PayType": "Postpaid", "VPCId": vpc, "VSwitchId": vswitch, "ClientToken": "t",
	}), "DBInstanceId")
	one := values{"DBInstanceId": id}
	c.fails("IncorrectDBInstanceState", "rds", "RestartDBInstance", one)
	c.until("Running", "Items.DBInstanceAttribute.0.DBInstanceStatus", "rds", "DescribeDBInstanceAttribute", one)
	for _, action := range []string{
		"DescribeDBInstances", "DescribeDBInstanceNetInfo", "DescribeDBInstanceIPArrayList", "DescribeBackupPolicy", "DescribeParameters", "DescribeDBInstanceSSL", "DescribeDBInstanceTDE",
		"DescribeSecurityGroupConfiguration", "DescribeSQLCollectorPolicy", "DescribeSQLCollectorRetention", "DescribeDBInstanceHAConfig", "DescribeHASwitchConfig",
		"DescribeInstanceAutoRenewalAttribute", "DescribeDBInstanceMonitor", "DescribePGHbaConfig", "DescribeTasks", "DescribeBackups", "DescribeTags",
	} {
		c.do("rds", action, one)
	}
	c.do("rds", "CreateAccount", values{"DBInstanceId": id, "AccountName": "a", "AccountPassword": "p"})
	c.do("rds", "CreateDatabase", values{"DBInstanceId": id, "DBName": "d", "CharacterSetName": "utf8mb4"})
	c.until("Running", "Databases.Database.0.DBStatus", "rds", "DescribeDatabases", one)
	c.do("rds", "GrantAccountPrivilege", values{"DBInstanceId": id, "AccountName": "a", "DBName": "d", "AccountPrivilege": "ReadWrite"})
	c.do("rds", "DescribeAccounts", one)
	c.do("rds", "ModifySecurityIps", values{"DBInstanceId": id, "SecurityIps": "1.2.3.4"})
	c.do("rds", "StopDBInstance", one)
	c.until("Stopped", "Items.DBInstanceAttribute.0.DBInstanceStatus", "rds", "DescribeDBInstanceAttribute", one)
	c.do("rds", "StartDBInstance", one)
	c.until("Running", "Items.DBInstanceAttribute.0.DBInstanceStatus", "rds", "DescribeDBInstanceAttribute", one)
	c.do("rds", "DeleteDBInstance", one)
	c.until("0", "TotalRecordCount", "rds", "DescribeDBInstances", one)
	c.fails("InvalidDBInstanceId.NotFound", "rds", "DescribeTasks", one)
	c.fails("InvalidDBInstanceId.NotFound", "rds", "DescribeDBInstanceAttribute", one)
	c.do("rds", "DescribeAvailableZones", values{"Engine": "MySQL"})
	c.do("rds", "DescribeAvailableClasses", values{"Engine": "MySQL", "EngineVersion": "8.0", "ZoneId": "cn-hangzhou-h", "DBInstanceStorageType": "cloud_essd", "Category": "Basic"})
	c.do("rds", "ListClasses", values{"CommodityCode": "bards", "OrderType": "BUY"})
	c.do("rds", "DescribeRegions", nil)
	c.cloud.CheckClean(t)
}

func TestFirewall(t *testing.T) {
	t.Parallel()
	c := newClient(t, sim.Options{})
	rule := values{
		"AclAction": "accept", "Description": "d 中", "Destination": "0.0.0.0/0", "DestinationType": "net", "Direction": "in", "Proto": "TCP", "Source": "10.0.0.0/8", "SourceType": "net",
		"NewOrder": 1, "DestPort": "22/22", "ApplicationName": "ANY",
	}
	first := str(c.do("cloudfw", "AddControlPolicy", rule), "AclUuid")
	rule["NewOrder"] = -1
	second := str(c.do("cloudfw", "AddControlPolicy", rule), "AclUuid")
	c.do("cloudfw", "ModifyControlPolicyPriority", values{"AclUuid": second, "Order": 1})
	list := values{"Direction": "in", "CurrentPage": 1, "PageSize": 10}
	out := c.do("cloudfw", "DescribeControlPolicy", list)
	if got := str(out, "Policys.0.AclUuid") + str(out, "Policys.1.Order"); got != second+"2" {
		t.Errorf("first is %s", got)
	}
	c.do("cloudfw", "ModifyControlPolicy", values{"AclUuid": first, "AclAction": "drop"})
	c.fails("ErrorParametersAction", "cloudfw", "AddControlPolicy", func() values {
		v := values{}
		for k, x := range rule {
			v[k] = x
		}
		v["AclAction"] = "maybe"
		return v
	}())
	c.do("cloudfw", "DeleteControlPolicy", values{"AclUuid": first})
	c.fails("ErrorAclNotExist", "cloudfw", "DeleteControlPolicy", values{"AclUuid": first})
	c.do("cloudfw", "AddAddressBook", values{"GroupName": "g", "GroupType": "ip", "Description": "d", "AddressList": "1.1.1.1/32,2.2.2.2/32"})
	c.do("cloudfw", "DescribeAddressBook", nil)
	c.do("cloudfw", "ModifyDefaultIPSConfig", values{"RunMode": 0, "BasicRules": 1, "CtiRules": 0, "PatchRules": 1, "RuleClass": 3})
	if got := str(c.do("cloudfw", "DescribeDefaultIPSConfig", nil), "RuleClass"); got != "3" {
		t.Errorf("class %s", got)
	}
	c.do("cloudfw", "DescribeUserBuyVersion", nil)
	c.do("cloudfw", "DescribeAssetList", values{"CurrentPage": 1, "PageSize": 10})
	c.do("cloudfw", "DescribeRiskEventGroup", values{"StartTime": 1, "EndTime": 2, "DataType": "session"})
	c.do("cloudfw", "CreateVpcFirewallConfigure", values{
		"VpcFirewallName": "f", "LocalVpcId": "a", "LocalVpcRegion": "cn-hangzhou", "PeerVpcId": "b", "PeerVpcRegion": "cn-hangzhou", "FirewallSwitch": "open", "LocalVpcCidrTableList": "[]", "PeerVpcCidrTableList": "[]",
	})
	c.do("cloudfw", "DescribeVpcFirewallList", nil)
	if err := c.cloud.SetFaults(sim.Faults{Unsold: []string{"cloudfw"}}); err != nil {
		t.Fatal(err)
	}
	c.fails("not buy user", "cloudfw", "DescribeControlPolicy", list)
	c.cloud.CheckClean(t)
}

func TestWaf(t *testing.T) {
	t.Parallel()
	c := newClient(t, sim.Options{Faults: sim.Faults{DelayMS: 1, Unsold: []string{"waf"}}})
	if got, ok := c.do("waf", "DescribeInstance", nil)["InstanceId"]; ok {
		t.Errorf("there is %s", got)
	}
	waf := str(c.do("waf", "CreatePostpaidInstance", nil), "InstanceId")
	site := values{
		"InstanceId": waf, "Domain": "www.example.com", "Listen": `{"HttpPorts":[80]}`, "Redirect": `{"Backends":["1.2.3.4"],"Loadbalance":"roundRobin","ReadTimeout":60}`,
	}
	c.do("waf", "CreateDomain", site)
	c.fails("Waf.Pullin.ResourceExsit", "waf", "CreateDomain", site)
	out := c.until("1", "Status", "waf", "DescribeDomainDetail", values{"InstanceId": waf, "Domain": "www.example.com"})
	if got := str(out, "Redirect.Backends.0.Backend") + str(out, "Redirect.ReadTimeout") + str(out, "Listen.HttpPorts.0"); got != "1.2.3.46080" {
		t.Errorf("site is %s", got)
	}
	c.do("waf", "DescribeDomains", values{"InstanceId": waf})
	c.do("waf", "DescribeDefenseResources", values{"InstanceId": waf})
	template := str(c.do("waf", "CreateDefenseTemplate", values{
		"InstanceId": waf, "TemplateName": "t", "TemplateType": "user_custom", "TemplateStatus": 1, "DefenseScene": "custom_acl", "TemplateOrigin": "custom",
	}), "TemplateId")
	c.do("waf", "CreateDefenseRule", values{"InstanceId": waf, "TemplateId": template, "DefenseScene": "custom_acl", "Rules": `[{"name":"r","status":1}]`})
	c.do("waf", "DescribeDefenseRules", values{"InstanceId": waf, "Query": `{"templateId":` + template + `}`})
	c.fails("Waf.Instance.ValidFaild", "waf", "DescribeDomains", values{"InstanceId": "waf-x"})
	c.do("waf", "DeleteDomain", values{"InstanceId": waf, "Domain": "www.example.com"})
	c.until("0", "TotalCount", "waf", "DescribeDomains", values{"InstanceId": waf})
	c.cloud.CheckClean(t)
}

func TestAntivirus(t *testing.T) {
	t.Parallel()
	c := newClient(t, sim.Options{})
	_, vswitch, group := c.network()
	vm := c.instance(vswitch, group, values{"InstanceName": "eicar-1"})
	out := c.do("sas", "DescribeCloudCenterInstances", values{"Criteria": `[{"name":"instanceId","value":"` + vm + `"}]`})
	uuid := str(out, "Instances.0.Uuid")
	c.do("sas", "BindAuthToMachine", values{"Bind.1": uuid, "AuthVersion": 6})
	task := str(c.do("sas", "StartVirusScanTask", values{"TargetInfo": `[{"type":"uuid","target":"` + uuid + `"}]`}), "ScanTaskId")
	c.until("100", "ScanTaskProgress", "sas", "DescribeScanTaskProgress", values{"TaskId": task})
	events := c.do("sas", "DescribeSuspEvents", values{"Dealed": "N", "From": "sas"})
	c.do("sas", "HandleSecurityEvents", values{"OperationCode": "ignore", "SecurityEventIds.1": str(events, "SuspEvents.0.Id")})
	if got := str(c.do("sas", "DescribeSuspEvents", values{"Dealed": "N"}), "TotalCount"); got != "0" {
		t.Errorf("%s alarms are left", got)
	}
	for _, action := range []string{"GetVirusScanLatestTaskStatistic", "ListVirusScanTask", "GetAuthSummary", "DescribeVersionConfig", "DescribeLatestScanTask", "RefreshAssets", "DescribeFieldStatistics"} {
		c.do("sas", action, nil)
	}
	c.do("sas", "ListVirusScanMachine", values{"CurrentPage": 1, "PageSize": 10})
	c.do("sas", "BindAuthToMachine", values{"UnBind.1": uuid})
	c.cloud.CheckClean(t)
}
