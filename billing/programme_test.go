package billing_test

import (
	"testing"
	"time"

	"google.golang.org/grpc"
	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/outbox"
	billingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/billing/v1"
)

// TestCostsOfProgrammes: links come and go, and the sums follow.
func TestCostsOfProgrammes(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, conn grpc.ClientConnInterface) {
		link := func(id string, version int32, programme string, from, until time.Time, deleted bool) {
			t.Helper()
			payload := map[string]any{"link_id": id, "programme": programme, "valid_from": from, "deleted": deleted}
			if !until.IsZero() {
				payload["valid_until"] = until
			}
			err := f.store.Write.Transaction(func(tx *gorm.DB) error {
				return outbox.Append(tx, outbox.Event{
					Type: "ProgramLinkChanged", ResourceID: "c1.a", ResourceType: "program.link", Sequence: version, OccurredAt: f.now, Payload: payload,
				})
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		costs := func() map[string]string {
			t.Helper()
			if err := f.CatchUp(t.Context()); err != nil {
				t.Fatal(err)
			}
			out := map[string]string{}
			sum := must[*billingv1.SummarizeCostsResponse](t)(billingv1.NewCostServiceClient(conn).SummarizeCosts(t.Context(), &billingv1.SummarizeCostsRequest{
				Period: "2025-01", GroupBy: []billingv1.CostDimension{billingv1.CostDimension_COST_DIMENSION_PROGRAMME}}))
			for _, g := range sum.GetGroups() {
				out[g.GetKeys()[0]] = g.GetTotal().GetBilledCost()
			}
			return out
		}
		check := func(what string, want map[string]string) {
			t.Helper()
			got := costs()
			for programme, cost := range want {
				if got[programme] != cost {
					t.Errorf("%s: %q cost %q, want %q", what, programme, got[programme], cost)
				}
			}
		}
		addPrice(t, conn, func(*billingv1.CreatePriceRequest) {})
		f.now = local(1, 25, 0)
		f.record(t, vm("a", local(1, 10, 0), local(1, 20, 0))...) // 10 days of 4.8
		link("l1", 1, "news", local(1, 12, 0), time.Time{}, false)
		check("linked without end", map[string]string{"news": "38.4", "": "9.6"})
		link("l2", 1, "sport", local(1, 15, 0), local(1, 16, 12), false)
		check("another for a day and a half", map[string]string{"news": "31.2", "sport": "7.2", "": "9.6"})
		link("l1", 2, "news", local(1, 12, 0), local(1, 14, 0), false)
		check("the first ends", map[string]string{"news": "9.6", "sport": "7.2", "": "31.2"})
		link("l2", 2, "sport", local(1, 15, 0), local(1, 16, 12), true)
		link("l1", 1, "news", local(1, 12, 0), time.Time{}, false) // old, again
		check("the second never was", map[string]string{"news": "9.6", "sport": "0", "": "38.4"})
	})
}
