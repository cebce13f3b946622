package compute

import (
	"context"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/remoteconsoles"

	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
)

// defaultLines is how much console output is read when the request does not say.
const defaultLines = 100

// GetVmConsole makes an address of the VM's screen, which Nova gives a lifetime
// (console token_ttl, ten minutes if the operator left it).
func (v *VMs) GetVmConsole(ctx context.Context, req *computev1.GetVmConsoleRequest) (*computev1.GetVmConsoleResponse, error) {
	s, err := v.openVM(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	console, err := remoteconsoles.Create(ctx, s.Compute, req.GetId(), remoteconsoles.CreateOpts{
		Protocol: remoteconsoles.ConsoleProtocolVNC,
		Type:     remoteconsoles.ConsoleTypeNoVNC,
	}).Extract()
	if err != nil {
		return nil, refusedAction(ctx, s, req.GetId(), err, nil)
	}
	return &computev1.GetVmConsoleResponse{Url: console.URL, Protocol: console.Type}, nil
}

// GetVmConsoleOutput reads the end of the VM's serial console.
func (v *VMs) GetVmConsoleOutput(ctx context.Context, req *computev1.GetVmConsoleOutputRequest) (*computev1.GetVmConsoleOutputResponse, error) {
	s, err := v.openVM(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	lines := req.GetLines()
	if lines == 0 {
		lines = defaultLines
	}
	var body struct {
		Output string `json:"output"`
	}
	if err := act(ctx, s, req.GetId(), actionConsoleOutput, map[string]int32{"length": lines}, &body); err != nil {
		return nil, refusedAction(ctx, s, req.GetId(), err, nil)
	}
	return &computev1.GetVmConsoleOutputResponse{Output: body.Output}, nil
}
