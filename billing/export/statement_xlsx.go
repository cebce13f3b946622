package export

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/yunqiao/yunqiao/internal/money"
)

// StatementXLSX writes a statement as a workbook. Amounts are exact texts; the last
// column repeats those of the rows as numbers.
func StatementXLSX(w io.Writer, s *Statement, zone *time.Location) (err error) {
	file := excelize.NewFile()
	defer func() { err = errors.Join(err, file.Close()) }()
	const name = "statement"
	if err := file.SetSheetName("Sheet1", name); err != nil {
		return err
	}
	line := 0
	add := func(cells ...any) error {
		line++
		return file.SetSheetRow(name, fmt.Sprintf("A%d", line), &cells)
	}
	for _, f := range s.head(zone) {
		if err := add(f.chinese+" "+f.english, f.value); err != nil {
			return err
		}
	}
	columns := statementColumns()
	var head []any
	for _, c := range columns {
		head = append(head, c.chinese+" "+c.english)
	}
	line++ // an empty one
	if err := add(append(head, "明细合计 Exact", "数值 Number")...); err != nil {
		return err
	}
	for n := range s.Rows {
		r := &s.Rows[n]
		var cells []any
		for _, c := range columns {
			cells = append(cells, c.text(r))
		}
		if err := add(append(cells, r.Exact.String(), asNumber(r.Amount))...); err != nil {
			return err
		}
	}
	line++
	for _, f := range s.foot() {
		if err := add(f.chinese+" "+f.english, f.value); err != nil {
			return err
		}
	}
	if chinese, english := s.note(); english != "" {
		if err := add(chinese + " " + english); err != nil {
			return err
		}
	}
	return file.Write(w)
}

// asNumber is an amount as spreadsheets have numbers: they know no exact decimals.
func asNumber(amount money.Amount) any { return float64(amount) / 1_0000_0000 }
