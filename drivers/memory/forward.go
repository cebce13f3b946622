package main

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// forwarder registers every service it is given with handlers that pass the
// call on, whatever it is.
type forwarder struct {
	target grpc.ServiceRegistrar
	call   func(ctx context.Context, fullMethod string, request proto.Message) (proto.Message, error)
}

// RegisterService is grpc.ServiceRegistrar.
func (f *forwarder) RegisterService(desc *grpc.ServiceDesc, _ any) {
	forwarded := &grpc.ServiceDesc{
		ServiceName: desc.ServiceName,
		HandlerType: (*any)(nil),
		Metadata:    desc.Metadata,
	}
	for _, m := range desc.Methods {
		forwarded.Methods = append(forwarded.Methods, grpc.MethodDesc{
			MethodName: m.MethodName,
			Handler:    f.handler(desc.ServiceName, m.MethodName),
		})
	}
	f.target.RegisterService(forwarded, f)
}

func (f *forwarder) handler(service, method string) grpc.MethodHandler {
	fullMethod := "/" + service + "/" + method
	input, _ := messageTypes(service, method)
	return func(server any, ctx context.Context, decode func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) {
		request := input.New().Interface()
		if err := decode(request); err != nil {
			return nil, err
		}
		if intercept == nil {
			return f.call(ctx, fullMethod, request)
		}
		info := &grpc.UnaryServerInfo{Server: server, FullMethod: fullMethod}
		return intercept(ctx, request, info, func(ctx context.Context, request any) (any, error) {
			return f.call(ctx, fullMethod, request.(proto.Message))
		})
	}
}

// messageTypes finds the types of an rpc that is linked in; services come from
// generated code, which links them.
func messageTypes(service, method string) (input, output protoreflect.MessageType) {
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service))
	if err != nil {
		panic(err)
	}
	m := d.(protoreflect.ServiceDescriptor).Methods().ByName(protoreflect.Name(method))
	return mustType(m.Input()), mustType(m.Output())
}

func mustType(d protoreflect.MessageDescriptor) protoreflect.MessageType {
	t, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
	if err != nil {
		panic(err)
	}
	return t
}
