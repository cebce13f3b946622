package export

import (
	"archive/zip"
	"fmt"
	"io"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/yunqiao/yunqiao/billing/ledger"
	"github.com/yunqiao/yunqiao/internal/money"
)

// sheetRows is how many rows a sheet can hold.
const sheetRows = 1_048_576

type workbook struct {
	file   *excelize.File
	sheet  *excelize.StreamWriter
	sheets int
	row    int
	zone   *time.Location
	coins  coins
	record []string
	cells  []any
}

// XLSX writes our own columns, as many sheets as are needed. Rows beyond a few
// megabytes wait in a temporary file, which Close removes.
func XLSX(w io.Writer, zone *time.Location) (Writer, error) {
	b := &workbook{file: excelize.NewFile(), zone: zone, cells: make([]any, len(columns))}
	// The library would hold the whole document: its archive goes straight out.
	b.file.SetZipWriter(func(io.Writer) excelize.ZipWriter { return zip.NewWriter(w) })
	return b, b.begin()
}

// begin starts the next sheet with its head.
func (b *workbook) begin() error {
	if b.sheet != nil {
		if err := b.sheet.Flush(); err != nil {
			return fmt.Errorf("end a sheet: %w", err)
		}
	}
	b.sheets++
	name := fmt.Sprintf("costs-%d", b.sheets)
	var err error
	if b.sheets == 1 {
		err = b.file.SetSheetName("Sheet1", name)
	} else {
		_, err = b.file.NewSheet(name)
	}
	if err != nil {
		return fmt.Errorf("begin a sheet: %w", err)
	}
	if b.sheet, err = b.file.NewStreamWriter(name); err != nil {
		return fmt.Errorf("begin a sheet: %w", err)
	}
	for n, column := range columns {
		b.cells[n] = column
	}
	b.row = 1
	return b.sheet.SetRow("A1", b.cells)
}

// asNumber is an amount of whole coins as spreadsheets have numbers: they know no
// exact decimals, and add coins divided by 100 up to the coin.
func asNumber(coins money.Amount) any { return float64(coins/1_000_000) / 100 }

// asNumberOfAllDigits is an amount that was rounded to other digits than those of coins.
func asNumberOfAllDigits(amount money.Amount) any { return float64(amount) / 1_0000_0000 }

// Write implements Writer. The last column is a number.
func (b *workbook) Write(r *ledger.Row) error {
	if b.row == sheetRows {
		if err := b.begin(); err != nil {
			return err
		}
	}
	b.row++
	b.record = texts(b.record, r, b.zone)
	for n, text := range b.record {
		b.cells[n] = text
	}
	b.cells[len(b.record)] = asNumber(b.coins.next(r))
	cell, err := excelize.CoordinatesToCellName(1, b.row)
	if err != nil {
		return err
	}
	return b.sheet.SetRow(cell, b.cells)
}

// Close implements Writer.
func (b *workbook) Close() error {
	err := b.sheet.Flush()
	if err == nil {
		err = b.file.Write(io.Discard)
	}
	if closing := b.file.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return fmt.Errorf("write the workbook: %w", err)
	}
	return nil
}
