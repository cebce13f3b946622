package balance

import (
	"context"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// DefaultWeight is that of a member for which none is asked.
const DefaultWeight = 100

// NICAddress reads the first address of a NIC, which the products want beside its id.
// Errors: REFERENCE_NOT_FOUND of nic_id.
func NICAddress(ctx context.Context, caller api.Caller, nicID string) (string, error) {
	var answer struct {
		NetworkInterfaceSets struct {
			NetworkInterfaceSet []struct{ PrivateIPAddress string }
		}
	}
	err := caller.Call(ctx, api.ECS, "DescribeNetworkInterfaces", api.Params{}.List("NetworkInterfaceId", nicID), &answer)
	if err != nil && !api.IsNotFound(err) {
		return "", api.Error(err, TypeNIC, nicID)
	}
	if len(answer.NetworkInterfaceSets.NetworkInterfaceSet) == 0 {
		return "", sdk.NewError(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, sdk.Resource(TypeNIC, nicID), sdk.Field("nic_id"))
	}
	return answer.NetworkInterfaceSets.NetworkInterfaceSet[0].PrivateIPAddress, nil
}
