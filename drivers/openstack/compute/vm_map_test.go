package compute

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/ports"
)

func TestStateOf(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status, task string
		want         computev1.VmState
	}{
		"building":                 {"BUILD", "spawning", computev1.VmState_VM_STATE_CREATING},
		"running":                  {"ACTIVE", "", computev1.VmState_VM_STATE_RUNNING},
		"running, any case":        {"active", "", computev1.VmState_VM_STATE_RUNNING},
		"running, being copied":    {"ACTIVE", "image_uploading", computev1.VmState_VM_STATE_RUNNING},
		"powering off":             {"ACTIVE", "powering-off", computev1.VmState_VM_STATE_STOPPING},
		"suspending":               {"ACTIVE", "suspending", computev1.VmState_VM_STATE_STOPPING},
		"shelving":                 {"ACTIVE", "shelving_image_uploading", computev1.VmState_VM_STATE_STOPPING},
		"shelving what is off":     {"SHUTOFF", "shelving", computev1.VmState_VM_STATE_STOPPING},
		"offloading":               {"SHELVED", "shelving_offloading", computev1.VmState_VM_STATE_STOPPING},
		"rescuing":                 {"ACTIVE", "rescuing", computev1.VmState_VM_STATE_UPDATING},
		"rescued":                  {"RESCUE", "", computev1.VmState_VM_STATE_MAINTENANCE},
		"powering on":              {"SHUTOFF", "powering-on", computev1.VmState_VM_STATE_STARTING},
		"off":                      {"SHUTOFF", "", computev1.VmState_VM_STATE_STOPPED},
		"shelved":                  {"SHELVED", "", computev1.VmState_VM_STATE_STOPPED},
		"offloaded":                {"SHELVED_OFFLOADED", "", computev1.VmState_VM_STATE_STOPPED},
		"unshelving":               {"SHELVED_OFFLOADED", "spawning", computev1.VmState_VM_STATE_STARTING},
		"paused":                   {"PAUSED", "", computev1.VmState_VM_STATE_SUSPENDED},
		"unpausing":                {"PAUSED", "unpausing", computev1.VmState_VM_STATE_STARTING},
		"suspended":                {"SUSPENDED", "", computev1.VmState_VM_STATE_SUSPENDED},
		"resuming":                 {"SUSPENDED", "resuming", computev1.VmState_VM_STATE_STARTING},
		"rebooting":                {"REBOOT", "rebooting", computev1.VmState_VM_STATE_REBOOTING},
		"rebooting hard":           {"HARD_REBOOT", "rebooting_hard", computev1.VmState_VM_STATE_REBOOTING},
		"resizing":                 {"RESIZE", "resize_migrating", computev1.VmState_VM_STATE_RESIZING},
		"resized":                  {"VERIFY_RESIZE", "", computev1.VmState_VM_STATE_RESIZING},
		"reverting":                {"REVERT_RESIZE", "", computev1.VmState_VM_STATE_RESIZING},
		"getting a password":       {"PASSWORD", "updating_password", computev1.VmState_VM_STATE_UPDATING},
		"moving":                   {"MIGRATING", "migrating", computev1.VmState_VM_STATE_UPDATING},
		"deleting":                 {"ACTIVE", "deleting", computev1.VmState_VM_STATE_DELETING},
		"deleting what has failed": {"ERROR", "deleting", computev1.VmState_VM_STATE_DELETING},
		"soft deleted":             {"SOFT_DELETED", "", computev1.VmState_VM_STATE_DELETED},
		"failed":                   {"ERROR", "", computev1.VmState_VM_STATE_ERROR},
		"unknown to Nova":          {"UNKNOWN", "", computev1.VmState_VM_STATE_UNSPECIFIED},
		"unknown to us":            {"MIGRATING_V2", "", computev1.VmState_VM_STATE_UNSPECIFIED},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := stateOf(tc.status, tc.task); got != tc.want {
				t.Errorf("stateOf(%q, %q) = %v, want %v", tc.status, tc.task, got, tc.want)
			}
		})
	}
}

func TestToVM(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/server.json")
	if err != nil {
		t.Fatal(err)
	}
	var sv server
	if err := json.Unmarshal(raw, &sv); err != nil {
		t.Fatal(err)
	}
	got := toVM(&sv, known{
		region: "RegionOne", flavorID: "2", imageID: string(sv.Image), osType: computev1.OsType_OS_TYPE_LINUX, disks: true,
		ports: []ports.Port{
			{ID: "p2", NetworkID: "n2", MACAddress: "fa:16:3e:00:00:02", FixedIPs: []ports.IP{{SubnetID: "s2", Address: "10.0.2.5"}}, SecurityGroups: []string{"g1", "g2"}},
			{ID: "p1", NetworkID: "n1", MACAddress: "fa:16:3e:00:00:01", FixedIPs: []ports.IP{{SubnetID: "s1", Address: "10.0.1.5"}, {SubnetID: "s6", Address: "fd00::5"}}, SecurityGroups: []string{"g1"}},
			{ID: "p0", NetworkID: "n0", MACAddress: "fa:16:3e:00:00:09"},
		},
	})
	want := &computev1.Vm{
		Id: "2a1b", Name: "编辑-1", Description: "of the news", Tags: map[string]string{"team": "news"},
		State: computev1.VmState_VM_STATE_STOPPING, ProviderState: "ACTIVE/powering-off",
		CreatedAt: timestamppb.New(time.Date(2026, 11, 20, 8, 0, 1, 0, time.UTC)),
		UpdatedAt: timestamppb.New(time.Date(2026, 11, 20, 8, 0, 9, 0, time.UTC)),
		StartedAt: timestamppb.New(time.Date(2026, 11, 20, 8, 0, 8, 500000000, time.UTC)),
		RegionId:  "RegionOne", ZoneId: "nova", Charge: &apiv1.Charge{Mode: apiv1.ChargeMode_CHARGE_MODE_POSTPAID},
		ProviderAttributes: map[string]string{"host_id": "aabb", "power_state": "running"},
		LockReasons:        []apiv1.LockReason{apiv1.LockReason_LOCK_REASON_OPERATOR},
		HostName:           "bianji-1", ImageId: "i1", FlavorId: "2", Vcpus: 1, MemoryMib: 2048,
		SecurityGroupIds: []string{"g1", "g2"},
		Nics: []*computev1.VmNic{
			{NicId: "p1", NetworkId: "n1", SubnetId: "s1", MacAddress: "fa:16:3e:00:00:01", PrivateIpAddresses: []string{"10.0.1.5", "fd00::5"}, PublicIpAddresses: []string{"203.0.113.9"}},
			{NicId: "p2", NetworkId: "n2", SubnetId: "s2", MacAddress: "fa:16:3e:00:00:02", PrivateIpAddresses: []string{"10.0.2.5"}},
			{NicId: "p0", NetworkId: "n0", MacAddress: "fa:16:3e:00:00:09"},
		},
		DiskIds: []string{"v1", "v2"}, KeyPairId: "k", OsType: computev1.OsType_OS_TYPE_LINUX,
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestImageOfServer(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		in   string
		want imageRef
	}{
		"an image":         {`{"image":{"id":"i1","links":[]}}`, "i1"},
		"from a volume":    {`{"image":""}`, ""},
		"none":             {`{"image":null}`, ""},
		"no such property": {`{}`, ""},
	} {
		var sv server
		if err := json.Unmarshal([]byte(tc.in), &sv); err != nil || sv.Image != tc.want {
			t.Errorf("%s: got %q, %v; want %q", name, sv.Image, err, tc.want)
		}
	}
}

func TestStateReason(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		sv   server
		want string
	}{
		"running":         {server{Status: "ACTIVE"}, ""},
		"no room":         {server{Status: "ERROR", Fault: serverFault{"No valid host was found. There are not enough hosts available."}}, "OUT_OF_STOCK"},
		"build given up":  {server{Status: "ERROR", Fault: serverFault{"Build of instance x aborted: Volume y status is error"}}, "RESOURCE_FAILED"},
		"no fault known":  {server{Status: "ERROR", HostID: "aabb"}, "RESOURCE_FAILED"},
		"running, failed": {server{Status: "ACTIVE", Fault: serverFault{"No valid host was found."}}, ""},
	} {
		if got := stateReason(&tc.sv); got != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
}

func TestIsChanging(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		sv   server
		want bool
	}{
		"running":          {server{Status: "ACTIVE"}, false},
		"being copied":     {server{Status: "ACTIVE", TaskState: "image_uploading"}, true},
		"powering on":      {server{Status: "SHUTOFF", TaskState: "powering-on"}, true},
		"waiting":          {server{Status: "VERIFY_RESIZE"}, true},
		"failed":           {server{Status: "ERROR"}, false},
		"being rebuilt":    {server{Status: "REBUILD"}, true},
		"word not known":   {server{Status: "NEW_WORD"}, true},
		"rescued for good": {server{Status: "RESCUE"}, false},
	} {
		if got := isChanging(&tc.sv); got != tc.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func TestMergeReserved(t *testing.T) {
	t.Parallel()
	got := mergeReserved(map[string]string{"yunqiao-tenant": "t", "old": "1"}, map[string]string{"new": "2"})
	if diff := cmp.Diff(map[string]string{"yunqiao-tenant": "t", "new": "2"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := mergeReserved(nil, nil); got == nil || len(got) != 0 {
		t.Errorf("nothing: %v", got)
	}
}
