package api

import "strings"

// Site is which of the two sites of the cloud an account was opened at. Products
// without a region have one host for each.
type Site string

// The sites.
const (
	SiteChina         Site = "china"
	SiteInternational Site = "international"
)

// Endpoints tells where a product is reached.
type Endpoints struct {
	Region string
	Site   Site
	// Scheme is "https" or "http".
	Scheme string
	// All, if not empty, is the host[:port] of every product.
	All string
	// ByProduct are hosts of single products by lower-case name; they win over All.
	ByProduct map[string]string
}

func (e Endpoints) host(p Product) string {
	if host := e.ByProduct[strings.ToLower(string(p))]; host != "" {
		return host
	}
	if e.All != "" {
		return e.All
	}
	info := p.info()
	host := info.china
	if e.Site == SiteInternational && info.international != "" {
		host = info.international
	}
	return strings.ReplaceAll(host, "{region}", e.Region)
}

// IsProduct tells whether a lower-case name is that of a product of the driver.
func IsProduct(name string) bool {
	for _, p := range Products() {
		if strings.ToLower(string(p)) == name {
			return true
		}
	}
	return false
}

// Products lists the products of the driver.
func Products() []Product {
	return []Product{
		ECS, ECI, VPC, SLB, ALB, NLB, RDS, CloudFirewall, WAF, SecurityCenter, RAM, STS, ResourceManager, Tag,
		CloudMonitor, ActionTrail, Billing,
	}
}
