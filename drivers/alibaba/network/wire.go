package network

import (
	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/tags"
)

// Answers of DescribeVpcs and its neighbours, as far as the driver reads them.
// encoding/json compares names without case, so that fields need no tag where the
// name is the cloud's.

type vpc struct {
	VpcID        string
	VpcName      string
	Description  string
	Status       string
	CidrBlock    string
	CreationTime string
	IsDefault    bool
	Tags         tags.List
	VSwitchIDs   struct{ VSwitchID []string }
	RouterTables struct{ RouterTableIDs []string } `json:"RouterTableIds"`
	NatGateways  struct{ NatGatewayIDs []string }  `json:"NatGatewayIds"`
}

type vSwitch struct {
	VSwitchID               string
	VSwitchName             string
	Description             string
	Status                  string
	VpcID                   string
	ZoneID                  string
	CidrBlock               string
	Ipv6CidrBlock           string
	CreationTime            string
	AvailableIPAddressCount int32
	Tags                    tags.List
	RouteTable              struct{ RouteTableID string }
}

type routeTable struct {
	RouteTableID   string
	RouteTableName string
	Description    string
	Status         string
	VpcID          string
	CreationTime   string
	RouteTableType string
	AssociateType  string
	Tags           tags.List
	VSwitchIDs     struct{ VSwitchID []string }
}

type routeEntry struct {
	RouteEntryID         string
	DestinationCidrBlock string
	Type                 string
	Status               string
	NextHops             struct{ NextHop []nextHop }
}

type nextHop struct {
	NextHopID   string
	NextHopType string
}

type securityGroup struct {
	SecurityGroupID   string
	SecurityGroupName string
	Description       string
	VpcID             string
	ResourceGroupID   string
	CreationTime      string
	EcsCount          *int32
	Tags              tags.List
}

// securityGroupAttribute is the answer of DescribeSecurityGroupAttribute.
type securityGroupAttribute struct {
	SecurityGroupID   string
	VpcID             string
	InnerAccessPolicy string
	NextToken         string
	Permissions       struct{ Permission []permission }
}

type permission struct {
	SecurityGroupRuleID string
	Direction           string
	IPProtocol          string
	PortRange           string
	SourceCidrIP        string
	Ipv6SourceCidrIP    string
	SourceGroupID       string
	SourcePrefixListID  string
	DestCidrIP          string
	Ipv6DestCidrIP      string
	DestGroupID         string
	DestPrefixListID    string
	Policy              string
	Priority            string
	Description         string
	CreateTime          string
}

type networkInterface struct {
	NetworkInterfaceID   string
	NetworkInterfaceName string
	Description          string
	Status               string
	Type                 string
	VpcID                string
	VSwitchID            string
	ZoneID               string
	MacAddress           string
	InstanceID           string
	ServiceManaged       bool
	ResourceGroupID      string
	CreationTime         string
	Tags                 tags.List
	PrivateIPAddress     string
	PrivateIPSets        struct{ PrivateIPSet []privateIP }
	Ipv6Sets             struct {
		Ipv6Set []struct{ Ipv6Address string }
	}
	SecurityGroupIDs   struct{ SecurityGroupID []string }
	AssociatedPublicIP struct{ AllocationID string }
}

type privateIP struct {
	PrivateIPAddress string
	Primary          bool
}

type eip struct {
	AllocationID       string
	Name               string
	Description        string
	Status             string
	IPAddress          string
	Bandwidth          string
	InternetChargeType string
	ChargeType         string
	InstanceID         string
	InstanceType       string
	PrivateIPAddress   string
	AllocationTime     string
	ExpiredTime        string
	BusinessStatus     string
	Tags               tags.List
	OperationLocks     struct {
		LockReason []struct{ LockReason string }
	}
}

// Types of resources of the contract.
const (
	typeNetwork           = "network.network"
	typeSubnet            = "network.subnet"
	typeRouter            = "network.router"
	typeSecurityGroup     = "network.security_group"
	typeSecurityGroupRule = "network.security_group_rule"
	typeNIC               = "network.nic"
	typePublicIP          = "network.public_ip"
	typeVM                = "compute.vm"
)

func networks() kind.Kind[vpc] {
	return kind.Kind[vpc]{
		Type: typeNetwork, Product: api.VPC, Action: "DescribeVpcs", Items: "Vpcs.Vpc", IDs: "VpcId",
		Style: kind.CommaIDs, MaxIDs: 20, MaxPage: 50, ID: func(v *vpc) string { return v.VpcID },
	}
}

func subnets() kind.Kind[vSwitch] {
	return kind.Kind[vSwitch]{
		Type: typeSubnet, Product: api.VPC, Action: "DescribeVSwitches", Items: "VSwitches.VSwitch", IDs: "VSwitchId",
		Style: kind.OneID, MaxPage: 50, ID: func(v *vSwitch) string { return v.VSwitchID },
	}
}

func routers() kind.Kind[routeTable] {
	return kind.Kind[routeTable]{
		Type: typeRouter, Product: api.VPC, Action: "DescribeRouteTableList", Items: "RouterTableList.RouterTableListType",
		IDs: "RouteTableId", Style: kind.OneID, MaxPage: 50, ID: func(v *routeTable) string { return v.RouteTableID },
	}
}

func publicIPs() kind.Kind[eip] {
	return kind.Kind[eip]{
		Type: typePublicIP, Product: api.VPC, Action: "DescribeEipAddresses", Items: "EipAddresses.EipAddress",
		IDs: "AllocationId", Style: kind.CommaIDs, MaxIDs: 50, MaxPage: 100, ID: func(v *eip) string { return v.AllocationID },
	}
}

func securityGroups() kind.Kind[securityGroup] {
	return kind.Kind[securityGroup]{
		Type: typeSecurityGroup, Product: api.ECS, Action: "DescribeSecurityGroups", Items: "SecurityGroups.SecurityGroup",
		IDs: "SecurityGroupIds", Style: kind.JSONIDs, MaxIDs: 100, Paging: kind.Tokens, MaxPage: 100,
		ID: func(v *securityGroup) string { return v.SecurityGroupID }, Group: func(v *securityGroup) string { return v.ResourceGroupID },
	}
}

func nics() kind.Kind[networkInterface] {
	return kind.Kind[networkInterface]{
		Type: typeNIC, Product: api.ECS, Action: "DescribeNetworkInterfaces", Items: "NetworkInterfaceSets.NetworkInterfaceSet",
		IDs: "NetworkInterfaceId", Style: kind.ListedIDs, MaxIDs: 100, Paging: kind.Tokens, MaxPage: 500, MinPage: 10,
		ID: func(v *networkInterface) string { return v.NetworkInterfaceID }, Group: func(v *networkInterface) string { return v.ResourceGroupID },
	}
}

// tagged is what a resource of the package is for tagging.
func tagged(product api.Product, word, id string) tags.Target {
	untag := "UnTagResources"
	if product == api.ECS {
		untag = "UntagResources"
	}
	return tags.Target{Product: product, Kind: word, Untag: untag, ID: id}
}
