// Package inproc calls generated gRPC servers in the same process: a module is
// registered like at a grpc.Server and called like through a connection, without
// a wire between.
package inproc

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// Conn is both ends. Register everything before the first call.
type Conn struct {
	methods map[string]method
}

type method struct {
	impl    any
	handler grpc.MethodHandler
}

var (
	_ grpc.ServiceRegistrar    = (*Conn)(nil)
	_ grpc.ClientConnInterface = (*Conn)(nil)
)

// New makes a Conn without services.
func New() *Conn { return &Conn{methods: map[string]method{}} }

// RegisterService implements grpc.ServiceRegistrar.
func (c *Conn) RegisterService(desc *grpc.ServiceDesc, impl any) {
	for _, m := range desc.Methods {
		c.methods["/"+desc.ServiceName+"/"+m.MethodName] = method{impl, m.Handler}
	}
}

// Invoke implements grpc.ClientConnInterface. The server gets the caller's own
// message, which it must not change; the answer is moved into reply.
func (c *Conn) Invoke(ctx context.Context, path string, args, reply any, _ ...grpc.CallOption) error {
	m, ok := c.methods[path]
	if !ok {
		return status.Errorf(codes.Unimplemented, "no module serves %s", path)
	}
	answer, err := m.handler(m.impl, ctx, func(in any) error {
		proto.Merge(in.(proto.Message), args.(proto.Message))
		return nil
	}, nil)
	if err != nil {
		return err
	}
	proto.Merge(reply.(proto.Message), answer.(proto.Message))
	return nil
}

// NewStream implements grpc.ClientConnInterface; modules have no streams.
func (c *Conn) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, fmt.Errorf("modules have no streams: %w", status.Error(codes.Unimplemented, "stream"))
}
