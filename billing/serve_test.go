package billing_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/billing"
	"github.com/yunqiao/yunqiao/billing/ledger"
	"github.com/yunqiao/yunqiao/billing/metering"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	"github.com/yunqiao/yunqiao/internal/inproc"
	"github.com/yunqiao/yunqiao/internal/money"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	billingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/billing/v1"
)

// each runs a test over SQLite and PostgreSQL, as the user anna of the root.
func each(t *testing.T, test func(t *testing.T, f *fixture, conn grpc.ClientConnInterface)) {
	for name, dsn := range map[string]func(testing.TB) string{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		t.Run(name, func(t *testing.T) {
			f := open(t, dsn(t))
			f.world.caller = billing.Caller{UserID: "anna", OrganizationID: "root"}
			conn := inproc.New()
			f.Register(conn)
			test(t, f, conn)
		})
	}
}

// vm tells of a VM of org1 with 2 vCPUs: it runs from a time until another.
func vm(id string, from, to time.Time) []metering.Event {
	var out []metering.Event
	for n, at := range []time.Time{from, to} {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d", id, n))
		e := metering.Event{
			ID: hex.EncodeToString(sum[:16]), Kind: metering.StateChanged, ResourceID: "c1." + id, ResourceType: "compute.vm", AccountID: "c1",
			TenantID: "org1", ActorID: "user-1", Sequence: int32(n + 1), At: at, State: "VM_STATE_RUNNING", Spec: map[string]string{"vcpus": "2"},
		}
		if n == 1 {
			e.Kind, e.State = metering.Gone, ""
		}
		out = append(out, e)
	}
	return out
}

func local(month time.Month, day, hour int) time.Time {
	return time.Date(2025, month, day, hour, 0, 0, 0, shanghai)
}

func must[T any](t testing.TB) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func refused(t testing.TB, err error, want codes.Code) {
	t.Helper()
	if status.Code(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func addPrice(t testing.TB, conn grpc.ClientConnInterface, edit func(*billingv1.CreatePriceRequest)) *billingv1.Price {
	t.Helper()
	request := &billingv1.CreatePriceRequest{
		ResourceType: "compute.vm", Meter: "vcpus", Unit: billingv1.Unit_UNIT_HOUR, Price: "0.1", EffectiveAt: timestamppb.New(local(1, 1, 0)),
	}
	edit(request)
	return must[*billingv1.CreatePriceResponse](t)(billingv1.NewPriceServiceClient(conn).CreatePrice(t.Context(), request)).GetPrice()
}

// TestAMonth goes from prices to a closed month, a late event and a reopening.
func TestAMonth(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, conn grpc.ClientConnInterface) {
		costs, periods, statements := billingv1.NewCostServiceClient(conn), billingv1.NewPeriodServiceClient(conn), billingv1.NewStatementServiceClient(conn)
		f.now = local(1, 1, 0)
		addPrice(t, conn, func(*billingv1.CreatePriceRequest) {})
		applicant := must[*billingv1.CreateApplicantResponse](t)(billingv1.NewApplicantServiceClient(conn).CreateApplicant(t.Context(),
			&billingv1.CreateApplicantRequest{Name: "张三", UserId: "user-1", OrganizationId: "org1", Contact: "010-1234"}))
		f.now = local(2, 2, 0)
		f.record(t, vm("a", local(1, 10, 0), local(1, 20, 0))...)
		if err := f.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		page := must[*billingv1.ListCostsResponse](t)(costs.ListCosts(t.Context(), &billingv1.ListCostsRequest{Period: "2025-01", PageSize: 4}))
		if got := page.GetTotals()[0]; got.GetBilledCost() != "48" || got.GetLines() != 10 || page.GetNextPageToken() == "" {
			t.Errorf("got %v, want 48 CNY in 10 lines", got)
		}
		seen := map[string]bool{}
		for token, n := "", 0; n == 0 || token != ""; n++ {
			page := must[*billingv1.ListCostsResponse](t)(costs.ListCosts(t.Context(), &billingv1.ListCostsRequest{PageSize: 4, PageToken: token}))
			for _, c := range page.GetCosts() {
				seen[c.GetId()] = true
				if c.GetApplicantId() != applicant.GetId() || c.GetOrderId() == "" || c.GetRegion() != "region-1" {
					t.Errorf("attribution of %v", c)
				}
			}
			token = page.GetNextPageToken()
		}
		if len(seen) != 10 {
			t.Errorf("pages hold %d lines, want 10", len(seen))
		}
		for by := range billingv1.CostDimension_name {
			if by == 0 {
				continue
			}
			sum := must[*billingv1.SummarizeCostsResponse](t)(costs.SummarizeCosts(t.Context(), &billingv1.SummarizeCostsRequest{
				Period: "2025-01", GroupBy: []billingv1.CostDimension{billingv1.CostDimension(by)}}))
			if sum.GetTotals()[0].GetBilledCost() != "48" {
				t.Errorf("by %s: got %v, want 48", billingv1.CostDimension(by), sum.GetTotals())
			}
		}
		_, err := periods.ClosePeriod(t.Context(), &billingv1.ClosePeriodRequest{Period: "2025-01"})
		refused(t, err, codes.FailedPrecondition)
		must[*billingv1.ReviewPeriodResponse](t)(periods.ReviewPeriod(t.Context(), &billingv1.ReviewPeriodRequest{Period: "2025-01"}))
		closed := must[*billingv1.ClosePeriodResponse](t)(periods.ClosePeriod(t.Context(), &billingv1.ClosePeriodRequest{Period: "2025-01"}))
		if closed.GetStatements() != 1 || closed.GetPeriod().GetStatus() != billingv1.PeriodStatus_PERIOD_STATUS_CLOSED {
			t.Errorf("closed: %v", closed)
		}
		list := must[*billingv1.ListStatementsResponse](t)(statements.ListStatements(t.Context(), &billingv1.ListStatementsRequest{Period: "2025-01"}))
		if s := list.GetStatements()[0]; s.GetTotal() != "48.00" || s.GetNet() != "45.28" || s.GetTax() != "2.72" || s.GetNumber() != "YQ-202501-00001-2" {
			t.Errorf("statement: %v", s)
		}
		// It had in truth begun two days earlier.
		late := vm("a", local(1, 8, 0), local(1, 20, 0))[0]
		late.ID, late.Sequence = strings.Repeat("f", 32), 0
		f.record(t, late)
		if err := f.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		page = must[*billingv1.ListCostsResponse](t)(costs.ListCosts(t.Context(), &billingv1.ListCostsRequest{Period: "2025-02"}))
		if len(page.GetCosts()) != 1 || page.GetCosts()[0].GetBilledCost() != "9.6" || !page.GetCosts()[0].GetCorrection() || page.GetCosts()[0].GetCorrects() == "" {
			t.Errorf("correction: %v", page.GetCosts())
		}
		_, err = periods.ReopenPeriod(t.Context(), &billingv1.ReopenPeriodRequest{Period: "2025-01", Reason: "late"})
		refused(t, err, codes.PermissionDenied)
		f.world.caller.UserID = "bert"
		must[*billingv1.ReopenPeriodResponse](t)(periods.ReopenPeriod(t.Context(), &billingv1.ReopenPeriodRequest{Period: "2025-01", Reason: "late"}))
		must[*billingv1.RatePeriodResponse](t)(periods.RatePeriod(t.Context(), &billingv1.RatePeriodRequest{Period: "2025-01"}))
		sum := must[*billingv1.SummarizeCostsResponse](t)(costs.SummarizeCosts(t.Context(), &billingv1.SummarizeCostsRequest{
			GroupBy: []billingv1.CostDimension{billingv1.CostDimension_COST_DIMENSION_PERIOD}}))
		if len(sum.GetGroups()) != 2 || sum.GetGroups()[0].GetTotal().GetBilledCost() != "57.6" || sum.GetGroups()[1].GetTotal().GetBilledCost() != "0" {
			t.Errorf("after reopening: %v", sum.GetGroups())
		}
		sumsAgree(t, f)
	})
}

// TestLateEvents: late events change no row of a closed month, and each of another
// resource becomes one correction.
func TestLateEvents(t *testing.T) {
	late := 1000
	if n, err := strconv.Atoi(os.Getenv("YUNQIAO_BILLING_LATE")); err == nil {
		late = n
	}
	each(t, func(t *testing.T, f *fixture, conn grpc.ClientConnInterface) {
		f.now = local(1, 1, 0)
		addPrice(t, conn, func(*billingv1.CreatePriceRequest) {})
		f.now = local(2, 1, 1)
		var events []metering.Event
		for n := range late {
			id := fmt.Sprintf("vm-%05d", n)
			events = append(events, vm(id, local(1, 1+n%20, n%24), local(1, 25, 0))[0])
		}
		f.record(t, events...)
		rate := func() ledger.Result {
			return must[ledger.Result](t)(f.Rate(t.Context(), local(1, 1, 0), local(2, 1, 0)))
		}
		rate()
		if err := f.store.Write.Create(&ledger.PeriodChange{Period: "2025-01", Version: 1, State: ledger.Closed, ChangedAt: f.now.UTC()}).Error; err != nil {
			t.Fatal(err)
		}
		closed := func() string {
			var rows []ledger.Row
			if err := f.store.Read.Where("period = ?", "2025-01").Order("id").Find(&rows).Error; err != nil {
				t.Fatal(err)
			}
			return fmt.Sprint(len(rows)) + hex.EncodeToString(sha256.New().Sum(fmt.Appendf(nil, "%+v", rows))[:64])
		}
		before := closed()
		var ends []metering.Event
		for n := range late {
			ends = append(ends, vm(fmt.Sprintf("vm-%05d", n), local(1, 1, 0), local(1, 21+n%3, n%24))[1])
		}
		f.record(t, ends...)
		if got := rate(); got.Corrections != late || got.Added+got.TakenBack != 0 {
			t.Errorf("got %+v, want %d corrections and nothing else", got, late)
		}
		if got := rate(); got.Corrections != 0 {
			t.Errorf("again: got %+v, want nothing", got)
		}
		if after := closed(); after != before {
			t.Error("rows of the closed month changed")
		}
	})
}

func TestSubscription(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, conn grpc.ClientConnInterface) {
		orders := billingv1.NewOrderServiceClient(conn)
		f.now = local(1, 31, 12)
		addPrice(t, conn, func(*billingv1.CreatePriceRequest) {})
		addPrice(t, conn, func(r *billingv1.CreatePriceRequest) {
			r.ChargeMode, r.Unit, r.Price = apiv1.ChargeMode_CHARGE_MODE_PREPAID, billingv1.Unit_UNIT_MONTH, "50"
		})
		order := func(edit func(*billingv1.CreateOrderRequest)) (*billingv1.CreateOrderResponse, error) {
			r := &billingv1.CreateOrderRequest{
				ResourceId: "c1.a", ResourceType: "compute.vm", AccountId: "c1", OrganizationId: "org1", ChargeMode: apiv1.ChargeMode_CHARGE_MODE_PREPAID,
				PeriodMonths: 1, Spec: []string{"vcpus=2"},
			}
			edit(r)
			return orders.CreateOrder(t.Context(), r)
		}
		_, err := order(func(r *billingv1.CreateOrderRequest) { r.Kind = billingv1.OrderKind_ORDER_KIND_RENEW })
		refused(t, err, codes.FailedPrecondition)
		first := must[*billingv1.CreateOrderResponse](t)(order(func(*billingv1.CreateOrderRequest) {})).GetOrder()
		if got := first.GetEndsAt().AsTime().In(shanghai); first.GetAmount() != "100" || !got.Equal(local(2, 28, 12)) {
			t.Errorf("got %s until %s, want 100 until the last day of February", first.GetAmount(), got)
		}
		_, err = order(func(*billingv1.CreateOrderRequest) {})
		refused(t, err, codes.FailedPrecondition) // overlaps
		f.record(t, vm("a", local(1, 31, 0), local(3, 1, 0))...)
		f.now = local(2, 14, 12)
		if err := f.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		// Paid by the hour until the order began.
		sum := must[*billingv1.SummarizeCostsResponse](t)(billingv1.NewCostServiceClient(conn).SummarizeCosts(t.Context(), &billingv1.SummarizeCostsRequest{
			GroupBy: []billingv1.CostDimension{billingv1.CostDimension_COST_DIMENSION_CATEGORY, billingv1.CostDimension_COST_DIMENSION_REASON}}))
		var got []string
		for _, g := range sum.GetGroups() {
			got = append(got, strings.Join(g.GetKeys(), "/")+"="+g.GetTotal().GetBilledCost())
		}
		if want := "Purchase/=100 Usage/=2.4 Usage/COVERED=0"; strings.Join(got, " ") != want {
			t.Errorf("got %s, want %s", strings.Join(got, " "), want)
		}
		_, err = orders.RefundOrder(t.Context(), &billingv1.RefundOrderRequest{Id: first.GetId(), Amount: "100.00000001"})
		refused(t, err, codes.InvalidArgument)
		back := must[*billingv1.RefundOrderResponse](t)(orders.RefundOrder(t.Context(), &billingv1.RefundOrderRequest{Id: first.GetId()}))
		if back.GetAmount() != "50" || back.GetOrder().GetStatus() != billingv1.OrderStatus_ORDER_STATUS_REFUNDED {
			t.Errorf("refund: %v", back)
		}
		_, err = orders.RefundOrder(t.Context(), &billingv1.RefundOrderRequest{Id: first.GetId()})
		refused(t, err, codes.FailedPrecondition)
		_, err = orders.DeleteOrder(t.Context(), &billingv1.DeleteOrderRequest{Id: first.GetId()})
		refused(t, err, codes.FailedPrecondition)
		sumsAgree(t, f)
	})
}

// TestOthersCosts: an organization sees what is its own.
func TestOthersCosts(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, conn grpc.ClientConnInterface) {
		costs := billingv1.NewCostServiceClient(conn)
		f.now = local(1, 1, 0)
		addPrice(t, conn, func(*billingv1.CreatePriceRequest) {})
		f.now = local(1, 3, 0)
		f.record(t, vm("a", local(1, 1, 0), local(1, 2, 0))...)
		if err := f.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		id := must[*billingv1.ListCostsResponse](t)(costs.ListCosts(t.Context(), &billingv1.ListCostsRequest{})).GetCosts()[0].GetId()
		f.world.caller = billing.Caller{UserID: "carl", OrganizationID: "org2"}
		if got := must[*billingv1.ListCostsResponse](t)(costs.ListCosts(t.Context(), &billingv1.ListCostsRequest{})); len(got.GetCosts())+len(got.GetTotals()) != 0 {
			t.Errorf("another organization's costs: %v", got)
		}
		_, err := costs.ListCosts(t.Context(), &billingv1.ListCostsRequest{OrganizationId: "org1"})
		refused(t, err, codes.NotFound)
		_, err = costs.ExplainCost(t.Context(), &billingv1.ExplainCostRequest{Id: id})
		refused(t, err, codes.NotFound)
		_, err = billingv1.NewAttributionServiceClient(conn).CreateAttribution(t.Context(), &billingv1.CreateAttributionRequest{ResourceId: "c1.a", Programme: "mine"})
		refused(t, err, codes.NotFound)
		// What concerns all, and what moves money, is for the root.
		_, err = billingv1.NewPriceServiceClient(conn).ImportPrices(t.Context(), &billingv1.ImportPricesRequest{Document: "prices: []", Format: billingv1.PriceFormat_PRICE_FORMAT_YAML})
		refused(t, err, codes.PermissionDenied)
		_, err = billingv1.NewAdjustmentServiceClient(conn).CreateAdjustment(t.Context(), &billingv1.CreateAdjustmentRequest{OrganizationId: "org2", Amount: "-100", Reason: "gift"})
		refused(t, err, codes.PermissionDenied)
		_, err = billingv1.NewPeriodServiceClient(conn).ReviewPeriod(t.Context(), &billingv1.ReviewPeriodRequest{Period: "2025-01"})
		refused(t, err, codes.PermissionDenied)
	})
}

// TestFreeAndUnpriced: what costs nothing is seen, with its reason.
func TestFreeAndUnpriced(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, conn grpc.ClientConnInterface) {
		costs := billingv1.NewCostServiceClient(conn)
		f.now = local(1, 1, 0)
		f.record(t, vm("a", local(1, 1, 0), local(1, 6, 0))...)
		f.now = local(1, 7, 0)
		show := func() string {
			if err := f.CatchUp(t.Context()); err != nil {
				t.Fatal(err)
			}
			page := must[*billingv1.ListCostsResponse](t)(costs.ListCosts(t.Context(), &billingv1.ListCostsRequest{}))
			total := page.GetTotals()[0]
			return fmt.Sprintf("%s of %s", total.GetBilledCost(), total.GetListCost())
		}
		if got := show(); got != "0 of 0" {
			t.Errorf("without a price: %s", got)
		}
		gap := addPrice(t, conn, func(r *billingv1.CreatePriceRequest) { r.EffectiveAt = timestamppb.New(local(1, 2, 0)) })
		if got := show(); got != "19.2 of 19.2" {
			t.Errorf("with a price from the second day on: %s", got)
		}
		if got := must[*billingv1.ListCostsResponse](t)(costs.ListCosts(t.Context(), &billingv1.ListCostsRequest{Unpriced: true, Until: local(1, 2, 0).Format(time.RFC3339)})); len(got.GetCosts()) != 1 {
			t.Errorf("the price gap is not seen: %v", got)
		}
		must[*billingv1.CreateDiscountResponse](t)(billingv1.NewDiscountServiceClient(conn).CreateDiscount(t.Context(), &billingv1.CreateDiscountRequest{
			OrganizationId: "org1", Percent: "100", ValidFrom: timestamppb.New(local(1, 4, 0))}))
		if got := show(); got != "9.6 of 19.2" {
			t.Errorf("with all discounted from the fourth day on: %s", got)
		}
		must[*billingv1.UpdatePriceResponse](t)(billingv1.NewPriceServiceClient(conn).UpdatePrice(t.Context(), &billingv1.UpdatePriceRequest{
			Id: gap.GetId(), Price: ptr("0.2"), EffectiveAt: timestamppb.New(local(1, 3, 12))}))
		if got := show(); got != "12 of 31.2" {
			t.Errorf("with another price from the third day's noon on: %s", got)
		}
		sumsAgree(t, f)
	})
}

func ptr[T any](value T) *T { return &value }

func TestPricesGoOutAndIn(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, conn grpc.ClientConnInterface) {
		prices := billingv1.NewPriceServiceClient(conn)
		addPrice(t, conn, func(r *billingv1.CreatePriceRequest) {
			r.Match, r.States = map[string]string{"flavor_id": "m1"}, []string{"VM_STATE_RUNNING"}
		})
		addPrice(t, conn, func(r *billingv1.CreatePriceRequest) {
			r.Meter, r.Model, r.Price, r.Pooled = "memory_mib", billingv1.PricingModel_PRICING_MODEL_GRADUATED, "", true
			r.Tiers = []*billingv1.PriceTier{{UpTo: "100", Price: "0.1", Fee: "1"}, {Price: "0.0500000001"}}
		})
		for format := billingv1.PriceFormat_PRICE_FORMAT_YAML; format <= billingv1.PriceFormat_PRICE_FORMAT_XLSX; format++ {
			out := must[*billingv1.ExportPricesResponse](t)(prices.ExportPrices(t.Context(), &billingv1.ExportPricesRequest{Format: format}))
			got, err := prices.ImportPrices(t.Context(), &billingv1.ImportPricesRequest{Document: out.GetDocument(), Workbook: out.GetWorkbook(), Format: format})
			if err != nil || got.GetKept() != 2 || got.GetAdded()+got.GetChanged() != 0 {
				t.Errorf("%s: got %v, %v, want 2 kept of\n%s", format, got, err, out.GetDocument())
			}
		}
		got, err := prices.ImportPrices(t.Context(), &billingv1.ImportPricesRequest{Format: billingv1.PriceFormat_PRICE_FORMAT_YAML, Document: `
prices:
  - {resource_type: storage.disk, meter: size_gib, unit: month, price: 0.35}
  - {resource_type: compute.vm, meter: vcpus, unit: hour, price: 0.3000000001, match: {flavor_id: m1}, states: [VM_STATE_RUNNING]}
`})
		if err != nil || got.GetAdded() != 1 || got.GetChanged() != 1 {
			t.Errorf("import: got %v, %v", got, err)
		}
		_, err = prices.ImportPrices(t.Context(), &billingv1.ImportPricesRequest{Format: billingv1.PriceFormat_PRICE_FORMAT_CSV,
			Document: "resource_type,meter,unit,price\nstorage.disk,size_gib,HOUR,1\nstorage.disk,iops,HOUR,-1\n"})
		refused(t, err, codes.InvalidArgument)
		page := must[*billingv1.ListPricesResponse](t)(prices.ListPrices(t.Context(), &billingv1.ListPricesRequest{AllVersions: true}))
		if len(page.GetPrices()) != 4 {
			t.Errorf("got %d versions, want 4: a refused import adds none", len(page.GetPrices()))
		}
	})
}

// TestEstimate asks before, and is refused over a budget.
func TestEstimate(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, conn grpc.ClientConnInterface) {
		prices := billingv1.NewPriceServiceClient(conn)
		addPrice(t, conn, func(r *billingv1.CreatePriceRequest) { r.States = []string{"VM_STATE_RUNNING"} })
		request := &billingv1.EstimatePriceRequest{OrganizationId: "org1", ResourceType: "compute.vm", Spec: []string{"vcpus=4"}, FromSpec: []string{"vcpus=1"}}
		got := must[*billingv1.EstimatePriceResponse](t)(prices.EstimatePrice(t.Context(), request))
		if got.GetHourly() != "0.4" || got.GetMonthly() != "292" || got.GetMonthlyChange() != "219" || got.GetOverBudget() {
			t.Errorf("got %v", got)
		}
		must[*billingv1.CreateBudgetResponse](t)(billingv1.NewBudgetServiceClient(conn).CreateBudget(t.Context(), &billingv1.CreateBudgetRequest{OrganizationId: "org1", Amount: "200"}))
		request.RefuseOverBudget = true
		_, err := prices.EstimatePrice(t.Context(), request)
		if err == nil || !strings.Contains(err.Error(), "budget") {
			t.Errorf("got %v, want a refusal because of the budget", err)
		}
	})
}

// TestExportsAddUp reads each format back.
func TestExportsAddUp(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, conn grpc.ClientConnInterface) {
		f.now = local(1, 1, 0)
		addPrice(t, conn, func(r *billingv1.CreatePriceRequest) { r.Price = "0.0333333333" })
		for n := range 30 {
			f.record(t, vm(fmt.Sprintf("vm-%d", n), local(1, 1, n%24), local(1, 20, n%24).Add(time.Duration(n)*time.Second))...)
		}
		f.now = local(2, 1, 1)
		if err := f.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := must[*billingv1.ListCostsResponse](t)(billingv1.NewCostServiceClient(conn).ListCosts(t.Context(), &billingv1.ListCostsRequest{})).GetTotals()[0]
		exact := must[money.Amount](t)(money.ParseAmount(want.GetBilledCost()))
		write := func(format string) []byte {
			var b bytes.Buffer
			err := ledger.Snapshot(t.Context(), f.store, func(tx *gorm.DB) error { return f.Export(tx, &b, ledger.Filter{}, format) })
			if err != nil {
				t.Fatal(err)
			}
			return b.Bytes()
		}
		for format, columns := range map[string][]string{"csv": {"billed_cost", "billed_rounded"}, "focus": {"BilledCost"}, "xlsx": {"billed_cost", "billed_rounded"}} {
			table := readTable(t, format, write(format))
			if len(table)-1 != int(want.GetLines()) {
				t.Errorf("%s: got %d lines, want %d", format, len(table)-1, want.GetLines())
			}
			for n, column := range columns {
				sum := money.Amount(0)
				for _, row := range table[1:] {
					sum += must[money.Amount](t)(money.ParseAmount(row[indexOf(t, table[0], column)]))
				}
				if n == 0 && sum != exact || n == 1 && sum != exact.Round(2, money.HalfUp) {
					t.Errorf("%s: %s adds up to %s, want %s", format, column, sum, exact)
				}
			}
			if format != "xlsx" && !bytes.Equal(write(format), write(format)) {
				t.Errorf("%s: two exports differ", format)
			}
		}
	})
}

// cancelled is a context that has ended.
func cancelled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func TestCutOffRatingLeavesNothing(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, _ grpc.ClientConnInterface) {
		f.record(t, vm("a", local(1, 1, 0), local(1, 6, 0))...)
		if _, err := f.Rate(cancelled(t), local(1, 1, 0), local(2, 1, 0)); err == nil {
			t.Error("got no error")
		}
		var n int64
		if err := f.store.Read.Model(&ledger.Row{}).Count(&n).Error; err != nil || n != 0 {
			t.Errorf("got %d lines, %v", n, err)
		}
	})
}
