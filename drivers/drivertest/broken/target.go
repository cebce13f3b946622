package broken

import (
	"context"
	"sync/atomic"

	"google.golang.org/grpc"

	"github.com/yunqiao/yunqiao/drivers/drivertest"
)

// call is one rpc on its way to the driver.
type call struct {
	ctx     context.Context
	method  string // "/cloud.compute.v1.VmService/CreateVm"
	request any
	answer  any
	opts    []grpc.CallOption
	send    func(ctx context.Context) error // passes it on
	// sendOther passes another request on in its place.
	sendOther func(ctx context.Context, request any) error
	crashes   int64 // how often the driver was killed before
}

// fault is what a broken driver does with a call.
type fault func(call) error

// target is a sound driver with a fault in front of it.
type target struct {
	drivertest.Target
	fault   fault
	log     func() string // what it logs beside
	crashes atomic.Int64
}

// Conn implements drivertest.Target.
func (t *target) Conn() grpc.ClientConnInterface { return &conn{t.Target.Conn(), t} }

// Crash implements drivertest.Target.
func (t *target) Crash(ctx context.Context) error {
	t.crashes.Add(1)
	return t.Target.Crash(ctx)
}

// Log implements drivertest.Target.
func (t *target) Log() string {
	if t.log == nil {
		return t.Target.Log()
	}
	return t.Target.Log() + t.log()
}

type conn struct {
	grpc.ClientConnInterface
	target *target
}

// Invoke implements grpc.ClientConnInterface.
func (c *conn) Invoke(ctx context.Context, method string, request, answer any, opts ...grpc.CallOption) error {
	return c.target.fault(call{
		ctx: ctx, method: method, request: request, answer: answer, opts: opts, crashes: c.target.crashes.Load(),
		sendOther: func(ctx context.Context, other any) error {
			return c.ClientConnInterface.Invoke(ctx, method, other, answer, opts...)
		},
		send: func(ctx context.Context) error {
			return c.ClientConnInterface.Invoke(ctx, method, request, answer, opts...)
		},
	})
}
