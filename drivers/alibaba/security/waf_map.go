package security

import (
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"
)

// wafInstance is the WAF that the account has bought.
type wafInstance struct {
	InstanceID string
	Status     int32
	InDebt     string
	Edition    string
}

// domain is a site. A list tells Backeds and ListenPorts, a single answer Listen
// and Redirect.
type domain struct {
	Domain      string
	Status      int32
	Cname       string
	ListenPorts struct{ HTTP, HTTPS []int32 }
	Backends    struct {
		HTTP, HTTPS []struct{ Backend string }
	} `json:"Backeds"`
	Listen struct {
		HTTPPorts, HTTPSPorts []int32
		CertID                string
	}
	Redirect struct {
		Backends    []struct{ Backend string }
		Loadbalance string
		ReadTimeout int32
	}
}

// Algorithms of WAF.
const (
	wafIPHash     = "iphash"
	wafRoundRobin = "roundRobin"
	wafLeastTime  = "leastTime"
)

func fromProtoLoadBalance(v securityv1.WafLoadBalance) string {
	switch v {
	case securityv1.WafLoadBalance_WAF_LOAD_BALANCE_ROUND_ROBIN:
		return wafRoundRobin
	case securityv1.WafLoadBalance_WAF_LOAD_BALANCE_LEAST_TIME:
		return wafLeastTime
	default:
		return wafIPHash
	}
}

func toProtoLoadBalance(word string) securityv1.WafLoadBalance {
	switch {
	case strings.EqualFold(word, wafIPHash):
		return securityv1.WafLoadBalance_WAF_LOAD_BALANCE_IP_HASH
	case strings.EqualFold(word, wafRoundRobin):
		return securityv1.WafLoadBalance_WAF_LOAD_BALANCE_ROUND_ROBIN
	case strings.EqualFold(word, wafLeastTime):
		return securityv1.WafLoadBalance_WAF_LOAD_BALANCE_LEAST_TIME
	default:
		return securityv1.WafLoadBalance_WAF_LOAD_BALANCE_UNSPECIFIED
	}
}

// listenJSON and redirectJSON are parameters of CreateDomain, as JSON text.
type listenJSON struct {
	HTTPPorts  []int32 `json:"HttpPorts,omitempty"`
	HTTPSPorts []int32 `json:"HttpsPorts,omitempty"`
	CertID     string  `json:"CertId,omitempty"`
	// ProtectionResource is gslb for the algorithm that only it has.
	ProtectionResource string `json:"ProtectionResource,omitempty"`
}

type redirectJSON struct {
	Backends    []string `json:"Backends"`
	Loadbalance string   `json:"Loadbalance"`
	ReadTimeout int32    `json:"ReadTimeout,omitempty"`
}

func fromProtoWAF(req *securityv1.CreateWafRequest) (listenJSON, redirectJSON) {
	listen := listenJSON{HTTPPorts: req.GetHttpPorts(), HTTPSPorts: req.GetHttpsPorts(), CertID: req.GetCertificateId()}
	redirect := redirectJSON{
		Backends: req.GetOriginAddresses(), Loadbalance: fromProtoLoadBalance(req.GetLoadBalance()), ReadTimeout: req.GetReadTimeoutSeconds(),
	}
	if redirect.Loadbalance == wafLeastTime {
		listen.ProtectionResource = "gslb"
	}
	return listen, redirect
}

// toProtoWAF maps a site of an instance.
func toProtoWAF(v *domain, of *wafInstance, region string) *securityv1.Waf {
	out := &securityv1.Waf{
		Id:                 v.Domain,
		Name:               v.Domain,
		State:              toProtoWAFState(v.Status),
		RegionId:           region,
		LockReasons:        toProtoWAFLocks(of),
		Domain:             v.Domain,
		HttpPorts:          append(v.Listen.HTTPPorts, v.ListenPorts.HTTP...),
		HttpsPorts:         append(v.Listen.HTTPSPorts, v.ListenPorts.HTTPS...),
		CertificateId:      v.Listen.CertID,
		LoadBalance:        toProtoLoadBalance(v.Redirect.Loadbalance),
		ReadTimeoutSeconds: v.Redirect.ReadTimeout,
		Cname:              v.Cname,
		InstanceId:         of.InstanceID,
		Edition:            of.Edition,
	}
	backends := v.Redirect.Backends
	if len(backends) == 0 {
		backends = v.Backends.HTTP
		if len(backends) == 0 {
			backends = v.Backends.HTTPS
		}
	}
	for _, b := range backends {
		out.OriginAddresses = append(out.OriginAddresses, b.Backend)
	}
	if len(out.GetHttpPorts()) > 0 {
		out.Protocols = append(out.Protocols, securityv1.WafProtocol_WAF_PROTOCOL_HTTP)
	}
	if len(out.GetHttpsPorts()) > 0 {
		out.Protocols = append(out.Protocols, securityv1.WafProtocol_WAF_PROTOCOL_HTTPS)
	}
	return out
}

// toProtoWAFState maps the status of a site. Source: DescribeDomains, Status.
func toProtoWAFState(status int32) securityv1.WafState {
	switch status {
	case 1:
		return securityv1.WafState_WAF_STATE_ACTIVE
	case 2:
		return securityv1.WafState_WAF_STATE_CREATING
	case 3:
		return securityv1.WafState_WAF_STATE_UPDATING
	case 4:
		return securityv1.WafState_WAF_STATE_DELETING
	case 5:
		return securityv1.WafState_WAF_STATE_INACTIVE
	default:
		return securityv1.WafState_WAF_STATE_UNSPECIFIED
	}
}

func toProtoWAFLocks(of *wafInstance) []apiv1.LockReason {
	var out []apiv1.LockReason
	if of.Status == wafExpired {
		out = append(out, apiv1.LockReason_LOCK_REASON_EXPIRED)
	}
	if of.InDebt == "1" {
		out = append(out, apiv1.LockReason_LOCK_REASON_ARREARS)
	}
	return out
}

// keepsWAF tells whether a site fits the filters of a request.
func keepsWAF(req *securityv1.ListWafsRequest, v *securityv1.Waf) bool {
	return (req.GetName() == "" || req.GetName() == v.GetName()) &&
		req.GetTag() == "" &&
		(req.GetState() == 0 || req.GetState() == v.GetState()) &&
		(req.GetDomain() == "" || req.GetDomain() == v.GetDomain())
}

// center is the region in which WAF is reached: the mainland's or the one abroad.
// Hong Kong's name begins like the mainland's.
func center(region string) string {
	if strings.HasPrefix(region, "cn-") && region != "cn-hongkong" {
		return "cn-hangzhou"
	}
	return "ap-southeast-1"
}
