package billing_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/yunqiao/yunqiao/billing/metering"
	"github.com/yunqiao/yunqiao/internal/money"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	billingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/billing/v1"
)

// resizeAt tells that a VM has so many vCPUs from a time on.
func resizeAt(id string, sequence int, at time.Time, vcpus string) metering.Event {
	e := vm(id, at, at)[0]
	e.ID, e.Kind, e.State, e.Sequence = fmt.Sprintf("%s%02d", e.ID[:30], sequence), metering.SpecChanged, "", int32(sequence)
	e.Spec = map[string]string{"vcpus": vcpus}
	return e
}

// subscriptionPrice is 30 for a vCPU and month, from the beginning of the year on.
func subscriptionPrice(t *testing.T, conn grpc.ClientConnInterface) *billingv1.Price {
	return addPrice(t, conn, func(r *billingv1.CreatePriceRequest) {
		r.ChargeMode, r.Unit, r.Price = apiv1.ChargeMode_CHARGE_MODE_PREPAID, billingv1.Unit_UNIT_MONTH, "30"
	})
}

func ordersOf(t *testing.T, conn grpc.ClientConnInterface, id string) string {
	t.Helper()
	var out []string
	list := must[*billingv1.ListOrdersResponse](t)(billingv1.NewOrderServiceClient(conn).ListOrders(t.Context(), &billingv1.ListOrdersRequest{ResourceId: id})).GetOrders()
	for _, o := range list {
		out = append(out, fmt.Sprintf("%s %s %s", strings.TrimPrefix(o.GetKind().String(), "ORDER_KIND_"), o.GetAmount(), strings.TrimPrefix(o.GetStatus().String(), "ORDER_STATUS_")))
	}
	return strings.Join(out, ", ")
}

// TestResizeOfASubscription: 2 vCPUs for 90 days at 180. After half of it 4, which cost
// 90 more for the rest; then 1 for the last quarter, of which 67.5 is credited.
func TestResizeOfASubscription(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, conn grpc.ClientConnInterface) {
		orders, costs := billingv1.NewOrderServiceClient(conn), billingv1.NewCostServiceClient(conn)
		addPrice(t, conn, func(*billingv1.CreatePriceRequest) {})
		price := subscriptionPrice(t, conn)
		events := prepaidVM("web") // from 10 January until 10 April
		up, down := resizeAt("web", 3, local(2, 24, 0), "4"), resizeAt("web", 4, local(3, 18, 12), "1")
		again := resizeAt("web", 5, local(3, 18, 13), "1") // tells what is known
		f.record(t, append(events, up, down, again)...)
		f.record(t, up, down) // once
		if got, want := ordersOf(t, conn, "c1.web"), "DOWNGRADE -67.5 EFFECTIVE, UPGRADE 90 EFFECTIVE, NEW 180 EFFECTIVE"; !sameOrders(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
		f.now = local(3, 30, 0)
		if err := f.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		var total money.Amount
		for _, c := range must[*billingv1.ListCostsResponse](t)(costs.ListCosts(t.Context(), &billingv1.ListCostsRequest{PageSize: 1000})).GetCosts() {
			total += must[money.Amount](t)(money.ParseAmount(c.GetBilledCost()))
			if c.GetBilledCost() != "90" {
				continue
			}
			explained := must[*billingv1.ExplainCostResponse](t)(costs.ExplainCost(t.Context(), &billingv1.ExplainCostRequest{Id: c.GetId()}))
			if c.GetPeriod() != "2025-02" || c.GetOrderId() != up.ID || !strings.HasPrefix(c.GetCorrects(), "order ") || explained.GetEventIds()[0] != up.ID ||
				!strings.Contains(explained.GetFormula(), "360 ("+price.GetId()+"@1) less 180 ("+price.GetId()+"@1) for 3 months, of which 3888000 of 7776000 s") {
				t.Errorf("explained: %v of %v", explained, c)
			}
		}
		if total.String() != "202.5" {
			t.Errorf("the lines come to %s, want 180 + 90 - 67.5 and nothing for usage", total)
		}
		list := must[*billingv1.ListOrdersResponse](t)(orders.ListOrders(t.Context(), &billingv1.ListOrdersRequest{ResourceId: "c1.web"})).GetOrders()
		subscription := ""
		for _, o := range list {
			if o.GetKind() == billingv1.OrderKind_ORDER_KIND_NEW {
				subscription = o.GetId()
				continue
			}
			_, err := orders.RefundOrder(t.Context(), &billingv1.RefundOrderRequest{Id: o.GetId()})
			refused(t, err, codes.FailedPrecondition)
			if !o.GetEndsAt().AsTime().Equal(local(4, 10, 0)) || o.GetSubscriptionId() == "" {
				t.Errorf("got %v", o)
			}
		}
		// An eighth of the term is left: 30 × 1 × 3 ÷ 8.
		f.now = local(3, 29, 18)
		back := must[*billingv1.RefundOrderResponse](t)(orders.RefundOrder(t.Context(), &billingv1.RefundOrderRequest{Id: subscription}))
		if back.GetAmount() != "11.25" {
			t.Errorf("refund: %v", back)
		}
		if got, want := ordersOf(t, conn, "c1.web"), "DOWNGRADE -67.5 REFUNDED, UPGRADE 90 REFUNDED, NEW 180 REFUNDED"; !sameOrders(got, want) {
			t.Errorf("after the refund: got %s, want %s", got, want)
		}
		sumsAgree(t, f)
	})
}

// sameOrders compares lists of orders, which have no order of their own where ids are
// those of events.
func sameOrders(a, b string) bool {
	count := map[string]int{}
	for _, o := range strings.Split(a, ", ") {
		count[o]++
	}
	for _, o := range strings.Split(b, ", ") {
		count[o]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return true
}

// TestRenewalAfterAResize: the next term costs what the resource is now, and a change
// that is made after it was paid is of both.
func TestRenewalAfterAResize(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, conn grpc.ClientConnInterface) {
		subscriptionPrice(t, conn)
		events := prepaidVM("web") // renews by itself
		f.record(t, append(events, resizeAt("web", 3, local(2, 24, 0), "3"))...)
		f.now = local(4, 10, 1)
		if err := f.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, want := ordersOf(t, conn, "c1.web"), "RENEW 270 EFFECTIVE, UPGRADE 45 EXPIRED, NEW 180 EXPIRED"; !sameOrders(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
		must[*billingv1.CreateOrderResponse](t)(billingv1.NewOrderServiceClient(conn).CreateOrder(t.Context(), &billingv1.CreateOrderRequest{
			Kind: billingv1.OrderKind_ORDER_KIND_RENEW, ResourceId: "c1.web", ResourceType: "compute.vm", AccountId: "c1", OrganizationId: "org1",
			ChargeMode: apiv1.ChargeMode_CHARGE_MODE_PREPAID, PeriodMonths: 1})) // 10 July until 10 August, by the spec of the resource
		f.record(t, resizeAt("web", 4, local(4, 10, 0).Add(91*24*time.Hour/2), "4")) // half of the term from 10 April until 10 July
		got, want := ordersOf(t, conn, "c1.web"), "UPGRADE 30 EFFECTIVE, UPGRADE 45 EFFECTIVE, RENEW 90 EFFECTIVE, RENEW 270 EFFECTIVE, UPGRADE 45 EXPIRED, NEW 180 EXPIRED"
		if !sameOrders(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
		sumsAgree(t, f)
	})
}

// TestResizeToldLate: a resize of which is heard after the renewal is of the rest of the
// old term, and of the new one.
func TestResizeToldLate(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, conn grpc.ClientConnInterface) {
		subscriptionPrice(t, conn)
		f.record(t, prepaidVM("web")...)
		f.now = local(4, 10, 1)
		if err := f.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.record(t, resizeAt("web", 3, local(2, 24, 0), "4"))
		if got, want := ordersOf(t, conn, "c1.web"), "UPGRADE 90 EXPIRED, UPGRADE 180 EFFECTIVE, RENEW 180 EFFECTIVE, NEW 180 EXPIRED"; !sameOrders(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

// TestCreditOfADowngrade is never more than what is left of what was paid, and the same
// share of it at most.
func TestCreditOfADowngrade(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, conn grpc.ClientConnInterface) {
		orders := billingv1.NewOrderServiceClient(conn)
		subscriptionPrice(t, conn)
		order := func(id string, edit func(*billingv1.CreateOrderRequest)) (*billingv1.CreateOrderResponse, error) {
			r := &billingv1.CreateOrderRequest{
				ResourceId: "c1." + id, ResourceType: "compute.vm", AccountId: "c1", OrganizationId: "org1",
				ChargeMode: apiv1.ChargeMode_CHARGE_MODE_PREPAID, PeriodMonths: 1, Amount: "10", BeginsAt: timestamppb.New(local(1, 1, 0)),
			}
			edit(r)
			return orders.CreateOrder(t.Context(), r)
		}
		for _, id := range []string{"cheap", "unpriced", "byhand"} {
			must[*billingv1.CreateOrderResponse](t)(order(id, func(*billingv1.CreateOrderRequest) {}))
			f.record(t, vm(id, local(1, 1, 0), local(2, 1, 0))[0])
		}
		// By the prices 30 less; 10 were paid for both.
		f.record(t, resizeAt("cheap", 3, local(1, 1, 0), "1"))
		// Nothing is priced by a spec without vCPUs.
		unpriced := resizeAt("unpriced", 3, local(1, 1, 0), "")
		unpriced.Spec = map[string]string{"flavor_id": "m1"}
		f.record(t, unpriced)
		for id, want := range map[string]string{"cheap": "DOWNGRADE -5 EFFECTIVE, NEW 10 EFFECTIVE", "unpriced": "RESIZE 0 PENDING, NEW 10 EFFECTIVE"} {
			if got := strings.Replace(ordersOf(t, conn, "c1."+id), ", NEW 0 EFFECTIVE", "", 1); !sameOrders(strings.Replace(got, "NEW 0 EFFECTIVE, ", "", 1), want) {
				t.Errorf("%s: got %s, want %s", id, got, want)
			}
		}
		by := func(kind billingv1.OrderKind, amount string, day int) (*billingv1.CreateOrderResponse, error) {
			return order("byhand", func(r *billingv1.CreateOrderRequest) {
				r.Kind, r.Amount, r.PeriodMonths, r.BeginsAt = kind, amount, 0, timestamppb.New(local(1, day, 12))
			})
		}
		_, err := by(billingv1.OrderKind_ORDER_KIND_DOWNGRADE, "5.00000001", 16) // half of the month is left
		refused(t, err, codes.InvalidArgument)
		must[*billingv1.CreateOrderResponse](t)(by(billingv1.OrderKind_ORDER_KIND_DOWNGRADE, "5", 16))
		_, err = by(billingv1.OrderKind_ORDER_KIND_DOWNGRADE, "0.00000001", 16)
		refused(t, err, codes.InvalidArgument)
		must[*billingv1.CreateOrderResponse](t)(by(billingv1.OrderKind_ORDER_KIND_UPGRADE, "3", 16))
		_, err = by(billingv1.OrderKind_ORDER_KIND_UPGRADE, "", 16)
		refused(t, err, codes.InvalidArgument)
		_, err = order("nobody", func(r *billingv1.CreateOrderRequest) {
			r.Kind, r.PeriodMonths = billingv1.OrderKind_ORDER_KIND_UPGRADE, 0
		})
		refused(t, err, codes.FailedPrecondition)
		sumsAgree(t, f)
	})
}

// TestResizesInAnyOrder: however events come, what was charged and credited at the end
// is what the times of each size cost, to the last decimal.
func TestResizesInAnyOrder(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, conn grpc.ClientConnInterface) {
		subscriptionPrice(t, conn)
		random := rand.New(rand.NewPCG(3, 3))
		for n := range 25 {
			id := fmt.Sprintf("vm-%d", n)
			f.record(t, prepaidVM(id)...)
			// Sizes rise, so that no credit is bounded by what was paid; in steps of the term's
			// 7,776,000 s that divide without rest.
			var events []metering.Event
			want, size := int64(180), int64(2)
			for step, day := 0, 12; day < 95; step, day = step+1, day+1+random.IntN(30) {
				size += 1 + random.Int64N(3)
				events = append(events, resizeAt(id, 3+step, local(1, day, 0), fmt.Sprint(size)))
				until := local(4, 10, 0)
				want += (size - previous(events, 2)) * int64(until.Sub(local(1, day, 0))/(24*time.Hour))
			}
			random.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
			for len(events) > 0 {
				batch := 1 + random.IntN(len(events))
				f.record(t, events[:batch]...)
				events = events[batch:]
			}
			var got struct{ Cost int64 }
			if err := f.store.Read.Table("billing_lines").Where("resource_id = ?", "c1."+id).Select("CAST(SUM(cost) AS BIGINT) AS cost").Scan(&got).Error; err != nil {
				t.Fatal(err)
			}
			if got.Cost != want*1e8 {
				t.Errorf("%s: got %s, want %d", id, money.Amount(got.Cost), want)
			}
		}
	})
}

// previous is the size before the last event.
func previous(events []metering.Event, first int64) int64 {
	if len(events) > 1 {
		fmt.Sscan(events[len(events)-2].Spec["vcpus"], &first)
	}
	return first
}
