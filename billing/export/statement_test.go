package export_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/yunqiao/yunqiao/billing/export"
	"github.com/yunqiao/yunqiao/billing/statement"
)

// TestStatementWorkbook: numbers have the digits of their book, and the reader is told
// of usage without a price.
func TestStatementWorkbook(t *testing.T) {
	t.Parallel()
	s := &export.Statement{Number: "YQ-1", Statement: statement.Statement{
		Rows: []statement.Row{{ResourceType: "compute.vm", Amount: 1234_5600, Exact: 1234_5678}}, Exact: 1234_5678, Unpriced: 3,
	}}
	var file bytes.Buffer
	if err := export.StatementXLSX(&file, s, time.UTC); err != nil {
		t.Fatal(err)
	}
	book, err := excelize.OpenReader(&file)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := book.GetRows("statement", excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	row, last := rows[8], rows[len(rows)-1]
	if row[5] != "0.123456" || row[6] != "0.12345678" || row[7] != "0.123456" {
		t.Errorf("row: got %q", row)
	}
	if !strings.Contains(last[0], "3 lines of usage have no price") {
		t.Errorf("last line: got %q", last)
	}
}
