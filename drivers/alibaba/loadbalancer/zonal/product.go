package zonal

import (
	"strings"

	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/sdk/nativeid"
)

// Product is one of the two, with the names in which they differ.
type Product struct {
	// API is how the product is called.
	API api.Product
	// Word begins the ids of all that belongs to it: "alb".
	Word string
	// Kind is the layer that its VIPs work at.
	Kind networkv1.VipKind

	untag       string // action that removes tags
	addressOf   string // member of a new instance's zone that asks for an address
	codes       string // members of a server group's health check: status codes,
	checkHost   string // host,
	checkMethod string // method,
	checkPath   string // path,
	checkType   string // protocol
	checkWait   string // and time for an answer
	ownAddress  string // health check host that stands for the member's own address; empty: absence
}

// ALB is the product of layer 7.
func ALB() *Product {
	return &Product{
		API: api.ALB, Word: "alb", Kind: networkv1.VipKind_VIP_KIND_L7, untag: "UnTagResources", addressOf: "IntranetAddress",
		codes: "HealthCheckCodes", checkHost: "HealthCheckHost", checkMethod: "HealthCheckMethod", checkPath: "HealthCheckPath",
		checkType: "HealthCheckProtocol", checkWait: "HealthCheckTimeout",
	}
}

// NLB is the product of layer 4.
func NLB() *Product {
	return &Product{
		API: api.NLB, Word: "nlb", Kind: networkv1.VipKind_VIP_KIND_L4, untag: "UntagResources", addressOf: "PrivateIPv4Address",
		codes: "HealthCheckHttpCode", checkHost: "HealthCheckDomain", checkMethod: "HttpCheckMethod", checkPath: "HealthCheckUrl",
		checkType: "HealthCheckType", checkWait: "HealthCheckConnectTimeout", ownAddress: "$SERVER_IP",
	}
}

// Owns tells whether an id is of something of this product.
func (p *Product) Owns(id string) bool {
	return strings.HasPrefix(id, p.Word+"-") || strings.HasPrefix(id, p.Word+"~~")
}

// isNLB is where the products differ in more than names.
func (p *Product) isNLB() bool { return p.API == api.NLB }

// publicID spells our id of a listener, pool or member.
func (p *Product) publicID(parts ...string) string {
	return nativeid.Join(append([]string{p.Word}, parts...)...)
}

// split takes our id apart into so many parts; false: it is none of this product.
func (p *Product) split(id string, parts int) ([]string, bool) {
	all, err := nativeid.Split(id)
	if err != nil || len(all) != parts+1 || all[0] != p.Word {
		return nil, false
	}
	return all[1:], true
}

// own is the cloud's id of a listener or pool; of anything else it is empty.
func (p *Product) own(id string) string {
	parts, ok := p.split(id, 1)
	if !ok {
		return ""
	}
	return parts[0]
}
