package memcloud

import (
	"context"
	"fmt"
	"strings"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
)

const (
	defaultConsoleLines = 100
	bootLines           = 40 // the lines that every boot writes
)

// GetVmConsole makes an address that looks like a console's and leads nowhere.
func (s *vmService) GetVmConsole(ctx context.Context, req *computev1.GetVmConsoleRequest) (*computev1.GetVmConsoleResponse, error) {
	return read(s.c, ctx, func(v *view) (*computev1.GetVmConsoleResponse, error) {
		r, vm, err := vms.get(v, req.GetId())
		if err == nil {
			err = inState(r, vm.GetState(), computev1.VmState_VM_STATE_RUNNING)
		}
		if err != nil {
			return nil, err
		}
		return &computev1.GetVmConsoleResponse{
			Url:      "https://console.memcloud.invalid/vnc?token=" + sdk.Token(r.id, vm.GetStartedAt().String()),
			Protocol: "novnc",
		}, nil
	})
}

// GetVmConsoleOutput reads the last lines of what the last boot wrote.
func (s *vmService) GetVmConsoleOutput(ctx context.Context, req *computev1.GetVmConsoleOutputRequest) (*computev1.GetVmConsoleOutputResponse, error) {
	return read(s.c, ctx, func(v *view) (*computev1.GetVmConsoleOutputResponse, error) {
		r, vm, err := vms.get(v, req.GetId())
		if err == nil {
			err = inState(r, vm.GetState(), computev1.VmState_VM_STATE_RUNNING, computev1.VmState_VM_STATE_STOPPED,
				computev1.VmState_VM_STATE_SUSPENDED, computev1.VmState_VM_STATE_ERROR)
		}
		if err != nil {
			return nil, err
		}
		lines := int(req.GetLines())
		if lines == 0 {
			lines = defaultConsoleLines
		}
		return &computev1.GetVmConsoleOutputResponse{Output: consoleOutput(vm, lines)}, nil
	})
}

func consoleOutput(vm *computev1.Vm, lines int) string {
	if vm.GetStartedAt() == nil {
		return ""
	}
	all := make([]string, 0, bootLines+1)
	for i := range bootLines {
		all = append(all, fmt.Sprintf("[%8.3f] boot step %d of %d", float64(i)/8, i+1, bootLines))
	}
	all = append(all, vm.GetHostName()+" login:")
	return strings.Join(all[max(0, len(all)-lines):], "\n") + "\n"
}
