package billing_test

import (
	"testing"

	"google.golang.org/grpc"

	"github.com/yunqiao/yunqiao/billing/metering"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	billingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/billing/v1"
)

// prepaidVM tells, with the second event, that a VM was bought for three months.
func prepaidVM(id string) []metering.Event {
	events := vm(id, local(1, 10, 0), local(1, 20, 0))[:1]
	told := events[0]
	told.ID, told.Sequence, told.At = "d"+told.ID[1:], 2, told.At.Add(60e9)
	told.Spec = map[string]string{"vcpus": "2", "charge_mode": "CHARGE_MODE_PREPAID", "charge_months": "3", "charge_auto_renew": "true"}
	return append(events, told)
}

func TestSubscriptionMadeThroughTheGateway(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, conn grpc.ClientConnInterface) {
		orders, costs := billingv1.NewOrderServiceClient(conn), billingv1.NewCostServiceClient(conn)
		addPrice(t, conn, func(*billingv1.CreatePriceRequest) {})
		f.now = local(1, 12, 0)
		f.record(t, prepaidVM("early")...)
		addPrice(t, conn, func(r *billingv1.CreatePriceRequest) {
			r.ChargeMode, r.Unit, r.Price = apiv1.ChargeMode_CHARGE_MODE_PREPAID, billingv1.Unit_UNIT_MONTH, "30"
		})
		events := prepaidVM("late")
		for range 2 { // told twice, ordered once
			f.record(t, events...)
		}
		again := events[1]
		again.ID, again.Sequence, again.At = "e"+again.ID[1:], 3, again.At.Add(60e9)
		f.record(t, again)
		if err := f.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		for id, want := range map[string]*billingv1.Order{
			"c1.early": {Status: billingv1.OrderStatus_ORDER_STATUS_PENDING, Amount: "0"},
			"c1.late":  {Status: billingv1.OrderStatus_ORDER_STATUS_EFFECTIVE, Amount: "180"},
		} {
			got := must[*billingv1.ListOrdersResponse](t)(orders.ListOrders(t.Context(), &billingv1.ListOrdersRequest{ResourceId: id})).GetOrders()
			if len(got) != 1 {
				t.Fatalf("%s: got %v", id, got)
			}
			o := got[0]
			if o.GetStatus() != want.GetStatus() || o.GetAmount() != want.GetAmount() || o.GetChargeMode() != apiv1.ChargeMode_CHARGE_MODE_PREPAID ||
				o.GetPeriodMonths() != 3 || !o.GetAutoRenew() || !o.GetEndsAt().AsTime().Equal(local(4, 10, 0)) || o.GetKind() != billingv1.OrderKind_ORDER_KIND_NEW {
				t.Errorf("%s: got %v", id, o)
			}
		}
		// The one that waits is charged by use: 2 days of 2 vCPUs. The other was paid.
		total := must[*billingv1.ListCostsResponse](t)(costs.ListCosts(t.Context(), &billingv1.ListCostsRequest{Period: "2025-01"})).GetTotals()[0]
		if total.GetBilledCost() != "189.6" {
			t.Errorf("got %v, want 180 and 9.6", total)
		}
	})
}
