package vswitch

import (
	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
)

// Type is the contract's name of subnets.
const Type = "network.subnet"

// VSwitch is what is told of a subnet. encoding/json compares names without case.
type VSwitch struct {
	VSwitchID string
	VpcID     string
	ZoneID    string
	CidrBlock string
}

// Kind is how vSwitches are read: one by its id, or all of a VPC.
func Kind() kind.Kind[VSwitch] {
	return kind.Kind[VSwitch]{
		Type: Type, Product: api.VPC, Action: "DescribeVSwitches", Items: "VSwitches.VSwitch", IDs: "VSwitchId",
		MaxPage: 50, ID: func(v *VSwitch) string { return v.VSwitchID },
	}
}
