package security

import (
	"context"
	"slices"
	"strconv"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/held"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// internetIPS is the id of the intrusion prevention of the Internet border, the
// only one that there is.
const internetIPS = internetID + "~~ips"

type ipsServer struct {
	securityv1.UnimplementedIpsServiceServer
	base
}

var _ securityv1.IpsServiceServer = (*ipsServer)(nil)

// ipsConfig is the answer of DescribeDefaultIPSConfig.
type ipsConfig struct {
	RunMode    int32
	RuleClass  int32
	BasicRules int32
	PatchRules int32
	CtiRules   int32
}

// isOn tells whether anything is switched on: else there is no such resource.
func (c *ipsConfig) isOn() bool { return c.BasicRules+c.PatchRules+c.CtiRules > 0 }

func readIPS(ctx context.Context, s *session.Session) (*ipsConfig, error) {
	var c ipsConfig
	if err := s.Call(ctx, api.CloudFirewall, "DescribeDefaultIPSConfig", api.Params{}, &c); err != nil {
		return nil, internetError(err)
	}
	return &c, nil
}

func writeIPS(ctx context.Context, s *session.Session, c ipsConfig) error {
	params := api.Params{
		"RunMode": number(c.RunMode), "BasicRules": number(c.BasicRules), "PatchRules": number(c.PatchRules), "CtiRules": number(c.CtiRules),
	}
	return internetError(s.Call(ctx, api.CloudFirewall, "ModifyDefaultIPSConfig", params.Int("RuleClass", c.RuleClass), nil))
}

func number(n int32) string { return strconv.Itoa(int(n)) }

func toSwitch(on bool) int32 {
	if on {
		return 1
	}
	return 0
}

// CreateIps switches intrusion prevention of the Internet border on.
func (n *ipsServer) CreateIps(ctx context.Context, req *securityv1.CreateIpsRequest) (*securityv1.CreateIpsResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	if req.GetFirewallId() != internetID {
		return nil, sdk.NewError(apiv1.Reason_REASON_REFERENCE_MISMATCH, sdk.Resource(typeFirewall, req.GetFirewallId()), sdk.Field("firewall_id"))
	}
	if _, err := readService(ctx, s); err != nil {
		return nil, sdk.NewError(apiv1.Reason_REASON_SERVICE_NOT_ACTIVATED, sdk.Resource(typeFirewall, internetID), sdk.Cause(err))
	}
	wanted := fromProtoIPS(req)
	if !wanted.isOn() {
		return nil, rejected("basic_rules", "or virtual_patches or threat_intelligence must be true")
	}
	if err := claim(ctx, s); err != nil {
		return nil, err
	}
	if err := writeIPS(ctx, s, wanted); err != nil {
		return nil, err
	}
	return &securityv1.CreateIpsResponse{Id: internetIPS, State: securityv1.IpsState_IPS_STATE_ACTIVE}, nil
}

// claims keeps which request has made the setting: the cloud switches it on by
// itself, so that being on does not tell that somebody has asked for it.
func claims() held.Kind { return held.Kind{Type: typeIPS, Key: api.ReservedPrefix + "ips"} }

// claim makes the setting this request's. Of two that claim it at the same time
// the one with the smaller token stays. Errors: ALREADY_EXISTS if it is another's.
func claim(ctx context.Context, s *session.Session) error {
	own := api.Token(ctx, "")
	taken := sdk.NewError(apiv1.Reason_REASON_ALREADY_EXISTS, sdk.Resource(typeIPS, internetIPS))
	all, err := claims().List(ctx, s)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(all, func(o held.Object) bool { return o.ID != own }) {
		return taken
	}
	if _, err := claims().Create(ctx, s, internetID); err != nil {
		return err
	}
	if all, err = claims().List(ctx, s); err != nil {
		return err
	}
	if !slices.ContainsFunc(all, func(o held.Object) bool { return o.ID < own }) {
		return nil
	}
	if err := claims().Delete(ctx, s, own); err != nil {
		return err
	}
	return taken
}

// DeleteIps switches everything off and lets the border only watch.
func (n *ipsServer) DeleteIps(ctx context.Context, req *securityv1.DeleteIpsRequest) (*securityv1.DeleteIpsResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	gone := &securityv1.DeleteIpsResponse{Id: req.GetId(), State: securityv1.IpsState_IPS_STATE_DELETED}
	if req.GetId() != internetIPS {
		return gone, nil
	}
	now, err := readIPS(ctx, s)
	if err != nil {
		return nil, err
	}
	if now.isOn() {
		if err := writeIPS(ctx, s, ipsConfig{RuleClass: now.RuleClass}); err != nil {
			return nil, err
		}
	}
	all, err := claims().List(ctx, s)
	if err != nil {
		return nil, err
	}
	for _, o := range all {
		if err := claims().Delete(ctx, s, o.ID); err != nil {
			return nil, err
		}
	}
	return gone, nil
}

// GetIps reads the intrusion prevention of the Internet border.
func (n *ipsServer) GetIps(ctx context.Context, req *securityv1.GetIpsRequest) (*securityv1.GetIpsResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	if req.GetId() != internetIPS {
		return nil, sdk.NotFound(typeIPS, req.GetId(), nil)
	}
	c, err := readIPS(ctx, s)
	switch {
	case sdk.ReasonOf(err) == apiv1.Reason_REASON_SERVICE_NOT_ACTIVATED, err == nil && !c.isOn():
		return nil, sdk.NotFound(typeIPS, req.GetId(), err)
	case err != nil:
		return nil, err
	}
	return &securityv1.GetIpsResponse{Ips: toProtoIPS(c, s.Region)}, nil
}

// ListIpsSettings lists the intrusion prevention of the Internet border, if it is on.
func (n *ipsServer) ListIpsSettings(ctx context.Context, req *securityv1.ListIpsSettingsRequest) (*securityv1.ListIpsSettingsResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	resp := &securityv1.ListIpsSettingsResponse{MissingIds: without(req.GetIds(), []string{internetIPS})}
	if req.GetPageToken() != "" {
		return nil, sdk.NewError(apiv1.Reason_REASON_PAGE_TOKEN_INVALID, sdk.Field("page_token"))
	}
	c, err := readIPS(ctx, s)
	switch {
	case sdk.ReasonOf(err) == apiv1.Reason_REASON_SERVICE_NOT_ACTIVATED, err == nil && !c.isOn():
		resp.MissingIds = req.GetIds()
		return resp, nil
	case err != nil:
		return nil, err
	}
	if v := toProtoIPS(c, s.Region); keepsIPS(req, v) {
		resp.IpsSettings = []*securityv1.Ips{v}
	}
	return resp, nil
}

// fromProtoIPS maps what a request asks for; level MEDIUM is the cloud's own default.
func fromProtoIPS(req *securityv1.CreateIpsRequest) ipsConfig {
	c := ipsConfig{
		RuleClass:  int32(req.GetLevel()),
		BasicRules: toSwitch(req.BasicRules == nil || req.GetBasicRules()),
		PatchRules: toSwitch(req.GetVirtualPatches()),
		CtiRules:   toSwitch(req.GetThreatIntelligence()),
		RunMode:    toSwitch(req.GetMode() == securityv1.IpsMode_IPS_MODE_BLOCK),
	}
	if c.RuleClass == 0 {
		c.RuleClass = int32(securityv1.IpsLevel_IPS_LEVEL_MEDIUM)
	}
	return c
}

func toProtoIPS(c *ipsConfig, region string) *securityv1.Ips {
	mode := securityv1.IpsMode_IPS_MODE_MONITOR
	if c.RunMode == 1 {
		mode = securityv1.IpsMode_IPS_MODE_BLOCK
	}
	return &securityv1.Ips{
		Id:                 internetIPS,
		Name:               internetID,
		State:              securityv1.IpsState_IPS_STATE_ACTIVE,
		RegionId:           region,
		FirewallId:         internetID,
		Mode:               mode,
		Level:              securityv1.IpsLevel(c.RuleClass),
		BasicRules:         c.BasicRules == 1,
		VirtualPatches:     c.PatchRules == 1,
		ThreatIntelligence: c.CtiRules == 1,
	}
}

// keepsIPS tells whether the setting fits the filters of a request.
func keepsIPS(req *securityv1.ListIpsSettingsRequest, v *securityv1.Ips) bool {
	return (req.GetName() == "" || req.GetName() == v.GetName()) && req.GetTag() == "" &&
		(req.GetState() == 0 || req.GetState() == v.GetState()) &&
		(req.GetFirewallId() == "" || req.GetFirewallId() == v.GetFirewallId()) &&
		(len(req.GetIds()) == 0 || slices.Contains(req.GetIds(), v.GetId()))
}
