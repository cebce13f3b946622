package memcloud

import (
	"context"
	"strings"
	"time"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/drivers/sdk/nativeid"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"
)

const (
	wafDelay                     = time.Second // of each move, at scale 1
	defaultWafReadTimeoutSeconds = 120
)

type wafService struct {
	securityv1.UnimplementedWafServiceServer
	c *Cloud
}

var _ securityv1.WafServiceServer = (*wafService)(nil)

// CreateWaf protects a host name, which is the id: a name is protected once.
func (s *wafService) CreateWaf(ctx context.Context, req *securityv1.CreateWafRequest) (*securityv1.CreateWafResponse, error) {
	return write(s.c, ctx, func(v *view) (*securityv1.CreateWafResponse, error) {
		domain := strings.ToLower(req.GetDomain())
		id := nativeid.Join(domain)
		if r, waf, ok := wafs.find(v, id); ok {
			return nil, taken(r, waf.GetState() == securityv1.WafState_WAF_STATE_DELETING)
		}
		if id := req.GetCertificateId(); id != "" && !strings.HasPrefix(id, certificatePrefix) {
			return nil, sdk.NewError(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, sdk.Field("certificate_id"))
		}
		if err := v.within(use{"security.waf.count", 1}); err != nil {
			return nil, err
		}
		waf := &securityv1.Waf{
			LoadBalance:        securityv1.WafLoadBalance_WAF_LOAD_BALANCE_ROUND_ROBIN,
			ReadTimeoutSeconds: defaultWafReadTimeoutSeconds,
		}
		fill(waf, req)
		waf.Domain = domain
		waf.Cname = v.cloud.newID("waf-") + ".waf.example.net"
		waf.InstanceId, waf.Edition = "waf-instance", "standard"
		if len(waf.GetHttpPorts()) > 0 {
			waf.Protocols = append(waf.Protocols, securityv1.WafProtocol_WAF_PROTOCOL_HTTP)
		}
		if len(waf.GetHttpsPorts()) > 0 {
			waf.Protocols = append(waf.Protocols, securityv1.WafProtocol_WAF_PROTOCOL_HTTPS)
		}
		setState(waf, securityv1.WafState_WAF_STATE_CREATING)
		r, waf := wafs.addAs(v, id, waf)
		v.after(r, wafDelay)
		return &securityv1.CreateWafResponse{Id: r.id, State: waf.GetState()}, nil
	})
}

// taken is the error of a create whose resource, known by what it is of, is
// there already, or still there.
func taken(r *record, leaving bool) error {
	reason := apiv1.Reason_REASON_ALREADY_EXISTS
	if leaving {
		reason = apiv1.Reason_REASON_RESOURCE_BUSY
	}
	return sdk.NewError(reason, sdk.Resource(string(r.kind), r.id))
}

// DeleteWaf ends the protection of a host name.
func (s *wafService) DeleteWaf(ctx context.Context, req *securityv1.DeleteWafRequest) (*securityv1.DeleteWafResponse, error) {
	return write(s.c, ctx, func(v *view) (*securityv1.DeleteWafResponse, error) {
		state, err := remove(v, wafs, req.GetId(), securityv1.WafState_WAF_STATE_DELETED, change[securityv1.WafState]{
			from:  []securityv1.WafState{securityv1.WafState_WAF_STATE_ACTIVE, securityv1.WafState_WAF_STATE_ERROR},
			via:   securityv1.WafState_WAF_STATE_DELETING,
			delay: wafDelay,
		})
		return &securityv1.DeleteWafResponse{Id: req.GetId(), State: state}, err
	})
}

// GetWaf reads one WAF.
func (s *wafService) GetWaf(ctx context.Context, req *securityv1.GetWafRequest) (*securityv1.GetWafResponse, error) {
	return read(s.c, ctx, func(v *view) (*securityv1.GetWafResponse, error) {
		_, waf, err := wafs.get(v, req.GetId())
		return &securityv1.GetWafResponse{Waf: waf}, err
	})
}

// ListWafs reads a page of WAFs.
func (s *wafService) ListWafs(ctx context.Context, req *securityv1.ListWafsRequest) (*securityv1.ListWafsResponse, error) {
	p, err := list(s.c, ctx, wafs, req, nil)
	return &securityv1.ListWafsResponse{Wafs: p.items, NextPageToken: p.next, MissingIds: p.missing}, err
}

// settleWaf ends a WAF's move.
func settleWaf(v *view, r *record) {
	_, waf := wafs.edit(v, r)
	switch waf.GetState() {
	case securityv1.WafState_WAF_STATE_CREATING:
		settleTo(r, securityv1.WafState_WAF_STATE_ACTIVE, securityv1.WafState_WAF_STATE_ERROR)
	case securityv1.WafState_WAF_STATE_DELETING:
		v.remove(r.key)
	}
}
