package api

import "context"

// Caller makes one call of an action of a product. It is safe for concurrent use.
//
// out is where the answer's JSON goes, a pointer to a struct, or nil. A refusal
// by the cloud is a *Fault; when no answer came it is a *NoAnswer. Throttled calls
// have been repeated within the deadline of ctx before either is returned.
type Caller interface {
	Call(ctx context.Context, product Product, action string, params Params, out any) error
}

// Product is an interface of the cloud, by the name that its definitions carry.
type Product string

// The products that the driver speaks to.
const (
	ECS             Product = "Ecs"
	ECI             Product = "Eci"
	VPC             Product = "Vpc"
	SLB             Product = "Slb"
	ALB             Product = "Alb"
	NLB             Product = "Nlb"
	RDS             Product = "Rds"
	CloudFirewall   Product = "Cloudfw"
	WAF             Product = "waf-openapi"
	SecurityCenter  Product = "Sas"
	RAM             Product = "Ram"
	STS             Product = "Sts"
	ResourceManager Product = "ResourceManager"
	Tag             Product = "Tag"
	CloudMonitor    Product = "Cms"
	ActionTrail     Product = "Actiontrail"
	Billing         Product = "BssOpenApi"
)

// productInfo is what must be known of a product to call it.
type productInfo struct {
	version string
	// china and international are the host names of the two sites of the cloud;
	// {region} stands for the account's region.
	china, international string
	// wrapped products tell a refusal inside a body with status 200 too.
	wrapped bool
}

// info lists the versions of the published definitions, and the public hosts
// of each product's documentation page "Endpoints".
func (p Product) info() productInfo {
	switch p {
	case ECS:
		return productInfo{version: "2014-05-26", china: "ecs.{region}.aliyuncs.com"}
	case ECI:
		return productInfo{version: "2018-08-08", china: "eci.{region}.aliyuncs.com"}
	case VPC:
		return productInfo{version: "2016-04-28", china: "vpc.{region}.aliyuncs.com"}
	case SLB:
		return productInfo{version: "2014-05-15", china: "slb.{region}.aliyuncs.com"}
	case ALB:
		return productInfo{version: "2020-06-16", china: "alb.{region}.aliyuncs.com"}
	case NLB:
		return productInfo{version: "2022-04-30", china: "nlb.{region}.aliyuncs.com"}
	case RDS:
		return productInfo{version: "2014-08-15", china: "rds.{region}.aliyuncs.com"}
	case CloudFirewall:
		return productInfo{version: "2017-12-07", china: "cloudfw.cn-hangzhou.aliyuncs.com", international: "cloudfw.ap-southeast-1.aliyuncs.com"}
	case WAF:
		return productInfo{version: "2021-10-01", china: "wafopenapi.cn-hangzhou.aliyuncs.com", international: "wafopenapi.ap-southeast-1.aliyuncs.com"}
	case SecurityCenter:
		return productInfo{version: "2018-12-03", china: "tds.cn-shanghai.aliyuncs.com", international: "tds.ap-southeast-1.aliyuncs.com"}
	case RAM:
		return productInfo{version: "2015-05-01", china: "ram.aliyuncs.com"}
	case STS:
		return productInfo{version: "2015-04-01", china: "sts.{region}.aliyuncs.com"}
	case ResourceManager:
		return productInfo{version: "2020-03-31", china: "resourcemanager.aliyuncs.com"}
	case Tag:
		return productInfo{version: "2018-08-28", china: "tag.cn-hangzhou.aliyuncs.com"}
	case CloudMonitor:
		return productInfo{version: "2019-01-01", china: "metrics.{region}.aliyuncs.com", wrapped: true}
	case ActionTrail:
		return productInfo{version: "2020-07-06", china: "actiontrail.{region}.aliyuncs.com"}
	case Billing:
		return productInfo{version: "2017-12-14", china: "business.aliyuncs.com", international: "business.ap-southeast-1.aliyuncs.com", wrapped: true}
	}
	return productInfo{}
}
