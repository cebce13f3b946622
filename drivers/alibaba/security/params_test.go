package security_test

import (
	"context"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/calltest"
	"github.com/yunqiao/yunqiao/drivers/alibaba/security"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

var (
	token  = sdk.Token(calltest.RequestID, "")
	marker = " [yq:" + token + "]"
)

type params = map[string]string

// TestCreateFirewallParameters shows for each field where it goes.
func TestCreateFirewallParameters(t *testing.T) {
	t.Parallel()
	type req = securityv1.CreateFirewallRequest
	calltest.Table[*req]{
		Register: security.Register, Action: "CreateNetworkAcl", Answers: params{"CreateNetworkAcl": `{"NetworkAclId":"nacl-1"}`},
		Send: func(ctx context.Context, c grpc.ClientConnInterface, r *req) error {
			_, err := securityv1.NewFirewallServiceClient(c).CreateFirewall(ctx, r)
			return err
		},
		Base:   &req{Name: "f", NetworkId: "vpc-1"},
		Params: params{"NetworkAclName": "f", "VpcId": "vpc-1", "ClientToken": token},
		Rows: map[string]calltest.Row[*req]{
			"name": {}, "network_id": {}, "replace_unmanaged": {}, "router_ids": {}, "nic_ids": {}, "nat_gateway_id": {}, "peer_network_id": {},
			"description":       {Set: &req{Description: "d"}, Want: params{"Description": "d"}},
			"tags":              {Set: &req{Tags: params{"k": "v"}}, Want: params{"Tag.1.Key": "k", "Tag.1.Value": "v"}},
			"scope":             {Set: &req{Scope: securityv1.FirewallScope_FIREWALL_SCOPE_NAT}, Refused: "security.firewall.scope"},
			"subnet_ids":        {Set: &req{SubnetIds: []string{"vsw-1"}}}, // a step of its own
			"ingress_policy_id": {Set: &req{IngressPolicyId: "x"}, Refused: "security.firewall.shared_policies"},
			"egress_policy_id":  {Set: &req{EgressPolicyId: "x"}, Refused: "security.firewall.shared_policies"},
			"enabled":           {Set: &req{Enabled: proto.Bool(false)}, Refused: "security.firewall.disable"},
		},
	}.Run(t)
}

// TestCreateRuleInACLParameters shows for each field where it goes: the list is
// replaced as a whole, and what was there stays.
func TestCreateRuleInACLParameters(t *testing.T) {
	t.Parallel()
	type req = securityv1.CreateFirewallRuleRequest
	attribute := `{"NetworkAclAttribute":{"NetworkAclId":"nacl-1","Status":"Available","IngressAclEntries":{"IngressAclEntry":[
		{"NetworkAclEntryId":"nae-1","NetworkAclEntryName":"old","EntryType":"custom","Policy":"drop","Protocol":"all","Port":"-1/-1","SourceCidrIp":"192.0.2.0/24","Description":"d"},
		{"NetworkAclEntryId":"nae-0","EntryType":"system","Policy":"drop","Protocol":"all","Port":"-1/-1","SourceCidrIp":"0.0.0.0/0"},
		{"NetworkAclEntryId":"nae-2","EntryType":"custom","Policy":"accept","Protocol":"tcp","Port":"1/65535","SourceCidrIp":"0.0.0.0/0","Description":"` + marker + `"}]}}}`
	kept := func(n string) params {
		at := "IngressAclEntries." + n + "."
		return params{
			at + "NetworkAclEntryId": "nae-1", at + "NetworkAclEntryName": "old", at + "EntryType": "custom", at + "Policy": "drop", at + "Protocol": "all",
			at + "Port": "-1/-1", at + "SourceCidrIp": "192.0.2.0/24", at + "IpVersion": "ipv4", at + "Description": "d",
		}
	}
	made := func(n, id string) params {
		at := "IngressAclEntries." + n + "."
		return params{
			at + "NetworkAclEntryId": id, at + "NetworkAclEntryName": "r", at + "EntryType": "custom", at + "Policy": "accept", at + "Protocol": "tcp",
			at + "Port": "1/65535", at + "SourceCidrIp": "0.0.0.0/0", at + "IpVersion": "ipv4", at + "Description": marker,
		}
	}
	other := func(n string) params {
		at := "IngressAclEntries." + n + "."
		p := made(n, "nae-2")
		p[at+"NetworkAclEntryName"] = ""
		return p
	}
	base := params{"NetworkAclId": "nacl-1", "UpdateIngressAclEntries": "true"}
	for _, part := range []params{kept("1"), other("2"), made("3", "")} {
		for name, value := range part {
			if value != "" {
				base[name] = value
			}
		}
	}
	at := "IngressAclEntries.3."
	first := params{}
	for _, part := range []params{made("1", ""), kept("2"), other("3")} {
		for name, value := range part {
			first[name] = value
		}
	}
	first["IngressAclEntries.1.NetworkAclEntryId"] = ""
	calltest.Table[*req]{
		Register: security.Register, Action: "UpdateNetworkAclEntries", Answers: params{"DescribeNetworkAclAttributes": attribute},
		Send: func(ctx context.Context, c grpc.ClientConnInterface, r *req) error {
			_, err := securityv1.NewFirewallRuleServiceClient(c).CreateFirewallRule(ctx, r)
			return err
		},
		Base: &req{
			Name: "r", FirewallPolicyId: "nacl-1~~in", Action: securityv1.FirewallAction_FIREWALL_ACTION_ALLOW,
			Protocol: securityv1.FirewallProtocol_FIREWALL_PROTOCOL_TCP,
		},
		Params: base,
		Rows: map[string]calltest.Row[*req]{
			"name": {}, "firewall_policy_id": {}, "tags": {},
			"description":       {Set: &req{Description: "web"}, Want: params{at + "Description": "web" + marker}},
			"position":          {Set: &req{Position: proto.Int32(1)}, Want: first},
			"action":            {Set: &req{Action: securityv1.FirewallAction_FIREWALL_ACTION_DENY}, Want: params{at + "Policy": "drop"}},
			"protocol":          {Set: &req{Protocol: securityv1.FirewallProtocol_FIREWALL_PROTOCOL_GRE}, Want: params{at + "Protocol": "gre", at + "Port": "-1/-1"}},
			"source_ip_address": {Set: &req{SourceIpAddress: "fd00::1"}, Want: params{at + "SourceCidrIp": "fd00::1/128", at + "IpVersion": "ipv6"}},
			"destination_ip_address": {
				Set: &req{DestinationIpAddress: "10.0.0.1"}, Refused: "security.firewall_rule.both_ends",
			},
			"source_port":      {Set: &req{SourcePort: &apiv1.PortRange{First: 1, Last: 2}}, Refused: "security.firewall_rule.source_port"},
			"destination_port": {Set: &req{DestinationPort: &apiv1.PortRange{First: 80, Last: 443}}, Want: params{at + "Port": "80/443"}},
			"enabled":          {Set: &req{Enabled: proto.Bool(false)}, Refused: "security.firewall_rule.disable"},
		},
	}.Run(t)
}

// TestCreateRuleAtTheInternetParameters shows for each field where it goes.
func TestCreateRuleAtTheInternetParameters(t *testing.T) {
	t.Parallel()
	type req = securityv1.CreateFirewallRuleRequest
	calltest.Table[*req]{
		Register: security.Register, Action: "AddControlPolicy",
		Answers: params{
			"DescribeControlPolicy": `{"TotalCount":"1","Policys":[{"AclUuid":"u-1","Source":"1.2.3.4/32","Destination":"0.0.0.0/0"}]}`,
			"AddControlPolicy":      `{"AclUuid":"u-2"}`,
		},
		Send: func(ctx context.Context, c grpc.ClientConnInterface, r *req) error {
			_, err := securityv1.NewFirewallRuleServiceClient(c).CreateFirewallRule(ctx, r)
			return err
		},
		Base: &req{
			Name: "r", FirewallPolicyId: "inet~~in", Action: securityv1.FirewallAction_FIREWALL_ACTION_ALLOW,
			Protocol: securityv1.FirewallProtocol_FIREWALL_PROTOCOL_TCP,
		},
		Params: params{
			"AclAction": "accept", "Description": "r" + marker, "Proto": "TCP", "ApplicationName": "ANY", "Source": "0.0.0.0/0", "SourceType": "net",
			"Destination": "0.0.0.0/0", "DestinationType": "net", "Release": "true", "DestPortType": "port", "DestPort": "0/0", "Direction": "in",
			"NewOrder": "3", "IpVersion": "4",
		},
		Rows: map[string]calltest.Row[*req]{
			"name": {}, "tags": {},
			"firewall_policy_id": {Set: &req{FirewallPolicyId: "inet~~out"}, Want: params{"Direction": "out"}},
			"description":        {Set: &req{Description: "web"}, Want: params{"Description": "r | web" + marker}},
			"position":           {Set: &req{Position: proto.Int32(1)}, Want: params{"NewOrder": "1"}},
			"action":             {Set: &req{Action: securityv1.FirewallAction_FIREWALL_ACTION_LOG}, Want: params{"AclAction": "log"}},
			"protocol": {
				Set: &req{Protocol: securityv1.FirewallProtocol_FIREWALL_PROTOCOL_ICMP}, Want: params{"Proto": "ICMP", "DestPortType": "", "DestPort": ""},
			},
			"source_ip_address":      {Set: &req{SourceIpAddress: "198.51.100.7"}, Want: params{"Source": "198.51.100.7/32"}},
			"destination_ip_address": {Set: &req{DestinationIpAddress: "203.0.113.0/24"}, Want: params{"Destination": "203.0.113.0/24"}},
			"source_port":            {Set: &req{SourcePort: &apiv1.PortRange{First: 1, Last: 2}}, Refused: "security.firewall_rule.source_port"},
			"destination_port":       {Set: &req{DestinationPort: &apiv1.PortRange{First: 80, Last: 443}}, Want: params{"DestPort": "80/443"}},
			"enabled":                {Set: &req{Enabled: proto.Bool(false)}, Want: params{"Release": "false"}},
		},
	}.Run(t)
}

// TestCreateWafParameters shows for each field where it goes.
func TestCreateWafParameters(t *testing.T) {
	t.Parallel()
	type req = securityv1.CreateWafRequest
	const listen, redirect = `{"HttpPorts":[80]}`, `{"Backends":["203.0.113.20"],"Loadbalance":"iphash"}`
	calltest.Table[*req]{
		Register: security.Register, Action: "CreateDomain", Answers: params{"DescribeInstance": `{"InstanceId":"waf-1","Status":1}`},
		Send: func(ctx context.Context, c grpc.ClientConnInterface, r *req) error {
			_, err := securityv1.NewWafServiceClient(c).CreateWaf(ctx, r)
			return err
		},
		Base: &req{Domain: "www.example.com", HttpPorts: []int32{80}, OriginAddresses: []string{"203.0.113.20"}},
		Params: params{
			"InstanceId": "waf-1", "Domain": "www.example.com", "AccessType": "share", "Listen": listen, "Redirect": redirect,
			"ResourceManagerResourceGroupId": "rg-test",
		},
		Rows: map[string]calltest.Row[*req]{
			"name": {}, "description": {}, "domain": {}, "activate": {},
			"tags":                 {Set: &req{Tags: params{"k": "v"}}, Want: params{"Tag.1.Key": "k", "Tag.1.Value": "v"}},
			"http_ports":           {Set: &req{HttpPorts: []int32{8080}}, Want: params{"Listen": `{"HttpPorts":[80,8080]}`}},
			"https_ports":          {Set: &req{HttpsPorts: []int32{443}}, Want: params{"Listen": `{"HttpPorts":[80],"HttpsPorts":[443]}`}},
			"certificate_id":       {Set: &req{CertificateId: "c-1"}, Want: params{"Listen": `{"HttpPorts":[80],"CertId":"c-1"}`}},
			"origin_addresses":     {Set: &req{OriginAddresses: []string{"203.0.113.21"}}, Want: params{"Redirect": `{"Backends":["203.0.113.20","203.0.113.21"],"Loadbalance":"iphash"}`}},
			"load_balance":         {Set: &req{LoadBalance: securityv1.WafLoadBalance_WAF_LOAD_BALANCE_ROUND_ROBIN}, Want: params{"Redirect": `{"Backends":["203.0.113.20"],"Loadbalance":"roundRobin"}`}},
			"read_timeout_seconds": {Set: &req{ReadTimeoutSeconds: 60}, Want: params{"Redirect": `{"Backends":["203.0.113.20"],"Loadbalance":"iphash","ReadTimeout":60}`}},
		},
	}.Run(t)
}

// TestCreateIpsParameters shows for each field where it goes.
func TestCreateIpsParameters(t *testing.T) {
	t.Parallel()
	type req = securityv1.CreateIpsRequest
	calltest.Table[*req]{
		Register: security.Register, Action: "ModifyDefaultIPSConfig", Answers: params{"DescribeUserBuyVersion": `{"InstanceId":"v-1","InstanceStatus":"normal"}`},
		Send: func(ctx context.Context, c grpc.ClientConnInterface, r *req) error {
			_, err := securityv1.NewIpsServiceClient(c).CreateIps(ctx, r)
			return err
		},
		Base:   &req{FirewallId: "inet", Mode: securityv1.IpsMode_IPS_MODE_MONITOR},
		Params: params{"RunMode": "0", "BasicRules": "1", "PatchRules": "0", "CtiRules": "0", "RuleClass": "2"},
		Rows: map[string]calltest.Row[*req]{
			"name": {}, "description": {}, "tags": {}, "firewall_id": {},
			"mode":                {Set: &req{Mode: securityv1.IpsMode_IPS_MODE_BLOCK}, Want: params{"RunMode": "1"}},
			"level":               {Set: &req{Level: securityv1.IpsLevel_IPS_LEVEL_STRICT}, Want: params{"RuleClass": "3"}},
			"basic_rules":         {Set: &req{BasicRules: proto.Bool(false)}, Rejected: "basic_rules"},
			"virtual_patches":     {Set: &req{VirtualPatches: true}, Want: params{"PatchRules": "1"}},
			"threat_intelligence": {Set: &req{ThreatIntelligence: true}, Want: params{"CtiRules": "1"}},
		},
	}.Run(t)
}

// TestCreateAntivirusParameters shows for each field where it goes.
func TestCreateAntivirusParameters(t *testing.T) {
	t.Parallel()
	type req = securityv1.CreateAntivirusRequest
	calltest.Table[*req]{
		Register: security.Register, Action: "BindAuthToMachine",
		Answers: params{"DescribeCloudCenterInstances": `{"PageInfo":{"TotalCount":1},"Instances":[{"Uuid":"u-1","InstanceId":"i-1","AuthVersion":1}]}`},
		Send: func(ctx context.Context, c grpc.ClientConnInterface, r *req) error {
			_, err := securityv1.NewAntivirusServiceClient(c).CreateAntivirus(ctx, r)
			return err
		},
		Base: &req{VmId: "i-1"}, Params: params{"Bind.1": "u-1", "AuthVersion": "6"},
		Rows: map[string]calltest.Row[*req]{
			"name": {}, "description": {}, "tags": {}, "vm_id": {},
			"edition":  {Set: &req{Edition: securityv1.AntivirusEdition_ANTIVIRUS_EDITION_ULTIMATE}, Want: params{"AuthVersion": "7"}},
			"scan_now": {Set: &req{ScanNow: true}, Call: "StartVirusScanTask", Want: params{"TargetInfo": `[{"target":"u-1","type":"uuid"}]`}},
		},
	}.Run(t)
}
