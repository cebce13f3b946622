package sim

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

func bssActions() actions {
	return actions{
		"QueryAccountBalance": accountBalance, "QueryAccountBill": accountBill, "QueryInstanceBill": instanceBill, "DescribeInstanceBill": instanceBillTokens,
		"QueryBill": billList, "QueryBillOverview": billOverview, "QuerySettleBill": billList, "QueryAvailableInstances": availableInstances,
		"GetPayAsYouGoPrice": payAsYouGoPrice, "GetSubscriptionPrice": subscriptionPrice, "QueryOrders": noOrders, "GetOrderDetail": noOrders,
		"QueryProductList": productList, "SetRenewal": setRenewal,
	}
}

// productOf is what bills call a kind, and its name.
func productOf(k kind) (code, name string) {
	switch k {
	case kindInstance:
		return "ecs", "云服务器ECS"
	case kindDisk:
		return "yundisk", "块存储"
	case kindEIP:
		return "eip", "弹性公网IP"
	case kindLoadBalancer:
		return "slb", "负载均衡"
	case kindNatGateway:
		return "nat_gw", "NAT网关"
	case kindVpnGateway:
		return "vpn", "VPN网关"
	case kindWafInstance:
		return "waf", "Web应用防火墙"
	case kindDatabase:
		return "rds", "云数据库RDS"
	case kindContainerGroup:
		return "eci", "弹性容器实例ECI"
	}
	return "", ""
}

func paidKinds() []kind {
	return []kind{kindInstance, kindDisk, kindEIP, kindLoadBalancer, kindNatGateway, kindVpnGateway, kindDatabase, kindContainerGroup, kindWafInstance}
}

// billingZone is the zone in which months are cut.
var billingZone = time.FixedZone("UTC+8", 8*3600)

// charges are those of a month, of what is there now and of what has gone since.
func (c *call) charges() ([]charge, error) {
	month, err := time.ParseInLocation("2006-01", c.str("BillingCycle"), billingZone)
	if err != nil {
		return nil, c.fail("InvalidParameter", "The specified BillingCycle is not valid.")
	}
	end := month.AddDate(0, 1, 0)
	if date := c.str("BillingDate"); date != "" {
		day, err := time.ParseInLocation(time.DateOnly, date, billingZone)
		if err != nil {
			return nil, c.fail("InvalidParameter", "The specified BillingDate is not valid.")
		}
		month, end = day, day.AddDate(0, 0, 1)
	}
	if end.After(c.now) {
		end = c.now
	}
	var out []charge
	for _, k := range paidKinds() {
		for _, r := range c.w.everOf(k) {
			if r.account != c.who.account {
				continue
			}
			from, to := r.created, end
			if r.gone && r.ended.Before(to) {
				to = r.ended
			}
			if from.Before(month) {
				from = month
			}
			if price := hourlyOf(r); price > 0 && to.After(from) {
				out = append(out, charge{r, from, to.Sub(from).Hours(), price})
			}
		}
	}
	return out, nil
}

// amount is in CNY, to six places as bills have it.
func (b charge) amount() float64 { return math.Round(b.hours*b.price*1e6) / 1e6 }

func (b charge) product() (code, name string) { return productOf(b.record.kind) }

// wanted filters charges by the parameters that all bills share.
func (c *call) wanted(list []charge) []charge {
	var out []charge
	for _, b := range list {
		code, _ := b.product()
		if want := c.str("ProductCode"); want != "" && want != code {
			continue
		}
		if want := c.str("SubscriptionType"); want != "" && want != subscriptionOf(b.record) {
			continue
		}
		if want := c.str("InstanceID"); want != "" && want != b.record.id {
			continue
		}
		out = append(out, b)
	}
	return out
}

func subscriptionOf(r *record) string {
	for _, attr := range []string{"InstanceChargeType", "DiskChargeType", "ChargeType", "PayType"} {
		switch r.str(attr) {
		case "PrePaid", "Prepaid", "Prepay", "PREPAY":
			return "Subscription"
		}
	}
	return "PayAsYouGo"
}

// line is a bill's line of one resource.
func (c *call) line(b charge) obj {
	code, name := b.product()
	r := b.record
	amount := b.amount()
	return obj{
		"BillingDate": c.str("BillingDate"), "InstanceID": r.id, "NickName": textOr(r.attrs["InstanceName"], textOr(r.attrs["DiskName"], r.str("Name"))), "ProductCode": code, "PipCode": code,
		"CommodityCode": code, "ProductName": name, "ProductDetail": name, "ProductType": code, "SubscriptionType": subscriptionOf(r), "Item": subscriptionOf(r) + "Bill", "Currency": "CNY",
		"Region": regionName(r.region), "Zone": r.str("ZoneId"), "Usage": strconv.FormatFloat(b.hours, 'f', 6, 64), "UsageUnit": "小时", "ServicePeriod": strconv.Itoa(int(b.hours * 3600)), "ServicePeriodUnit": "秒",
		"ListPrice": strconv.FormatFloat(b.price, 'f', -1, 64), "ListPriceUnit": "元/小时", "PretaxGrossAmount": amount, "PretaxAmount": amount, "PaymentAmount": amount, "CashAmount": amount,
		"InvoiceDiscount": 0.0, "OutstandingAmount": 0.0, "AdjustAmount": 0.0, "DeductedByCoupons": 0.0, "DeductedByCashCoupons": 0.0, "DeductedByPrepaidCard": 0.0, "OwnerID": r.account.uid, "BillAccountID": r.account.uid,
		"InstanceSpec": textOr(r.attrs["InstanceType"], r.str("DBInstanceClass")), "InstanceConfig": "", "BillingItem": billingItem(c), "BillingType": "其它", "Tag": billTags(r), "CostUnit": "未分配",
		"ResourceGroup": r.str("ResourceGroupId"), "InternetIP": r.str("IpAddress"), "IntranetIP": r.str("PrivateIpAddress"), "DeductedByResourcePackage": "0", "ItemName": "用量", "AfterDiscountAmount": amount,
		"UsageStartTime": b.from.In(billingZone).Format("2006-01-02 15:04:05"), "UsageEndTime": b.from.Add(time.Duration(b.hours * float64(time.Hour))).In(billingZone).Format("2006-01-02 15:04:05"),
		"RecordID": fmt.Sprintf("%s%d", r.id, b.from.Unix()), "Status": "PayFinish", "PaymentCurrency": "CNY", "AccountName": r.account.name, "OwnerName": r.account.name, "BizType": "trusteeship",
	}
}

func billingItem(c *call) string {
	if c.yes("IsBillingItem") {
		return "资源费用"
	}
	return ""
}

// billTags shows tags as bills do: "key:k value:v; key:…".
func billTags(r *record) string {
	out := ""
	for key, value := range r.tags {
		if out != "" {
			out += "; "
		}
		out += "key:" + key + " value:" + value
	}
	return out
}

// pageOf cuts lines by PageNum and PageSize.
func (c *call) pageOf(lines []obj, path string) obj {
	size, page := max(1, c.num("PageSize", 20)), max(1, c.num("PageNum", 1))
	start := min((page-1)*size, len(lines))
	items := []any{}
	schema := c.at("Data." + path)
	for _, l := range lines[start:min(start+size, len(lines))] {
		items = append(items, restrict(schema, l))
	}
	out := merge(wrap(path, items), obj{
		"PageNum": page, "PageSize": size, "TotalCount": len(lines), "BillingCycle": c.str("BillingCycle"), "AccountID": c.who.account.uid, "AccountName": c.who.account.name,
	})
	data, _ := restrict(c.at("Data"), out).(obj)
	return obj{"Data": data, "Code": "Success", "Message": "Successful!"}
}

func (c *call) lines() ([]obj, error) {
	list, err := c.charges()
	if err != nil {
		return nil, err
	}
	var out []obj
	for _, b := range c.wanted(list) {
		out = append(out, c.line(b))
	}
	return out, nil
}

func instanceBill(c *call) (obj, error) {
	lines, err := c.lines()
	if err != nil {
		return nil, err
	}
	return c.pageOf(lines, "Items.Item"), nil
}

func billList(c *call) (obj, error) { return instanceBill(c) }

func instanceBillTokens(c *call) (obj, error) {
	lines, err := c.lines()
	if err != nil {
		return nil, err
	}
	from, err := c.position()
	if err != nil {
		return nil, err
	}
	limit := min(300, max(1, c.num("MaxResults", 20)))
	items := []any{}
	for _, l := range lines[min(from, len(lines)):min(from+limit, len(lines))] {
		items = append(items, restrict(c.at("Data.Items"), l))
	}
	data := obj{"Items": items, "TotalCount": len(lines), "MaxResults": limit, "BillingCycle": c.str("BillingCycle"), "AccountID": c.who.account.uid, "AccountName": c.who.account.name}
	if from+limit < len(lines) {
		data["NextToken"] = c.token(from + limit)
	}
	return obj{"Data": data, "Code": "Success", "Message": "Successful!"}, nil
}

// summed adds lines up by a key, in the order in which keys come.
func summed(lines []obj, key func(obj) string) []obj {
	var out []obj
	at := map[string]int{}
	for _, l := range lines {
		k := key(l)
		i, ok := at[k]
		if !ok {
			at[k] = len(out)
			out = append(out, l)
			continue
		}
		for _, name := range []string{"PretaxGrossAmount", "PretaxAmount", "PaymentAmount", "CashAmount"} {
			a, _ := out[i][name].(float64)
			b, _ := l[name].(float64)
			out[i][name] = cents(a + b)
		}
	}
	return out
}

func accountBill(c *call) (obj, error) {
	lines, err := c.lines()
	if err != nil {
		return nil, err
	}
	key := func(obj) string { return "" }
	if c.yes("IsGroupByProduct") {
		key = func(l obj) string { return text(l["ProductCode"]) + text(l["SubscriptionType"]) }
	}
	return c.pageOf(summed(lines, key), "Items.Item"), nil
}

func billOverview(c *call) (obj, error) {
	lines, err := c.lines()
	if err != nil {
		return nil, err
	}
	items := []any{}
	for _, l := range summed(lines, func(l obj) string { return text(l["ProductCode"]) + text(l["SubscriptionType"]) }) {
		items = append(items, restrict(c.at("Data.Items.Item"), l))
	}
	return obj{"Data": merge(wrap("Items.Item", items), obj{"BillingCycle": c.str("BillingCycle"), "AccountID": c.who.account.uid, "AccountName": c.who.account.name}), "Code": "Success", "Message": "Successful!"}, nil
}

func accountBalance(c *call) (obj, error) {
	balance := "10000.00"
	if c.solvent() != nil {
		balance = "-1.00"
	}
	return obj{"Data": obj{
		"AvailableAmount": balance, "AvailableCashAmount": balance, "CreditAmount": "0.00", "MybankCreditAmount": "0.00", "Currency": "CNY", "QuotaLimit": "0.00",
	}, "Code": "200", "Message": "success"}, nil
}

func availableInstances(c *call) (obj, error) {
	var lines []obj
	for _, k := range paidKinds() {
		code, _ := productOf(k)
		if want := c.str("ProductCode"); want != "" && want != code {
			continue
		}
		s := c.w.records[k]
		if s == nil {
			continue
		}
		for _, r := range s.order {
			if r.account != c.who.account || c.has("InstanceIDs") && !contains(c.strs("InstanceIDs"), r.id) || c.has("SubscriptionType") && !c.is("SubscriptionType", subscriptionOf(r)) {
				continue
			}
			lines = append(lines, obj{
				"InstanceID": r.id, "ProductCode": code, "ProductType": code, "SubscriptionType": subscriptionOf(r), "Region": r.region, "Status": "Normal", "RenewStatus": textOr(r.attrs["_renewal"], "ManualRenewal"),
				"CreateTime": r.created.UTC().Format(seconds), "EndTime": textOr(r.attrs["ExpiredTime"], "2099-12-31T15:59:59Z"), "OwnerId": number(r.account.uid, 0), "SellerId": 26842, "Seller": "26842",
			})
		}
	}
	return c.pageOf(lines, "InstanceList"), nil
}

// modulePrice is an hour of what a module's configuration says, as "InstanceType:ecs.g7.large".
func modulePrice(config string) float64 {
	for _, t := range instanceTypes() {
		if containsWord(config, t.id) {
			return t.hourly
		}
	}
	for _, k := range dbClasses() {
		if containsWord(config, k.id) {
			return k.hourly
		}
	}
	return 0.1
}

func payAsYouGoPrice(c *call) (obj, error) {
	items := []any{}
	for _, m := range c.list("ModuleList") {
		price := modulePrice(text(m["Config"]))
		items = append(items, obj{"ModuleCode": text(m["ModuleCode"]), "OriginalCost": price, "CostAfterDiscount": price, "UnitPrice": price, "InvoiceDiscount": 0.0})
	}
	return obj{"Data": obj{"Currency": "CNY", "ModuleDetails": obj{"ModuleDetail": items}}, "Code": "Success", "Message": "Successful"}, nil
}

func subscriptionPrice(c *call) (obj, error) {
	items, total := []any{}, 0.0
	months := max(1, c.num("ServicePeriodQuantity", 1))
	if c.is("ServicePeriodUnit", "Year") {
		months *= 12
	}
	for _, m := range c.list("ModuleList") {
		price := cents(modulePrice(text(m["Config"])) * monthHours * float64(months))
		total += price
		items = append(items, obj{"ModuleCode": text(m["ModuleCode"]), "OriginalCost": price, "CostAfterDiscount": cents(price * discount), "InvoiceDiscount": cents(price * (1 - discount)), "UnitPrice": 0.0})
	}
	return obj{"Data": obj{
		"Currency": "CNY", "OriginalPrice": cents(total), "TradePrice": cents(total * discount), "DiscountPrice": cents(total * (1 - discount)), "Quantity": max(1, c.num("Quantity", 1)), "ModuleDetails": obj{"ModuleDetail": items},
	}, "Code": "Success", "Message": "Successful"}, nil
}

func noOrders(c *call) (obj, error) {
	return obj{"Data": obj{"PageNum": 1, "PageSize": 20, "TotalCount": 0}, "Code": "Success", "Message": "Successful!"}, nil
}

func productList(c *call) (obj, error) {
	var lines []obj
	for _, k := range paidKinds() {
		code, name := productOf(k)
		lines = append(lines, obj{"ProductCode": code, "ProductName": name, "ProductType": code, "SubscriptionType": "PayAsYouGo"})
	}
	return c.pageOf(lines, "ProductList.Product"), nil
}

func setRenewal(c *call) (obj, error) {
	for _, id := range c.strs("InstanceIDs") {
		for _, k := range paidKinds() {
			if r := c.w.byID(k, id); r != nil && r.account == c.who.account {
				r.set("_renewal", c.str("RenewalStatus"))
			}
		}
	}
	return obj{"Code": "Success", "Message": "Successful!"}, nil
}
