package billing_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/yunqiao/yunqiao/billing"
	"github.com/yunqiao/yunqiao/internal/refuse"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	billingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/billing/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

// chargingCloud tells bills in pages of two lines, and one price.
type chargingCloud struct {
	bills map[string][]*driverv1.BillLine // by account and month
	final bool
	calls int
	price string // of an hour; a month beforehand is 12, of a year 10
}

func (c *chargingCloud) WithBills() []string {
	if len(c.bills) == 0 {
		return nil
	}
	return []string{"c1"}
}

func (c *chargingCloud) ListBillLines(_ context.Context, r *driverv1.ListBillLinesRequest) (*driverv1.ListBillLinesResponse, error) {
	c.calls++
	lines := c.bills[r.GetAccountId()+"/"+r.GetPeriod()]
	from, _ := strconv.Atoi(r.GetPageToken())
	to := min(from+2, len(lines))
	response := &driverv1.ListBillLinesResponse{Lines: lines[from:to], Zone: "Asia/Shanghai", Final: c.final}
	if to < len(lines) {
		response.NextPageToken = strconv.Itoa(to)
	}
	return response, nil
}

func (c *chargingCloud) QuotePrice(_ context.Context, r *driverv1.QuotePriceRequest) (*driverv1.QuotePriceResponse, error) {
	if r.GetSpec()["flavor_id"] != "c1.small" {
		return nil, refuse.Invalid("spec.flavor_id", "is not sold")
	}
	if r.GetMonths() >= 12 {
		return &driverv1.QuotePriceResponse{ListPrice: strconv.Itoa(10 * int(r.GetMonths())), Unit: "term", Currency: "CNY"}, nil
	}
	if r.GetMonths() > 0 {
		return &driverv1.QuotePriceResponse{ListPrice: strconv.Itoa(12 * int(r.GetMonths())), Unit: "term", Currency: "CNY"}, nil
	}
	return &driverv1.QuotePriceResponse{ListPrice: c.price, Unit: "hour", Currency: "CNY"}, nil
}

// catchUp does what the loops of a process do.
func (f *fixture) catchUp(t *testing.T) error {
	t.Helper()
	return errors.Join(f.CatchUp(t.Context()), f.PullBills(t.Context()))
}

func billLine(id, resource, day, cost string) *driverv1.BillLine {
	return &driverv1.BillLine{
		Id: id, ResourceId: resource, ResourceType: "compute.vm", Day: day, Product: "vm", Category: driverv1.BillCategory_BILL_CATEGORY_USAGE,
		ListCost: cost, Cost: cost, Currency: "CNY", Raw: `{"id":"` + id + `"}`,
	}
}

func TestProviderBill(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, conn grpc.ClientConnInterface) {
		bills := billingv1.NewProviderBillServiceClient(conn)
		addPrice(t, conn, func(*billingv1.CreatePriceRequest) {})
		f.now = local(1, 20, 12)
		// 2 vCPUs at 0.1: 4.8 a day.
		f.record(t, vm("a", local(1, 10, 0), local(1, 13, 0))...)
		f.record(t, vm("b", local(1, 10, 0), local(1, 11, 0))...)
		f.cloud.bills["c1/2025-01"] = []*driverv1.BillLine{
			billLine("1", "a", "2025-01-10", "4.8"), billLine("2", "a", "2025-01-11", "4.0"), billLine("3", "a", "2025-01-11", "0.800000001"),
			billLine("4", "a", "2025-01-12", "6"), billLine("5", "ghost", "2025-01-12", "1"), billLine("6", "", "", "2.5"),
			billLine("5", "ghost", "2025-01-12", "1"), // on the next page once more
		}
		if err := f.catchUp(t); err != nil {
			t.Fatal(err)
		}
		list := must[*billingv1.ListProviderBillsResponse](t)(bills.ListProviderBills(t.Context(), &billingv1.ListProviderBillsRequest{Period: "2025-01"}))
		if len(list.GetProviderBills()) != 1 || list.GetProviderBills()[0].GetLines() != 6 || list.GetProviderBills()[0].GetTotals()[0].GetCost() != "19.1" {
			t.Fatalf("pulled by itself: got %v", list)
		}
		lines := must[*billingv1.ListProviderBillLinesResponse](t)(bills.ListProviderBillLines(t.Context(),
			&billingv1.ListProviderBillLinesRequest{AccountId: "c1", Period: "2025-01", ResourceId: "c1.a", PageSize: 3}))
		if len(lines.GetLines()) != 3 || lines.GetNextPageToken() == "" || lines.GetLines()[0].GetRaw() != `{"id":"1"}` {
			t.Errorf("lines: got %v", lines)
		}
		compared := must[*billingv1.CompareProviderBillResponse](t)(bills.CompareProviderBill(t.Context(),
			&billingv1.CompareProviderBillRequest{AccountId: "c1", Period: "2025-01", Tolerance: "0.01"}))
		var got []string
		for _, d := range compared.GetDifferences() {
			got = append(got, fmt.Sprint(d.GetResourceId(), d.GetDay(), d.GetDifference(), d.GetReason()))
		}
		want := []string{
			"c1.b2025-01-104.8BILL_DIFFERENCE_REASON_NOT_BILLED", "-2.5BILL_DIFFERENCE_REASON_NO_RESOURCE",
			"c1.a2025-01-12-1.2BILL_DIFFERENCE_REASON_AMOUNT", "c1.ghost2025-01-12-1BILL_DIFFERENCE_REASON_NOT_METERED",
		}
		if fmt.Sprint(got) != fmt.Sprint(want) || compared.GetAgreements() != 2 || compared.GetCosts()[0].GetCost() != "19.2" {
			t.Errorf("got %v\n%v", got, compared)
		}
		if got := alarms(t, f); len(got) != 0 {
			t.Errorf("alarms of a bill that still grows: %v", got)
		}

		calls := f.cloud.calls
		f.now = local(1, 20, 13)
		if err := f.catchUp(t); err != nil || f.cloud.calls != calls {
			t.Errorf("an hour later: %d calls more, %v", f.cloud.calls-calls, err)
		}
		f.cloud.final = true
		for day := 21; day < 24; day++ { // pulled once more, then it is final
			f.now = local(1, day, 13)
			if err := f.catchUp(t); err != nil {
				t.Fatal(err)
			}
		}
		if got := alarms(t, f); fmt.Sprint(got) != "[bill CNY]" {
			t.Errorf("alarms of the final bill: %v, want one", got)
		}

		f.cloud.bills["c1/2025-01"] = append(f.cloud.bills["c1/2025-01"], billLine("7", "a", "2025-02-01", "1"))
		if _, err := bills.PullProviderBill(t.Context(), &billingv1.PullProviderBillRequest{AccountId: "c1", Period: "2025-01"}); err == nil {
			t.Error("a day of another month was taken")
		}
		kept := must[*billingv1.ListProviderBillLinesResponse](t)(bills.ListProviderBillLines(t.Context(),
			&billingv1.ListProviderBillLinesRequest{AccountId: "c1", Period: "2025-01"}))
		if len(kept.GetLines()) != 6 {
			t.Errorf("after a bill that cannot be read: %d lines are kept, want 6", len(kept.GetLines()))
		}
		_, err := bills.CompareProviderBill(t.Context(), &billingv1.CompareProviderBillRequest{AccountId: "c1", Period: "2024-06"})
		refused(t, err, codes.NotFound)
		f.world.caller = billing.Caller{UserID: "user-1", OrganizationID: "org1"}
		_, err = bills.ListProviderBills(t.Context(), &billingv1.ListProviderBillsRequest{})
		refused(t, err, codes.PermissionDenied)
	})
}

func TestPullPrice(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, conn grpc.ClientConnInterface) {
		prices := billingv1.NewPriceServiceClient(conn)
		request := &billingv1.PullPriceRequest{
			AccountId: "c1", ResourceType: "compute.vm", Spec: map[string]string{"flavor_id": "c1.small"}, MarkupPercent: "12.5",
		}
		for n, step := range []struct {
			list, want string
			version    int32
			changed    bool
		}{{"0.8", "0.9", 1, true}, {"0.8", "0.9", 1, false}, {"1.0000000001", "1.1250000001", 2, true}} {
			f.cloud.price = step.list
			f.now = f.now.AddDate(0, 0, 1)
			got := must[*billingv1.PullPriceResponse](t)(prices.PullPrice(t.Context(), request))
			p := got.GetPrice()
			if p.GetPrice() != step.want || p.GetVersion() != step.version || got.GetChanged() != step.changed || p.GetUnit() != billingv1.Unit_UNIT_HOUR ||
				p.GetAccountId() != "c1" || p.GetMatch()["flavor_id"] != "c1.small" || p.GetMeter() != "instance" {
				t.Errorf("%d: got %v", n, got)
			}
		}
		request.Months, request.MarkupPercent = 6, ""
		got := must[*billingv1.PullPriceResponse](t)(prices.PullPrice(t.Context(), request))
		if got.GetPrice().GetPrice() != "12" || got.GetPrice().GetUnit() != billingv1.Unit_UNIT_MONTH || got.GetProviderListPrice() != "72" {
			t.Errorf("beforehand: got %v", got)
		}
		request.Months, f.cloud.price = 0, ""
		if got, err := prices.PullPrice(t.Context(), request); err == nil {
			t.Errorf("a cloud that gives no price: got %v", got)
		}
		request.Spec = map[string]string{"flavor_id": "c1.huge"}
		_, err := prices.PullPrice(t.Context(), request)
		refused(t, err, codes.InvalidArgument)
	})
}

// TestPricesOfTerms: what clouds ask for a month and for a year are two prices, and an
// order pays the one of its term.
func TestPricesOfTerms(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, conn grpc.ClientConnInterface) {
		prices, orders := billingv1.NewPriceServiceClient(conn), billingv1.NewOrderServiceClient(conn)
		for n, pull := range []struct {
			months  int32
			changed bool
		}{{1, true}, {12, true}, {1, false}, {12, false}} {
			got := must[*billingv1.PullPriceResponse](t)(prices.PullPrice(t.Context(), &billingv1.PullPriceRequest{
				AccountId: "c1", ResourceType: "compute.vm", Spec: map[string]string{"flavor_id": "c1.small"}, Months: pull.months,
			}))
			if got.GetChanged() != pull.changed || got.GetPrice().GetTermMonths() != pull.months || got.GetPrice().GetVersion() != 1 {
				t.Errorf("%d: got %v", n, got)
			}
		}
		for months, want := range map[int32]string{1: "12", 11: "132", 12: "120", 24: "240"} {
			got := must[*billingv1.CreateOrderResponse](t)(orders.CreateOrder(t.Context(), &billingv1.CreateOrderRequest{
				ResourceId: fmt.Sprint("c1.vm-", months), ResourceType: "compute.vm", AccountId: "c1", OrganizationId: "org1",
				ChargeMode: apiv1.ChargeMode_CHARGE_MODE_PREPAID, PeriodMonths: months, Spec: []string{"flavor_id=c1.small"},
			}))
			if got.GetOrder().GetAmount() != want {
				t.Errorf("%d months: got %s, want %s", months, got.GetOrder().GetAmount(), want)
			}
		}
		for format := billingv1.PriceFormat_PRICE_FORMAT_YAML; format <= billingv1.PriceFormat_PRICE_FORMAT_XLSX; format++ {
			out := must[*billingv1.ExportPricesResponse](t)(prices.ExportPrices(t.Context(), &billingv1.ExportPricesRequest{Format: format}))
			got, err := prices.ImportPrices(t.Context(), &billingv1.ImportPricesRequest{Document: out.GetDocument(), Workbook: out.GetWorkbook(), Format: format})
			if err != nil || got.GetKept() != 2 {
				t.Errorf("%s: got %v, %v, want 2 kept", format, got, err)
			}
		}
		_, err := prices.CreatePrice(t.Context(), &billingv1.CreatePriceRequest{ResourceType: "compute.vm", Meter: "vcpus", Unit: billingv1.Unit_UNIT_HOUR, Price: "1", TermMonths: 1})
		refused(t, err, codes.InvalidArgument)
	})
}

// TestFinalBillByHand tells the differences of a bill that somebody has pulled before
// its day, and of an empty one.
func TestFinalBillByHand(t *testing.T) {
	for name, lines := range map[string][]*driverv1.BillLine{"too low": {billLine("1", "a", "2025-01-10", "4")}, "empty": nil} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, f *fixture, conn grpc.ClientConnInterface) {
				addPrice(t, conn, func(*billingv1.CreatePriceRequest) {})
				f.now = local(1, 20, 12)
				f.record(t, vm("a", local(1, 10, 0), local(1, 11, 0))...)
				f.cloud.bills["c1/2025-01"], f.cloud.final = lines, true
				must[*billingv1.PullProviderBillResponse](t)(billingv1.NewProviderBillServiceClient(conn).PullProviderBill(t.Context(),
					&billingv1.PullProviderBillRequest{AccountId: "c1", Period: "2025-01"}))
				for range 2 {
					if err := f.catchUp(t); err != nil {
						t.Fatal(err)
					}
					f.now = f.now.AddDate(0, 0, 1)
				}
				if got := alarms(t, f); fmt.Sprint(got) != "[bill CNY]" {
					t.Errorf("alarms: %v, want one", got)
				}
			})
		})
	}
}
