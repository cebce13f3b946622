package loadbalancer

import (
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
)

// busy are the codes of an instance that is taking in another change. Sources: the
// definitions, and what Alibaba's Terraform provider repeats.
func busy(err error) bool {
	return api.HasCode(err, "OperationBusy", "SystemBusy", "VpcSystemBusy", "ServiceIsConfiguring", "ServiceIsStopping",
		"BackendServer.configuring", "ListenerProcessing", "VServerGroupProcessing", "OperationFailed.ServiceGroupProcessing", "RspoolProcessing")
}

// refusal is what a refusal of the load balancer means: nil stays nil.
func refusal(err error, resourceType, id string) error {
	if busy(err) {
		return api.As(apiv1.Reason_REASON_RESOURCE_BUSY, err, resourceType, id)
	}
	return api.Error(err, resourceType, id)
}

// noGroup tells whether the cloud does not know a VServer group.
func noGroup(err error) bool {
	return api.HasCode(err, "The specified VServerGroupId does not exist", "InvalidParameter.VServerGroupId",
		"InvalidParam.VServerGroupId", "ResourceNotFound.VServerGroup", "InvalidVServerGroupId.NotFound")
}
