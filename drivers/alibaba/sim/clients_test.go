package sim_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/yunqiao/yunqiao/drivers/alibaba/sim"
	"github.com/yunqiao/yunqiao/drivers/alibaba/sim/simtest"
)

// What clients know of the cloud although the definitions do not say it: each of these
// was seen by the official Terraform provider, which relies on it.

func TestAbsentIsNoError(t *testing.T) {
	t.Parallel()
	c := newClient(t, sim.Options{Faults: sim.Faults{DelayMS: 1}})
	if id, ok := c.do("vpc", "DescribeVSwitchAttributes", values{"VSwitchId": "vsw-none"})["VSwitchId"]; !ok || id != "" {
		t.Errorf("an absent vSwitch has the id %v", id)
	}
	waf := str(c.do("waf", "DescribeInstance", nil), "InstanceId")
	if _, ok := c.do("waf", "DescribeDomainDetail", values{"InstanceId": waf, "Domain": "none.example.com"})["Domain"]; ok {
		t.Error("an absent site is shown")
	}
	c.do("waf", "ReleaseInstance", values{"InstanceId": waf})
	if _, ok := c.do("waf", "DescribeInstance", nil)["InstanceId"]; ok {
		t.Error("what was given back is there")
	}
	c.do("waf", "CreatePostpaidInstance", nil)
	if got := str(c.do("waf", "DescribeInstance", nil), "InstanceId"); got != waf {
		t.Errorf("bought again it is %s", got)
	}
	c.cloud.CheckClean(t)
}

func TestDefaultResourceGroup(t *testing.T) {
	t.Parallel()
	c := newClient(t, sim.Options{Faults: sim.Faults{DelayMS: 1}})
	vpc, _, group := c.network()
	other := str(c.do("rm", "CreateResourceGroup", values{"Name": "other", "DisplayName": "other"}), "ResourceGroup.Id")
	third := str(c.do("rm", "CreateResourceGroup", values{"Name": "third", "DisplayName": "third"}), "ResourceGroup.Id")
	mine := str(c.do("ecs", "CreateSecurityGroup", values{"VpcId": vpc, "ResourceGroupId": other}), "SecurityGroupId")
	if got := str(c.do("ecs", "DescribeSecurityGroups", values{"SecurityGroupId": group}), "SecurityGroups.SecurityGroup.0.ResourceGroupId"); got != "" {
		t.Errorf("the default group is shown as %q", got)
	}
	for asked, want := range map[string]string{other: "2", third: "1"} {
		if got := str(c.do("ecs", "DescribeSecurityGroups", values{"ResourceGroupId": asked}), "TotalCount"); got != want {
			t.Errorf("%s groups are listed, not %s: those of the default group always are", got, want)
		}
	}
	if got := str(c.do("ecs", "DescribeSecurityGroups", values{"SecurityGroupId": mine}), "SecurityGroups.SecurityGroup.0.ResourceGroupId"); got != other {
		t.Errorf("the group is in %q", got)
	}
	standard := str(c.do("vpc", "DescribeVpcs", values{"VpcId": vpc}), "Vpcs.Vpc.0.ResourceGroupId")
	if standard == "" {
		t.Error("a VPC does not show its default group")
	}
	resources := fmt.Sprint(c.do("rm", "ListResources", values{"ResourceGroupId": standard, "PageSize": 100}))
	if !strings.Contains(resources, group) || strings.Contains(resources, mine) {
		t.Errorf("the default group has %s", resources)
	}
	c.cloud.CheckClean(t)
}

func TestOlderActions(t *testing.T) {
	t.Parallel()
	c := newClient(t, sim.Options{Faults: sim.Faults{DelayMS: 1}})
	vpc, vswitch, _ := c.network()
	table := str(c.do("vpc", "DescribeRouteTableList", values{"VpcId": vpc}), "RouterTableList.RouterTableListType.0.RouteTableId")
	out := c.do("vpc", "DescribeRouteTables", values{"RouteTableId": table})
	if got := str(out, "RouteTables.RouteTable.0.VSwitchIds.VSwitchId.0"); got != vswitch {
		t.Errorf("the table is that of %q", got)
	}
	if got := str(out, "RouteTables.RouteTable.0.RouteEntrys.RouteEntry.0.NextHopType"); got != "local" {
		t.Errorf("the first entry leads to %q", got)
	}
	for _, name := range []string{"a", "b"} {
		c.do("ecs", "CreateSecurityGroup", values{"VpcId": vpc, "SecurityGroupName": name, "Tag.1.Key": "k", "Tag.1.Value": "v"})
	}
	tags := c.do("ecs", "DescribeTags", values{"ResourceType": "securitygroup", "Tag.1.Key": "k"})
	if got := str(tags, "Tags.Tag.0.TagValue") + str(tags, "Tags.Tag.0.ResourceTypeCount.Securitygroup") + str(tags, "TotalCount"); got != "v21" {
		t.Errorf("tags are %v", tags)
	}
	if got := str(c.do("ecs", "DescribeTags", values{"Tag.1.Key": "k", "Tag.1.Value": "x"}), "TotalCount"); got != "0" {
		t.Errorf("%s tags have another value", got)
	}
	c.fails("InvalidResourceType.NotFound", "ecs", "DescribeTags", values{"ResourceType": "cloud"})
	c.cloud.CheckClean(t)
}

func TestDatabaseParameters(t *testing.T) {
	t.Parallel()
	c := newClient(t, sim.Options{Faults: sim.Faults{DelayMS: 1}})
	vpc, vswitch, _ := c.network()
	db := str(c.do("rds", "CreateDBInstance", values{
		"Engine": "MySQL", "EngineVersion": "8.0", "DBInstanceClass": "mysql.n2.medium.1", "DBInstanceStorage": 20, "DBInstanceNetType": "Intranet",
		"SecurityIPList": "10.0.0.0/8", "PayType": "Postpaid", "VPCId": vpc, "VSwitchId": vswitch, "ZoneId": "cn-hangzhou-h",
	}), "DBInstanceId")
	c.until("Running", "Items.DBInstanceAttribute.0.DBInstanceStatus", "rds", "DescribeDBInstanceAttribute", values{"DBInstanceId": db})
	templates := c.do("rds", "DescribeParameterTemplates", values{"Engine": "MySQL", "EngineVersion": "8.0"})
	if got := str(templates, "Parameters.TemplateRecord.0.ParameterName"); got != "delayed_insert_timeout" {
		t.Errorf("the first parameter is %q", got)
	}
	change := func(parameters, restart string) values {
		return values{"DBInstanceId": db, "Parameters": parameters, "Forcerestart": restart}
	}
	c.do("rds", "ModifyParameter", change(`{"delayed_insert_timeout":"600"}`, "false"))
	if got := str(c.do("rds", "DescribeParameters", values{"DBInstanceId": db}), "RunningParameters.DBInstanceParameter.0.ParameterValue"); got != "600" {
		t.Errorf("the parameter is %q", got)
	}
	c.fails("InvalidInstanceParameter", "rds", "ModifyParameter", change(`{"colour":"red"}`, "false"))
	c.fails("InvalidParameters.Format", "rds", "ModifyParameter", change(`red`, "false"))
	c.fails("Parameters.Invalid", "rds", "ModifyParameter", change(`{"performance_schema":"ON"}`, "false"))
	c.do("rds", "ModifyParameter", change(`{"performance_schema":"ON"}`, "true"))
	c.until("Running", "Items.DBInstanceAttribute.0.DBInstanceStatus", "rds", "DescribeDBInstanceAttribute", values{"DBInstanceId": db})
	c.do("rds", "ModifyDBInstanceMonitor", values{"DBInstanceId": db, "Period": "60"})
	if got := str(c.do("rds", "DescribeDBInstanceMonitor", values{"DBInstanceId": db}), "Period"); got != "60" {
		t.Errorf("it is looked at each %s seconds", got)
	}
	c.fails("OperationDenied.DBInstanceMonitorPeriod", "rds", "ModifyDBInstanceMonitor", values{"DBInstanceId": db, "Period": "7"})
	c.cloud.CheckClean(t)
}

// TestContainerProbes reads back what a container was given, and nothing that it was
// not.
func TestContainerProbes(t *testing.T) {
	t.Parallel()
	c := newClient(t, sim.Options{Faults: sim.Faults{DelayMS: 1}})
	_, vswitch, group := c.network()
	c.do("eci", "CreateContainerGroup", values{
		"ContainerGroupName": "web", "VSwitchId": vswitch, "SecurityGroupId": group, "Cpu": 2, "Memory": 4,
		"Container.1.Name": "a", "Container.1.Image": "nginx", "Container.1.LivenessProbe.TcpSocket.Port": 80, "Container.1.LivenessProbe.PeriodSeconds": 5,
		"Container.1.SecurityContext.RunAsUser": 1000,
		"Container.2.Name":                      "b", "Container.2.Image": "nginx", "Container.2.Cpu": 1, "Container.2.ReadinessProbe.HttpGet.Port": 80,
		"InitContainer.1.Name": "c", "InitContainer.1.Image": "busybox", "InitContainer.1.Command.1": "echo",
	})
	out := c.do("eci", "DescribeContainerGroups", nil)
	got := strings.Join([]string{
		str(out, "ContainerGroups.0.Containers.0.LivenessProbe.TcpSocket.Port"), str(out, "ContainerGroups.0.Containers.0.LivenessProbe.PeriodSeconds"),
		str(out, "ContainerGroups.0.Containers.0.LivenessProbe.FailureThreshold"), str(out, "ContainerGroups.0.Containers.0.SecurityContext.RunAsUser"),
		str(out, "ContainerGroups.0.Containers.0.Cpu"), str(out, "ContainerGroups.0.Containers.1.Cpu"),
		str(out, "ContainerGroups.0.Containers.1.ReadinessProbe.HttpGet.Scheme"), str(out, "ContainerGroups.0.InitContainers.0.Command.0"),
	}, " ")
	if want := "80 5 3 1000 0 1 HTTP echo"; got != want {
		t.Errorf("containers are %q, not %q", got, want)
	}
	second, _ := out["ContainerGroups"].([]any)[0].(map[string]any)["Containers"].([]any)[1].(map[string]any)
	for _, name := range []string{"LivenessProbe", "SecurityContext", "-"} {
		if v, ok := second[name]; ok {
			t.Errorf("%s is %v", name, v)
		}
	}
	c.cloud.CheckClean(t)
}

// TestEither asks one address by HTTP and by HTTPS.
func TestEither(t *testing.T) {
	t.Parallel()
	cloud := simtest.Start(t, sim.Options{})
	text, err := os.ReadFile(cloud.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport}
	for _, address := range []string{cloud.URL, strings.Replace(cloud.URL, "http://", "https://", 1), cloud.URL, cloud.TLSURL} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+"/sim/healthz", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close() // read
		if err != nil || string(body) != "ok\n" {
			t.Errorf("%s answers %q, %v", address, body, err)
		}
	}
}
