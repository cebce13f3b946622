package vmaction

import (
	"context"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// ResourceType is the contract's name of a VM.
const ResourceType = "compute.vm"

// Refusal tells what it means that Nova refused an action on a VM that a request
// names in field. A wrong state is read up once: RESOURCE_BUSY while Nova works
// on the VM, else INVALID_STATE. An absent VM is REFERENCE_NOT_FOUND.
func Refusal(ctx context.Context, s *session.Session, err error, vmID, field string) error {
	if session.IsNotFound(err) {
		return session.As(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, err, ResourceType, vmID, sdk.Field(field))
	}
	if !session.IsWrongState(err) {
		return session.Error(err, ResourceType, vmID)
	}
	var body struct {
		Server struct {
			Task *string `json:"OS-EXT-STS:task_state"`
		} `json:"server"`
	}
	if _, readErr := s.Compute.Get(ctx, s.Compute.ServiceURL("servers", vmID), &body, nil); readErr != nil {
		return session.Error(err, ResourceType, vmID)
	}
	return session.WrongState(err, ResourceType, vmID, body.Server.Task != nil)
}
