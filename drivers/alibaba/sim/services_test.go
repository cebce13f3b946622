package sim_test

import (
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/drivers/alibaba/sim"
)

func TestTenants(t *testing.T) {
	t.Parallel()
	c := newClient(t, sim.Options{})
	c.do("ram", "CreateUser", values{"UserName": "u"})
	c.fails("EntityAlreadyExists.User", "ram", "CreateUser", values{"UserName": "u"})
	key := c.do("ram", "CreateAccessKey", values{"UserName": "u"})
	c.do("ram", "AttachPolicyToUser", values{"UserName": "u", "PolicyName": "ReadOnlyAccess", "PolicyType": "System"})
	c.fails("DeleteConflict.User.AccessKey", "ram", "DeleteUser", values{"UserName": "u"})
	user := *c
	user.key, user.sec = str(key, "AccessKey.AccessKeyId"), str(key, "AccessKey.AccessKeySecret")
	if got := str(user.do("sts", "GetCallerIdentity", nil), "IdentityType"); got != "RAMUser" {
		t.Errorf("the key is of a %s", got)
	}
	c.do("ram", "UpdateAccessKey", values{"UserName": "u", "UserAccessKeyId": user.key, "Status": "Inactive"})
	user.fails("InvalidAccessKeyId.Inactive", "sts", "GetCallerIdentity", nil)
	c.do("ram", "DeleteAccessKey", values{"UserName": "u", "UserAccessKeyId": user.key})
	c.do("ram", "DetachPolicyFromUser", values{"UserName": "u", "PolicyName": "ReadOnlyAccess", "PolicyType": "System"})
	for _, action := range []string{"ListUsers", "ListRoles", "ListPolicies", "ListGroups"} {
		c.do("ram", action, nil)
	}
	c.do("ram", "DeleteUser", values{"UserName": "u"})

	group := str(c.do("rm", "CreateResourceGroup", values{"Name": "tenant", "DisplayName": "租户"}), "ResourceGroup.Id")
	c.until("OK", "ResourceGroup.Status", "rm", "GetResourceGroup", values{"ResourceGroupId": group})
	vpc := str(c.do("vpc", "CreateVpc", values{"ResourceGroupId": group, "Tag.1.Key": "k", "Tag.1.Value": "v"}), "VpcId")
	c.fails("DeleteConflict.ResourceGroup.Resource", "rm", "DeleteResourceGroup", values{"ResourceGroupId": group})
	c.do("rm", "ListResourceGroups", nil)
	c.do("rm", "ListResources", values{"ResourceGroupId": group})
	if got := str(c.do("vpc", "ListTagResources", values{"ResourceType": "VPC", "Tag.1.Key": "k"}), "TagResources.TagResource.0.ResourceId"); got != vpc {
		t.Errorf("tagged is %s", got)
	}
	arn := "acs:vpc:cn-hangzhou:1234567890123456:vpc/" + vpc
	c.do("tag", "TagResources", values{"Tags": `{"x":"y z"}`, "ResourceARN.1": arn})
	if got := str(c.do("tag", "ListTagResources", values{"Tags": `{"x":"y z"}`}), "TagResources.0.Tags.1.Value"); got != "y z" {
		t.Errorf("tag is %q", got)
	}
	c.do("tag", "UntagResources", values{"ResourceARN.1": arn, "TagKey.1": "x"})
	c.do("tag", "ListTagKeys", nil)
	c.do("tag", "CreateTags", values{"TagKeyValueParamList.1.Key": "meta", "TagKeyValueParamList.1.TagValueParamList.1.Value": "1"})
	c.do("tag", "ListTagValues", values{"Key": "meta"})
	c.do("tag", "DeleteTag", values{"Key": "meta"})
	c.fails("MetaTagKeyNotFound", "tag", "DeleteTag", values{"Key": "meta"})
	c.cloud.CheckClean(t)
}

func TestMoneyAndMetrics(t *testing.T) {
	t.Parallel()
	c := newClient(t, sim.Options{})
	_, vswitch, group := c.network()
	vm := c.instance(vswitch, group, nil)
	out := c.do("ecs", "DescribePrice", values{"InstanceType": "ecs.g7.large", "PriceUnit": "Month", "SystemDisk.Size": 40})
	if price := str(out, "PriceInfo.Price.TradePrice"); price != "252.288" {
		t.Errorf("price %s", price)
	}
	month := c.now().In(time.FixedZone("", 8*3600)).Format("2006-01")
	for _, action := range []string{"QueryInstanceBill", "QueryBill", "QueryAccountBill", "QueryBillOverview", "DescribeInstanceBill"} {
		c.do("bss", action, values{"BillingCycle": month})
	}
	c.do("bss", "QueryAccountBalance", nil)
	c.do("bss", "QueryAvailableInstances", nil)
	c.do("bss", "GetPayAsYouGoPrice", values{"ProductCode": "ecs", "SubscriptionType": "PayAsYouGo", "ModuleList.1.ModuleCode": "InstanceType", "ModuleList.1.PriceType": "Hour", "ModuleList.1.Config": "InstanceType:ecs.g7.large"})
	if got := str(c.do("bss", "QueryInstanceBill", values{"BillingCycle": month, "ProductCode": "ecs"}), "Data.Items.Item.0.InstanceID"); got != vm {
		t.Errorf("bill of %s", got)
	}
	metric := values{"Namespace": "acs_ecs_dashboard", "MetricName": "CPUUtilization", "Dimensions": `[{"instanceId":"` + vm + `"}]`}
	for _, action := range []string{"DescribeMetricList", "DescribeMetricLast", "DescribeMetricData"} {
		if got := str(c.do("cms", action, metric), "Code"); got != "200" {
			t.Errorf("%s: code %s", action, got)
		}
	}
	c.do("cms", "DescribeMetricMetaList", nil)
	c.do("cms", "PutContactGroup", values{"ContactGroupName": "ops"})
	c.do("cms", "PutResourceMetricRule", values{
		"RuleId": "r1", "RuleName": "cpu", "Namespace": "acs_ecs_dashboard", "MetricName": "CPUUtilization", "Resources": "[]", "ContactGroups": "ops",
		"Escalations.Critical.Statistics": "Average", "Escalations.Critical.ComparisonOperator": "GreaterThanThreshold", "Escalations.Critical.Threshold": "90", "Escalations.Critical.Times": 3,
	})
	if got := str(c.do("cms", "DescribeMetricRuleList", nil), "Alarms.Alarm.0.Escalations.Critical.Threshold"); got != "90" {
		t.Errorf("threshold %s", got)
	}
	c.do("cms", "DisableMetricRules", values{"RuleId.1": "r1"})
	c.do("cms", "DeleteMetricRules", values{"Id.1": "r1"})

	out = c.do("trail", "LookupEvents", values{"LookupAttribute.1.Key": "EventName", "LookupAttribute.1.Value": "RunInstances"})
	if got := str(out, "Events.0.eventName"); got != "RunInstances" {
		t.Errorf("event %v", out)
	}
	token := ""
	seen := 0
	for range 20 {
		out = c.do("trail", "LookupEvents", values{"MaxResults": 1, "NextToken": token})
		seen += len(at(out, "Events").([]any))
		if token = str(out, "NextToken"); token == "" {
			break
		}
	}
	if seen < 4 {
		t.Errorf("%d events", seen)
	}
	c.cloud.CheckClean(t)
}

// TestCatalog calls what lists what there is to buy.
func TestCatalog(t *testing.T) {
	t.Parallel()
	c := newClient(t, sim.Options{})
	for product, list := range map[string][]string{
		"ecs": {"DescribeRegions", "DescribeZones", "DescribeInstanceTypes", "DescribeInstanceTypeFamilies", "DescribeAccountAttributes", "DescribeImages", "DescribeKeyPairs", "DescribeSecurityGroups", "DescribeSnapshots"},
		"vpc": {"DescribeRegions", "DescribeZones", "DescribeVRouters", "DescribeNatGateways", "DescribeNetworkAcls", "DescribeSnatTableEntries", "DescribeCustomerGateways"},
		"slb": {"DescribeRegions", "DescribeZones", "DescribeAvailableResource", "DescribeServerCertificates", "DescribeLoadBalancers"},
		"eci": {"DescribeRegions"}, "cms": {"DescribeProjectMeta", "DescribeAlertLogList", "DescribeContactList"}, "trail": {"DescribeRegions", "DescribeTrails"},
	} {
		for _, action := range list {
			c.do(product, action, nil)
		}
	}
	c.do("ecs", "DescribeAvailableResource", values{"DestinationResource": "InstanceType", "ZoneId": "cn-hangzhou-h"})
	key := c.do("ecs", "CreateKeyPair", values{"KeyPairName": "k"})
	if str(key, "PrivateKeyBody") == "" {
		t.Error("no private key")
	}
	c.fails("KeyPair.AlreadyExist", "ecs", "CreateKeyPair", values{"KeyPairName": "k"})
	c.do("ecs", "DeleteKeyPairs", values{"KeyPairNames": `["k"]`})
	c.cloud.CheckClean(t)
}

// TestPoliciesInAGroup: a user with a policy in one resource group works there and
// nowhere else.
func TestPoliciesInAGroup(t *testing.T) {
	t.Parallel()
	c := newClient(t, sim.Options{})
	group := str(c.do("rm", "CreateResourceGroup", values{"Name": "scoped", "DisplayName": "scoped"}), "ResourceGroup.Id")
	c.until("OK", "ResourceGroup.Status", "rm", "GetResourceGroup", values{"ResourceGroupId": group})
	mine := str(c.do("vpc", "CreateVpc", values{"ResourceGroupId": group}), "VpcId")
	others := str(c.do("vpc", "CreateVpc", nil), "VpcId")
	c.until("Available", "Vpcs.Vpc.0.Status", "vpc", "DescribeVpcs", values{"VpcId": mine})
	c.do("ram", "CreateUser", values{"UserName": "u"})
	key := c.do("ram", "CreateAccessKey", values{"UserName": "u"})
	user := *c
	user.key, user.sec = str(key, "AccessKey.AccessKeyId"), str(key, "AccessKey.AccessKeySecret")
	user.fails("Forbidden.RAM", "vpc", "DescribeVpcs", values{"ResourceGroupId": group})
	c.do("ram", "CreatePolicy", values{"PolicyName": "p", "PolicyDocument": `{"Version":"1","Statement":[{"Effect":"Allow","Action":["vpc:*"],"Resource":"*"},{"Effect":"Deny","Action":"vpc:ModifyVpc*","Resource":"*"}]}`})
	attach := values{"PolicyName": "p", "PolicyType": "Custom", "PrincipalType": "IMSUser", "PrincipalName": "u@" + c.cloud.Account.UID + ".onaliyun.com", "ResourceGroupId": group}
	c.do("rm", "AttachPolicy", attach)
	c.fails("EntityAlreadyExists.PolicyAttachment", "rm", "AttachPolicy", attach)

	user.do("vpc", "DescribeVpcs", values{"ResourceGroupId": group})
	user.do("vpc", "DescribeVpcs", values{"VpcId": mine})
	made := str(user.do("vpc", "CreateVpc", values{"ResourceGroupId": group}), "VpcId")
	user.fails("Forbidden.RAM", "vpc", "DescribeVpcs", nil)
	user.fails("Forbidden.RAM", "vpc", "DescribeVpcs", values{"VpcId": others})
	user.fails("Forbidden.RAM", "vpc", "CreateVpc", nil)
	user.fails("Forbidden.RAM", "vpc", "DeleteVpc", values{"VpcId": others})
	user.fails("Forbidden.RAM", "vpc", "ModifyVpcAttribute", values{"VpcId": mine, "VpcName": "renamed"})
	user.fails("Forbidden.RAM", "ecs", "DescribeInstances", values{"ResourceGroupId": group})
	user.fails("Forbidden.RAM", "ram", "CreateUser", values{"UserName": "v"})
	c.until("Available", "Vpcs.Vpc.0.Status", "vpc", "DescribeVpcs", values{"VpcId": made})
	user.do("vpc", "DeleteVpc", values{"VpcId": made})
	c.do("rm", "DetachPolicy", attach)
	user.fails("Forbidden.RAM", "vpc", "DescribeVpcs", values{"VpcId": mine})
	c.cloud.CheckClean(t)
}
