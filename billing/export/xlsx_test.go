package export

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/yunqiao/yunqiao/billing/ledger"
)

// TestWorkbook reads back what another library than ours finds: texts that XML or
// spreadsheets would take for something else, more sheets than one, numbers.
func TestWorkbook(t *testing.T) {
	t.Parallel()
	// Text that cannot be in a cell is seen to be missing.
	texts := map[string]string{
		"plain": "plain", "<a href='x'>&amp;</a>": "<a href='x'>&amp;</a>", "  kept  ": "  kept  ", "名称 ☃ 𝄞": "名称 ☃ 𝄞", "line\nand\ttab": "line\nand\ttab",
		"_x0041_": "_x0041_", "a_x_x0041": "a_x_x0041", "=1+1": "=1+1", "bell\a": "bell\ufffd", "\xff": "\ufffd", strings.Repeat("长", 40_000): strings.Repeat("长", 32_767),
	}
	var file bytes.Buffer
	b, err := newWorkbook(&file, time.UTC, 5)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for text, shown := range texts {
		if err := b.Write(&ledger.Row{ID: text, Currency: "CNY", Cost: 33_333_333}); err != nil {
			t.Fatal(err)
		}
		want = append(want, shown)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	book, err := excelize.OpenReader(&file)
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	n := 0
	var numbers []string
	for _, sheet := range book.GetSheetList() {
		rows, err := book.GetRows(sheet)
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) > 5 || strings.Join(rows[0], ",") != strings.Join(columns[:], ",") {
			t.Errorf("%s has %d rows with the head %q", sheet, len(rows), rows[0])
		}
		for _, row := range rows[1:] {
			if row[0] != want[n] || row[len(columns)-2] != "0.33333333" {
				t.Errorf("row %d: got %.60q and %s, want %.60q", n, row[0], row[len(columns)-2], want[n])
			}
			n, numbers = n+1, append(numbers, row[len(columns)-1])
		}
	}
	if got := strings.Join(numbers, " "); n != len(want) || got != "0.33 0.34 0.33 0.33 0.34 0.33 0.33 0.34 0.33 0.33 0.34" {
		t.Errorf("%d rows, numbers %s", n, got)
	}
	if kind, err := book.GetCellType("costs-1", "AF2"); err != nil || kind != excelize.CellTypeUnset && kind != excelize.CellTypeNumber {
		t.Errorf("the number is a cell of type %v, %v", kind, err)
	}
}
