package livetest

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/drivers/sdk/sdktest"
)

const account = "os-live"

// Cloud is one account of a real cloud, open in a server of the test's own.
type Cloud struct {
	Conn    *grpc.ClientConn
	Session *session.Session // for what a test needs beside the services
	run     string           // makes request ids of this run its own
}

// Open serves what register adds, in an account of the cloud that the
// environment names. It skips the test where there is none.
func Open(t *testing.T, register func(grpc.ServiceRegistrar, *sdk.Accounts[*session.Session])) *Cloud {
	t.Helper()
	file, cloud := os.Getenv("OS_CLIENT_CONFIG_FILE"), os.Getenv("OS_CLOUD")
	if file == "" || cloud == "" {
		t.Skip("OS_CLIENT_CONFIG_FILE and OS_CLOUD name no cloud")
	}
	return OpenAt(t, map[string]string{"cloud": cloud, "clouds_file": file}, nil, register)
}

// OpenAt is Open for a cloud that the test names itself.
func OpenAt(t *testing.T, settings, credentials map[string]string, register func(grpc.ServiceRegistrar, *sdk.Accounts[*session.Session])) *Cloud {
	t.Helper()
	s, err := session.Open(t.Context(), settings, credentials, session.Options{})
	if err != nil {
		t.Fatalf("open cloud: %v", err)
	}
	t.Cleanup(s.Close)
	accounts := &sdk.Accounts[*session.Session]{}
	accounts.Put(account, s)
	conn := sdktest.Serve(t, &server{register: register, accounts: accounts})
	return &Cloud{Conn: conn, Session: s, run: fmt.Sprintf("%s-%d", t.Name(), time.Now().UnixNano())}
}

// ServicesEnv names what the cloud under test must have, with commas between:
// "load-balancer", "database", "metric", or an extension of the network service such as "vpnaas".
const ServicesEnv = "YUNQIAO_OPENSTACK_SERVICES"

// Needs skips the test where the cloud lacks a service, unless ServicesEnv says
// that it must be there. Where ServicesEnv leaves the service out, it is not used.
func (c *Cloud) Needs(t *testing.T, service string) {
	t.Helper()
	expected, told := os.LookupEnv(ServicesEnv)
	listed := slices.Contains(strings.Split(expected, ","), service)
	present := c.Session.Extensions[service]
	switch service {
	case "load-balancer":
		present = c.Session.LoadBalancer != nil
	case "database":
		present = c.Session.Database != nil
	case "metric":
		present = c.Session.Metric != nil
	}
	switch {
	case listed && !present:
		t.Fatalf("the cloud has no %s, which %s lists", service, ServicesEnv)
	case told && !listed:
		t.Skipf("%s does not list %s", ServicesEnv, service)
	case !present:
		t.Skipf("the cloud has no %s", service)
	}
}

// server is a driver with the services under test alone.
type server struct {
	driverv1.UnimplementedDriverServiceServer
	register func(grpc.ServiceRegistrar, *sdk.Accounts[*session.Session])
	accounts *sdk.Accounts[*session.Session]
}

// Register implements sdk.Driver.
func (s *server) Register(r grpc.ServiceRegistrar) { s.register(r, s.accounts) }

// RPC is a method of a generated client.
type RPC[Req, Resp any] func(context.Context, *Req, ...grpc.CallOption) (*Resp, error)

// Call calls an rpc as the gateway does: under the request id until it names no
// next step. attempt is 1 for a new request.
func Call[Req, Resp any](ctx context.Context, c *Cloud, requestID string, attempt int, rpc RPC[Req, Resp], req *Req) (*Resp, error) {
	return steps(ctx, sdk.Call{RequestID: c.run + requestID, AccountID: account, Attempt: attempt}, rpc, req)
}

// FirstCall is the context for the first call of a request alone, of which the test
// makes no further step.
func FirstCall(ctx context.Context, c *Cloud, requestID string) context.Context {
	return sdk.WithCall(ctx, sdk.Call{RequestID: c.run + requestID, AccountID: account, Attempt: 1})
}

// Undo takes the steps of a request back, as the gateway does after step was
// refused.
func Undo[Req, Resp any](ctx context.Context, c *Cloud, requestID, step string, rpc RPC[Req, Resp], req *Req) (*Resp, error) {
	return steps(ctx, sdk.Call{RequestID: c.run + requestID, AccountID: account, Attempt: 2, NextStep: step, Undo: true}, rpc, req)
}

// steps makes a call, and its next steps as long as it names one.
func steps[Req, Resp any](ctx context.Context, call sdk.Call, rpc RPC[Req, Resp], req *Req) (*Resp, error) {
	for {
		var trailer metadata.MD
		resp, err := rpc(sdk.WithCall(ctx, call), req, grpc.Trailer(&trailer))
		told := sdk.TrailerFrom(trailer)
		if err != nil || told.NextStep == "" {
			return resp, err
		}
		call.NextStep = told.NextStep
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(told.PollAfter / 8):
		}
	}
}

// Must is Call for an rpc that the test needs to succeed.
func Must[Req, Resp any](t *testing.T, c *Cloud, requestID string, rpc RPC[Req, Resp], req *Req) *Resp {
	t.Helper()
	resp, err := Call(t.Context(), c, requestID, 1, rpc, req)
	if err != nil {
		t.Fatalf("%T %v: %v", req, req, err)
	}
	return resp
}

// Repeat is Must for a request that the cloud may have seen before.
func Repeat[Req, Resp any](t *testing.T, c *Cloud, requestID string, rpc RPC[Req, Resp], req *Req) *Resp {
	t.Helper()
	resp, err := Call(t.Context(), c, requestID, 2, rpc, req)
	if err != nil {
		t.Fatalf("repeat %T %v: %v", req, req, err)
	}
	return resp
}

// Refused checks the reason of a refusal and, if there are any, the blockers that
// it must name; it returns the error.
func Refused[Req, Resp any](t *testing.T, c *Cloud, want apiv1.Reason, blockers string, rpc RPC[Req, Resp], req *Req) error {
	t.Helper()
	_, err := Call(t.Context(), c, "refused", 1, rpc, req)
	if got := sdk.ReasonOf(err); got != want {
		t.Errorf("%T %v: %v, want %v (%v)", req, req, got, want, err)
	}
	if got := sdk.InfoOf(err)["blockers"]; got != blockers {
		t.Errorf("%T %v: blockers %q, want %q", req, req, got, blockers)
	}
	return err
}

// Eventually waits until done tells so.
func Eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for range 120 {
		if done() {
			return
		}
		select {
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		case <-time.After(250 * time.Millisecond):
		}
	}
	t.Fatalf("%s: not within its time", what)
}

// Await is Eventually for the clean-up of a test, after its context has ended.
func Await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for range 120 {
		if done() {
			return
		}
		<-time.After(250 * time.Millisecond)
	}
	t.Errorf("%s: not within its time", what)
}

// Cleanup runs an rpc at the end of the test, whose error does not matter: what
// the test removed itself is absent.
func Cleanup[Req, Resp any](t *testing.T, c *Cloud, rpc RPC[Req, Resp], req *Req) {
	t.Helper()
	t.Cleanup(func() { _, _ = Call(context.WithoutCancel(t.Context()), c, "cleanup", 1, rpc, req) })
}
