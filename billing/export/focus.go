package export

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/yunqiao/yunqiao/billing/calendar"
	"github.com/yunqiao/yunqiao/billing/ledger"
	"github.com/yunqiao/yunqiao/billing/pricing"
	"github.com/yunqiao/yunqiao/billing/rating"
	"github.com/yunqiao/yunqiao/internal/money"
)

// focusColumns are the columns of the dataset Cost and Usage of FOCUS 1.4 that we
// have facts for: all mandatory ones and some others.
var focusColumns = [...]string{
	"BilledCost", "BillingAccountId", "BillingAccountName", "BillingAccountType", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart",
	"ChargeCategory", "ChargeClass", "ChargeDescription", "ChargeFrequency", "ChargePeriodEnd", "ChargePeriodStart", "ConsumedQuantity",
	"ConsumedUnit", "ContractedCost", "ContractedUnitPrice", "EffectiveCost", "HostProviderName", "InvoiceId", "InvoiceIssuerName", "ListCost",
	"ListUnitPrice", "PricingCategory", "PricingCurrency", "PricingQuantity", "PricingUnit", "RegionId", "RegionName", "ResourceId", "ResourceName", "ResourceType",
	"ServiceCategory", "ServiceName", "ServiceProviderName", "ServiceSubcategory", "SkuId", "SkuMeter", "SkuPriceId", "SubAccountId", "SubAccountName",
	"SubAccountType", "Tags", "x_OrderId", "x_ApplicantId", "x_Reason",
}

type focus struct {
	out    *csv.Writer
	zone   *time.Location
	issuer string
	record []string
}

// FOCUS writes the columns of FOCUS 1.4. issuer is who sends the bills.
func FOCUS(w io.Writer, zone *time.Location, issuer string) (Writer, error) {
	f := &focus{out: csv.NewWriter(w), zone: zone, issuer: issuer}
	return f, f.out.Write(focusColumns[:])
}

// services are category, subcategory and name by the first part of a type, with
// those of a whole type before.
var services = map[string][2]string{
	"compute.container":     {"Compute", "Containers"},
	"compute":               {"Compute", "Virtual Machines"},
	"storage.image":         {"Storage", "Other (Storage)"},
	"storage.snapshot":      {"Storage", "Backup Storage"},
	"storage":               {"Storage", "Block Storage"},
	"network.load_balancer": {"Networking", "Application Networking"},
	"network.public_ip":     {"Networking", "Network Connectivity"},
	"network":               {"Networking", "Network Infrastructure"},
	"security":              {"Security", "Network Security"},
	"database":              {"Databases", "Relational Databases"},
}

func service(resourceType string) [2]string {
	if s, ok := services[resourceType]; ok {
		return s
	}
	area, _, _ := strings.Cut(resourceType, ".")
	if s, ok := services[area]; ok {
		return s
	}
	return [2]string{"Other", "Other (Other)"}
}

// Write implements Writer.
func (f *focus) Write(r *ledger.Row) error {
	month, err := calendar.Parse(r.Period, f.zone)
	if err != nil {
		return err
	}
	utc := func(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05Z") }
	cost, list := money.Amount(r.Cost).String(), money.Amount(r.List).String()
	s := service(r.ResourceType)
	quantity, unit, sku := "", "", ""
	unitPrice := ""
	if r.PriceID != "" && r.Class == "" {
		quantity, unit, sku = pricingQuantity(r), pricingUnit(r), fmt.Sprintf("%s@%d", r.PriceID, r.PriceVersion)
		if r.UnitPrice != 0 {
			unitPrice = money.Price(r.UnitPrice).String()
		}
	}
	frequency, category := "Usage-Based", "Standard"
	switch rating.Category(r.Category) {
	case rating.Usage:
	case rating.Purchase:
		frequency, category = "One-Time", "Committed"
	default:
		frequency, category = "One-Time", ""
	}
	class := ""
	if r.Class == rating.Correction {
		class = rating.Correction
	}
	contracted := unitPrice
	if r.DiscountID != "" {
		contracted = ""
	}
	tags := "{}"
	if r.Tag != "" {
		name, value, _ := strings.Cut(r.Tag, "=")
		tags = fmt.Sprintf("{%q:%q}", name, value)
	}
	f.record = append(f.record[:0],
		cost, cmp.Or(r.OrganizationID, "unallocated"), "", "Organization", r.Currency, utc(month.AddDate(0, 1, 0)), utc(month), r.Category, class,
		strings.TrimSpace(r.Meter+" "+r.Reason), frequency, utc(time.Unix(r.Ends, 0)), utc(time.Unix(r.Begins, 0)), quantity, unit, cost, contracted, cost,
		r.Driver, "", f.issuer, list, unitPrice, category, r.Currency, quantity, unit, r.Region, r.Region, r.ResourceID, "", r.ResourceType,
		s[0], cmp.Or(r.ResourceType, "other"), f.issuer, s[1], r.PriceID, r.Meter, sku, r.AccountID, r.AccountID, "Cloud account", tags, r.OrderID, r.ApplicantID, r.Reason,
	)
	return f.out.Write(f.record)
}

// pricingQuantity is usage in units of the price, with four digits.
func pricingQuantity(r *ledger.Row) string {
	seconds := map[string]int64{"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86400}[r.Unit]
	if seconds == 0 {
		return money.Quantity(r.Quantity).String()
	}
	q, err := money.Amount(r.Usage).Ratio(1, seconds, money.HalfUp)
	if err != nil {
		return ""
	}
	return money.Quantity(q).String()
}

func pricingUnit(r *ledger.Row) string {
	if r.Unit == string(pricing.Count) {
		return r.Meter
	}
	name := strings.ToUpper(r.Unit[:1]) + strings.ToLower(r.Unit[1:]) + "s"
	if r.Meter == pricing.Instance {
		return name
	}
	return r.Meter + "-" + name
}

// Close implements Writer.
func (f *focus) Close() error {
	f.out.Flush()
	return f.out.Error()
}
