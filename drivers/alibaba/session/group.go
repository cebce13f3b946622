package session

import (
	"context"
	"maps"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
)

const paramGroup = "ResourceGroupId"

// inGroup reads for an identity whose rights hold in a resource group only. The cloud
// refuses it a look at what is not there, as at what is another's: asked within the group
// the answer is empty. What is not refused is asked once.
type inGroup struct {
	api.Caller
	group string
}

// Call implements api.Caller.
func (g inGroup) Call(ctx context.Context, product api.Product, action string, params api.Params, out any) error {
	err := g.Caller.Call(ctx, product, action, params, out)
	if !readsByGroup(action) || params[paramGroup] != "" || api.Reason(err) != apiv1.Reason_REASON_CLOUD_PERMISSION_DENIED {
		return err
	}
	params = maps.Clone(params)
	params[paramGroup] = g.group
	return g.Caller.Call(ctx, product, action, params, out)
}

// readsByGroup lists the reads of resources that take a resource group, by the published
// definitions.
func readsByGroup(action string) bool {
	switch action {
	case "DescribeContainerGroups", "DescribeCustomerGateways", "DescribeDBInstances", "DescribeDisks", "DescribeEipAddresses", "DescribeInstances",
		"DescribeKeyPairs", "DescribeLoadBalancers", "DescribeNetworkInterfaces", "DescribeRouteTableList", "DescribeSecurityGroups", "DescribeSnapshots",
		"DescribeVSwitches", "DescribeVpcs", "DescribeVpnConnections", "DescribeVpnGateways", "ListLoadBalancers", "ListServerGroups":
		return true
	}
	return false
}
