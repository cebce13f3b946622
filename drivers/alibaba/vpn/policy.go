package vpn

import (
	"context"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/held"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Tags of a connection that tell by which policies it was made, which are also the
// keys under which policies are kept.
const (
	tagIke   = api.ReservedPrefix + "ike-policy"
	tagIpsec = api.ReservedPrefix + "ipsec-policy"
)

func ikePolicies() held.Kind   { return held.Kind{Type: "security.ike_policy", Key: tagIke} }
func ipsecPolicies() held.Kind { return held.Kind{Type: "security.ipsec_policy", Key: tagIpsec} }

type ikeServer struct {
	securityv1.UnimplementedIkePolicyServiceServer
	base
}

var _ securityv1.IkePolicyServiceServer = (*ikeServer)(nil)

// CreateIkePolicy keeps a policy.
func (n *ikeServer) CreateIkePolicy(ctx context.Context, req *securityv1.CreateIkePolicyRequest) (*securityv1.CreateIkePolicyResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	if err := checkSuite("security.ike_policy", "dh_group", req.GetAuthAlgorithm(), req.GetDhGroup()); err != nil {
		return nil, err
	}
	id, err := ikePolicies().Create(ctx, s, ikeText(req))
	if err != nil {
		return nil, err
	}
	return &securityv1.CreateIkePolicyResponse{Id: id}, nil
}

// DeleteIkePolicy forgets a policy that no connection uses.
func (n *ikeServer) DeleteIkePolicy(ctx context.Context, req *securityv1.DeleteIkePolicyRequest) (*securityv1.DeleteIkePolicyResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	if err := forget(ctx, s, ikePolicies(), req.GetId()); err != nil {
		return nil, err
	}
	return &securityv1.DeleteIkePolicyResponse{Id: req.GetId()}, nil
}

// forget deletes a kept policy. Errors: IN_USE, naming the connections that were
// made by it.
func forget(ctx context.Context, s *session.Session, k held.Kind, id string) error {
	users, err := connections().All(ctx, s, api.Params{}.Tags("Tag", map[string]string{k.Key: id}))
	if err != nil {
		return err
	}
	blockers := kind.Blockers{}
	for i := range users {
		blockers.Add(typeConnection, users[i].VpnConnectionID)
	}
	if len(blockers) > 0 {
		return sdk.InUse(k.Type, id, nil, blockers.List()...)
	}
	return k.Delete(ctx, s, id)
}

// GetIkePolicy reads one policy.
func (n *ikeServer) GetIkePolicy(ctx context.Context, req *securityv1.GetIkePolicyRequest) (*securityv1.GetIkePolicyResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	o, err := ikePolicies().Get(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	return &securityv1.GetIkePolicyResponse{IkePolicy: toProtoIke(o, s.Region)}, nil
}

// ListIkePolicies reads a page of policies.
func (n *ikeServer) ListIkePolicies(ctx context.Context, req *securityv1.ListIkePoliciesRequest) (*securityv1.ListIkePoliciesResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	p, err := keptPage(ctx, s, ikePolicies(), req)
	if err != nil {
		return nil, err
	}
	resp := &securityv1.ListIkePoliciesResponse{NextPageToken: p.Next, MissingIds: p.Missing}
	for _, o := range p.Items {
		if v := toProtoIke(o, s.Region); (req.GetName() == "" || req.GetName() == v.GetName()) && req.GetTag() == "" {
			resp.IkePolicies = append(resp.IkePolicies, v)
		}
	}
	return resp, nil
}

func keptPage(ctx context.Context, s *session.Session, k held.Kind, req kind.PageRequest) (kind.Page[held.Object], error) {
	all, err := k.List(ctx, s)
	if err != nil {
		return kind.Page[held.Object]{}, err
	}
	return kind.Slice(all, req, func(o *held.Object) string { return o.ID })
}

type ipsecServer struct {
	securityv1.UnimplementedIpsecPolicyServiceServer
	base
}

var _ securityv1.IpsecPolicyServiceServer = (*ipsecServer)(nil)

// CreateIpsecPolicy keeps a policy.
func (n *ipsecServer) CreateIpsecPolicy(ctx context.Context, req *securityv1.CreateIpsecPolicyRequest) (*securityv1.CreateIpsecPolicyResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case req.GetTransformProtocol() > securityv1.TransformProtocol_TRANSFORM_PROTOCOL_ESP:
		return nil, sdk.Unsupported("security.ipsec_policy.transform_protocol.ah")
	case req.GetEncapsulationMode() > securityv1.EncapsulationMode_ENCAPSULATION_MODE_TUNNEL:
		return nil, sdk.Unsupported("security.ipsec_policy.encapsulation_mode.transport")
	}
	if err := checkSuite("security.ipsec_policy", "pfs_group", req.GetAuthAlgorithm(), req.GetPfsGroup()); err != nil {
		return nil, err
	}
	if req.GetLifetimeSeconds() > ikeLifetime {
		return nil, sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field("lifetime_seconds"))
	}
	id, err := ipsecPolicies().Create(ctx, s, ipsecText(req))
	if err != nil {
		return nil, err
	}
	return &securityv1.CreateIpsecPolicyResponse{Id: id}, nil
}

// DeleteIpsecPolicy forgets a policy that no connection uses.
func (n *ipsecServer) DeleteIpsecPolicy(ctx context.Context, req *securityv1.DeleteIpsecPolicyRequest) (*securityv1.DeleteIpsecPolicyResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	if err := forget(ctx, s, ipsecPolicies(), req.GetId()); err != nil {
		return nil, err
	}
	return &securityv1.DeleteIpsecPolicyResponse{Id: req.GetId()}, nil
}

// GetIpsecPolicy reads one policy.
func (n *ipsecServer) GetIpsecPolicy(ctx context.Context, req *securityv1.GetIpsecPolicyRequest) (*securityv1.GetIpsecPolicyResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	o, err := ipsecPolicies().Get(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	return &securityv1.GetIpsecPolicyResponse{IpsecPolicy: toProtoIpsec(o, s.Region)}, nil
}

// ListIpsecPolicies reads a page of policies.
func (n *ipsecServer) ListIpsecPolicies(ctx context.Context, req *securityv1.ListIpsecPoliciesRequest) (*securityv1.ListIpsecPoliciesResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	p, err := keptPage(ctx, s, ipsecPolicies(), req)
	if err != nil {
		return nil, err
	}
	resp := &securityv1.ListIpsecPoliciesResponse{NextPageToken: p.Next, MissingIds: p.Missing}
	for _, o := range p.Items {
		if v := toProtoIpsec(o, s.Region); (req.GetName() == "" || req.GetName() == v.GetName()) && req.GetTag() == "" {
			resp.IpsecPolicies = append(resp.IpsecPolicies, v)
		}
	}
	return resp, nil
}
