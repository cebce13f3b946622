package reconcile

import (
	"context"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/gateway/inventory"
	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

// TestPartsEndWithTheirWhole: the rules of a group that is deleted behind our back are
// gone with it, and a rule of which only the id is known gets its attributes.
func TestPartsEndWithTheirWhole(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.Store) {
		r := newRig(t, store, Options{})
		groups := networkv1.NewSecurityGroupServiceClient(r.driver)
		group := call(r, func(ctx context.Context) (*networkv1.CreateSecurityGroupResponse, error) {
			return groups.CreateSecurityGroup(ctx, &networkv1.CreateSecurityGroupRequest{Name: "g"})
		}).GetId()
		var rules []string
		for range 2 {
			cidr := []string{"10.0.0.0/8", "10.1.0.0/16"}[len(rules)]
			rules = append(rules, accountID+"."+call(r, func(ctx context.Context) (*networkv1.CreateSecurityGroupRuleResponse, error) {
				return groups.CreateSecurityGroupRule(ctx, &networkv1.CreateSecurityGroupRuleRequest{
					SecurityGroupId: group, Direction: apiv1.Direction_DIRECTION_INGRESS,
					Protocol: networkv1.SecurityGroupProtocol_SECURITY_GROUP_PROTOCOL_ICMP, RemoteCidr: cidr,
				})
			}).GetId())
		}
		body, err := proto.Marshal(&networkv1.SecurityGroupRule{Id: native(rules[0]), SecurityGroupId: group})
		if err != nil {
			t.Fatal(err)
		}
		for i, id := range rules { // as an operation has recorded them; the cloud could not be asked about the second
			o := inventory.Observation{ID: id, Type: "network.security_group_rule", AccountID: accountID, At: r.clock.now(), Source: "FOLLOWER", Created: true}
			if i == 0 {
				o.Body = body
			}
			if err := r.inventory.RecordAll(t.Context(), []inventory.Observation{o}); err != nil {
				t.Fatal(err)
			}
		}
		r.compare()
		bodies, err := r.inventory.Bodies(t.Context(), accountID, "network.security_group_rule")
		if err != nil || len(bodies) != 2 {
			t.Fatalf("rules are %v, %v", bodies, err)
		}
		read := &networkv1.SecurityGroupRule{}
		if err := proto.Unmarshal(bodies[rules[1]], read); err != nil || read.GetRemoteCidr() != "10.1.0.0/16" {
			t.Errorf("the second rule is %v, %v", read, err)
		}
		if again := r.compare(); len(again) != 0 {
			t.Errorf("nothing has changed, but there are events %v", again)
		}
		call(r, func(ctx context.Context) (*networkv1.DeleteSecurityGroupResponse, error) {
			return groups.DeleteSecurityGroup(ctx, &networkv1.DeleteSecurityGroupRequest{Id: group})
		})
		events := r.compare()
		for _, id := range append(rules, accountID+"."+group) {
			r.one(events, id, "ResourceGone")
		}
		if again := r.compare(); len(again) != 0 {
			t.Errorf("afterwards there are events %v", again)
		}
	})
}
