package bill

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"strings"

	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

// item is a line of DescribeInstanceBill, as far as the driver reads it.
type item struct {
	InstanceID          string `json:"InstanceID"`
	Item                string // kind of the line
	ItemName            string
	BillingDate         string
	BillingItem         string
	BillingItemCode     string
	BillingType         string
	BizType             string
	CommodityCode       string
	CostUnit            string
	InstanceSpec        string
	ListPrice           string
	OwnerID             string `json:"OwnerID"`
	PipCode             string
	ProductCode         string
	ProductDetail       string
	ProductName         string
	Region              string
	ResourceGroup       string
	ServicePeriod       string
	SubscriptionType    string
	Zone                string
	Currency            string
	Usage               amount
	UsageUnit           string
	PretaxGrossAmount   amount
	InvoiceDiscount     amount
	AfterDiscountAmount amount
}

// id is made of what names the line and stays while the month goes on: of usage,
// neither amounts nor quantity. What is charged or given back once does not grow, and
// may be one of several that differ in the amount alone.
func (i *item) id() string {
	names := []string{
		i.InstanceID, i.Item, i.ItemName, i.BillingDate, i.BillingItem, i.BillingItemCode, i.BillingType, i.BizType, i.CommodityCode,
		i.CostUnit, i.InstanceSpec, i.ListPrice, i.OwnerID, i.PipCode, i.ProductCode, i.ProductDetail, i.Region, i.ResourceGroup,
		i.ServicePeriod, i.SubscriptionType, i.Zone,
	}
	if toProtoCategory(i.Item) != driverv1.BillCategory_BILL_CATEGORY_USAGE {
		names = append(names, i.PretaxGrossAmount.text(), i.AfterDiscountAmount.text())
	}
	sum := sha256.Sum256([]byte(strings.Join(names, "\x00")))
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:20]))
}

// toProtoLine maps a line. What is owed is the price after discounts; where an older
// answer does not tell it, the list price less the discount.
func toProtoLine(raw json.RawMessage) (*driverv1.BillLine, error) {
	var i item
	if err := json.Unmarshal(raw, &i); err != nil {
		return nil, fmt.Errorf("read a line of the bill: %w", err)
	}
	cost := i.AfterDiscountAmount.text()
	if cost == "" {
		cost = i.PretaxGrossAmount.less(i.InvoiceDiscount)
	}
	line := &driverv1.BillLine{
		Id: i.id(), ResourceType: toProtoType(i.InstanceID), Day: i.BillingDate, Product: i.ProductName, Item: i.BillingItem,
		Category: toProtoCategory(i.Item), ListCost: i.PretaxGrossAmount.text(), Cost: cost, Currency: i.Currency,
		Quantity: i.Usage.text(), Unit: i.UsageUnit, Raw: string(raw),
	}
	if line.GetResourceType() != "" {
		line.ResourceId = i.InstanceID
	}
	return line, nil
}

// toProtoType tells a resource by the beginning of its id.
func toProtoType(id string) string {
	prefix, _, _ := strings.Cut(id, "-")
	switch prefix {
	case "i":
		return "compute.vm"
	case "eci":
		return "compute.container"
	case "d":
		return "storage.disk"
	case "s":
		return "storage.snapshot"
	case "eip":
		return "network.public_ip"
	case "lb", "alb", "nlb":
		return "network.vip"
	case "vpn":
		return "security.vpn_service"
	case "rm", "pgm":
		return "database.instance"
	}
	return ""
}

func toProtoCategory(kind string) driverv1.BillCategory {
	switch kind {
	case "PayAsYouGoBill":
		return driverv1.BillCategory_BILL_CATEGORY_USAGE
	case "SubscriptionOrder":
		return driverv1.BillCategory_BILL_CATEGORY_PURCHASE
	case "Refund":
		return driverv1.BillCategory_BILL_CATEGORY_REFUND
	case "Adjustment":
		return driverv1.BillCategory_BILL_CATEGORY_ADJUSTMENT
	}
	return driverv1.BillCategory_BILL_CATEGORY_UNSPECIFIED
}
