package memcloud

import (
	"context"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"
)

// What a policy has where the request says nothing.
const (
	defaultIKELifetimeSeconds   = 86400
	defaultIPsecLifetimeSeconds = 3600
)

type ikePolicyService struct {
	securityv1.UnimplementedIkePolicyServiceServer
	c *Cloud
}

var _ securityv1.IkePolicyServiceServer = (*ikePolicyService)(nil)

// CreateIkePolicy makes an IKE policy.
func (s *ikePolicyService) CreateIkePolicy(ctx context.Context, req *securityv1.CreateIkePolicyRequest) (*securityv1.CreateIkePolicyResponse, error) {
	return write(s.c, ctx, func(v *view) (*securityv1.CreateIkePolicyResponse, error) {
		if err := v.within(use{"security.ike_policy.count", 1}); err != nil {
			return nil, err
		}
		policy := &securityv1.IkePolicy{
			IkeVersion:          securityv1.IkeVersion_IKE_VERSION_V2,
			NegotiationMode:     securityv1.IkeNegotiationMode_IKE_NEGOTIATION_MODE_MAIN,
			EncryptionAlgorithm: securityv1.EncryptionAlgorithm_ENCRYPTION_ALGORITHM_AES_256,
			AuthAlgorithm:       securityv1.AuthAlgorithm_AUTH_ALGORITHM_SHA256,
			DhGroup:             securityv1.DhGroup_DH_GROUP_14,
			LifetimeSeconds:     defaultIKELifetimeSeconds,
		}
		fill(policy, req)
		r, _ := ikePolicies.add(v, policy)
		return &securityv1.CreateIkePolicyResponse{Id: r.id}, nil
	})
}

// DeleteIkePolicy removes an IKE policy that no connection uses.
func (s *ikePolicyService) DeleteIkePolicy(ctx context.Context, req *securityv1.DeleteIkePolicyRequest) (*securityv1.DeleteIkePolicyResponse, error) {
	return write(s.c, ctx, func(v *view) (*securityv1.DeleteIkePolicyResponse, error) {
		r, _, ok := ikePolicies.find(v, req.GetId())
		if !ok {
			return &securityv1.DeleteIkePolicyResponse{Id: req.GetId()}, nil
		}
		used := ipsecConnections.blockers(v, func(c *securityv1.IpsecConnection) bool { return c.GetIkePolicyId() == r.id })
		if len(used) > 0 {
			return nil, sdk.InUse(string(r.kind), r.id, nil, used...)
		}
		v.remove(r.key)
		return &securityv1.DeleteIkePolicyResponse{Id: r.id}, nil
	})
}

// GetIkePolicy reads one IKE policy.
func (s *ikePolicyService) GetIkePolicy(ctx context.Context, req *securityv1.GetIkePolicyRequest) (*securityv1.GetIkePolicyResponse, error) {
	return read(s.c, ctx, func(v *view) (*securityv1.GetIkePolicyResponse, error) {
		_, policy, err := ikePolicies.get(v, req.GetId())
		return &securityv1.GetIkePolicyResponse{IkePolicy: policy}, err
	})
}

// ListIkePolicies reads a page of IKE policies.
func (s *ikePolicyService) ListIkePolicies(ctx context.Context, req *securityv1.ListIkePoliciesRequest) (*securityv1.ListIkePoliciesResponse, error) {
	p, err := list(s.c, ctx, ikePolicies, req, nil)
	return &securityv1.ListIkePoliciesResponse{IkePolicies: p.items, NextPageToken: p.next, MissingIds: p.missing}, err
}

type ipsecPolicyService struct {
	securityv1.UnimplementedIpsecPolicyServiceServer
	c *Cloud
}

var _ securityv1.IpsecPolicyServiceServer = (*ipsecPolicyService)(nil)

// CreateIpsecPolicy makes an IPsec policy.
func (s *ipsecPolicyService) CreateIpsecPolicy(ctx context.Context, req *securityv1.CreateIpsecPolicyRequest) (*securityv1.CreateIpsecPolicyResponse, error) {
	return write(s.c, ctx, func(v *view) (*securityv1.CreateIpsecPolicyResponse, error) {
		if err := v.within(use{"security.ipsec_policy.count", 1}); err != nil {
			return nil, err
		}
		policy := &securityv1.IpsecPolicy{
			TransformProtocol:   securityv1.TransformProtocol_TRANSFORM_PROTOCOL_ESP,
			EncapsulationMode:   securityv1.EncapsulationMode_ENCAPSULATION_MODE_TUNNEL,
			EncryptionAlgorithm: securityv1.EncryptionAlgorithm_ENCRYPTION_ALGORITHM_AES_256,
			AuthAlgorithm:       securityv1.AuthAlgorithm_AUTH_ALGORITHM_SHA256,
			PfsGroup:            securityv1.DhGroup_DH_GROUP_14,
			LifetimeSeconds:     defaultIPsecLifetimeSeconds,
		}
		fill(policy, req)
		r, _ := ipsecPolicies.add(v, policy)
		return &securityv1.CreateIpsecPolicyResponse{Id: r.id}, nil
	})
}

// DeleteIpsecPolicy removes an IPsec policy that no connection uses.
func (s *ipsecPolicyService) DeleteIpsecPolicy(ctx context.Context, req *securityv1.DeleteIpsecPolicyRequest) (*securityv1.DeleteIpsecPolicyResponse, error) {
	return write(s.c, ctx, func(v *view) (*securityv1.DeleteIpsecPolicyResponse, error) {
		r, _, ok := ipsecPolicies.find(v, req.GetId())
		if !ok {
			return &securityv1.DeleteIpsecPolicyResponse{Id: req.GetId()}, nil
		}
		used := ipsecConnections.blockers(v, func(c *securityv1.IpsecConnection) bool { return c.GetIpsecPolicyId() == r.id })
		if len(used) > 0 {
			return nil, sdk.InUse(string(r.kind), r.id, nil, used...)
		}
		v.remove(r.key)
		return &securityv1.DeleteIpsecPolicyResponse{Id: r.id}, nil
	})
}

// GetIpsecPolicy reads one IPsec policy.
func (s *ipsecPolicyService) GetIpsecPolicy(ctx context.Context, req *securityv1.GetIpsecPolicyRequest) (*securityv1.GetIpsecPolicyResponse, error) {
	return read(s.c, ctx, func(v *view) (*securityv1.GetIpsecPolicyResponse, error) {
		_, policy, err := ipsecPolicies.get(v, req.GetId())
		return &securityv1.GetIpsecPolicyResponse{IpsecPolicy: policy}, err
	})
}

// ListIpsecPolicies reads a page of IPsec policies.
func (s *ipsecPolicyService) ListIpsecPolicies(ctx context.Context, req *securityv1.ListIpsecPoliciesRequest) (*securityv1.ListIpsecPoliciesResponse, error) {
	p, err := list(s.c, ctx, ipsecPolicies, req, nil)
	return &securityv1.ListIpsecPoliciesResponse{IpsecPolicies: p.items, NextPageToken: p.next, MissingIds: p.missing}, err
}
