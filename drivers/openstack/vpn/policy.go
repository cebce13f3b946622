package vpn

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/openstack/tags"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

type ikeServer struct {
	securityv1.UnimplementedIkePolicyServiceServer
	base
}

type ipsecServer struct {
	securityv1.UnimplementedIpsecPolicyServiceServer
	base
}

var (
	_ securityv1.IkePolicyServiceServer   = (*ikeServer)(nil)
	_ securityv1.IpsecPolicyServiceServer = (*ipsecServer)(nil)
)

// explainPolicy names the feature that a refused choice would have needed: the API
// of a release knows only some words, and its validator fewer.
func explainPolicy(s suite, err error) error {
	var code gophercloud.ErrUnexpectedResponseCode
	if errors.As(err, &code) && code.Actual == http.StatusBadRequest {
		text := strings.ToLower(string(code.Body))
		if feature := s.refused(text); feature != "" {
			return sdk.Unsupported(feature)
		}
		if strings.Contains(text, "phase1_negotiation_mode") {
			return sdk.Unsupported(featureAggressive)
		}
	}
	return session.Error(err, s.resource, "")
}

// CreateIkePolicy makes an IKE policy.
func (n *ikeServer) CreateIkePolicy(ctx context.Context, req *securityv1.CreateIkePolicyRequest) (*securityv1.CreateIkePolicyResponse, error) {
	_, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	attributes, err := fromProtoCreateIKE(req)
	if err != nil {
		return nil, err
	}
	v, err := ikePolicies.CreateMarked(ctx, client, attributes, req.GetDescription(), nil)
	if err != nil {
		return nil, explainPolicy(ikeSuite(req), err)
	}
	return &securityv1.CreateIkePolicyResponse{Id: v.ID}, nil
}

// DeleteIkePolicy removes an IKE policy that no connection uses.
func (n *ikeServer) DeleteIkePolicy(ctx context.Context, req *securityv1.DeleteIkePolicyRequest) (*securityv1.DeleteIkePolicyResponse, error) {
	_, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	if err := ikePolicies.Delete(ctx, client, req.GetId()); err != nil {
		return nil, inUse(ctx, client, ikePolicies.Type, req.GetId(), "ikepolicy_id", err)
	}
	return &securityv1.DeleteIkePolicyResponse{Id: req.GetId()}, nil
}

// GetIkePolicy reads one IKE policy.
func (n *ikeServer) GetIkePolicy(ctx context.Context, req *securityv1.GetIkePolicyRequest) (*securityv1.GetIkePolicyResponse, error) {
	s, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	v, err := ikePolicies.Get(ctx, client, req.GetId())
	if err != nil {
		return nil, err
	}
	return &securityv1.GetIkePolicyResponse{IkePolicy: toProtoIKEPolicy(v, s.Region)}, nil
}

// ListIkePolicies reads a page of IKE policies.
func (n *ikeServer) ListIkePolicies(ctx context.Context, req *securityv1.ListIkePoliciesRequest) (*securityv1.ListIkePoliciesResponse, error) {
	s, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	query := url.Values{}
	rest.SetIf(query, "name", req.GetName())
	p, err := ikePolicies.Find(ctx, client, req, query)
	if err != nil {
		return nil, err
	}
	resp := &securityv1.ListIkePoliciesResponse{NextPageToken: p.Next, MissingIds: p.Missing}
	for i := range p.Items {
		if v := toProtoIKEPolicy(&p.Items[i], s.Region); fits(req, v) {
			resp.IkePolicies = append(resp.IkePolicies, v)
		}
	}
	return resp, nil
}

// CreateIpsecPolicy makes an IPsec policy.
func (n *ipsecServer) CreateIpsecPolicy(ctx context.Context, req *securityv1.CreateIpsecPolicyRequest) (*securityv1.CreateIpsecPolicyResponse, error) {
	_, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	attributes, err := fromProtoCreateIPsec(req)
	if err != nil {
		return nil, err
	}
	v, err := ipsecPolicies.CreateMarked(ctx, client, attributes, req.GetDescription(), nil)
	if err != nil {
		return nil, explainPolicy(ipsecSuite(req), err)
	}
	return &securityv1.CreateIpsecPolicyResponse{Id: v.ID}, nil
}

// DeleteIpsecPolicy removes an IPsec policy that no connection uses.
func (n *ipsecServer) DeleteIpsecPolicy(ctx context.Context, req *securityv1.DeleteIpsecPolicyRequest) (*securityv1.DeleteIpsecPolicyResponse, error) {
	_, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	if err := ipsecPolicies.Delete(ctx, client, req.GetId()); err != nil {
		return nil, inUse(ctx, client, ipsecPolicies.Type, req.GetId(), "ipsecpolicy_id", err)
	}
	return &securityv1.DeleteIpsecPolicyResponse{Id: req.GetId()}, nil
}

// GetIpsecPolicy reads one IPsec policy.
func (n *ipsecServer) GetIpsecPolicy(ctx context.Context, req *securityv1.GetIpsecPolicyRequest) (*securityv1.GetIpsecPolicyResponse, error) {
	s, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	v, err := ipsecPolicies.Get(ctx, client, req.GetId())
	if err != nil {
		return nil, err
	}
	return &securityv1.GetIpsecPolicyResponse{IpsecPolicy: toProtoIPsecPolicy(v, s.Region)}, nil
}

// ListIpsecPolicies reads a page of IPsec policies.
func (n *ipsecServer) ListIpsecPolicies(ctx context.Context, req *securityv1.ListIpsecPoliciesRequest) (*securityv1.ListIpsecPoliciesResponse, error) {
	s, client, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	query := url.Values{}
	rest.SetIf(query, "name", req.GetName())
	p, err := ipsecPolicies.Find(ctx, client, req, query)
	if err != nil {
		return nil, err
	}
	resp := &securityv1.ListIpsecPoliciesResponse{NextPageToken: p.Next, MissingIds: p.Missing}
	for i := range p.Items {
		if v := toProtoIPsecPolicy(&p.Items[i], s.Region); fits(req, v) {
			resp.IpsecPolicies = append(resp.IpsecPolicies, v)
		}
	}
	return resp, nil
}

// filter is what the lists of both kinds of policies can ask for.
type filter interface {
	GetName() string
	GetTag() string
}

// policy is what such filters look at.
type policy interface {
	GetName() string
	GetTags() map[string]string
}

// fits tells whether a policy fits the filters of a request.
func fits(req filter, v policy) bool {
	return (req.GetName() == "" || req.GetName() == v.GetName()) && tags.Match(v.GetTags(), req.GetTag())
}
