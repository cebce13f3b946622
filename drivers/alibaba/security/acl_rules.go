package security

import (
	"context"
	"slices"
	"time"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// aclRules are the entries of a network ACL in one direction. The cloud replaces
// them as a whole; entries that keep their id stay the same.
type aclRules struct{ aclID, direction string }

func (l aclRules) check(r *rule) error { return checkEntry(r, l.direction) }

func (l aclRules) read(ctx context.Context, s *session.Session) ([]rule, error) {
	v, err := readACL(ctx, s, l.aclID)
	if err != nil {
		return nil, err
	}
	entries := v.entries(l.direction)
	out := make([]rule, 0, len(entries))
	for i := range entries {
		out = append(out, entries[i].toRule())
	}
	return out, nil
}

// readACL reads one ACL with all entries. Errors: NOT_FOUND.
func readACL(ctx context.Context, s *session.Session, id string) (*acl, error) {
	var answer struct{ NetworkACLAttribute acl }
	err := s.Call(ctx, api.VPC, "DescribeNetworkAclAttributes", api.Params{}.Set("NetworkAclId", id), &answer)
	switch {
	case api.IsNotFound(err), err == nil && answer.NetworkACLAttribute.NetworkACLID == "":
		return nil, sdk.NotFound(typeFirewall, id, err)
	case err != nil:
		return nil, aclRefusal(err, id)
	}
	return &answer.NetworkACLAttribute, nil
}

// aclRefusal is what a refusal about an ACL means: one change at a time.
func aclRefusal(err error, id string) error {
	if api.HasCode(err, "NetworkStatus.Modifying", "OperationDenied.NetworkAclAttachmentInMiddleStatus", "ResourceStatus.Error",
		"LastTokenProcessing", "IncorrectStatus*") {
		return api.As(apiv1.Reason_REASON_RESOURCE_BUSY, err, typeFirewall, id)
	}
	return api.Error(err, typeFirewall, id)
}

// write replaces the entries.
func (l aclRules) write(ctx context.Context, s *session.Session, all []rule) error {
	list, update := "IngressAclEntries", "UpdateIngressAclEntries"
	if l.direction == directionOut {
		list, update = "EgressAclEntries", "UpdateEgressAclEntries"
	}
	params := api.Params{}.Set("NetworkAclId", l.aclID).Bool(update, true)
	items := make([]api.Params, 0, len(all))
	for i := range all {
		items = append(items, entryParams(&all[i], l.direction))
	}
	err := s.Call(ctx, api.VPC, "UpdateNetworkAclEntries", params.Objects(list, items...), nil)
	if err == nil {
		return settled(ctx, s, l.aclID)
	}
	switch {
	case api.HasCode(err, "IllegalParam.SourceCidrIp", "ParameterIllegal.SourceCidrIp"):
		return api.As(apiv1.Reason_REASON_PARAMETER_REJECTED, err, typeRule, "", sdk.Field("source_ip_address"))
	case api.HasCode(err, "IllegalParam.DestinationCidrIp", "ParameterIllegal.DestinationCidrIp"):
		return api.As(apiv1.Reason_REASON_PARAMETER_REJECTED, err, typeRule, "", sdk.Field("destination_ip_address"))
	}
	return aclRefusal(err, l.aclID)
}

const (
	// settlePoll is how often a changing ACL is looked at, and longestChange how long
	// a change of its entries is waited for: some seconds. What takes longer goes on
	// by itself, and the next change is RESOURCE_BUSY.
	settlePoll    = 500 * time.Millisecond
	longestChange = 15 * time.Second
)

// settled waits until the change of an ACL's entries is in force: a rule's rpcs are
// done when they return.
func settled(ctx context.Context, s *session.Session, id string) error {
	limit := time.NewTimer(longestChange)
	defer limit.Stop()
	for {
		v, err := readACL(ctx, s, id)
		if err != nil || toProtoACLState(v) != securityv1.FirewallState_FIREWALL_STATE_UPDATING {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-limit.C:
			return nil
		case <-time.After(settlePoll):
		}
	}
}

func (l aclRules) add(ctx context.Context, s *session.Session, at []rule, r rule, position int) (string, error) {
	if err := l.write(ctx, s, slices.Insert(slices.Clone(at), min(position-1, len(at)), r)); err != nil {
		return "", err
	}
	return findMarked(ctx, s, l)
}

// findMarked is the id of the rule that this request made. Errors: RESOURCE_BUSY
// while the cloud does not show it.
func findMarked(ctx context.Context, s *session.Session, l rules) (string, error) {
	all, err := l.read(ctx, s)
	if err != nil {
		return "", err
	}
	if id := marked(ctx, all); id != "" {
		return id, nil
	}
	return "", sdk.NewError(apiv1.Reason_REASON_RESOURCE_BUSY, sdk.Resource(typePolicy, ""), sdk.RetryAfter(pollAfter))
}

// marked is the id of the rule that this request made; empty: there is none.
func marked(ctx context.Context, all []rule) string {
	for i := range all {
		if api.HasMarker(ctx, "", all[i].description) {
			return all[i].id
		}
	}
	return ""
}

func (l aclRules) change(ctx context.Context, s *session.Session, at []rule, r rule, position int) error {
	rest := slices.DeleteFunc(slices.Clone(at), func(o rule) bool { return o.id == r.id })
	return l.write(ctx, s, slices.Insert(rest, min(position-1, len(rest)), r))
}

func (l aclRules) remove(ctx context.Context, s *session.Session, at []rule, id string) error {
	return l.write(ctx, s, slices.DeleteFunc(slices.Clone(at), func(o rule) bool { return o.id == id }))
}
