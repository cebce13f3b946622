package billing

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/yunqiao/yunqiao/billing/export"
	"github.com/yunqiao/yunqiao/billing/statement"
	"github.com/yunqiao/yunqiao/internal/money"
	"github.com/yunqiao/yunqiao/internal/refuse"
)

// FormatPDF is the format of a statement that is not told.
const FormatPDF = "pdf"

// DownloadStatement serves a statement of a closed month as a file. Its parameters are
// id, and format: pdf or xlsx. The context tells who calls, as of an rpc.
func (m *Module) DownloadStatement(fail func(w http.ResponseWriter, r *http.Request, err error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, name, kind, err := m.statementFile(r)
		if err != nil {
			fail(w, r, err)
			return
		}
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", name))
		_, _ = w.Write(content) // a client that has gone is told nothing
	})
}

func (m *Module) statementFile(r *http.Request) (content []byte, name, kind string, err error) {
	row, err := m.statement(r.Context(), r.URL.Query().Get("id"))
	if err != nil {
		return nil, "", "", err
	}
	s := &export.Statement{
		Issuer: cmp.Or(row.Issuer, m.issuer), Number: row.Number, Period: row.Period, Organization: row.OrganizationID, Currency: row.Currency, ClosedAt: row.ClosedAt,
		Statement: statement.Statement{
			Exact: money.Amount(row.Exact), Net: money.Amount(row.Net), Tax: money.Amount(row.Tax), Total: money.Amount(row.Total), Unpriced: row.Unpriced,
		},
	}
	if called := cmp.Or(row.OrganizationName, m.access.Name(row.OrganizationID)); called != "" {
		s.Organization = called + " (" + row.OrganizationID + ")"
	}
	if err := json.Unmarshal([]byte(row.Rows), &s.Rows); err != nil {
		return nil, "", "", fmt.Errorf("stored statement %s: %w", row.Number, err)
	}
	var b bytes.Buffer
	switch r.URL.Query().Get("format") {
	case "", FormatPDF:
		name, kind, err = row.Number+".pdf", "application/pdf", export.StatementPDF(&b, s, m.font, m.zone)
	case FormatXLSX:
		name, kind, err = row.Number+".xlsx", workbookType, export.StatementXLSX(&b, s, m.zone)
	default:
		err = refuse.Invalid("format", "must be pdf or xlsx")
	}
	return b.Bytes(), name, kind, err
}
