package compute

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/ecs"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// webTerminal is the page that shows a console. Source: DescribeInstanceVncUrl,
// "Usage notes".
const webTerminal = "https://g.alicdn.com/aliyun/ecs-console-vnc2/0.0.8/index.html"

const (
	protocolVNC  = "vnc"
	defaultLines = 100
)

var errNeverTold = errors.New("this cloud never tells a password")

// GetVmConsole makes the address of the web terminal, good for a few minutes: two
// calls.
func (v *VMs) GetVmConsole(ctx context.Context, req *computev1.GetVmConsoleRequest) (*computev1.GetVmConsoleResponse, error) {
	s, err := v.open(ctx)
	if err != nil {
		return nil, err
	}
	found, err := instances().Get(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	var out struct {
		VncURL string `json:"VncUrl"`
	}
	if err := s.Call(ctx, api.ECS, "DescribeInstanceVncUrl", api.Params{}.Set("InstanceId", req.GetId()), &out); err != nil {
		return nil, instances().Refusal(ctx, s, err, req.GetId(), changing)
	}
	isWindows := ecs.ToProtoOSType(found.OSType) == computev1.OsType_OS_TYPE_WINDOWS
	query := url.Values{"vncUrl": {out.VncURL}, "instanceId": {req.GetId()}, "isWindows": {strconv.FormatBool(isWindows)}}
	return &computev1.GetVmConsoleResponse{Url: webTerminal + "?" + query.Encode(), Protocol: protocolVNC}, nil
}

// GetVmConsoleOutput reads the end of the serial console: one call.
func (v *VMs) GetVmConsoleOutput(ctx context.Context, req *computev1.GetVmConsoleOutputRequest) (*computev1.GetVmConsoleOutputResponse, error) {
	s, err := v.open(ctx)
	if err != nil {
		return nil, err
	}
	var out struct{ ConsoleOutput string }
	params := api.Params{}.Set("InstanceId", req.GetId()).Bool("RemoveSymbols", true)
	if err := s.Call(ctx, api.ECS, "GetInstanceConsoleOutput", params, &out); err != nil {
		return nil, instances().Refusal(ctx, s, err, req.GetId(), changing)
	}
	text, err := base64.StdEncoding.DecodeString(out.ConsoleOutput)
	if err != nil {
		return nil, sdk.NewError(apiv1.Reason_REASON_CLOUD_ERROR, sdk.Resource(typeVM, req.GetId()), sdk.Cause(fmt.Errorf("read console output: %w", err)))
	}
	lines := req.GetLines()
	if lines == 0 {
		lines = defaultLines
	}
	return &computev1.GetVmConsoleOutputResponse{Output: lastLines(string(text), int(lines))}, nil
}

// lastLines is the end of a text, without the line feed that ends it.
func lastLines(text string, count int) string {
	all := strings.Split(strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-count):], "\n")
}

// GetVmInitialPassword has nothing to tell: the cloud takes passwords and never
// gives one back. The gateway tells those that it made itself.
func (v *VMs) GetVmInitialPassword(ctx context.Context, req *computev1.GetVmInitialPasswordRequest) (*computev1.GetVmInitialPasswordResponse, error) {
	s, err := v.open(ctx)
	if err != nil {
		return nil, err
	}
	found, err := instances().Get(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	if found.Status == statusPending {
		return nil, sdk.InvalidState(typeVM, req.GetId(), errNeverTold)
	}
	return nil, sdk.NotFound(typeVM, req.GetId(), errNeverTold)
}

// ResetVmPassword sets the password that holds after the next restart: one call.
func (v *VMs) ResetVmPassword(ctx context.Context, req *computev1.ResetVmPasswordRequest) (*computev1.ResetVmPasswordResponse, error) {
	s, err := v.open(ctx)
	if err != nil {
		return nil, err
	}
	if err := act(ctx, s, "ModifyInstanceAttribute", req.GetId(), api.Params{}.Set("Password", req.GetPassword())); err != nil {
		return nil, instances().Refusal(ctx, s, err, req.GetId(), changing)
	}
	return &computev1.ResetVmPasswordResponse{Id: req.GetId(), State: computev1.VmState_VM_STATE_RUNNING, RestartRequired: true}, nil
}
