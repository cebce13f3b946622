package sim

import (
	"math"
	"time"
)

// Prices of the simulator's own, in CNY: a GiB of disk an hour, a public address an
// hour, and the hours of a month.
const (
	gibHour    = 0.0021
	eipHour    = 0.02
	slbHour    = 0.05
	natHour    = 0.195
	vpnHour    = 0.52
	wafHour    = 0.5
	monthHours = 720
)

// discount is what a subscription of a month costs of its hours.
const discount = 0.6

func ecsPrices() actions {
	return actions{"DescribePrice": ecsPrice, "DescribeRenewalPrice": ecsRenewalPrice, "DescribeInstanceModificationPrice": ecsChangePrice}
}

func cents(f float64) float64 { return math.Round(f*1e6) / 1e6 }

// hours is how long the price is for, and the share of it that is asked.
func (c *call) hours() (n int, share float64) {
	period := max(1, c.num("Period", 1))
	switch c.or("PriceUnit", "Hour") {
	case "Year":
		return period * 12 * monthHours, discount
	case "Month":
		return period * monthHours, discount
	case "Week":
		return period * 168, discount
	case "Day":
		return period * 24, 1
	}
	return period, 1
}

func ecsPrice(c *call) (obj, error) {
	hourly, details := 0.0, []any{}
	n, share := c.hours()
	add := func(resource string, price float64) {
		hourly += price
		total := cents(price * float64(n))
		details = append(details, obj{"Resource": resource, "OriginalPrice": total, "TradePrice": cents(total * share), "DiscountPrice": cents(total * (1 - share))})
	}
	if c.or("ResourceType", "instance") == "instance" {
		t, ok := findType(c.str("InstanceType"))
		if !ok {
			return nil, c.failOne([]string{"InvalidInstanceType.ValueNotSupported", "InvalidInstanceType.NotSupported"}, "The specified InstanceType does not exist.")
		}
		add("instanceType", t.hourly)
		add("systemDisk", float64(c.num("SystemDisk.Size", 40))*gibHour)
		add("bandwidth", float64(c.num("InternetMaxBandwidthOut", 0))*0.08)
	}
	for _, name := range []string{"DataDisk.1", "DataDisk.2", "DataDisk.3", "DataDisk.4"} {
		if size := c.num(name+".Size", 0); size > 0 {
			add("dataDisk", float64(size)*gibHour)
		}
	}
	if category := c.str("DataDisk.1.Category"); category != "" && !contains(diskCategories(), category) {
		return nil, c.fail("InvalidDataDiskCategory.ValueNotSupported", "The specified data disk category does not exist.")
	}
	for _, d := range c.list("DataDisk") {
		add("dataDisk", float64(number(d["Size"], 0))*gibHour)
	}
	return c.priceInfo(hourly*float64(n*max(1, c.num("Amount", 1))), share, details), nil
}

func (c *call) priceInfo(original, share float64, details []any) obj {
	return obj{"PriceInfo": restrict(c.at("PriceInfo"), obj{"Price": obj{
		"Currency": "CNY", "OriginalPrice": cents(original), "TradePrice": cents(original * share), "DiscountPrice": cents(original * (1 - share)),
		"DetailInfos": obj{"DetailInfo": details},
	}})}
}

func ecsRenewalPrice(c *call) (obj, error) {
	vm, err := c.need(kindInstance, c.str("ResourceId"), "InvalidInstanceId.NotFound")
	if err != nil {
		return nil, err
	}
	t, _ := findType(vm.str("InstanceType"))
	period := max(1, c.num("Period", 1))
	if c.is("PriceUnit", "Year") {
		period *= 12
	}
	return c.priceInfo(t.hourly*float64(period*monthHours), discount, []any{}), nil
}

func ecsChangePrice(c *call) (obj, error) {
	t, ok := findType(c.str("InstanceType"))
	if !ok {
		return nil, c.failOne([]string{"InvalidInstanceType.ValueNotSupported"}, "The specified InstanceType does not exist.")
	}
	return c.priceInfo(t.hourly*monthHours, discount, []any{}), nil
}

// hourlyOf is what a record costs an hour; 0 is free.
func hourlyOf(r *record) float64 {
	switch r.kind {
	case kindInstance:
		t, _ := findType(r.str("InstanceType"))
		if r.is("Status", "Stopped") && r.is("StoppedMode", "StopCharging") {
			return 0
		}
		return t.hourly
	case kindDisk:
		return float64(r.num("Size")) * gibHour
	case kindEIP:
		return eipHour
	case kindLoadBalancer:
		return slbHour
	case kindNatGateway:
		return natHour
	case kindVpnGateway:
		return vpnHour
	case kindWafInstance:
		return wafHour
	case kindDatabase:
		k, _ := findClass(r.str("DBInstanceClass"))
		return k.hourly + float64(r.num("DBInstanceStorage"))*gibHour
	case kindContainerGroup:
		cpu, _ := r.attrs["Cpu"].(float64)
		memory, _ := r.attrs["Memory"].(float64)
		return cpu*cpuHour + memory*memoryHour
	}
	return 0
}

// charge is what was used in a month.
type charge struct {
	record *record
	from   time.Time
	hours  float64
	price  float64 // an hour
}
