package loadbalancer

import (
	"slices"
	"strings"

	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/openstack/tags"
)

const memberKindAddress = "ADDRESS"

// toProtoPool maps a pool; m is its monitor, or nil.
func toProtoPool(v *pool, m *monitor, region string) *networkv1.Pool {
	return &networkv1.Pool{
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
		Protocol:           toProtoPoolProtocol(v.Protocol, v.TLSEnabled),
		Algorithm:          toProtoAlgorithm(v.Algorithm),
		SessionPersistence: toProtoPersistence(v.Persistence),
		MemberKind:         toProtoMemberKind(v.Tags),
		HealthMonitor:      toProtoMonitor(m),
	}
}

// toProtoAlgorithm maps the algorithm. Source: octavia-lib, LB_ALGORITHM_*.
func toProtoAlgorithm(word string) networkv1.PoolAlgorithm {
	switch word {
	case "ROUND_ROBIN":
		return networkv1.PoolAlgorithm_POOL_ALGORITHM_ROUND_ROBIN
	case "LEAST_CONNECTIONS":
		return networkv1.PoolAlgorithm_POOL_ALGORITHM_LEAST_CONNECTIONS
	case "SOURCE_IP":
		return networkv1.PoolAlgorithm_POOL_ALGORITHM_SOURCE_IP
	case "SOURCE_IP_PORT":
		return networkv1.PoolAlgorithm_POOL_ALGORITHM_SOURCE_IP_PORT
	default:
		return networkv1.PoolAlgorithm_POOL_ALGORITHM_UNSPECIFIED
	}
}

func fromProtoAlgorithm(a networkv1.PoolAlgorithm) string {
	switch a {
	case networkv1.PoolAlgorithm_POOL_ALGORITHM_LEAST_CONNECTIONS:
		return "LEAST_CONNECTIONS"
	case networkv1.PoolAlgorithm_POOL_ALGORITHM_SOURCE_IP:
		return "SOURCE_IP"
	case networkv1.PoolAlgorithm_POOL_ALGORITHM_SOURCE_IP_PORT:
		return "SOURCE_IP_PORT"
	default:
		return "ROUND_ROBIN"
	}
}

func toProtoPersistence(p *persistence) *networkv1.SessionPersistence {
	if p == nil {
		return nil
	}
	out := &networkv1.SessionPersistence{CookieName: p.CookieName, TimeoutSeconds: p.Timeout}
	switch p.Type {
	case "SOURCE_IP":
		out.Type = networkv1.SessionPersistenceType_SESSION_PERSISTENCE_TYPE_SOURCE_IP
	case "HTTP_COOKIE":
		out.Type = networkv1.SessionPersistenceType_SESSION_PERSISTENCE_TYPE_COOKIE_INSERT
	case "APP_COOKIE":
		out.Type = networkv1.SessionPersistenceType_SESSION_PERSISTENCE_TYPE_COOKIE_APP
	}
	return out
}

// fromProtoPersistence is the attribute session_persistence; nil ends it.
func fromProtoPersistence(p *networkv1.SessionPersistence) map[string]any {
	attribute := map[string]any{}
	switch p.GetType() {
	case networkv1.SessionPersistenceType_SESSION_PERSISTENCE_TYPE_SOURCE_IP:
		attribute["type"] = "SOURCE_IP"
	case networkv1.SessionPersistenceType_SESSION_PERSISTENCE_TYPE_COOKIE_INSERT:
		attribute["type"] = "HTTP_COOKIE"
	case networkv1.SessionPersistenceType_SESSION_PERSISTENCE_TYPE_COOKIE_APP:
		attribute["type"], attribute["cookie_name"] = "APP_COOKIE", p.GetCookieName()
	default:
		return nil
	}
	if p.GetTimeoutSeconds() != 0 {
		attribute["persistence_timeout"] = p.GetTimeoutSeconds()
	}
	return attribute
}

// toProtoMemberKind is what kind of members a pool was made for; Octavia takes any.
func toProtoMemberKind(present []string) networkv1.MemberKind {
	if fact(present, factMemberKind) == memberKindAddress {
		return networkv1.MemberKind_MEMBER_KIND_ADDRESS
	}
	return networkv1.MemberKind_MEMBER_KIND_VM_OR_NIC
}

// takes tells whether a pool takes members by their addresses, or by VMs and NICs.
// One that was made elsewhere takes all, as every pool of Octavia.
func takes(present []string, byAddress bool) bool {
	ours := slices.ContainsFunc(present, func(tag string) bool { return strings.HasPrefix(tag, session.MarkerPrefix) })
	return !ours || byAddress == (toProtoMemberKind(present) == networkv1.MemberKind_MEMBER_KIND_ADDRESS)
}

// fromProtoCreatePool maps what a request says of a new pool, but for its tags and
// monitor. protocol and tls are those of fromProtoPoolProtocol.
func fromProtoCreatePool(req *networkv1.CreatePoolRequest, protocol string, tls bool) map[string]any {
	attributes := map[string]any{
		"name": req.GetName(), "description": req.GetDescription(), "loadbalancer_id": req.GetVipId(),
		"protocol": protocol, "lb_algorithm": fromProtoAlgorithm(req.GetAlgorithm()),
	}
	if tls {
		attributes["tls_enabled"] = true
	}
	if p := fromProtoPersistence(req.GetSessionPersistence()); p != nil {
		attributes["session_persistence"] = p
	}
	return attributes
}

func poolFacts(req *networkv1.CreatePoolRequest) map[string]string {
	if req.GetMemberKind() == networkv1.MemberKind_MEMBER_KIND_ADDRESS {
		return map[string]string{factMemberKind: memberKindAddress}
	}
	return nil
}

// fromProtoUpdatePool are the attributes that a request changes, but for the
// monitor. present are the tags now.
func fromProtoUpdatePool(req *networkv1.UpdatePoolRequest, present []string) map[string]any {
	further := map[string]any{}
	if req.Algorithm != nil {
		further["lb_algorithm"] = fromProtoAlgorithm(req.GetAlgorithm())
	}
	if req.GetSessionPersistence() != nil {
		further["session_persistence"] = nil
		if p := fromProtoPersistence(req.GetSessionPersistence()); p != nil {
			further["session_persistence"] = p
		}
	}
	return fromProtoEdit(edit{name: req.Name, description: req.Description, tags: req.GetTags(), attributes: further}, present)
}

// keepsPool tells whether a pool fits those filters of a request that Octavia does
// not know.
func keepsPool(req *networkv1.ListPoolsRequest, v *networkv1.Pool) bool {
	return (req.GetName() == "" || req.GetName() == v.GetName()) &&
		tags.Match(v.GetTags(), req.GetTag()) &&
		(req.GetState() == 0 || req.GetState() == v.GetState()) &&
		(req.GetVipId() == "" || req.GetVipId() == v.GetVipId())
}
