package compute

import (
	"context"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// eventNotMade is the event of an instance that the cloud has accepted, could not make
// and released again. Source: DescribeInstanceHistoryEvents, InstanceEventType.
const eventNotMade = "SystemFailure.Delete"

// takenBack is the instance that an id was given for and that the cloud could not make,
// for want of stock: deleted, with the reason. Errors: absent where there is no such
// event, or where the account may not ask.
func takenBack(ctx context.Context, s *session.Session, id string, absent error) (*computev1.Vm, error) {
	var answer struct {
		InstanceSystemEventSet struct {
			InstanceSystemEventType []struct {
				InstanceID string
				EventType  struct{ Name string }
			}
		}
	}
	params := api.Params{}.List("ResourceId", id).List("InstanceEventType", eventNotMade)
	if err := s.Call(ctx, api.ECS, "DescribeInstanceHistoryEvents", params, &answer); err != nil {
		return nil, absent
	}
	for _, event := range answer.InstanceSystemEventSet.InstanceSystemEventType {
		if event.InstanceID == id && event.EventType.Name == eventNotMade {
			return &computev1.Vm{
				Id: id, RegionId: s.Region, State: computev1.VmState_VM_STATE_DELETED, ProviderState: eventNotMade,
				StateReason: sdk.ReasonName(apiv1.Reason_REASON_OUT_OF_STOCK),
			}, nil
		}
	}
	return nil, absent
}
