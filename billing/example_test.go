package billing_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/yunqiao/yunqiao/billing/metering"
	"github.com/yunqiao/yunqiao/internal/money"
	billingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/billing/v1"
)

// sampleEvents are those of the sample month in docs/finance.md.
func sampleEvents() []metering.Event {
	n := 0
	event := func(id, kind string, what metering.Kind, sequence int32, at time.Time, state string, spec map[string]string) metering.Event {
		n++
		return metering.Event{
			ID: strings.Repeat("0", 30) + string(rune('a'+n)) + "0", Kind: what, ResourceID: "c1." + id, ResourceType: kind, AccountID: "c1", TenantID: "news",
			Sequence: sequence, At: at, State: state, Spec: spec,
		}
	}
	return []metering.Event{
		event("web", "compute.vm", metering.StateChanged, 1, local(2, 3, 8), "VM_STATE_RUNNING", map[string]string{"vcpus": "2", "memory_mib": "4096"}),
		event("web", "compute.vm", metering.SpecChanged, 2, local(2, 10, 12), "VM_STATE_RUNNING", map[string]string{"vcpus": "4", "memory_mib": "8192"}),
		event("web", "compute.vm", metering.StateChanged, 3, local(2, 18, 0), "VM_STATE_STOPPED", nil),
		event("web", "compute.vm", metering.Gone, 4, local(2, 20, 20), "", nil),
		event("data", "storage.disk", metering.StateChanged, 1, local(1, 20, 0), "DISK_STATE_AVAILABLE", map[string]string{"size_gib": "100"}),
		event("ip", "network.public_ip", metering.StateChanged, 1, local(2, 3, 8), "PUBLIC_IP_STATE_AVAILABLE", map[string]string{"bandwidth_mbps": "10"}),
	}
}

// plainSQL recomputes the sample month from the table of its usage in the guide,
// in whole numbers of SQL: 10⁻⁸ × 3600 × 10000 of a CNY.
const plainSQL = `
WITH usage(meter, amount, hours, price, keep) AS (VALUES
	('vcpus',      2, 172, 12000000, 10000), ('vcpus',      4, 108, 12000000, 10000), ('vcpus',      4, 72, 12000000, 8500),
	('memory_mib', 4, 172,  6000000, 10000), ('memory_mib', 8, 108,  6000000, 10000), ('memory_mib', 8, 140, 6000000, 8500),
	('bandwidth_mbps', 10, 280, 3000000, 10000), ('bandwidth_mbps', 10, 80, 3000000, 8500), ('bandwidth_mbps', 10, 256, 4500000, 8500)
)
SELECT meter, CAST(SUM(CAST(amount AS BIGINT) * hours * price * keep) / 10000 AS BIGINT) FROM usage GROUP BY meter
UNION ALL SELECT 'size_gib', (100 * 14 * 3500000000 / 28 * 10000 + 100 * 14 * 3500000000 / 28 * 8500) / 1000000
ORDER BY 1`

// TestSampleMonth closes the sample month of the guide: it is what plain SQL makes
// of the guide's table of usage, and what the guide says.
func TestSampleMonth(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, conn grpc.ClientConnInterface) {
		document := must[[]byte](t)(os.ReadFile("../configs/prices/example.yaml"))
		must[*billingv1.ImportPricesResponse](t)(billingv1.NewPriceServiceClient(conn).ImportPrices(t.Context(), &billingv1.ImportPricesRequest{
			Format: billingv1.PriceFormat_PRICE_FORMAT_YAML, Document: string(document)}))
		must[*billingv1.CreateDiscountResponse](t)(billingv1.NewDiscountServiceClient(conn).CreateDiscount(t.Context(), &billingv1.CreateDiscountRequest{
			OrganizationId: "news", Percent: "15", ValidFrom: timestamppb.New(local(2, 15, 0))}))
		f.record(t, sampleEvents()...)
		f.now = local(3, 2, 0)
		periods := billingv1.NewPeriodServiceClient(conn)
		must[*billingv1.ReviewPeriodResponse](t)(periods.ReviewPeriod(t.Context(), &billingv1.ReviewPeriodRequest{Period: "2025-02"}))
		must[*billingv1.ClosePeriodResponse](t)(periods.ClosePeriod(t.Context(), &billingv1.ClosePeriodRequest{Period: "2025-02"}))
		list := must[*billingv1.ListStatementsResponse](t)(billingv1.NewStatementServiceClient(conn).ListStatements(t.Context(), &billingv1.ListStatementsRequest{Period: "2025-02"}))
		statement := list.GetStatements()[0]
		var got, told []string
		for _, row := range statement.GetRows() {
			if row.GetKind() == "USAGE" {
				got = append(got, row.GetMeter()+" "+row.GetExact())
			}
			told = append(told, row.GetAmount())
		}
		told = append(told, statement.GetExact(), statement.GetNet(), statement.GetTax(), statement.GetTotal())
		rows, err := f.store.Read.Raw(plainSQL).Rows()
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		var want []string
		for rows.Next() {
			var meter string
			var amount money.Amount
			if err := rows.Scan(&meter, &amount); err != nil {
				t.Fatal(err)
			}
			want = append(want, meter+" "+amount.String())
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("the statement has %v, plain SQL %v", got, want)
		}
		for _, guide := range []string{"../docs/finance.md", "../docs/finance.en.md"} {
			text := string(must[[]byte](t)(os.ReadFile(guide)))
			for _, number := range told {
				if !regexp.MustCompile(`(^|[^0-9.])` + regexp.QuoteMeta(number) + `($|[^0-9.])`).MatchString(text) {
					t.Errorf("%s does not say %s", guide, number)
				}
			}
		}
		t.Logf("statement: %v", statement)
	})
}
