package loadbalancer

import (
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/tags"
)

// toProtoListener maps a listener.
func toProtoListener(v *listener, region string) *networkv1.Listener {
	out := &networkv1.Listener{
		Id:                 v.ID,
		Name:               v.Name,
		Description:        v.Description,
		Tags:               tags.ToProto(v.Tags),
		State:              toProtoState(v.status),
		ProviderState:      v.Provisioning,
		StateReason:        stateReason(v.status),
		CreatedAt:          rest.ToProtoTime(v.CreatedAt),
		UpdatedAt:          rest.ToProtoTime(v.UpdatedAt),
		RegionId:           region,
		ProviderAttributes: protocolAttributes(v.Protocol),
		VipId:              firstID(v.LoadBalancers),
		Protocol:           toProtoListenerProtocol(v.Protocol, v.Tags),
		Port:               v.Port,
		DefaultPoolId:      v.DefaultPoolID,
		AllowedCidrs:       v.AllowedCIDRs,
		ConnectionLimit:    max(v.ConnectionLimit, 0),
	}
	if v.Certificate != "" {
		out.CertificateIds = append([]string{v.Certificate}, v.SNI...)
	}
	return out
}

// fromProtoCreateListener maps what a request says of a new listener of a load
// balancer, but for its tags.
func fromProtoCreateListener(req *networkv1.CreateListenerRequest, lbID string) map[string]any {
	attributes := map[string]any{
		"name": req.GetName(), "description": req.GetDescription(), "loadbalancer_id": lbID,
		"protocol": fromProtoListenerProtocol(req.GetProtocol()), "protocol_port": req.GetPort(),
		"default_pool_id": req.GetDefaultPoolId(),
	}
	if len(req.GetCertificateIds()) > 0 {
		setCertificates(attributes, req.GetCertificateIds())
	}
	if len(req.GetAllowedCidrs()) > 0 {
		attributes["allowed_cidrs"] = req.GetAllowedCidrs()
	}
	if req.GetConnectionLimit() > 0 {
		attributes["connection_limit"] = req.GetConnectionLimit()
	}
	return attributes
}

// setCertificates sets the default certificate, the first, and those that are
// chosen by the client's server name.
func setCertificates(attributes map[string]any, ids []string) {
	attributes["default_tls_container_ref"] = ids[0]
	attributes["sni_container_refs"] = ids[1:]
}

func listenerFacts(req *networkv1.CreateListenerRequest) map[string]string {
	if req.GetProtocol() == networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_TLS {
		return map[string]string{factProtocol: protocolTLS}
	}
	return nil
}

// fromProtoUpdateListener are the attributes that a request changes. present are
// the tags now.
func fromProtoUpdateListener(req *networkv1.UpdateListenerRequest, present []string) map[string]any {
	further := map[string]any{}
	if req.DefaultPoolId != nil {
		further["default_pool_id"] = req.GetDefaultPoolId()
	}
	if ids := req.GetCertificateIds().GetValues(); len(ids) > 0 {
		setCertificates(further, ids)
	}
	if req.GetAllowedCidrs() != nil {
		further["allowed_cidrs"] = cidrs(req.GetAllowedCidrs())
	}
	if req.ConnectionLimit != nil {
		further["connection_limit"] = -1
		if req.GetConnectionLimit() > 0 {
			further["connection_limit"] = req.GetConnectionLimit()
		}
	}
	return fromProtoEdit(edit{name: req.Name, description: req.Description, tags: req.GetTags(), attributes: further}, present)
}

// cidrs is never nil: null would leave the list as it is.
func cidrs(list *apiv1.StringList) []string {
	return append([]string{}, list.GetValues()...)
}

func keepsListener(req *networkv1.ListListenersRequest, v *networkv1.Listener) bool {
	return (req.GetName() == "" || req.GetName() == v.GetName()) &&
		tags.Match(v.GetTags(), req.GetTag()) &&
		(req.GetState() == 0 || req.GetState() == v.GetState()) &&
		(req.GetVipId() == "" || req.GetVipId() == v.GetVipId()) &&
		(req.GetDefaultPoolId() == "" || req.GetDefaultPoolId() == v.GetDefaultPoolId())
}
