package security

import (
	"context"
	"slices"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// cutStep is what follows a step of this request.
func cutStep(ctx context.Context, step string) (string, bool) {
	return strings.CutPrefix(sdk.CallFrom(ctx).NextStep, step)
}

// without are the items of all that are not among others, in order.
func without(all, others []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(item string) bool { return slices.Contains(others, item) })
}

// UpdateFirewall changes what is present: words and associations of an ACL, or
// which public IPs the Internet border protects.
func (n *firewallServer) UpdateFirewall(ctx context.Context, req *securityv1.UpdateFirewallRequest) (*securityv1.UpdateFirewallResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	if err := refuseFirewallChange(req); err != nil {
		return nil, err
	}
	if req.GetId() == internetID {
		return protect(ctx, s, req)
	}
	v, err := readACL(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	if req.GetPublicIpIds() != nil {
		return nil, sdk.NewError(apiv1.Reason_REASON_REFERENCE_MISMATCH, sdk.Resource(typeFirewall, req.GetId()), sdk.Field("public_ip_ids"))
	}
	if _, follows := cutStep(ctx, stepBind); !follows && (req.Name != nil || req.Description != nil) {
		params := api.Params{}.Set("NetworkAclId", v.NetworkACLID).Set("NetworkAclName", req.GetName()).Set("Description", req.GetDescription())
		if req.Description != nil && req.GetDescription() == "" {
			params.Set("Description", " ") // an empty parameter is none
		}
		if err := s.Call(ctx, api.VPC, "ModifyNetworkAclAttributes", params.Once(ctx, ""), nil); err != nil {
			return nil, aclRefusal(err, v.NetworkACLID)
		}
	}
	state := toProtoACLState(v)
	if req.GetSubnetIds() != nil && !sdk.CallFrom(ctx).Undo {
		if state, err = bind(ctx, s, v.NetworkACLID, req.GetSubnetIds().GetValues()); err != nil {
			return nil, err
		}
	}
	return &securityv1.UpdateFirewallResponse{Id: v.NetworkACLID, State: state}, nil
}

// refuseFirewallChange refuses what neither kind of firewall can change.
func refuseFirewallChange(req *securityv1.UpdateFirewallRequest) error {
	switch {
	case req.IngressPolicyId != nil:
		return ownPolicies("ingress_policy_id")
	case req.EgressPolicyId != nil:
		return ownPolicies("egress_policy_id")
	case req.Enabled != nil:
		return sdk.Unsupported("security.firewall.disable")
	case req.GetTags() != nil:
		return sdk.Unsupported("security.firewall.tags")
	case req.GetRouterIds() != nil:
		return sdk.Unsupported("security.firewall.scope.router")
	case req.GetNicIds() != nil:
		return sdk.Unsupported("security.firewall.scope.port")
	}
	return nil
}

// DeleteFirewall takes an ACL off its vSwitches and removes it. The Internet
// border stays as long as it is bought.
func (n *firewallServer) DeleteFirewall(ctx context.Context, req *securityv1.DeleteFirewallRequest) (*securityv1.DeleteFirewallResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	id := req.GetId()
	if id == internetID {
		return nil, sdk.NewError(apiv1.Reason_REASON_UNSUPPORTED_METHOD, sdk.Resource(typeFirewall, id))
	}
	gone := &securityv1.DeleteFirewallResponse{Id: id, State: securityv1.FirewallState_FIREWALL_STATE_DELETED}
	v, err := readACL(ctx, s, id)
	switch {
	case sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND:
		return gone, nil
	case err != nil:
		return nil, err
	case len(v.Resources.Resource) > 0:
		if _, err := bind(ctx, s, id, nil); err != nil {
			return nil, err
		}
		return &securityv1.DeleteFirewallResponse{Id: id, State: securityv1.FirewallState_FIREWALL_STATE_UPDATING}, nil
	}
	err = s.Call(ctx, api.VPC, "DeleteNetworkAcl", api.Params{}.Set("NetworkAclId", id), nil)
	if err != nil && !api.IsNotFound(err) {
		return nil, aclRefusal(err, id)
	}
	return gone, nil
}

// asset is a public address that the Internet border can protect.
type asset struct {
	InternetAddress string
	ProtectStatus   string
	BindInstanceID  string `json:"BindInstanceId"`
}

// assetsOnAPage is the most that DescribeAssetList answers at once, and lastPage
// the last page that it gives.
const (
	assetsOnAPage = 50
	lastPage      = 50
)

// protectedAddresses reads the addresses that the border protects.
func protectedAddresses(ctx context.Context, s *session.Session) ([]string, error) {
	var out []string
	for page := int32(1); page <= lastPage; page++ {
		var answer struct {
			TotalCount int32
			Assets     []asset
		}
		params := api.Params{}.Set("Status", "open").Int("CurrentPage", page).Int("PageSize", assetsOnAPage)
		if err := s.Call(ctx, api.CloudFirewall, "DescribeAssetList", params, &answer); err != nil {
			return nil, internetError(err)
		}
		for _, a := range answer.Assets {
			if strings.EqualFold(a.ProtectStatus, "open") || strings.EqualFold(a.ProtectStatus, "opening") {
				out = append(out, a.InternetAddress)
			}
		}
		if len(answer.Assets) == 0 || page*assetsOnAPage >= answer.TotalCount {
			break
		}
	}
	return out, nil
}

// readInternet reads the border and the public IPs of the region that it protects.
func readInternet(ctx context.Context, s *session.Session) (*securityv1.Firewall, error) {
	v, err := readService(ctx, s)
	if err != nil {
		return nil, err
	}
	addresses, err := protectedAddresses(ctx, s)
	if err != nil {
		return nil, err
	}
	byAddress, err := publicIPs(ctx, s, "EipAddress", addresses)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, address := range addresses {
		if id := byAddress[address]; id != "" {
			ids = append(ids, id)
		}
	}
	return toProtoInternet(v, ids, s.Region), nil
}

// eipsAtOnce is how many EIPs DescribeEipAddresses takes in one call.
const eipsAtOnce = 50

// publicIPs reads EIPs by ids or addresses; the answer tells the id of each address.
func publicIPs(ctx context.Context, s *session.Session, param string, values []string) (map[string]string, error) {
	out := make(map[string]string, len(values))
	for some := range slices.Chunk(values, eipsAtOnce) {
		var answer struct {
			EipAddresses struct {
				EipAddress []struct{ AllocationID, IPAddress string }
			}
		}
		params := api.Params{}.Set(param, strings.Join(some, ",")).Int("PageSize", eipsAtOnce)
		if err := s.Call(ctx, api.VPC, "DescribeEipAddresses", params, &answer); err != nil && !api.IsNotFound(err) {
			return nil, api.Error(err, typePublicIP, "")
		}
		for _, e := range answer.EipAddresses.EipAddress {
			out[e.IPAddress] = e.AllocationID
		}
	}
	return out, nil
}

// protect makes the public IPs that the border protects the wanted ones; addresses
// of other regions and accounts stay as they are.
func protect(ctx context.Context, s *session.Session, req *securityv1.UpdateFirewallRequest) (*securityv1.UpdateFirewallResponse, error) {
	switch {
	case req.GetSubnetIds() != nil:
		return nil, sdk.NewError(apiv1.Reason_REASON_REFERENCE_MISMATCH, sdk.Resource(typeFirewall, internetID), sdk.Field("subnet_ids"))
	case req.Name != nil, req.Description != nil:
		return nil, sdk.NewError(apiv1.Reason_REASON_UNSUPPORTED_FEATURE, sdk.Resource(typeFirewall, internetID), sdk.Feature("security.firewall.name"))
	}
	now, err := readInternet(ctx, s)
	if err != nil {
		return nil, err
	}
	wanted := req.GetPublicIpIds().GetValues()
	opens, closes := without(wanted, now.GetPublicIpIds()), without(now.GetPublicIpIds(), wanted)
	if req.GetPublicIpIds() == nil {
		opens, closes = nil, nil
	}
	for _, change := range []struct {
		action string
		ids    []string
	}{{"PutEnableFwSwitch", opens}, {"PutDisableFwSwitch", closes}} {
		if len(change.ids) == 0 {
			continue
		}
		byAddress, err := publicIPs(ctx, s, "AllocationId", change.ids)
		if err != nil {
			return nil, err
		}
		var addresses []string
		for address := range byAddress {
			addresses = append(addresses, address)
		}
		if len(addresses) < len(change.ids) {
			return nil, sdk.NewError(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, sdk.Resource(typePublicIP, ""), sdk.Field("public_ip_ids"))
		}
		slices.Sort(addresses)
		if err := s.Call(ctx, api.CloudFirewall, change.action, api.Params{}.List("IpaddrList", addresses...), nil); err != nil {
			return nil, internetError(err)
		}
	}
	return &securityv1.UpdateFirewallResponse{Id: internetID, State: now.GetState()}, nil
}
