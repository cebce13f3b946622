package bill_test

import (
	"strings"
	"testing"

	"github.com/yunqiao/yunqiao/billing/bill"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

func TestFromDriver(t *testing.T) {
	t.Parallel()
	good := func() *driverv1.BillLine {
		return &driverv1.BillLine{
			Id: "1", ResourceId: "i-9", Day: "2026-11-03", Currency: "CNY", ListCost: "1.5", Cost: "-0.000000005", Category: driverv1.BillCategory_BILL_CATEGORY_REFUND,
		}
	}
	l, err := bill.FromDriver("ali", "2026-11", good())
	if err != nil || l.ResourceID != "ali.i-9" || l.List != 150_000_000 || l.Cost != -1 || l.Category != "REFUND" {
		t.Errorf("got %+v, %v", l, err)
	}
	for text, want := range map[string]int64{
		"": 0, "0": 0, "0.123456784999999999": 12345678, "0.123456785": 12345679, "-0.123456785": -12345679, "12.00": 1_200_000_000, ".5": 50_000_000,
	} {
		told := good()
		told.Cost = text
		if l, err := bill.FromDriver("ali", "2026-11", told); err != nil || l.Cost != want {
			t.Errorf("%q: got %d, %v, want %d", text, l.Cost, err, want)
		}
	}
	for name, edit := range map[string]func(*driverv1.BillLine){
		"no id":         func(l *driverv1.BillLine) { l.Id = "" },
		"another month": func(l *driverv1.BillLine) { l.Day = "2026-10-31" },
		"no day":        func(l *driverv1.BillLine) { l.Day = "2026-11-31" },
		"no currency":   func(l *driverv1.BillLine) { l.Currency = "RMB元" },
		"exponent":      func(l *driverv1.BillLine) { l.Cost = "1e9" },
		"fraction":      func(l *driverv1.BillLine) { l.Cost = "1/3" },
		"two points":    func(l *driverv1.BillLine) { l.Cost = "1.2.3" },
		"too large":     func(l *driverv1.BillLine) { l.Cost = strings.Repeat("9", 20) },
		"too long":      func(l *driverv1.BillLine) { l.ListCost = strings.Repeat("0", 65) },
	} {
		told := good()
		edit(told)
		if l, err := bill.FromDriver("ali", "2026-11", told); err == nil {
			t.Errorf("%s: got %+v, want an error", name, l)
		}
	}
}
