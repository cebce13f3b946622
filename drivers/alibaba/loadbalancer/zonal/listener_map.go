package zonal

import (
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
)

// listenerProtocol names what a listener takes; false: not on this product.
func (p *Product) listenerProtocol(v networkv1.LoadBalancerProtocol) (string, bool) {
	if v == networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_TLS {
		return "TCPSSL", p.isNLB()
	}
	return p.poolProtocol(v)
}

// sendTo tells a listener its pool.
func (p *Product) sendTo(params api.Params, groupID string) api.Params {
	if p.isNLB() {
		return params.Set("ServerGroupId", groupID)
	}
	return params.Set("DefaultActions.1.Type", "ForwardGroup").Set("DefaultActions.1.ForwardGroupConfig.ServerGroupTuples.1.ServerGroupId", groupID)
}

// certify tells a listener its certificate.
func (p *Product) certify(params api.Params, ids []string) api.Params {
	if p.isNLB() {
		return params.List("CertificateIds", ids...)
	}
	for _, id := range ids {
		params.Set("Certificates.1.CertificateId", id)
	}
	return params
}

// toProtoListener maps a listener. In lists of ALB it has no certificates.
func (p *Product) toProtoListener(v *listener, region string) *networkv1.Listener {
	out := &networkv1.Listener{
		Id:             p.publicID(v.ListenerID),
		Name:           v.ListenerDescription,
		Tags:           v.Tags.ToProto(),
		State:          toProtoState(v.ListenerStatus),
		ProviderState:  v.ListenerStatus,
		RegionId:       region,
		VipId:          v.LoadBalancerID,
		Protocol:       toProtoProtocol(v.ListenerProtocol),
		Port:           v.ListenerPort,
		CertificateIds: v.CertificateIDs,
	}
	if id := v.poolID(); id != "" {
		out.DefaultPoolId = p.publicID(id)
	}
	for _, c := range v.Certificates {
		out.CertificateIds = append(out.CertificateIds, c.CertificateID)
	}
	return out
}
