package pipeline_test

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/gateway/pipeline"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"
)

// TestRewriteIDs: an id that is present and empty clears a field; it is no id.
func TestRewriteIDs(t *testing.T) {
	request := &securityv1.UpdateFirewallRequest{
		Id: "acc.fw-1", IngressPolicyId: proto.String(""), EgressPolicyId: proto.String("acc.fwp-1"),
		RouterIds: &apiv1.StringList{Values: []string{"acc.rtr-1"}}, SubnetIds: &apiv1.StringList{},
	}
	var paths []string
	err := pipeline.RewriteIDs(request.ProtoReflect(), func(path string, _ *apiv1.FieldRule, id string) (string, error) {
		paths = append(paths, path)
		return id[len("acc."):], nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := &securityv1.UpdateFirewallRequest{
		Id: "fw-1", IngressPolicyId: proto.String(""), EgressPolicyId: proto.String("fwp-1"),
		RouterIds: &apiv1.StringList{Values: []string{"rtr-1"}}, SubnetIds: &apiv1.StringList{},
	}
	if !proto.Equal(request, want) {
		t.Errorf("got %v, want %v", request, want)
	}
	slices.Sort(paths)
	if wanted := []string{"egress_policy_id", "id", "router_ids.values[0]"}; !slices.Equal(paths, wanted) {
		t.Errorf("visited %v, want %v", paths, wanted)
	}
}
