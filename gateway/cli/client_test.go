package cli

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// seen is one request as a gateway would get it.
type seen struct {
	Line  string // "GET /compute/v1/vm/list?account_id=a"
	Body  string
	Token string
	Lang  string
}

// gateway answers every request alike and keeps them.
type gateway struct {
	*httptest.Server
	requests []seen
	status   int
	answer   string
}

func newGateway(t *testing.T, status int, answer string) *gateway {
	t.Helper()
	g := &gateway{status: status, answer: answer}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		g.requests = append(g.requests, seen{
			Line: r.Method + " " + r.URL.RequestURI(), Body: string(body),
			Token: r.Header.Get("Authorization"), Lang: r.Header.Get("Accept-Language"),
		})
		w.WriteHeader(g.status)
		_, _ = io.WriteString(w, g.answer)
	}))
	t.Cleanup(g.Close)
	return g
}

const empty = `{"code":0,"message":"成功","data":{},"request_id":"r-1"}`

// run runs a command line against the gateway.
func (g *gateway) run(t *testing.T, env map[string]string, stdin string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	getenv := func(name string) string {
		if v, ok := env[name]; ok {
			return v
		}
		return map[string]string{"YUNQIAO_ADDRESS": g.URL, "YUNQIAO_TOKEN": "t-1"}[name]
	}
	var out, errs strings.Builder
	status = Main(args, getenv, strings.NewReader(stdin), &out, &errs)
	return status, out.String(), errs.String()
}

func TestRequests(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		args  string
		stdin string
		line  string
		body  string
	}{
		"list":       {args: "vm list", line: "GET /compute/v1/vm/list"},
		"filters":    {args: "vm list account_id=a,b state=running page_size=2", line: "GET /compute/v1/vm/list?account_id=a&account_id=b&page_size=2&state=VM_STATE_RUNNING"},
		"commas":     {args: `call program series list fields=subTitle=a\,b,stars=c`, line: "GET /program/v1/series/list?fields=subTitle%3Da%5C%2Cb&fields=stars%3Dc"},
		"time":       {args: "call monitor metric query id=a.vm-1 since=2026-01-31T08:00:00Z", line: "GET /monitor/v1/metric/query?id=a.vm-1&since=2026-01-31T08%3A00%3A00Z"},
		"get":        {args: "vm get a.vm-1", line: "GET /compute/v1/vm/get?id=a.vm-1"},
		"action":     {args: "vm stop a.vm-1 force=true wait_seconds=9", line: "POST /compute/v1/vm/stop", body: `{"id":"a.vm-1","force":true,"wait_seconds":9}`},
		"disable":    {args: "user disable u-1", line: "POST /tenant/v1/user/update", body: `{"id":"u-1","enabled":false}`},
		"renamed":    {args: "vm password a.vm-1", line: "GET /compute/v1/vm/get-initial-password?id=a.vm-1"},
		"operations": {args: "operation wait 0190a1b2c3d4e5f60718293a4b5c6d7e", line: "GET /operation/v1/operation/wait?id=0190a1b2c3d4e5f60718293a4b5c6d7e"},
		"nested": {
			args: `vm create name=x nics.0.subnet_id=a.s nics.1.subnet_id=a.t boot_disk.size_gib=20 tags.a.b=c security_group_ids=g,h`,
			line: "POST /compute/v1/vm/create",
			body: `{"name":"x","nics":[{"subnet_id":"a.s"},{"subnet_id":"a.t"}],"boot_disk":{"size_gib":20},"tags":{"a.b":"c"},"security_group_ids":["g","h"]}`,
		},
		"members as JSON": {
			args: `vm create nics={"subnet_id":"a.s"} tags={"k":"v"}`,
			line: "POST /compute/v1/vm/create", body: `{"nics":[{"subnet_id":"a.s"}],"tags":{"k":"v"}}`,
		},
		"file as bytes": {
			args: "vm create user_data=@" + secret, line: "POST /compute/v1/vm/create", body: `{"user_data":"czNjcmV0Cg=="}`,
		},
		"secret from a file":        {args: "vm create password=@" + secret, line: "POST /compute/v1/vm/create", body: `{"password":"s3cret"}`},
		"secret from input":         {args: "vm create password=@-", stdin: "typed\n", line: "POST /compute/v1/vm/create", body: `{"password":"typed"}`},
		"secret from environment":   {args: "vm create password=env:PASS", line: "POST /compute/v1/vm/create", body: `{"password":"of env"}`},
		"any rpc":                   {args: "call network network create account_id=a name=n", line: "POST /network/v1/network/create", body: `{"account_id":"a","name":"n"}`},
		"any rpc, kebab case":       {args: "call network security-group list-rules security_group_id=a.g", line: "GET /network/v1/security-group/list-rules?security_group_id=a.g"},
		"whole request":             {args: `call network network create --json {"name":"n"}`, line: "POST /network/v1/network/create", body: `{"name":"n"}`},
		"whole request from input":  {args: `call network network create --json @-`, stdin: `{"name":"m"}`, line: "POST /network/v1/network/create", body: `{"name":"m"}`},
		"whole request of a read":   {args: `call compute vm list --json {"page_size":3}`, line: "GET /compute/v1/vm/list?page_size=3"},
		"present and empty changes": {args: "call compute vm update id=a.v description=", line: "POST /compute/v1/vm/update", body: `{"id":"a.v","description":""}`},
		"account": {
			args: "account create sh-1 driver=d cloud_kind=public settings.region=r --credential key=env:PASS --credential id=@" + secret,
			line: "POST /account/v1/account/create",
			body: `{"id":"sh-1","driver":"d","cloud_kind":"CLOUD_KIND_PUBLIC","settings":{"region":"r"},"credentials":{"key":"of env","id":"s3cret"}}`,
		},
		"account's credentials": {
			args: "account update sh-1 --credential key=env:PASS", line: "POST /account/v1/account/update",
			body: `{"id":"sh-1","credentials":{"key":"of env"}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t, 200, empty)
			status, _, stderr := g.run(t, map[string]string{"PASS": "of env"}, tc.stdin, strings.Fields(tc.args)...)
			if strings.HasPrefix(tc.args, "operation wait") {
				status-- // an operation that has not succeeded
			}
			if status != 0 || len(g.requests) != 1 {
				t.Fatalf("%s: status %d, %d requests: %s", tc.args, status, len(g.requests), stderr)
			}
			got := g.requests[0]
			if got.Line != tc.line || got.Token != "Bearer t-1" || got.Lang != "zh" {
				t.Errorf("got %+v, want line %s", got, tc.line)
			}
			if diff := cmp.Diff(decoded(t, tc.body), decoded(t, got.Body)); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
		})
	}
}

func decoded(t *testing.T, text string) (v any) {
	t.Helper()
	if text == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return v
}

func TestRefusedBeforeSending(t *testing.T) {
	for name, tc := range map[string]struct {
		args string
		want string
	}{
		"no value":            {"vm list state", `"state" is not key=value`},
		"unknown field":       {"vm get a.v colour=red", "colour: GetVmRequest has no colour; it has id"},
		"unknown enum value":  {"vm list state=lost", `state: "lost" is none of creating, starting`},
		"number":              {"vm list page_size=many", `page_size: "many" is no whole number of 32 bits`},
		"bool":                {"vm stop a.v force=maybe", `force: "maybe" is neither true nor false`},
		"secret in argv":      {"vm create password=hunter2", "password: is a secret"},
		"credential in argv":  {"account create sh-1 --credential key=hunter2", "credentials.key: is a secret"},
		"secrets as JSON":     {`account create sh-1 credentials={"a":"hunter2"}`, "credentials: is a secret"},
		"empty variable":      {"vm create password=env:NONE", "password: the environment variable NONE is empty"},
		"message as text":     {"vm create boot_disk=20", "boot_disk: takes JSON"},
		"item out of order":   {"vm create nics.3.subnet_id=a", `nics.3.subnet_id: "3" must be a number from 0 to 0`},
		"member of a scalar":  {"vm create name.first=x", "name.first: has no members"},
		"unknown service":     {"call store disk list", `there is no service "store"; there are: account, `},
		"unknown resource":    {"call storage disc list", `storage has no resource "disc"; it has: disk`},
		"unknown method":      {"call storage disk grow", `storage disk has no method "grow"; it has: attach, create`},
		"both ways":           {"call storage disk list --json {} page_size=1", "either --json or key=value"},
		"message in a query":  {`call compute vm list --json {"page_size":"x"}`, "--json:"},
		"no such file":        {"vm create user_data=@/nowhere/at/all", "no such file"},
		"idempotency of read": {"vm get a.v request_id=x", "GetVmRequest has no request_id"},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t, 200, empty)
			status, _, stderr := g.run(t, nil, "", strings.Fields(tc.args)...)
			if status != 1 || len(g.requests) != 0 || !strings.Contains(stderr, tc.want) {
				t.Errorf("%s: status %d, %d requests, got %q, want %q", tc.args, status, len(g.requests), stderr, tc.want)
			}
			if strings.Contains(stderr, "hunter2") {
				t.Errorf("%s: the secret is shown: %s", tc.args, stderr)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	g := newGateway(t, 403, `{"code":40305,"message":"云平台配额不足","request_id":"r-9","data":{"reason":"QUOTA_EXCEEDED",
		"violations":[{"field":"flavor_id","description":"needs 4 cores"}],"retryable":true,"retry_after_seconds":5,
		"operation_id":"o-1","provider_request_id":"p-1","something_new":1}}`)
	status, stdout, stderr := g.run(t, nil, "", "vm", "list", "--lang", "en")
	want := `yunqiao: QUOTA_EXCEEDED (40305): 云平台配额不足
  flavor_id: needs 4 cores
  the same call may succeed later, in 5 s
operation: o-1
the cloud's request id: p-1
request id: r-9
`
	if status != 1 || stdout != "" || stderr != want {
		t.Errorf("status %d, stdout %q, stderr (-want +got):\n%s", status, stdout, cmp.Diff(want, stderr))
	}
	if g.requests[0].Lang != "en" {
		t.Errorf("language %q, want en", g.requests[0].Lang)
	}
}

func TestNotAGateway(t *testing.T) {
	g := newGateway(t, 200, "<html>")
	if status, _, stderr := g.run(t, nil, "", "vm", "list"); status != 1 || !strings.Contains(stderr, "not as a gateway does") {
		t.Errorf("status %d, stderr %q", status, stderr)
	}
	g.Close()
	if status, _, stderr := g.run(t, nil, "", "vm", "list"); status != 1 || !strings.Contains(stderr, "yunqiao serve") {
		t.Errorf("status %d, stderr %q", status, stderr)
	}
}

func TestToken(t *testing.T) {
	data := t.TempDir()
	file := filepath.Join(data, "admin.token")
	if err := os.WriteFile(file, []byte("of-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		env  map[string]string
		args []string
		want string
	}{
		"environment": {nil, nil, "Bearer t-1"},
		"data folder": {map[string]string{"YUNQIAO_TOKEN": "", "YUNQIAO_DATA": data}, nil, "Bearer of-file"},
		"flag first":  {nil, []string{"--token-file", file}, "Bearer of-file"},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t, 200, empty)
			if status, _, stderr := g.run(t, tc.env, "", append(tc.args, "vm", "list")...); status != 0 {
				t.Fatal(stderr)
			}
			if got := g.requests[0].Token; got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
	g := newGateway(t, 200, empty)
	env := map[string]string{"YUNQIAO_TOKEN": "", "YUNQIAO_DATA": filepath.Join(data, "none")}
	if status, _, stderr := g.run(t, env, "secret", "token", "create", "user_name=li", "password=@-"); status != 0 || g.requests[0].Token != "" {
		t.Errorf("log in: status %d, %+v, %s", status, g.requests, stderr)
	}
	if status, _, stderr := g.run(t, env, "", "vm", "list"); status != 1 || !strings.Contains(stderr, "there is no token") {
		t.Errorf("status %d, stderr %q", status, stderr)
	}
}

func TestOperationWaitFails(t *testing.T) {
	for status, want := range map[string]int{"SUCCEEDED": 0, "FAILED": 1, "RUNNING": 1} {
		g := newGateway(t, 200, `{"code":0,"data":{"operation":{"id":"o","status":"OPERATION_STATUS_`+status+`"}},"request_id":"r"}`)
		if got, _, stderr := g.run(t, nil, "", "operation", "wait", "o"); got != want {
			t.Errorf("%s: exit %d, want %d (%s)", status, got, want, stderr)
		}
	}
}

// TestImport sends what a file says of an account, secrets in the body only.
func TestImport(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"clouds.yaml": "clouds: {demo: {auth: {auth_url: http://c/v3, username: li, password: '@p', project_name: news}, region_name: One}}",
		"openrc":      "export OS_AUTH_URL=http://c/v3\nexport OS_USERNAME=li\nexport OS_PROJECT_NAME=news\nexport OS_PASSWORD=$OS_PASSWORD_INPUT\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, tc := range map[string]struct{ args, body string }{
		"clouds.yaml": {
			"--clouds-yaml " + filepath.Join(dir, "clouds.yaml") + " --cloud-kind dedicated --setting interface=internal",
			`{"id":"sh-1","driver":"x","cloud_kind":"CLOUD_KIND_DEDICATED","credentials":{"password":"@p"},` +
				`"settings":{"auth_url":"http://c/v3","username":"li","project_name":"news","region":"One","interface":"internal"}}`,
		},
		"openrc": {
			"--openrc " + filepath.Join(dir, "openrc") + " --region Two",
			`{"id":"sh-1","driver":"x","cloud_kind":"CLOUD_KIND_PRIVATE","credentials":{"password":"typed"},` +
				`"settings":{"auth_url":"http://c/v3","username":"li","project_name":"news","region":"Two"}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t, http.StatusOK, empty)
			status, _, errs := g.run(t, map[string]string{"OS_PASSWORD": "typed"}, "", strings.Fields("account import sh-1 --driver x "+tc.args)...)
			if status != 0 || len(g.requests) != 1 {
				t.Fatalf("status %d, %d requests: %s", status, len(g.requests), errs)
			}
			var got, want any
			if err := errors.Join(json.Unmarshal([]byte(g.requests[0].Body), &got), json.Unmarshal([]byte(tc.body), &want)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" || g.requests[0].Line != "POST /account/v1/account/create" {
				t.Errorf("%s (-want +got)\n%s", g.requests[0].Line, diff)
			}
		})
	}
	g := newGateway(t, http.StatusOK, empty)
	for _, args := range []string{"", "--clouds-yaml " + filepath.Join(dir, "absent")} {
		if status, _, errs := g.run(t, nil, "", strings.Fields("account import sh-1 --driver x "+args)...); status != 1 || errs == "" || len(g.requests) != 0 {
			t.Errorf("%q: status %d, %s, %d requests", args, status, errs, len(g.requests))
		}
	}
}
