package calltest

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"

	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/definitions"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/drivers/sdk/sdktest"
)

const accountID = "ali-test"

// RequestID is the request id of the calls of Context.
const RequestID = "0198c2b4-0000-7000-8000-000000000001"

// Call is a call that the cloud has received.
type Call struct {
	Action string
	Params map[string]string // without those of the protocol
}

// Cloud answers every call and keeps it.
type Cloud struct {
	Conn *grpc.ClientConn

	t       testing.TB
	set     *definitions.Set
	answers map[string]string

	mu    sync.Mutex
	calls []Call
}

// Open serves what register adds in an account of a cloud that answers by action:
// JSON, which is a refusal with status 400 if it begins with {"Code". Actions
// without an answer get an empty object. A key "Action Name=value" is the answer to
// calls with that parameter.
func Open(t testing.TB, register func(grpc.ServiceRegistrar, *session.Accounts), answers map[string]string) *Cloud {
	t.Helper()
	set, err := definitions.Load()
	if err != nil {
		t.Fatal(err)
	}
	c := &Cloud{t: t, set: set, answers: answers}
	s, err := session.Open(t.Context(),
		map[string]string{"access_key_id": "LTAItest", "region": "cn-hangzhou", "resource_group_id": "rg-test"},
		map[string]string{"access_key_secret": "secret"}, session.Options{Transport: c})
	if err != nil {
		t.Fatal(err)
	}
	c.Forget()
	accounts := &session.Accounts{}
	accounts.Put(accountID, s)
	c.Conn = sdktest.Serve(t, &driver{register: register, accounts: accounts})
	return c
}

type driver struct {
	driverv1.UnimplementedDriverServiceServer
	register func(grpc.ServiceRegistrar, *session.Accounts)
	accounts *session.Accounts
}

// Register implements sdk.Driver.
func (d *driver) Register(r grpc.ServiceRegistrar) { d.register(r, d.accounts) }

// Context is one in which the gateway makes the first attempt of a request.
func Context(t testing.TB) context.Context {
	return sdk.WithCall(t.Context(), sdk.Call{RequestID: RequestID, AccountID: accountID, Attempt: 1})
}

// ContextOf is Context for another attempt, step or undo.
func ContextOf(t testing.TB, call sdk.Call) context.Context {
	call.RequestID, call.AccountID = RequestID, accountID
	return sdk.WithCall(t.Context(), call)
}

// Calls are the calls since Open or Forget, in order.
func (c *Cloud) Calls() []Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.calls)
}

// Actions are the actions of Calls.
func (c *Cloud) Actions() []string {
	var actions []string
	for _, call := range c.Calls() {
		actions = append(actions, call.Action)
	}
	return actions
}

// Forget drops the calls kept.
func (c *Cloud) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = nil
}

// RoundTrip implements http.RoundTripper.
func (c *Cloud) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := req.ParseForm(); err != nil {
		return nil, err
	}
	sent := make(map[string]string, len(req.Form))
	for name, values := range req.Form {
		sent[name] = values[0]
	}
	c.check(sent)
	call := Call{Action: sent["Action"], Params: map[string]string{}}
	for name, value := range sent {
		if !definitions.IsCommon(name) {
			call.Params[name] = value
		}
	}
	c.mu.Lock()
	c.calls = append(c.calls, call)
	c.mu.Unlock()
	return c.answer(req, call), nil
}

// check fails the test for a parameter that contradicts the definitions.
func (c *Cloud) check(sent map[string]string) {
	action := c.set.Action(sent["Version"], sent["Action"])
	if action == nil {
		c.t.Errorf("there is no action %s of version %s", sent["Action"], sent["Version"])
		return
	}
	if _, problems := action.Parse(sent); len(problems) > 0 {
		c.t.Errorf("%s: %v", sent["Action"], problems)
	}
}

func (c *Cloud) answer(req *http.Request, call Call) *http.Response {
	body, given := c.answers[call.Action]
	if !given {
		body = `{}`
	}
	for name, value := range call.Params {
		if own, given := c.answers[call.Action+" "+name+"="+value]; given {
			body = own
		}
	}
	status := http.StatusOK
	if strings.HasPrefix(body, `{"Code"`) {
		status = http.StatusBadRequest
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: req}
}
