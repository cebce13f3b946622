package sim_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/drivers/alibaba/sim"
	"github.com/yunqiao/yunqiao/drivers/alibaba/sim/signature"
	"github.com/yunqiao/yunqiao/drivers/alibaba/sim/simtest"
)

// versions are those of products, by a short name.
var versions = map[string]string{
	"ecs": "2014-05-26", "vpc": "2016-04-28", "slb": "2014-05-15", "alb": "2020-06-16", "nlb": "2022-04-30", "rds": "2014-08-15", "eci": "2018-08-08",
	"bss": "2017-12-14", "cloudfw": "2017-12-07", "waf": "2021-10-01", "sas": "2018-12-03", "ram": "2015-05-01", "sts": "2015-04-01",
	"rm": "2020-03-31", "tag": "2018-08-28", "cms": "2019-01-01", "trail": "2020-07-06", "location": "2015-06-12",
}

type values map[string]any

// client signs calls by RPC 1.0, with names and values from tests. Its cloud's clock
// stands still until a test moves it.
type client struct {
	t     *testing.T
	cloud *simtest.Cloud
	clock *atomic.Int64 // Unix milliseconds
	key   string
	token string
	sec   string
}

func newClient(t *testing.T, opts sim.Options) *client {
	t.Helper()
	c := &client{t: t, clock: &atomic.Int64{}}
	c.clock.Store(time.Now().UnixMilli())
	opts.Now = c.now
	c.cloud = simtest.Start(t, opts)
	c.key, c.sec = c.cloud.Account.AccessKeyID, c.cloud.Account.AccessKeySecret
	return c
}

func (c *client) now() time.Time { return time.UnixMilli(c.clock.Load()) }

func (c *client) wait(d time.Duration) { c.clock.Add(d.Milliseconds()) }

var nonces atomic.Int64

// sign makes the parameters of a call.
func (c *client) sign(method, product, action string, in values) map[string]string {
	p := map[string]string{
		"Action": action, "Version": versions[product], "Format": "JSON", "AccessKeyId": c.key, "SignatureMethod": "HMAC-SHA1",
		"SignatureVersion": "1.0", "SignatureNonce": fmt.Sprint("n", nonces.Add(1)), "Timestamp": c.now().UTC().Format("2006-01-02T15:04:05Z"),
		"RegionId": "cn-hangzhou", "SignatureType": "",
	}
	if c.token != "" {
		p["SecurityToken"] = c.token
	}
	for name, v := range in {
		p[name] = fmt.Sprint(v)
	}
	p["Signature"] = signature.RPC(c.sec, signature.RPCStringToSign(method, p))
	return p
}

// send makes the call with the parameters in the form body, or in the query for GET.
func (c *client) send(method string, p map[string]string) (int, map[string]any) {
	c.t.Helper()
	form := url.Values{}
	for name, v := range p {
		form.Set(name, v)
	}
	target, body := c.cloud.URL+"/", io.Reader(strings.NewReader(form.Encode()))
	if method == http.MethodGet {
		target, body = target+"?"+form.Encode(), nil
	}
	r, err := http.NewRequestWithContext(c.t.Context(), method, target, body)
	if err != nil {
		c.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer answer.Body.Close()
	var out map[string]any
	d := json.NewDecoder(answer.Body)
	d.UseNumber()
	if err := d.Decode(&out); err != nil {
		c.t.Fatal(err)
	}
	return answer.StatusCode, out
}

// do makes a call that must succeed.
func (c *client) do(product, action string, in values) map[string]any {
	c.t.Helper()
	status, out := c.send(http.MethodPost, c.sign(http.MethodPost, product, action, in))
	if status != http.StatusOK {
		c.t.Fatalf("%s %v: %d %v: %v", action, in, status, out["Code"], out["Message"])
	}
	return out
}

// fails makes a call that must be refused with a code.
func (c *client) fails(code, product, action string, in values) {
	c.t.Helper()
	status, out := c.send(http.MethodPost, c.sign(http.MethodPost, product, action, in))
	if out["Code"] != code || status < 400 {
		c.t.Errorf("%s %v: %d %v (%v), want %s", action, in, status, out["Code"], out["Message"], code)
	}
}

// at finds a value by a path of members and numbers.
func at(v any, path string) any {
	for name := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[name]
		case []any:
			var i int
			if _, err := fmt.Sscan(name, &i); err != nil || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

func str(v any, path string) string { return fmt.Sprint(at(v, path)) }

// until repeats a read, and moves the clock, until a value is there.
func (c *client) until(want, path, product, action string, in values) map[string]any {
	c.t.Helper()
	var out map[string]any
	for range 100 {
		if out = c.do(product, action, in); str(out, path) == want {
			return out
		}
		c.wait(10 * time.Millisecond)
	}
	c.t.Fatalf("%s %v: %s is %s, not %s", action, in, path, str(out, path), want)
	return nil
}

// network makes a VPC with a vSwitch and a security group.
func (c *client) network() (vpc, vswitch, group string) {
	c.t.Helper()
	vpc = str(c.do("vpc", "CreateVpc", values{"CidrBlock": "192.168.0.0/16", "VpcName": "net"}), "VpcId")
	c.until("Available", "Vpcs.Vpc.0.Status", "vpc", "DescribeVpcs", values{"VpcId": vpc})
	vswitch = str(c.do("vpc", "CreateVSwitch", values{"VpcId": vpc, "CidrBlock": "192.168.1.0/24", "ZoneId": "cn-hangzhou-h"}), "VSwitchId")
	c.until("Available", "VSwitches.VSwitch.0.Status", "vpc", "DescribeVSwitches", values{"VSwitchId": vswitch})
	group = str(c.do("ecs", "CreateSecurityGroup", values{"VpcId": vpc, "SecurityGroupName": "sg"}), "SecurityGroupId")
	return vpc, vswitch, group
}

const image = "ubuntu_22_04_x64_20G_alibase_20240710.vhd"

func (c *client) instance(vswitch, group string, more values) string {
	c.t.Helper()
	in := values{"ImageId": image, "InstanceType": "ecs.g7.large", "VSwitchId": vswitch, "SecurityGroupId": group}
	for k, v := range more {
		in[k] = v
	}
	id := str(c.do("ecs", "RunInstances", in), "InstanceIdSets.InstanceIdSet.0")
	c.until("Running", "Instances.Instance.0.Status", "ecs", "DescribeInstances", values{"InstanceIds": `["` + id + `"]`})
	return id
}

func TestInstanceLife(t *testing.T) {
	t.Parallel()
	c := newClient(t, sim.Options{})
	vpc, vswitch, group := c.network()
	vm := c.instance(vswitch, group, values{"InstanceName": "名 a+b*c ~", "Tag.1.Key": "k", "Tag.1.Value": "值 +*", "DataDisk.1.Size": 30})
	out := c.do("ecs", "DescribeInstances", values{"InstanceName": "名 a+b*c ~", "Tag.1.Key": "k", "Tag.1.Value": "值 +*"})
	if got := str(out, "Instances.Instance.0.InstanceName"); got != "名 a+b*c ~" {
		t.Errorf("name %q", got)
	}
	if got := str(out, "Instances.Instance.0.Tags.Tag.0.TagValue"); got != "值 +*" {
		t.Errorf("tag %q", got)
	}
	c.fails("DependencyViolation.VSwitch", "vpc", "DeleteVpc", values{"VpcId": vpc})
	c.fails("DependencyViolation", "vpc", "DeleteVSwitch", values{"VSwitchId": vswitch})
	c.fails("DependencyViolation", "ecs", "DeleteSecurityGroup", values{"SecurityGroupId": group})
	c.fails("IncorrectInstanceStatus", "ecs", "DeleteInstance", values{"InstanceId": vm})

	disk := str(c.do("ecs", "CreateDisk", values{"ZoneId": "cn-hangzhou-h", "Size": 20, "DiskCategory": "cloud_essd"}), "DiskId")
	c.until("Available", "Disks.Disk.0.Status", "ecs", "DescribeDisks", values{"DiskIds": `["` + disk + `"]`})
	c.fails("IncorrectDiskStatus.NeverAttached", "ecs", "CreateSnapshot", values{"DiskId": disk})
	c.do("ecs", "AttachDisk", values{"DiskId": disk, "InstanceId": vm})
	c.until("In_use", "Disks.Disk.0.Status", "ecs", "DescribeDisks", values{"DiskIds": `["` + disk + `"]`})
	c.fails("DiskStillAttached", "ecs", "DeleteDisk", values{"DiskId": disk})
	snapshot := str(c.do("ecs", "CreateSnapshot", values{"DiskId": disk}), "SnapshotId")
	c.until("accomplished", "Snapshots.Snapshot.0.Status", "ecs", "DescribeSnapshots", values{"SnapshotIds": `["` + snapshot + `"]`})

	c.do("ecs", "StopInstance", values{"InstanceId": vm})
	c.until("Stopped", "Instances.Instance.0.Status", "ecs", "DescribeInstances", values{"InstanceIds": `["` + vm + `"]`})
	c.do("ecs", "DeleteInstance", values{"InstanceId": vm})
	c.until("0", "TotalCount", "ecs", "DescribeInstances", values{"InstanceIds": `["` + vm + `"]`})
	c.do("ecs", "DeleteDisk", values{"DiskId": disk})
	c.do("ecs", "DeleteSnapshot", values{"SnapshotId": snapshot})
	c.do("ecs", "DeleteSecurityGroup", values{"SecurityGroupId": group})
	c.do("vpc", "DeleteVSwitch", values{"VSwitchId": vswitch})
	c.until("0", "TotalCount", "vpc", "DescribeVSwitches", values{"VSwitchId": vswitch})
	c.do("vpc", "DeleteVpc", values{"VpcId": vpc})
	if left := c.cloud.Dump(); len(left) > 0 {
		t.Errorf("left %+v", left)
	}
	c.cloud.CheckClean(t)
}
