package operation_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

// made is one call that the driver has received.
type made struct {
	rpc  string
	call sdk.Call
}

// cloud is a driver with its cloud in one: it keeps state, takes or does not take
// tokens, and does to each call what the test says.
type cloud struct {
	driverv1.UnimplementedDriverServiceServer
	computev1.UnimplementedVmServiceServer
	computev1.UnimplementedKeyPairServiceServer
	networkv1.UnimplementedNetworkServiceServer
	networkv1.UnimplementedSubnetServiceServer
	networkv1.UnimplementedRouterServiceServer

	tokens bool // the cloud takes client tokens
	// longest is how long a request may run at it, in whole seconds.
	longest time.Duration
	// before runs before a call has had its effect, after runs then; an error is the
	// call's answer. n counts the calls of the rpc from 1.
	before, after func(rpc string, n int) error
	// step answers what a resize does: the next step, or an error.
	step func(call sdk.Call) (string, error)

	mu       sync.Mutex
	calls    []made
	vms      map[string][]computev1.VmState // states that the coming reads tell; the last stays
	made     map[string][]string            // ids by token or marker
	hidden   int                            // look-ups by marker that find nothing yet
	networks map[string]bool
	subnets  map[string]string // subnet -> network
	next     int
}

func newCloud() *cloud {
	return &cloud{
		tokens: true, longest: time.Second, vms: map[string][]computev1.VmState{}, made: map[string][]string{},
		networks: map[string]bool{}, subnets: map[string]string{},
	}
}

func (c *cloud) Register(r grpc.ServiceRegistrar) {
	computev1.RegisterVmServiceServer(r, c)
	computev1.RegisterKeyPairServiceServer(r, c)
	networkv1.RegisterNetworkServiceServer(r, c)
	networkv1.RegisterSubnetServiceServer(r, c)
	networkv1.RegisterRouterServiceServer(r, c)
}

// enter notes a call and lets the test fail it.
func (c *cloud) enter(ctx context.Context, rpc string) (n int, err error) {
	c.mu.Lock()
	c.calls = append(c.calls, made{rpc, sdk.CallFrom(ctx)})
	n = c.countLocked(rpc)
	c.mu.Unlock()
	if c.before != nil {
		err = c.before(rpc, n)
	}
	return n, err
}

func (c *cloud) leave(rpc string, n int) error {
	if c.after == nil {
		return nil
	}
	return c.after(rpc, n)
}

func (c *cloud) countLocked(rpc string) int {
	n := 0
	for _, m := range c.calls {
		if m.rpc == rpc {
			n++
		}
	}
	return n
}

func (c *cloud) count(rpc string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.countLocked(rpc)
}

func (c *cloud) callsOf(rpc string) []sdk.Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []sdk.Call
	for _, m := range c.calls {
		if m.rpc == rpc {
			out = append(out, m.call)
		}
	}
	return out
}

func (c *cloud) vmCount() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.vms)
}

// set scripts what the coming reads of a VM tell.
func (c *cloud) set(id string, states ...computev1.VmState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.vms[id] = states
}

const (
	creating = computev1.VmState_VM_STATE_CREATING
	starting = computev1.VmState_VM_STATE_STARTING
	running  = computev1.VmState_VM_STATE_RUNNING
	stopped  = computev1.VmState_VM_STATE_STOPPED
	deleting = computev1.VmState_VM_STATE_DELETING
	failed   = computev1.VmState_VM_STATE_ERROR
	gone     = computev1.VmState_VM_STATE_DELETED
)

// CreateVm makes a VM unless the token, or on a repeat the marker, says that it is
// there. Of twins the younger is removed.
func (c *cloud) CreateVm(ctx context.Context, _ *computev1.CreateVmRequest) (*computev1.CreateVmResponse, error) {
	n, err := c.enter(ctx, "CreateVm")
	if err != nil {
		return nil, err
	}
	call := sdk.CallFrom(ctx)
	token := sdk.Token(call.RequestID, "")
	c.mu.Lock()
	found := c.made[token]
	if !c.tokens && (call.Attempt == 1 || c.hidden > 0) {
		if call.Attempt > 1 {
			c.hidden--
		}
		found = nil
	}
	var id string
	if len(found) > 0 {
		id = found[0]
		for _, twin := range found[1:] {
			delete(c.vms, twin)
		}
	} else {
		c.next++
		id = fmt.Sprintf("vm-%d", c.next)
		c.vms[id] = []computev1.VmState{creating, running}
		c.made[token] = append(c.made[token], id)
	}
	c.mu.Unlock()
	return &computev1.CreateVmResponse{Id: id, State: creating}, c.leave("CreateVm", n)
}

func (c *cloud) GetVm(ctx context.Context, request *computev1.GetVmRequest) (*computev1.GetVmResponse, error) {
	if _, err := c.enter(ctx, "GetVm"); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	states, ok := c.vms[request.GetId()]
	if !ok || len(states) == 0 {
		return nil, sdk.NotFound("compute.vm", request.GetId(), nil)
	}
	vm := &computev1.Vm{Id: request.GetId(), Name: "vm", State: states[0]}
	if states[0] == failed || states[0] == gone {
		vm.StateReason = "OUT_OF_STOCK"
	}
	if len(states) > 1 {
		c.vms[request.GetId()] = states[1:]
		if states[1] == computev1.VmState_VM_STATE_DELETED {
			delete(c.vms, request.GetId())
		}
	}
	return &computev1.GetVmResponse{Vm: vm}, nil
}

func (c *cloud) StartVm(ctx context.Context, request *computev1.StartVmRequest) (*computev1.StartVmResponse, error) {
	n, err := c.enter(ctx, "StartVm")
	if err != nil {
		return nil, err
	}
	return &computev1.StartVmResponse{Id: request.GetId(), State: starting}, c.leave("StartVm", n)
}

func (c *cloud) DeleteVm(ctx context.Context, request *computev1.DeleteVmRequest) (*computev1.DeleteVmResponse, error) {
	n, err := c.enter(ctx, "DeleteVm")
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	if _, ok := c.vms[request.GetId()]; ok {
		c.vms[request.GetId()] = []computev1.VmState{deleting, computev1.VmState_VM_STATE_DELETED}
	}
	c.mu.Unlock()
	return &computev1.DeleteVmResponse{Id: request.GetId()}, c.leave("DeleteVm", n)
}

func (c *cloud) UpdateVm(ctx context.Context, request *computev1.UpdateVmRequest) (*computev1.UpdateVmResponse, error) {
	n, err := c.enter(ctx, "UpdateVm")
	if err != nil {
		return nil, err
	}
	return &computev1.UpdateVmResponse{Id: request.GetId(), State: running}, c.leave("UpdateVm", n)
}

func (c *cloud) ResetVmPassword(ctx context.Context, request *computev1.ResetVmPasswordRequest) (*computev1.ResetVmPasswordResponse, error) {
	if _, err := c.enter(ctx, "ResetVmPassword"); err != nil {
		return nil, err
	}
	return &computev1.ResetVmPasswordResponse{Id: request.GetId(), State: running}, nil
}

func (c *cloud) ResizeVm(ctx context.Context, request *computev1.ResizeVmRequest) (*computev1.ResizeVmResponse, error) {
	n, err := c.enter(ctx, "ResizeVm")
	if err != nil {
		return nil, err
	}
	next, err := c.step(sdk.CallFrom(ctx))
	if err != nil {
		return nil, err
	}
	sdk.SetNextStep(ctx, next, 0)
	return &computev1.ResizeVmResponse{Id: request.GetId(), State: computev1.VmState_VM_STATE_RESIZING}, c.leave("ResizeVm", n)
}

// CreateKeyPair answers with a secret, as no driver should.
func (c *cloud) CreateKeyPair(ctx context.Context, request *computev1.CreateKeyPairRequest) (*computev1.CreateKeyPairResponse, error) {
	if _, err := c.enter(ctx, "CreateKeyPair"); err != nil {
		return nil, err
	}
	return &computev1.CreateKeyPairResponse{Id: request.GetName(), PrivateKey: "SECRET-OF-THE-CLOUD"}, nil
}

func (c *cloud) CreateNetwork(ctx context.Context, request *networkv1.CreateNetworkRequest) (*networkv1.CreateNetworkResponse, error) {
	n, err := c.enter(ctx, "CreateNetwork")
	if err != nil {
		return nil, err
	}
	if len(request.GetSubnets()) > 0 {
		return nil, sdk.NewError(apiv1.Reason_REASON_DRIVER_FAULT)
	}
	c.mu.Lock()
	id := "net-" + sdk.Token(sdk.CallFrom(ctx).RequestID, "")
	c.networks[id] = true
	c.mu.Unlock()
	return &networkv1.CreateNetworkResponse{Id: id, State: networkv1.NetworkState_NETWORK_STATE_AVAILABLE}, c.leave("CreateNetwork", n)
}

func (c *cloud) GetNetwork(ctx context.Context, request *networkv1.GetNetworkRequest) (*networkv1.GetNetworkResponse, error) {
	if _, err := c.enter(ctx, "GetNetwork"); err != nil {
		return nil, err
	}
	return &networkv1.GetNetworkResponse{Network: &networkv1.Network{
		Id: request.GetId(), State: networkv1.NetworkState_NETWORK_STATE_AVAILABLE,
	}}, nil
}

func (c *cloud) CreateSubnet(ctx context.Context, request *networkv1.CreateSubnetRequest) (*networkv1.CreateSubnetResponse, error) {
	n, err := c.enter(ctx, "CreateSubnet")
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	id := "sub-" + sdk.Token(sdk.CallFrom(ctx).RequestID, "")
	c.subnets[id] = request.GetNetworkId()
	c.mu.Unlock()
	return &networkv1.CreateSubnetResponse{Id: id, State: networkv1.SubnetState_SUBNET_STATE_AVAILABLE}, c.leave("CreateSubnet", n)
}

func (c *cloud) GetSubnet(ctx context.Context, request *networkv1.GetSubnetRequest) (*networkv1.GetSubnetResponse, error) {
	if _, err := c.enter(ctx, "GetSubnet"); err != nil {
		return nil, err
	}
	return &networkv1.GetSubnetResponse{Subnet: &networkv1.Subnet{
		Id: request.GetId(), State: networkv1.SubnetState_SUBNET_STATE_AVAILABLE,
	}}, nil
}

func (c *cloud) AddRouterInterface(ctx context.Context, request *networkv1.AddRouterInterfaceRequest) (*networkv1.AddRouterInterfaceResponse, error) {
	if _, err := c.enter(ctx, "AddRouterInterface"); err != nil {
		return nil, err
	}
	return &networkv1.AddRouterInterfaceResponse{Id: request.GetId(), NicId: "port-1"}, nil
}

// clock is the business time of an engine: the real time, moved by the test.
type clock struct {
	mu    sync.Mutex
	moved time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.moved)
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.moved += d
}
