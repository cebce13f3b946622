package billing_test

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"

	"github.com/yunqiao/yunqiao/internal/outbox"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	billingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/billing/v1"
)

// alarms are the ids of the alarms that were raised.
func alarms(t *testing.T, f *fixture) (ids []string) {
	t.Helper()
	for _, e := range must[[]outbox.Stored](t)(outbox.Read(f.store.Read, 0, 1000, "AlarmRaised")) {
		_, rest, _ := strings.Cut(e.Payload, `"alarm_id":"`)
		id, _, _ := strings.Cut(rest, `"`)
		parts := strings.Split(id, "/")
		ids = append(ids, parts[0]+" "+parts[len(parts)-1])
	}
	return ids
}

// TestSubscriptionsEnd: a subscription is warned of, renewed once if that was
// asked for, and over otherwise.
func TestSubscriptionsEnd(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, conn grpc.ClientConnInterface) {
		orders := billingv1.NewOrderServiceClient(conn)
		f.now = local(1, 31, 12)
		for id, renew := range map[string]bool{"c1.a": true, "c1.b": false} {
			must[*billingv1.CreateOrderResponse](t)(orders.CreateOrder(t.Context(), &billingv1.CreateOrderRequest{
				ResourceId: id, ResourceType: "compute.vm", AccountId: "c1", OrganizationId: "org1", ChargeMode: apiv1.ChargeMode_CHARGE_MODE_PREPAID,
				PeriodMonths: 1, AutoRenew: renew, Amount: "88.8"}))
		}
		for _, day := range []int{1, 20, 22, 27} {
			f.now = local(2, day, 13)
			for range 2 {
				if err := f.CatchUp(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		if got := alarms(t, f); !slices.Equal(got, []string{"expiry 30", "expiry 7", "expiry 1"}) {
			t.Errorf("alarms: %v", got)
		}
		f.now = local(2, 28, 13)
		for range 3 {
			if err := f.CatchUp(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		var got []string
		for _, o := range must[*billingv1.ListOrdersResponse](t)(orders.ListOrders(t.Context(), &billingv1.ListOrdersRequest{})).GetOrders() {
			got = append(got, o.GetResourceId()+" "+o.GetStatus().String()+" "+o.GetAmount())
		}
		slices.Sort(got)
		want := []string{"c1.a ORDER_STATUS_EFFECTIVE 88.8", "c1.a ORDER_STATUS_EXPIRED 88.8", "c1.b ORDER_STATUS_EXPIRED 88.8"}
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

// TestBudgetAlarms: each threshold is told once in a month.
func TestBudgetAlarms(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, conn grpc.ClientConnInterface) {
		f.now = local(1, 1, 0)
		addPrice(t, conn, func(*billingv1.CreatePriceRequest) {})
		budgets := billingv1.NewBudgetServiceClient(conn)
		must[*billingv1.CreateBudgetResponse](t)(budgets.CreateBudget(t.Context(), &billingv1.CreateBudgetRequest{OrganizationId: "org1", Amount: "48"}))
		f.record(t, vm("a", local(1, 1, 0), local(1, 31, 0))...)
		for _, day := range []int{8, 9, 10, 11, 12} {
			f.now = local(1, day, 1)
			if err := f.CatchUp(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if got := alarms(t, f); !slices.Equal(got, []string{"budget 80", "budget 100"}) {
			t.Errorf("alarms: %v", got)
		}
		b := must[*billingv1.ListBudgetsResponse](t)(budgets.ListBudgets(t.Context(), &billingv1.ListBudgetsRequest{})).GetBudgets()[0]
		if b.GetUsed() != "52.8" || b.GetForecast() != "148.8" {
			t.Errorf("used %s, expected %s (%s), want 52.8 and 148.8", b.GetUsed(), b.GetForecast(), b.GetForecastMethod())
		}
	})
}
