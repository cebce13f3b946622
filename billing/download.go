package billing

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/billing/export"
	"github.com/yunqiao/yunqiao/billing/ledger"
	"github.com/yunqiao/yunqiao/internal/refuse"
	billingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/billing/v1"
)

// Formats of a download.
const (
	FormatCSV   = "csv"
	FormatXLSX  = "xlsx"
	FormatFOCUS = "focus"
)

const workbookType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

// Download serves lines of cost as a file. Its parameters are those of ListCosts
// without paging, and format: csv, xlsx or focus. The context tells who calls, as of
// an rpc; fail answers errors that come before the first byte.
func (m *Module) Download(fail func(w http.ResponseWriter, r *http.Request, err error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		request := &billingv1.ListCostsRequest{
			Period: q.Get("period"), From: q.Get("from"), Until: q.Get("until"), OrganizationId: q.Get("organization_id"), ApplicantId: q.Get("applicant_id"),
			AccountId: q.Get("account_id"), Driver: q.Get("driver"), ResourceId: q.Get("resource_id"), ResourceType: q.Get("resource_type"),
			OrderId: q.Get("order_id"), Tag: q.Get("tag"), Programme: q.Get("programme"), Currency: q.Get("currency"), Unpriced: q.Get("unpriced") == "true",
		}
		f, err := m.filter(r.Context(), request)
		if err == nil && !slices.Contains([]string{"", FormatCSV, FormatXLSX, FormatFOCUS}, q.Get("format")) {
			err = refuse.Invalid("format", "must be csv, xlsx or focus")
		}
		if err != nil {
			fail(w, r, err)
			return
		}
		name, kind := "costs.csv", "text/csv; charset=utf-8"
		if q.Get("format") == FormatXLSX {
			name, kind = "costs.xlsx", workbookType
		}
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", name))
		err = ledger.Snapshot(r.Context(), m.store, func(tx *gorm.DB) error { return m.Export(tx, w, f, q.Get("format")) })
		if err != nil { // the answer has begun: it is cut off rather than ended as if it were whole
			m.log.LogAttrs(r.Context(), slog.LevelError, "an export was cut off", slog.String("error", err.Error()))
			panic(http.ErrAbortHandler)
		}
	})
}

// Export writes the lines of a filter in a format; "" is csv.
func (m *Module) Export(tx *gorm.DB, w io.Writer, f ledger.Filter, format string) error {
	open := func() (export.Writer, error) { return export.CSV(w, m.zone) }
	switch format {
	case FormatXLSX:
		open = func() (export.Writer, error) { return export.XLSX(w, m.zone) }
	case FormatFOCUS:
		open = func() (export.Writer, error) { return export.FOCUS(w, m.zone, m.issuer) }
	}
	out, err := open()
	if err != nil {
		return err
	}
	err = ledger.Stream(tx, f, out.Write)
	if closing := out.Close(); err == nil {
		err = closing
	}
	return err
}
