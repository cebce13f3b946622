package cli

import (
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
)

func TestOutput(t *testing.T) {
	list := `{"code":0,"message":"OK","request_id":"r","data":{
		"vms":[
			{"id":"a.v1","account_id":"a","name":"web","state":"VM_STATE_RUNNING","vcpus":2,"tags":{"x":"y"},"new_member":1},
			{"id":"a.v2","account_id":"a","name":"数据库","state":"VM_STATE_STOPPED","vcpus":16}],
		"next_page_token":"more",
		"unreachable":[{"account_id":"b","reason":"CLOUD_UNAVAILABLE","message":"云平台不可用"}]}}`
	single := `{"code":0,"message":"OK","request_id":"r","data":{"vm":{"id":"a.v1","name":"web","state":"VM_STATE_RUNNING",
		"tags":{"b":"2","a":"1"},"created_at":"2026-11-01T00:00:00Z","security_group_ids":["a.g","a.h"],
		"nics":[{"nic_id":"a.n","private_ip_addresses":["10.0.0.5"]}],"deletion_protected":false}}}`
	accepted := `{"code":0,"message":"OK","request_id":"r","data":{"id":"","state":"VM_STATE_UNSPECIFIED","operation_id":"o-1","operation_status":"OPERATION_STATUS_PENDING"}}`
	for name, tc := range map[string]struct {
		args, answer, want string
	}{
		"list": {"vm list", list, `ID    NAME  STATE    VCPUS
a.v1  web   RUNNING  2
a.v2  数据库   STOPPED  16
not asked: {"account_id":"b","reason":"CLOUD_UNAVAILABLE","message":"云平台不可用"}
there is more: page_token=more
`},
		"drivers": {"driver list", `{"code":0,"message":"OK","request_id":"r","data":{"drivers":[
			{"id":"memory","state":"DRIVER_STATE_READY","version":"1.0.0","contract_version":1,"pid":77,"has_manifest":true}]}}`,
			"ID      STATE  VERSION  CONTRACT_VERSION  PID\nmemory  READY  1.0.0    1                 77\n"},
		"journal": {"call program message list", `{"code":0,"message":"OK","request_id":"r","data":{"messages":[
			{"id":"m1","at":"2026-11-01T00:00:00Z","group_id":"1","interface":"series","path":"/s","query":"q","remote_ip":"::1","key_fingerprint":"k",
			"message_id":"x","message_type":100,"body_sm3":"b","body_bytes":9,"outcome":"REFUSED","http_status":403,"code":"Forbidden","cause":"sign: holds under no key"}]}}`,
			"ID  AT                    GROUP_ID  MESSAGE_ID  MESSAGE_TYPE  OUTCOME  CODE       CAUSE\n" +
				"m1  2026-11-01T00:00:00Z  1         x           100           REFUSED  Forbidden  sign: holds under no key\n"},
		"history": {"call program series list-versions id=0123456789abcdef0123456789abcdef", `{"code":0,"message":"OK","request_id":"r","data":{"versions":[
			{"version":2,"at":"2026-11-01T00:00:00Z","cause":"MESSAGE","message_id":"x","online":false,"status":"offline","changes":[
				{"field":"status","before":"\"online\"","after":"\"offline\""},{"field":"title","before":"\"` + strings.Repeat("长", 60) + `\"","after":""}]}]}}`,
			"VERSION  AT                    CAUSE    MESSAGE_ID  STATUS   ONLINE  LOCKED  CHANGES\n" +
				"2        2026-11-01T00:00:00Z  MESSAGE  x           offline  false   false   status: \"online\" → \"offline\"; title: \"" +
				strings.Repeat("长", 39) + "… → \n"},
		"probe": {"call program program probe id=0123456789abcdef0123456789abcdef", `{"code":0,"message":"OK","request_id":"r","data":{"probes":[
			{"video_id":"v1","playable":false,"format":"unknown","problems":["status 404","no playlist"]}]}}`,
			"VIDEO_ID  PLAYABLE  FORMAT   PROBLEMS\nv1        false     unknown  status 404; no playlist\n"},
		"empty list": {"operation list", empty, "ID  METHOD  RESOURCE_ID  STATUS  ATTEMPTS  RESOURCE_STATE  CREATED_AT  STARTED_AT\n"},
		"one": {"vm get a.v1", single, `id                  a.v1
name                web
tags                a=1 b=2
state               RUNNING
created_at          2026-11-01T00:00:00Z
security_group_ids  a.g a.h
nics                {"nic_id":"a.n","private_ip_addresses":["10.0.0.5"]}
`},
		"create": {"vm create", accepted, "operation_id      o-1\noperation_status  PENDING\n"},
		"json":   {"vm create -o json", `{"code":0,"data":{"id":"a.v"},"request_id":"r"}`, "{\n  \"id\": \"a.v\"\n}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t, 200, tc.answer)
			status, stdout, stderr := g.run(t, nil, "", strings.Fields(tc.args)...)
			if status != 0 {
				t.Fatal(stderr)
			}
			if diff := cmp.Diff(tc.want, stdout); diff != "" {
				t.Errorf("output (-want +got):\n%s", diff)
			}
		})
	}
}

func TestVerifyingADriverTellsByItsExitStatus(t *testing.T) {
	for data, want := range map[string]int{`{"ok":true,"problem":""}`: 0, `{"ok":false,"problem":"checksum of /d/x is 1, not 2"}`: 1} {
		g := newGateway(t, 200, `{"code":0,"message":"OK","request_id":"r","data":`+data+`}`)
		status, stdout, stderr := g.run(t, nil, "", "driver", "verify", "memory")
		if status != want || (want == 1) != strings.Contains(stderr, "checksum of /d/x") {
			t.Errorf("%s: status %d: %s%s", data, status, stdout, stderr)
		}
	}
}

// TestHelp holds for every command: it has help, and one that calls an rpc has
// examples that begin with its own name and tells its fields.
func TestHelp(t *testing.T) {
	parser, err := kong.New(&commands{})
	if err != nil {
		t.Fatal(err)
	}
	g := newGateway(t, 200, empty)
	for _, leaf := range parser.Model.Leaves(true) {
		words := strings.Fields(leaf.FullPath())[1:]
		name := strings.Join(words[:min(len(words), depth(leaf))], " ")
		status, stdout, stderr := g.run(t, nil, "", append(strings.Fields(name), "--help")...)
		if status != 0 || stderr != "" || !strings.Contains(stdout, "Usage: yunqiao "+name) {
			t.Errorf("%s --help: status %d, %s%s", name, status, stdout, stderr)
			continue
		}
		if leaf.Help == "" {
			t.Errorf("%s has no help", name)
		}
		if leaf.Tag.Get(rpcTag) == "" {
			continue
		}
		for _, want := range []string{"    yunqiao " + name, "Fields:"} {
			if !strings.Contains(stdout, want) {
				t.Errorf("%s --help lacks %q:\n%s", name, want, stdout)
			}
		}
	}
}

func depth(node *kong.Node) int {
	n := 0
	for ; node.Parent != nil; node = node.Parent {
		n++
	}
	return n
}

func TestExamplesAreUnderstood(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata")); err != nil { // the files that examples name
		t.Fatal(err)
	}
	t.Chdir(dir)
	parser, err := kong.New(&commands{})
	if err != nil {
		t.Fatal(err)
	}
	for _, leaf := range parser.Model.Leaves(true) {
		for example := range strings.SplitSeq(leaf.Tag.Get("examples"), "; ") {
			if example == "" {
				continue
			}
			g := newGateway(t, 200, empty)
			args := strings.Fields(example)[1:]
			for i := range args {
				if before, _, ok := strings.Cut(args[i], "=@"); ok {
					args[i] = before + "=@-"
				}
			}
			status, _, stderr := g.run(t, map[string]string{"NEW_PASSWORD": "x"}, "from input", args...)
			if len(g.requests) != 1 || (status != 0 && args[1] != "wait") {
				t.Errorf("%s: status %d, %s", example, status, stderr)
			}
		}
	}
}

func TestFields(t *testing.T) {
	g := newGateway(t, 200, empty)
	status, stdout, stderr := g.run(t, nil, "", "fields", "compute", "vm", "create")
	if status != 0 {
		t.Fatal(stderr)
	}
	for _, want := range []string{"POST /compute/v1/vm/create", "nics.0.subnet_id", "boot_disk.size_gib", "wait_seconds", "secret"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("lacks %q:\n%s", want, stdout)
		}
	}
}
