package billing_test

import (
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	billingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/billing/v1"
)

// TestDiscountOfAnAmount takes amounts off a month that has ended.
func TestDiscountOfAnAmount(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, conn grpc.ClientConnInterface) {
		discounts, periods := billingv1.NewDiscountServiceClient(conn), billingv1.NewPeriodServiceClient(conn)
		addPrice(t, conn, func(*billingv1.CreatePriceRequest) {})
		f.now = local(1, 1, 0)
		create := func(amount string, from, until *timestamppb.Timestamp) *billingv1.Discount {
			t.Helper()
			return must[*billingv1.CreateDiscountResponse](t)(discounts.CreateDiscount(t.Context(), &billingv1.CreateDiscountRequest{
				OrganizationId: "org1", Name: "年框减免", Amount: amount, ValidFrom: from, ValidUntil: until})).GetDiscount()
		}
		if d := create("31", timestamppb.New(local(1, 11, 0)), timestamppb.New(local(2, 11, 0))); d.GetAmount() != "31" || d.GetPercent() != "" || d.GetCurrency() != "CNY" {
			t.Errorf("got %v", d)
		}
		month := func() *billingv1.CostTotal {
			t.Helper()
			if err := f.CatchUp(t.Context()); err != nil {
				t.Fatal(err)
			}
			return must[*billingv1.SummarizeCostsResponse](t)(billingv1.NewCostServiceClient(conn).SummarizeCosts(t.Context(),
				&billingv1.SummarizeCostsRequest{Period: "2025-01", GroupBy: []billingv1.CostDimension{billingv1.CostDimension_COST_DIMENSION_CATEGORY}})).GetTotals()[0]
		}
		f.record(t, vm("a", local(1, 10, 0), local(1, 20, 0))...)
		f.now = local(1, 31, 12)
		if got := month(); got.GetBilledCost() != "48" {
			t.Errorf("before the month has ended: got %v", got)
		}
		f.now = local(2, 1, 1)
		for range 2 { // 21 of 31 days, once
			if got := month(); got.GetBilledCost() != "27" || got.GetLines() != 11 {
				t.Errorf("after it: got %v, want 48 - 21", got)
			}
			must[*billingv1.RatePeriodResponse](t)(periods.RatePeriod(t.Context(), &billingv1.RatePeriodRequest{Period: "2025-01"}))
		}
		create("1000", timestamppb.New(local(1, 1, 0)), nil)
		if got := month(); got.GetBilledCost() != "0" {
			t.Errorf("more than there is: got %v, want 0", got)
		}
		f.record(t, vm("b", local(1, 10, 0), local(1, 11, 0))...) // late
		for range 2 {
			if got := month(); got.GetBilledCost() != "0" || got.GetLines() != 14 {
				t.Errorf("after more costs: got %v, want 0 in 14 lines", got)
			}
		}
		must[*billingv1.ReviewPeriodResponse](t)(periods.ReviewPeriod(t.Context(), &billingv1.ReviewPeriodRequest{Period: "2025-01"}))
		must[*billingv1.ClosePeriodResponse](t)(periods.ClosePeriod(t.Context(), &billingv1.ClosePeriodRequest{Period: "2025-01"}))
		create("5", timestamppb.New(local(1, 1, 0)), timestamppb.New(local(2, 1, 0)))
		if got := month(); got.GetBilledCost() != "0" || got.GetLines() != 14 {
			t.Errorf("after the month was closed: got %v", got)
		}
		sumsAgree(t, f)
	})
}

// TestDiscountsOfAmountsOverlap takes no cost off twice, in whatever order the
// discounts were made.
func TestDiscountsOfAmountsOverlap(t *testing.T) {
	type discount struct{ amount, resourceType, accountID string }
	all, vms, c1 := discount{"1000", "", ""}, discount{"30", "compute.vm", ""}, discount{"25", "", "c1"}
	for name, tc := range map[string]struct {
		discounts []discount
		want      string
		lines     int32
	}{
		"everything, then VMs":      {[]discount{all, vms}, "0", 12},
		"VMs, then everything":      {[]discount{vms, all}, "0", 12},
		"VMs, and an account":       {[]discount{vms, c1}, "0", 12},
		"less than there is":        {[]discount{{"5", "", "c1"}, vms, {"2", "", ""}}, "11", 13},
		"a type that was not used":  {[]discount{{"5", "storage.disk", ""}}, "48", 10},
		"an account that is unused": {[]discount{{"5", "compute.vm", "c2"}, {"8", "", ""}}, "40", 11},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, f *fixture, conn grpc.ClientConnInterface) {
				addPrice(t, conn, func(*billingv1.CreatePriceRequest) {})
				f.record(t, vm("a", local(1, 10, 0), local(1, 20, 0))...) // 48 in 10 days
				for _, d := range tc.discounts {
					must[*billingv1.CreateDiscountResponse](t)(billingv1.NewDiscountServiceClient(conn).CreateDiscount(t.Context(), &billingv1.CreateDiscountRequest{
						OrganizationId: "org1", Amount: d.amount, ResourceType: d.resourceType, AccountId: d.accountID, ValidFrom: timestamppb.New(local(1, 1, 0))}))
				}
				f.now = local(2, 1, 1)
				for range 2 {
					if err := f.CatchUp(t.Context()); err != nil {
						t.Fatal(err)
					}
					must[*billingv1.RatePeriodResponse](t)(billingv1.NewPeriodServiceClient(conn).RatePeriod(t.Context(), &billingv1.RatePeriodRequest{Period: "2025-01"}))
					got := must[*billingv1.SummarizeCostsResponse](t)(billingv1.NewCostServiceClient(conn).SummarizeCosts(t.Context(), &billingv1.SummarizeCostsRequest{
						Period: "2025-01", GroupBy: []billingv1.CostDimension{billingv1.CostDimension_COST_DIMENSION_CATEGORY}})).GetTotals()[0]
					if got.GetBilledCost() != tc.want || got.GetLines() != tc.lines {
						t.Errorf("got %v, want %s in %d lines", got, tc.want, tc.lines)
					}
				}
				sumsAgree(t, f)
			})
		})
	}
}

// TestDiscountOfNothing is refused: it would be a discount of 0 percent.
func TestDiscountOfNothing(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, conn grpc.ClientConnInterface) {
		_, err := billingv1.NewDiscountServiceClient(conn).CreateDiscount(t.Context(), &billingv1.CreateDiscountRequest{OrganizationId: "org1", Amount: "0.00"})
		refused(t, err, codes.InvalidArgument)
	})
}

// TestDiscountSinceEver rates no months in which nothing was used.
func TestDiscountSinceEver(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, conn grpc.ClientConnInterface) {
		addPrice(t, conn, func(*billingv1.CreatePriceRequest) {})
		f.record(t, vm("a", local(1, 10, 0), local(1, 20, 0))...) // 48
		must[*billingv1.CreateDiscountResponse](t)(billingv1.NewDiscountServiceClient(conn).CreateDiscount(t.Context(), &billingv1.CreateDiscountRequest{
			OrganizationId: "org1", Amount: "8", ValidFrom: timestamppb.New(time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC))}))
		f.now = local(2, 1, 1)
		if err := f.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		got := must[*billingv1.ListCostsResponse](t)(billingv1.NewCostServiceClient(conn).ListCosts(t.Context(), &billingv1.ListCostsRequest{Period: "2025-01"}))
		if total := got.GetTotals()[0]; total.GetBilledCost() != "40" {
			t.Errorf("got %v, want 48 - 8", total)
		}
		var cuts []string
		if err := f.store.Read.Table("billing_cuts").Distinct("period").Order("period").Pluck("period", &cuts).Error; err != nil || len(cuts) != 1 || cuts[0] != "2025-01" {
			t.Errorf("rated %d months: %v, %v", len(cuts), cuts, err)
		}
	})
}
