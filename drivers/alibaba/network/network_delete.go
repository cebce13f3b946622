package network

import (
	"context"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// stepEmptied says that nothing was in the way, and that subnets are going.
const stepEmptied = "subnets"

// DeleteNetwork removes a VPC with its vSwitches: first it looks for what is in
// the way and touches nothing if it finds it, then the vSwitches go one at a time,
// as VPC takes one change at a time, and then the VPC.
func (n *networkServer) DeleteNetwork(ctx context.Context, req *networkv1.DeleteNetworkRequest) (*networkv1.DeleteNetworkResponse, error) {
	s, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	id := req.GetId()
	gone := &networkv1.DeleteNetworkResponse{Id: id, State: networkv1.NetworkState_NETWORK_STATE_DELETED}
	v, err := networks().Get(ctx, s, id)
	switch {
	case sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND:
		return gone, nil
	case err != nil:
		return nil, err
	}
	if sdk.CallFrom(ctx).NextStep != stepEmptied {
		if err := refuseOccupied(ctx, s, v); err != nil {
			return nil, err
		}
	}
	going := &networkv1.DeleteNetworkResponse{Id: id, State: networkv1.NetworkState_NETWORK_STATE_DELETING}
	more, err := deleteOneSubnet(ctx, s, v)
	if err != nil {
		return nil, err
	}
	if more {
		sdk.SetNextStep(ctx, stepEmptied, pollAfter)
		return going, nil
	}
	err = s.Call(ctx, api.VPC, "DeleteVpc", api.Params{}.Set("VpcId", id), nil)
	switch {
	case err == nil:
		return going, nil
	case api.IsGone(err, typeNetwork):
		return gone, nil
	case api.HasCode(err, "DependencyViolation*"):
		return nil, networkInUse(ctx, s, v, err)
	}
	return nil, networks().Refusal(ctx, s, err, id, changingNetwork)
}

// deleteOneSubnet begins the removal of one vSwitch, unless one is going; more
// tells that there are vSwitches left.
func deleteOneSubnet(ctx context.Context, s *session.Session, v *vpc) (more bool, err error) {
	if len(v.VSwitchIDs.VSwitchID) == 0 {
		return false, nil
	}
	all, err := subnets().All(ctx, s, api.Params{}.Set("VpcId", v.VpcID))
	if err != nil || len(all) == 0 {
		return false, err
	}
	for i := range all {
		if !strings.EqualFold(all[i].Status, "Available") {
			return true, nil
		}
	}
	return true, deleteSubnet(ctx, s, all[0].VSwitchID)
}

// refuseOccupied is IN_USE if anything but subnets and what the cloud made by
// itself is in a VPC.
func refuseOccupied(ctx context.Context, s *session.Session, v *vpc) error {
	blockers, err := networkBlockers(ctx, s, v)
	if err != nil {
		return err
	}
	if len(blockers) > 0 {
		return sdk.InUse(typeNetwork, v.VpcID, nil, blockers.List()...)
	}
	return nil
}

// networkInUse is the IN_USE that the cloud found after us.
func networkInUse(ctx context.Context, s *session.Session, v *vpc, cause error) error {
	blockers, err := networkBlockers(ctx, s, v)
	if err != nil {
		return api.As(apiv1.Reason_REASON_IN_USE, cause, typeNetwork, v.VpcID)
	}
	if len(blockers) == 0 && sdk.CallFrom(ctx).NextStep == stepEmptied {
		return api.As(apiv1.Reason_REASON_RESOURCE_BUSY, cause, typeNetwork, v.VpcID) // the last subnet is still going
	}
	return sdk.InUse(typeNetwork, v.VpcID, cause, blockers.List()...)
}

// networkBlockers reads what is in a VPC: one call for each kind.
func networkBlockers(ctx context.Context, s *session.Session, v *vpc) (kind.Blockers, error) {
	blockers := kind.Blockers{}
	blockers.Add("network.nat_gateway", v.NatGateways.NatGatewayIDs...)
	in := func() api.Params { return api.Params{}.Set("VpcId", v.VpcID) }
	interfaces, err := nics().All(ctx, s, in())
	if err != nil {
		return nil, err
	}
	addNICBlockers(blockers, interfaces)
	groups, err := securityGroups().All(ctx, s, in())
	if err != nil {
		return nil, err
	}
	for i := range groups {
		blockers.Add(typeSecurityGroup, groups[i].SecurityGroupID)
	}
	if len(v.RouterTables.RouterTableIDs) == 1 {
		return blockers, nil
	}
	tables, err := routers().All(ctx, s, in())
	if err != nil {
		return nil, err
	}
	for i := range tables {
		if !isSystemTable(&tables[i]) {
			blockers.Add(typeRouter, tables[i].RouteTableID)
		}
	}
	return blockers, nil
}

// addNICBlockers names the VMs that interfaces belong to, or themselves.
func addNICBlockers(blockers kind.Blockers, interfaces []networkInterface) {
	for i := range interfaces {
		v := &interfaces[i]
		if v.InstanceID != "" && !v.ServiceManaged {
			blockers.Add(typeVM, v.InstanceID)
			continue
		}
		blockers.Add(typeNIC, v.NetworkInterfaceID)
	}
}
