package security

import (
	"context"
	"slices"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

type wafServer struct {
	securityv1.UnimplementedWafServiceServer
	base
}

var _ securityv1.WafServiceServer = (*wafServer)(nil)

// Status of a WAF instance.
const (
	wafExpired  = 2
	wafReleased = 3
)

// readWAF reads the instance of the account. Errors: SERVICE_NOT_ACTIVATED.
func readWAF(ctx context.Context, s *session.Session) (*wafInstance, error) {
	var v wafInstance
	err := s.Call(ctx, api.WAF, "DescribeInstance", wafParams(s), &v)
	switch {
	case err == nil && (v.InstanceID == "" || v.Status == wafReleased), api.HasCode(err, "Waf.Instance.ValidFaild"):
		return nil, sdk.NewError(apiv1.Reason_REASON_SERVICE_NOT_ACTIVATED, sdk.Resource(typeWAF, ""), sdk.Cause(err))
	case err != nil:
		return nil, api.Error(err, typeWAF, "")
	}
	return &v, nil
}

func wafParams(s *session.Session) api.Params {
	return api.Params{}.Set("RegionId", center(s.Region))
}

// CreateWaf puts a site behind WAF. The domain is its key: on a repeat one that is
// there already is ours.
func (n *wafServer) CreateWaf(ctx context.Context, req *securityv1.CreateWafRequest) (*securityv1.CreateWafResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	of, err := readWAF(ctx, s)
	if sdk.ReasonOf(err) == apiv1.Reason_REASON_SERVICE_NOT_ACTIVATED && req.GetActivate() {
		of, err = buyWAF(ctx, s)
	}
	if err != nil {
		return nil, err
	}
	listen, redirect := fromProtoWAF(req)
	params := wafParams(s).Set("InstanceId", of.InstanceID).Set("Domain", req.GetDomain()).Set("AccessType", "share").
		JSON("Listen", listen).JSON("Redirect", redirect).Set("ResourceManagerResourceGroupId", s.ResourceGroup).Tags("Tag", req.GetTags())
	err = s.Call(ctx, api.WAF, "CreateDomain", params, nil)
	if err != nil && !(api.Repeated(ctx) && api.HasCode(err, "Waf.Pullin.ResourceExsit")) {
		return nil, explainWAF(err, req)
	}
	return &securityv1.CreateWafResponse{Id: req.GetDomain(), State: securityv1.WafState_WAF_STATE_CREATING}, nil
}

// buyWAF orders an instance that is paid as it is used.
func buyWAF(ctx context.Context, s *session.Session) (*wafInstance, error) {
	var made wafInstance
	if err := s.Call(ctx, api.WAF, "CreatePostpaidInstance", wafParams(s), &made); err != nil {
		return nil, api.Error(err, typeWAF, "")
	}
	return &made, nil
}

func explainWAF(err error, req *securityv1.CreateWafRequest) error {
	switch {
	case api.HasCode(err, "Waf.Pullin.ResourceExsit"):
		return api.As(apiv1.Reason_REASON_ALREADY_EXISTS, err, typeWAF, req.GetDomain(), sdk.Field("domain"))
	case api.HasCode(err, "Waf.Pullin.CertExpired", "Waf.Pullin.CertNotExist"):
		return api.As(apiv1.Reason_REASON_REFERENCE_MISMATCH, err, typeWAF, req.GetDomain(), sdk.Field("certificate_id"))
	case api.HasCode(err, "Waf.Pullin.DomainNotBeian", "Waf.Pullin.BusinessViolation"):
		return api.As(apiv1.Reason_REASON_RESOURCE_LOCKED, err, typeWAF, req.GetDomain(), sdk.Field("domain"))
	}
	return api.Error(err, typeWAF, "")
}

// DeleteWaf takes a site off WAF; the instance stays.
func (n *wafServer) DeleteWaf(ctx context.Context, req *securityv1.DeleteWafRequest) (*securityv1.DeleteWafResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	gone := &securityv1.DeleteWafResponse{Id: req.GetId(), State: securityv1.WafState_WAF_STATE_DELETED}
	of, v, err := readSite(ctx, s, req.GetId())
	switch {
	case sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND:
		return gone, nil
	case err != nil:
		return nil, err
	}
	params := wafParams(s).Set("InstanceId", of.InstanceID).Set("Domain", v.Domain)
	if err := s.Call(ctx, api.WAF, "DeleteDomain", params, nil); err != nil && !api.IsNotFound(err) {
		return nil, api.Error(err, typeWAF, req.GetId())
	}
	sdk.SetNextStep(ctx, "", pollAfter)
	return &securityv1.DeleteWafResponse{Id: req.GetId(), State: securityv1.WafState_WAF_STATE_DELETING}, nil
}

// sites are the domains of an instance.
func sites() kind.Kind[domain] {
	return kind.Kind[domain]{
		Type: typeWAF, Product: api.WAF, Action: "DescribeDomains", Items: "Domains", MaxPage: 50,
		ID: func(v *domain) string { return v.Domain },
	}
}

// readSite reads one site with all that is told of it. The list is asked first: a
// single answer does not say plainly that there is none. Errors: NOT_FOUND.
func readSite(ctx context.Context, s *session.Session, id string) (*wafInstance, *domain, error) {
	of, err := readWAF(ctx, s)
	if sdk.ReasonOf(err) == apiv1.Reason_REASON_SERVICE_NOT_ACTIVATED {
		return nil, nil, sdk.NotFound(typeWAF, id, err)
	}
	if err != nil {
		return nil, nil, err
	}
	all, err := sites().All(ctx, s, wafParams(s).Set("InstanceId", of.InstanceID).Set("Domain", id))
	if err != nil {
		return nil, nil, err
	}
	if !slices.ContainsFunc(all, func(v domain) bool { return v.Domain == id }) {
		return nil, nil, sdk.NotFound(typeWAF, id, nil)
	}
	var v domain
	err = s.Call(ctx, api.WAF, "DescribeDomainDetail", wafParams(s).Set("InstanceId", of.InstanceID).Set("Domain", id), &v)
	if api.IsNotFound(err) || err == nil && v.Domain == "" {
		return nil, nil, sdk.NotFound(typeWAF, id, err)
	}
	if err != nil {
		return nil, nil, api.Error(err, typeWAF, id)
	}
	return of, &v, nil
}

// GetWaf reads one site.
func (n *wafServer) GetWaf(ctx context.Context, req *securityv1.GetWafRequest) (*securityv1.GetWafResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	of, v, err := readSite(ctx, s, req.GetId())
	if err != nil {
		return nil, err
	}
	return &securityv1.GetWafResponse{Waf: toProtoWAF(v, of, s.Region)}, nil
}

// ListWafs reads a page of sites. An account without WAF has none.
func (n *wafServer) ListWafs(ctx context.Context, req *securityv1.ListWafsRequest) (*securityv1.ListWafsResponse, error) {
	s, err := n.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	of, err := readWAF(ctx, s)
	if sdk.ReasonOf(err) == apiv1.Reason_REASON_SERVICE_NOT_ACTIVATED {
		return &securityv1.ListWafsResponse{MissingIds: req.GetIds()}, nil
	}
	if err != nil {
		return nil, err
	}
	p, err := sitesPage(ctx, s, req, of)
	if err != nil {
		return nil, err
	}
	resp := &securityv1.ListWafsResponse{NextPageToken: p.Next, MissingIds: p.Missing}
	for i := range p.Items {
		if v := toProtoWAF(&p.Items[i], of, s.Region); keepsWAF(req, v) {
			resp.Wafs = append(resp.Wafs, v)
		}
	}
	return resp, nil
}

// sitesPage reads a page of sites, or those that the request names out of all.
func sitesPage(ctx context.Context, s *session.Session, req *securityv1.ListWafsRequest, of *wafInstance) (kind.Page[domain], error) {
	params := wafParams(s).Set("InstanceId", of.InstanceID)
	if len(req.GetIds()) == 0 {
		return sites().Find(ctx, s, req, params.Set("Domain", req.GetDomain()))
	}
	all, err := sites().All(ctx, s, params)
	if err != nil {
		return kind.Page[domain]{}, err
	}
	return kind.Slice(all, req, func(v *domain) string { return v.Domain })
}
