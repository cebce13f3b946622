package compute

import (
	"context"

	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// stepAgain is the next step of a delete that the cloud refuses while it makes the
// instance.
const stepAgain = "again"

// DeleteVm removes an instance, running or not: one call. The cloud refuses it for
// as long as it makes the instance; then the rpc is repeated.
func (v *VMs) DeleteVm(ctx context.Context, req *computev1.DeleteVmRequest) (*computev1.DeleteVmResponse, error) {
	s, err := v.open(ctx)
	if err != nil {
		return nil, err
	}
	resp := &computev1.DeleteVmResponse{Id: req.GetId(), State: computev1.VmState_VM_STATE_DELETING}
	err = act(ctx, s, "DeleteInstance", req.GetId(), api.Params{}.Bool("Force", true))
	switch {
	case err == nil:
		sdk.SetNextStep(ctx, "", pollAfter)
		return resp, nil
	case api.IsGone(err, typeVM):
		return resp, nil
	case api.HasCode(err, "IncorrectInstanceStatus.Initializing"):
		sdk.SetNextStep(ctx, stepAgain, pollAfter)
		return resp, nil
	}
	return nil, instances().Refusal(ctx, s, err, req.GetId(), changing)
}
