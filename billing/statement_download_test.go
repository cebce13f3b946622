package billing_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"google.golang.org/grpc"

	"github.com/yunqiao/yunqiao/billing"
	"github.com/yunqiao/yunqiao/internal/refuse"
	billingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/billing/v1"
)

// TestStatementFiles reads what is downloaded with other programs than wrote it.
func TestStatementFiles(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, conn grpc.ClientConnInterface) {
		periods, statements := billingv1.NewPeriodServiceClient(conn), billingv1.NewStatementServiceClient(conn)
		addPrice(t, conn, func(*billingv1.CreatePriceRequest) {})
		f.now = local(2, 2, 0)
		f.record(t, vm("a", local(1, 10, 0), local(1, 20, 0))...)
		if err := f.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		must[*billingv1.ReviewPeriodResponse](t)(periods.ReviewPeriod(t.Context(), &billingv1.ReviewPeriodRequest{Period: "2025-01"}))
		must[*billingv1.ClosePeriodResponse](t)(periods.ClosePeriod(t.Context(), &billingv1.ClosePeriodRequest{Period: "2025-01"}))
		s := must[*billingv1.ListStatementsResponse](t)(statements.ListStatements(t.Context(), &billingv1.ListStatementsRequest{Period: "2025-01"})).GetStatements()[0]
		get := func(query string) *httptest.ResponseRecorder {
			answer := httptest.NewRecorder()
			f.DownloadStatement(refuse.Answer).ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/?id="+s.GetId()+query, nil))
			return answer
		}

		pdf := get("").Body.Bytes()
		text := pdfText(t, pdf)
		for _, want := range []string{s.GetNumber(), "账单", "频道 org1 (org1)", "compute.vm", "vcpus", "48.00", "45.28", "2.72", "应付", "1/1"} {
			if !strings.Contains(text, want) {
				t.Errorf("the PDF does not say %q:\n%s", want, text)
			}
		}
		f.world.renamed = "新闻频道 "
		if !bytes.Equal(pdf, get("&format=pdf").Body.Bytes()) {
			t.Error("the same statement is another file the second time, when the organization has another name")
		}

		book := must[*excelize.File](t)(excelize.OpenReader(get("&format=xlsx").Body))
		rows := must[[][]string](t)(book.GetRows("statement"))
		if head, row := rows[0], rows[8]; head[1] != s.GetNumber() || row[1] != "compute.vm" || row[5] != "48.00" || row[6] != "48" || row[7] != "48" {
			t.Errorf("got %q", rows)
		}

		if answer := get("&format=doc"); answer.Code != http.StatusBadRequest || !strings.Contains(answer.Body.String(), "format") {
			t.Errorf("an unknown format: got %d %s", answer.Code, answer.Body)
		}
		f.world.caller = billing.Caller{UserID: "user-2", OrganizationID: "org2"}
		if answer := get(""); answer.Code != http.StatusNotFound {
			t.Errorf("another organization: got %d", answer.Code)
		}
	})
}

// pdfText is what a reader of PDF finds.
func pdfText(t *testing.T, content []byte) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "pdftotext", "-layout", "-", "-")
	command.Stdin = bytes.NewReader(content)
	text, err := command.Output()
	if err != nil {
		t.Fatalf("pdftotext: %v", err)
	}
	return string(text)
}
