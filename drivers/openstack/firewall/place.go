package firewall

import (
	"context"
	"net/url"
	"slices"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// insert puts a rule into a policy at a place from 1; nil, or behind the end: at the end.
func insert(ctx context.Context, client *rest.Client, p *policy, ruleID string, position *int32) error {
	body := map[string]any{"firewall_rule_id": ruleID}
	switch n := len(p.RuleIDs); {
	case n == 0:
	case position == nil || int(*position) > n:
		body["insert_after"] = p.RuleIDs[n-1]
	default:
		body["insert_before"] = p.RuleIDs[*position-1]
	}
	err := policies.Act(ctx, client, p.ID, "insert_rule", body, nil)
	if rest.FaultCode(err) == "FirewallRuleAlreadyAssociated" {
		return nil
	}
	return explain(err, policies.Type, p.ID)
}

// takeOut takes a rule out of a policy; one that is not in it is success.
func takeOut(ctx context.Context, client *rest.Client, policyID, ruleID string) error {
	err := policies.Act(ctx, client, policyID, "remove_rule", map[string]any{"firewall_rule_id": ruleID}, nil)
	if session.IsNotFound(err) || rest.FaultCode(err) == "FirewallRuleNotAssociatedWithPolicy" {
		return nil
	}
	return explain(err, policies.Type, policyID)
}

// leave takes a rule out of a policy, and removes it if no other policy has it.
func leave(ctx context.Context, client *rest.Client, all []policy, policyID, ruleID string) error {
	if err := takeOut(ctx, client, policyID, ruleID); err != nil {
		return err
	}
	if slices.ContainsFunc(all, func(v policy) bool { return v.ID != policyID && slices.Contains(v.RuleIDs, ruleID) }) {
		return nil
	}
	return explain(rules.Delete(ctx, client, ruleID), rules.Type, ruleID)
}

// move gives a rule another place in its policy, in one change, so that it is in force
// all the time. Errors: INVALID_STATE for a rule of no policy, or of several.
func move(ctx context.Context, client *rest.Client, ruleID string, position int) error {
	all, err := policies.List(ctx, client, url.Values{})
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(v policy) bool { return !slices.Contains(v.RuleIDs, ruleID) })
	if len(all) != 1 {
		return sdk.NewError(apiv1.Reason_REASON_INVALID_STATE, sdk.Resource(rules.Type, ruleID), sdk.Field("position"))
	}
	order := slices.DeleteFunc(slices.Clone(all[0].RuleIDs), func(id string) bool { return id == ruleID })
	order = slices.Insert(order, min(position-1, len(order)), ruleID)
	if slices.Equal(order, all[0].RuleIDs) {
		return nil
	}
	_, err = policies.Update(ctx, client, all[0].ID, map[string]any{"firewall_rules": order})
	return explain(err, policies.Type, all[0].ID)
}
