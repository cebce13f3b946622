package billing

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"

	"github.com/xuri/excelize/v2"

	"github.com/yunqiao/yunqiao/billing/pricing"
	"github.com/yunqiao/yunqiao/internal/refuse"
)

// unpackedLimit bounds what a workbook of 500 KiB may unpack to.
const unpackedLimit = 32 << 20

// readWorkbook reads the table in the first sheet.
func readWorkbook(content []byte) (rows []documentRow, err error) {
	file, err := excelize.OpenReader(bytes.NewReader(content), excelize.Options{RawCellValue: true, UnzipSizeLimit: unpackedLimit, UnzipXMLSizeLimit: unpackedLimit})
	if err != nil {
		return nil, refuse.Invalid("workbook", "is no XLSX workbook")
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	sheet := file.GetSheetName(0)
	cursor, err := file.Rows(sheet)
	if err != nil {
		return nil, refuse.Invalid("workbook", "has no sheet that can be read")
	}
	defer func() { err = errors.Join(err, cursor.Close()) }()
	number := 0
	var head []string
	return readTable(func() ([]string, error) {
		for cursor.Next() {
			number++
			row, err := cursor.Columns()
			if err != nil {
				return nil, err
			}
			if strings.Join(row, "") == "" {
				continue // an empty line
			}
			if head == nil {
				head = row
			}
			if len(row) > len(head) {
				return nil, errors.New("the row has more cells than the head")
			}
			for n := range row {
				if row[n], err = asTyped(file, sheet, n+1, number, row[n]); err != nil {
					return nil, err
				}
			}
			return row, nil
		}
		if err := cursor.Error(); err != nil {
			return nil, err
		}
		return nil, io.EOF
	}, func(int) place { return inSheet(sheet, number, head) })
}

// inSheet names a row of a sheet, or the cell of a field, as spreadsheets do: "prices!D4",
// "prices!4:4".
func inSheet(sheet string, row int, head []string) place {
	return func(field string) string {
		at := fmt.Sprintf("%d:%d", row, row)
		column, _, _ := strings.Cut(field, "[") // of tiers[0].price: tiers
		if column := slices.Index(head, column); column >= 0 {
			if name, err := excelize.CoordinatesToCellName(column+1, row); err == nil {
				at = name
			}
		}
		return fmt.Sprintf("workbook[%s!%s]", sheet, at)
	}
}

// asTyped is the number of a cell as somebody has typed it. Spreadsheets keep 0.29 as
// 0.28999999999999998, which has more than the 15 digits that they show.
func asTyped(file *excelize.File, sheet string, column, row int, value string) (string, error) {
	const shown = 15
	if len(value) <= shown {
		return value, nil
	}
	name, err := excelize.CoordinatesToCellName(column, row)
	if err != nil {
		return "", err
	}
	kind, err := file.GetCellType(sheet, name)
	if err != nil || kind != excelize.CellTypeNumber && kind != excelize.CellTypeUnset {
		return value, err
	}
	exact, ok := new(big.Rat).SetString(value)
	if !ok {
		return value, nil
	}
	whole, _, _ := strings.Cut(exact.FloatString(0), ".")
	text := exact.FloatString(max(0, shown-len(strings.TrimLeft(whole, "-0"))))
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text, nil
}

// writeWorkbook writes the table with every cell a text, so that no program makes
// fractions of prices.
func writeWorkbook(w io.Writer, prices []pricing.Price) (err error) {
	file := excelize.NewFile()
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := file.SetSheetName("Sheet1", "prices"); err != nil {
		return err
	}
	sheet, err := file.NewStreamWriter("prices")
	if err != nil {
		return err
	}
	number := 0
	err = writeTable(prices, func(row []string) error {
		number++
		cells := make([]any, len(row))
		for n, text := range row {
			cells[n] = text
		}
		return sheet.SetRow(fmt.Sprintf("A%d", number), cells)
	})
	if err != nil {
		return err
	}
	if err := sheet.Flush(); err != nil {
		return err
	}
	return file.Write(w)
}
