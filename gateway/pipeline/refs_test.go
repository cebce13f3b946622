package pipeline_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/yunqiao/yunqiao/gateway/pipeline"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

func TestRewriteIDs(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		message, want proto.Message
		paths         []string
	}{
		"scalar, repeated, nested": {
			&computev1.CreateVmRequest{
				AccountId: "acc", ImageId: "a.i", SecurityGroupIds: []string{"a.g1", "a.g2"}, Description: "a.text",
				Nics: []*computev1.NicSpec{{SubnetId: "a.s"}, {NicId: "a.n"}}, BootDisk: &computev1.BootDisk{DiskTypeId: "a.t"},
				DataDisks: []*computev1.DataDisk{{SnapshotId: "a.sn"}}, Tags: map[string]string{"a.k": "a.v"},
			},
			&computev1.CreateVmRequest{
				AccountId: "acc", ImageId: "i", SecurityGroupIds: []string{"g1", "g2"}, Description: "a.text",
				Nics: []*computev1.NicSpec{{SubnetId: "s"}, {NicId: "n"}}, BootDisk: &computev1.BootDisk{DiskTypeId: "t"},
				DataDisks: []*computev1.DataDisk{{SnapshotId: "sn"}}, Tags: map[string]string{"a.k": "a.v"},
			},
			[]string{"image_id", "security_group_ids[0]", "security_group_ids[1]", "nics[0].subnet_id", "nics[1].nic_id",
				"boot_disk.disk_type_id", "data_disks[0].snapshot_id"},
		},
		"StringList": {
			&networkv1.UpdateNicRequest{Id: "a.n", SecurityGroupIds: &apiv1.StringList{Values: []string{"a.g1", "a.g2"}}},
			&networkv1.UpdateNicRequest{Id: "n", SecurityGroupIds: &apiv1.StringList{Values: []string{"g1", "g2"}}},
			[]string{"id", "security_group_ids.values[0]", "security_group_ids.values[1]"},
		},
		"empty StringList stays present": {
			&networkv1.UpdateNicRequest{Id: "a.n", SecurityGroupIds: &apiv1.StringList{}},
			&networkv1.UpdateNicRequest{Id: "n", SecurityGroupIds: &apiv1.StringList{}}, []string{"id"},
		},
		"chains": {
			&networkv1.CreateSecurityGroupRequest{NetworkId: "a.n", Rules: []*networkv1.CreateSecurityGroupRuleRequest{{RemoteSecurityGroupId: "a.g"}}},
			&networkv1.CreateSecurityGroupRequest{NetworkId: "n", Rules: []*networkv1.CreateSecurityGroupRuleRequest{{RemoteSecurityGroupId: "g"}}},
			[]string{"network_id", "rules[0].remote_security_group_id"},
		},
		"nothing": {&computev1.CreateVmRequest{}, &computev1.CreateVmRequest{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var paths []string
			err := pipeline.RewriteIDs(tc.message.ProtoReflect(), func(path string, rule *apiv1.FieldRule, id string) (string, error) {
				paths = append(paths, path)
				if rule.GetRef() == "" {
					t.Errorf("%s: no rule", path)
				}
				return strings.TrimPrefix(id, "a."), nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, tc.message, protocmp.Transform()); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			less := func(s []string) map[string]bool {
				set := map[string]bool{}
				for _, p := range s {
					set[p] = true
				}
				return set
			}
			if diff := cmp.Diff(less(tc.paths), less(paths)); diff != "" {
				t.Errorf("paths: -want +got\n%s", diff)
			}
		})
	}
}

func TestRewriteIDsStops(t *testing.T) {
	t.Parallel()
	no := errors.New("no")
	for _, m := range []proto.Message{
		&computev1.CreateVmRequest{ImageId: "x"}, &computev1.CreateVmRequest{Nics: []*computev1.NicSpec{{SubnetId: "x"}}},
		&computev1.CreateVmRequest{SecurityGroupIds: []string{"x"}}, &computev1.CreateVmRequest{BootDisk: &computev1.BootDisk{DiskTypeId: "x"}},
	} {
		if err := pipeline.RewriteIDs(m.ProtoReflect(), func(string, *apiv1.FieldRule, string) (string, error) { return "", no }); !errors.Is(err, no) {
			t.Errorf("%v: got %v", m, err)
		}
	}
}

func TestPrefixIDs(t *testing.T) {
	t.Parallel()
	answer := &computev1.ListVmsResponse{
		Vms: []*computev1.Vm{
			{Id: "v", ImageId: "", DiskIds: []string{"d1", "d2"}, Nics: []*computev1.VmNic{{NicId: "n", MacAddress: "m"}}, AccountId: "x"},
			{Id: "w"},
		},
		MissingIds: []string{"gone"},
	}
	want := &computev1.ListVmsResponse{
		Vms: []*computev1.Vm{
			{Id: "a.v", DiskIds: []string{"a.d1", "a.d2"}, Nics: []*computev1.VmNic{{NicId: "a.n", MacAddress: "m"}}, AccountId: "x"},
			{Id: "a.w"},
		},
		MissingIds: []string{"a.gone"},
	}
	pipeline.PrefixIDs(answer.ProtoReflect(), "a.")
	if diff := cmp.Diff(want, answer, protocmp.Transform()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// The places of ids are worked out once for each message, by whoever is first.
func TestPlansConcurrently(t *testing.T) {
	t.Parallel()
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			m := &networkv1.CreateRouterRequest{NetworkId: "n", Name: "r"}
			pipeline.PrefixIDs(m.ProtoReflect(), "a.")
			if m.GetNetworkId() != "a.n" {
				t.Errorf("got %v", m)
			}
		})
	}
	group.Wait()
}
