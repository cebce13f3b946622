package memcloud

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// Metadata keys of a call over gRPC.
const (
	ProjectKey     = "memcloud-project" // whose resources the call sees; empty is a project too
	ClientTokenKey = "client-token"     // makes a write idempotent where the cloud takes tokens
	PasswordKey    = "memcloud-password"
)

// Caller is who calls and with what token.
type Caller struct {
	Project     string
	ClientToken string
	Password    string
}

type callKey struct{}

type call struct {
	Caller
	method  string
	request proto.Message
}

func callFrom(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}

func callerFrom(ctx context.Context) Caller {
	if c := callFrom(ctx); c != nil {
		return c.Caller
	}
	return Caller{}
}

// method is one rpc of the cloud.
type method struct {
	name    string // "cloud.compute.v1.VmService/GetVm"
	read    bool
	server  any
	handler grpc.MethodHandler
	calls   atomic.Int64
}

// methodTable collects what services register.
type methodTable map[string]*method

// RegisterService is grpc.ServiceRegistrar.
func (t methodTable) RegisterService(desc *grpc.ServiceDesc, server any) {
	for _, m := range desc.Methods {
		name := desc.ServiceName + "/" + m.MethodName
		t["/"+name] = &method{
			name:    name,
			read:    strings.HasPrefix(m.MethodName, "Get") || strings.HasPrefix(m.MethodName, "List"),
			server:  server,
			handler: m.Handler,
		}
	}
}

func (c *Cloud) newMethods() map[string]*method {
	t := methodTable{}
	c.Register(t)
	return t
}

// Call runs one rpc in this process. fullMethod is gRPC's own form,
// "/cloud.compute.v1.VmService/GetVm". The answer may share memory with the
// cloud's records and must not be changed.
func (c *Cloud) Call(ctx context.Context, caller Caller, fullMethod string, request proto.Message) (proto.Message, error) {
	m := c.methods[fullMethod]
	if m == nil {
		return nil, sdk.NewError(apiv1.Reason_REASON_UNSUPPORTED_METHOD)
	}
	answer, err := m.handler(m.server, ctx, func(any) error { return nil },
		func(ctx context.Context, _ any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
			return c.run(ctx, caller, m, request, handler)
		})
	if err != nil {
		return nil, err
	}
	return answer.(proto.Message), nil
}

// Intercept is the interceptor of a gRPC server that offers the cloud.
func (c *Cloud) Intercept(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	m := c.methods[info.FullMethod]
	if m == nil {
		return handler(ctx, request)
	}
	caller := Caller{Project: incoming(ctx, ProjectKey), ClientToken: incoming(ctx, ClientTokenKey), Password: incoming(ctx, PasswordKey)}
	return c.run(ctx, caller, m, request.(proto.Message), handler)
}

func incoming(ctx context.Context, name string) string {
	if values := metadata.ValueFromIncomingContext(ctx, name); len(values) > 0 {
		return values[0]
	}
	return ""
}

// Authenticate refuses a password that is not the cloud's, or, for a tenant, not one of
// the tenant's own.
func (c *Cloud) Authenticate(project, password string) error {
	c.mu.RLock()
	tenant := (&view{cloud: c}).tenantOf(project)
	c.mu.RUnlock()
	if tenant != nil {
		if !tenant.takes(password) {
			return sdk.NewError(apiv1.Reason_REASON_ACCOUNT_UNAUTHENTICATED)
		}
		return nil
	}
	if want := c.knobs.Load().Password; want != "" && password != want {
		return sdk.NewError(apiv1.Reason_REASON_ACCOUNT_UNAUTHENTICATED)
	}
	return nil
}

// run is what happens to every call: counting, throttling, latency, injected
// errors, and in the middle the call itself.
func (c *Cloud) run(ctx context.Context, caller Caller, m *method, request proto.Message, handler grpc.UnaryHandler) (any, error) {
	m.calls.Add(1)
	k := c.knobs.Load()
	if err := c.Authenticate(caller.Project, caller.Password); err != nil {
		return nil, err
	}
	if err := k.throttled(m.name, c.Now()); err != nil {
		return nil, err
	}
	if !k.ClientTokens && !m.read {
		ctx = context.WithoutCancel(ctx) // such a cloud finishes what it was asked, whoever still listens
	}
	delay := k.latency(m.name)
	if err := pause(ctx, delay.BeforeMillis); err != nil {
		return nil, err
	}
	step, _ := stepOf(sdk.CallFrom(ctx))
	failure := k.failure(m.name, step)
	if failure != nil && !failure.AfterEffect {
		return nil, failure.err()
	}
	answer, err := handler(context.WithValue(ctx, callKey{}, &call{caller, m.name, request}), request)
	if waitErr := pause(ctx, delay.AfterMillis); waitErr != nil && err == nil {
		return nil, waitErr
	}
	if failure != nil && err == nil {
		return nil, failure.err()
	}
	return answer, err
}

// Calls counts the calls of each rpc since the cloud was opened.
func (c *Cloud) Calls() map[string]int64 {
	counts := map[string]int64{}
	for _, m := range c.methods {
		if n := m.calls.Load(); n > 0 {
			counts[m.name] = n
		}
	}
	return counts
}

// Methods names every rpc that the cloud offers, sorted.
func (c *Cloud) Methods() []string {
	names := make([]string, 0, len(c.methods))
	for _, m := range c.methods {
		names = append(names, m.name)
	}
	slices.Sort(names)
	return names
}
