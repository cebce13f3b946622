package billing_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/yunqiao/yunqiao/billing"
	"github.com/yunqiao/yunqiao/billing/ledger"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	billingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/billing/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

// longCloud makes the lines of a bill as they are asked for. It shows each page to see
// before it answers.
type longCloud struct {
	chargingCloud
	lines int
	see   func(ctx context.Context, from int) error
}

func (c *longCloud) WithBills() []string { return []string{"c1"} }

func (c *longCloud) ListBillLines(ctx context.Context, r *driverv1.ListBillLinesRequest) (*driverv1.ListBillLinesResponse, error) {
	from, _ := strconv.Atoi(r.GetPageToken())
	if err := c.see(ctx, from); err != nil {
		return nil, err
	}
	response := &driverv1.ListBillLinesResponse{Zone: "Asia/Shanghai"}
	to := min(c.lines, from+int(r.GetPageSize()))
	for n := from; n < to; n++ {
		response.Lines = append(response.Lines, billLine(strconv.Itoa(n), fmt.Sprint("vm-", n%1000), r.GetPeriod()+"-10", "0.01"))
	}
	if to < c.lines {
		response.NextPageToken = strconv.Itoa(to)
	}
	return response, nil
}

// asking is a module over the store of a fixture that asks a cloud.
func (f *fixture) asking(t *testing.T, cloud billing.Providers) *billing.Module {
	t.Helper()
	c := must[*contract.Contract](t)(contract.Linked())
	return billing.New(slog.New(slog.DiscardHandler), f.store, c, f.world, f.world, billing.Options{
		Now: func() time.Time { return f.now }, Providers: cloud, Every: 10 * time.Millisecond,
	})
}

// TestLongBill: while a cloud tells a bill, usage is rated, the bill of before is seen,
// and nobody else begins to pull it; a pull that is cut off leaves nothing behind.
func TestLongBill(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, conn grpc.ClientConnInterface) {
		bills := billingv1.NewProviderBillServiceClient(conn)
		addPrice(t, conn, func(*billingv1.CreatePriceRequest) {})
		f.cloud.bills["c1/2025-01"] = []*driverv1.BillLine{billLine("old", "a", "2025-01-10", "1")}
		pull := &billingv1.PullProviderBillRequest{AccountId: "c1", Period: "2025-01"}
		must[*billingv1.PullProviderBillResponse](t)(bills.PullProviderBill(t.Context(), pull))
		kept := func() (ids []string, total string) {
			list := must[*billingv1.ListProviderBillsResponse](t)(bills.ListProviderBills(t.Context(), &billingv1.ListProviderBillsRequest{Period: "2025-01"}))
			lines := must[*billingv1.ListProviderBillLinesResponse](t)(bills.ListProviderBillLines(t.Context(), &billingv1.ListProviderBillLinesRequest{AccountId: "c1", Period: "2025-01"}))
			for _, l := range lines.GetLines() {
				ids = append(ids, l.GetId())
			}
			return ids, list.GetProviderBills()[0].GetTotals()[0].GetCost()
		}
		f.now = local(2, 12, 0)
		f.record(t, vm("a", local(1, 10, 0), local(1, 20, 0))...)

		blocked, running := make(chan struct{}, 1), make(chan struct{})
		cloud := &longCloud{lines: 1200, see: func(ctx context.Context, from int) error {
			if from < 1000 {
				return nil
			}
			select {
			case blocked <- struct{}{}:
			default:
			}
			<-ctx.Done()
			return ctx.Err()
		}}
		m := f.asking(t, cloud)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			defer close(running)
			_ = m.Run(ctx)
		}()
		<-blocked
		for rated := int64(0); rated == 0; {
			if err := f.store.Read.Model(&ledger.Row{}).Count(&rated).Error; err != nil {
				t.Fatal(err)
			}
		}
		if ids, total := kept(); len(ids) != 1 || total != "1" {
			t.Errorf("while it is pulled: %v, %s, want the old bill", ids, total)
		}
		if !f.store.Embedded { // there another process would know that this one is gone
			_, err := bills.PullProviderBill(t.Context(), pull)
			refused(t, err, codes.Aborted)
		}
		cancel()
		<-running
		if ids, total := kept(); len(ids) != 1 || total != "1" {
			t.Errorf("after it was cut off: %v, %s, want the old bill", ids, total)
		}
		f.cloud.bills["c1/2025-01"] = []*driverv1.BillLine{billLine("new", "a", "2025-01-10", "2")}
		must[*billingv1.PullProviderBillResponse](t)(bills.PullProviderBill(t.Context(), pull))
		if ids, total := kept(); len(ids) != 1 || ids[0] != "new" || total != "2" {
			t.Errorf("pulled again: %v, %s", ids, total)
		}
		var stored int64
		if err := f.store.Read.Table("billing_bill_lines").Count(&stored).Error; err != nil || stored != 1 {
			t.Errorf("%d lines are stored, %v, want 1: what was cut off is swept away", stored, err)
		}
	})
}

// TestBillStreams pulls YUNQIAO_BILLING_BILL lines (20,000; a million in a soak) in
// memory that does not grow with them.
func TestBillStreams(t *testing.T) {
	lines := 20_000
	if n, err := strconv.Atoi(os.Getenv("YUNQIAO_BILLING_BILL")); err == nil {
		lines = n
	}
	each(t, func(t *testing.T, f *fixture, _ grpc.ClientConnInterface) {
		var peak atomic.Uint64
		cloud := &longCloud{lines: lines, see: func(_ context.Context, from int) error {
			if from%(lines/5) == 0 {
				runtime.GC()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				peak.Store(max(peak.Load(), m.HeapAlloc))
			}
			return nil
		}}
		f.now = local(1, 12, 0)
		start := time.Now()
		if err := f.asking(t, cloud).PullBills(t.Context()); err != nil {
			t.Fatal(err)
		}
		var kept []struct {
			Period string
			Lines  int
		}
		if err := f.store.Read.Table("billing_bills").Order("period").Find(&kept).Error; err != nil || len(kept) != 2 || kept[0].Lines != lines || kept[1].Lines != lines {
			t.Errorf("kept %v, %v, want two bills of %d lines", kept, err, lines)
		}
		if mib := peak.Load() >> 20; mib > 64 {
			t.Errorf("%d MiB of heap while a bill of %d lines is pulled", mib, lines)
		}
		t.Logf("2 bills of %d lines in %s, %d MiB of heap", lines, time.Since(start).Round(time.Millisecond), peak.Load()>>20)
	})
}
