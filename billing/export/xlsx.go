package export

import (
	"archive/zip"
	"bufio"
	"compress/flate"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"github.com/yunqiao/yunqiao/billing/ledger"
)

const (
	// sheetRows is how many rows a sheet can hold.
	sheetRows = 1_048_576
	// cellCharacters is how many characters a cell can hold.
	cellCharacters = 32_767
)

// Parts of a workbook that do not depend on what is in it. Source: ECMA-376, part 1, 12
// (SpreadsheetML parts) and part 2 (packages).
const (
	xmlHead       = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	mainNamespace = `xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"`
	relations     = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"

	contentTypes = xmlHead + `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">` +
		`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
		`<Default Extension="xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>` +
		`<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>`
	packageRelations = xmlHead + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` +
		`<Relationship Id="rId1" Type="` + relations + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`
	sheetHead = xmlHead + `<worksheet ` + mainNamespace + `><sheetData>`
	sheetTail = `</sheetData></worksheet>`
)

// workbook writes sheets straight into their archive: a library for workbooks would hold
// much of them, and take longer.
type workbook struct {
	archive *zip.Writer
	sheet   *bufio.Writer
	names   []string // of columns: A, B, …
	sheets  int
	row     int
	most    int // rows of a sheet
	zone    *time.Location
	coins   coins
	record  []string
	line    []byte
}

// XLSX writes our own columns, as many sheets as are needed. What is written goes out at
// once.
func XLSX(w io.Writer, zone *time.Location) (Writer, error) {
	return newWorkbook(w, zone, sheetRows)
}

func newWorkbook(w io.Writer, zone *time.Location, most int) (*workbook, error) {
	b := &workbook{archive: zip.NewWriter(w), most: most, zone: zone}
	b.archive.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
	for n := range columns {
		name, err := excelize.ColumnNumberToName(n + 1)
		if err != nil {
			return nil, err
		}
		b.names = append(b.names, name)
	}
	for _, part := range [][2]string{{"[Content_Types].xml", contentTypes}, {"_rels/.rels", packageRelations}} {
		if err := b.part(part[0], part[1]); err != nil {
			return nil, err
		}
	}
	return b, b.begin()
}

// part adds a whole part.
func (b *workbook) part(name, content string) error {
	w, err := b.archive.Create(name)
	if err == nil {
		_, err = io.WriteString(w, content)
	}
	if err != nil {
		return fmt.Errorf("write %s of the workbook: %w", name, err)
	}
	return nil
}

// begin starts the next sheet with its head.
func (b *workbook) begin() error {
	if err := b.end(); err != nil {
		return err
	}
	b.sheets++
	w, err := b.archive.Create(fmt.Sprintf("xl/worksheets/sheet%d.xml", b.sheets))
	if err != nil {
		return fmt.Errorf("begin a sheet: %w", err)
	}
	b.sheet, b.row = bufio.NewWriterSize(w, 1<<16), 0
	if _, err := b.sheet.WriteString(sheetHead); err != nil {
		return err
	}
	b.open()
	for n, column := range columns {
		b.text(n, column)
	}
	return b.close()
}

// end ends the sheet, if there is one.
func (b *workbook) end() error {
	if b.sheet == nil {
		return nil
	}
	_, err := b.sheet.WriteString(sheetTail)
	if err == nil {
		err = b.sheet.Flush()
	}
	if err != nil {
		return fmt.Errorf("end a sheet: %w", err)
	}
	return nil
}

// Write implements Writer. The last column is a number.
func (b *workbook) Write(r *ledger.Row) error {
	if b.row == b.most {
		if err := b.begin(); err != nil {
			return err
		}
	}
	b.record = texts(b.record, r, b.zone)
	b.open()
	for n, text := range b.record {
		b.text(n, text)
	}
	b.number(len(b.record), b.coins.next(r).Fixed(coinDigits))
	return b.close()
}

// open begins a row.
func (b *workbook) open() {
	b.row++
	b.line = append(b.line[:0], `<row r="`...)
	b.line = append(strconv.AppendInt(b.line, int64(b.row), 10), `">`...)
}

// close writes the row.
func (b *workbook) close() error {
	_, err := b.sheet.Write(append(b.line, "</row>"...))
	return err
}

func (b *workbook) cell(column int) {
	b.line = append(append(b.line, `<c r="`...), b.names[column]...)
	b.line = strconv.AppendInt(b.line, int64(b.row), 10)
}

// text adds a cell that spreadsheets leave as it is; an empty one is left out.
func (b *workbook) text(column int, text string) {
	if text == "" {
		return
	}
	b.cell(column)
	b.line = append(b.line, `" t="inlineStr"><is><t xml:space="preserve">`...)
	b.line = appendEscaped(b.line, text)
	b.line = append(b.line, `</t></is></c>`...)
}

// number adds a cell with a number, given as decimal text.
func (b *workbook) number(column int, text string) {
	b.cell(column)
	b.line = append(append(append(b.line, `"><v>`...), text...), `</v></c>`...)
}

// appendEscaped adds a text as XML, up to what a cell can hold. What XML cannot hold is
// replaced, and what spreadsheets would take for a character by its number (ECMA-376,
// ST_Xstring) is told apart.
func appendEscaped(to []byte, text string) []byte {
	if len(text) > cellCharacters {
		if runes := []rune(text); len(runes) > cellCharacters {
			text = string(runes[:cellCharacters])
		}
	}
	for i := 0; i < len(text); {
		c := text[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(text[i:])
			if r == 0xfffe || r == 0xffff {
				r = utf8.RuneError
			}
			to, i = utf8.AppendRune(to, r), i+size
			continue
		}
		switch {
		case c == '&':
			to = append(to, "&amp;"...)
		case c == '<':
			to = append(to, "&lt;"...)
		case c == '>':
			to = append(to, "&gt;"...)
		case c == '\r':
			to = append(to, "&#xD;"...)
		case c < ' ' && c != '\t' && c != '\n':
			to = utf8.AppendRune(to, utf8.RuneError)
		case c == '_' && numbered(text[i:]):
			to = append(to, "_x005F_"...)
		default:
			to = append(to, c)
		}
		i++
	}
	return to
}

// numbered tells whether a text begins as "_x0041_" does.
func numbered(text string) bool {
	const length = len("_x0041_")
	return len(text) >= length && text[1] == 'x' && text[length-1] == '_' && strings.Trim(text[2:length-1], "0123456789abcdefABCDEF") == ""
}

// Close implements Writer.
func (b *workbook) Close() error {
	if err := b.end(); err != nil {
		return err
	}
	var sheets, targets strings.Builder
	for n := 1; n <= b.sheets; n++ {
		fmt.Fprintf(&sheets, `<sheet name="costs-%d" sheetId="%d" r:id="rId%d"/>`, n, n, n)
		fmt.Fprintf(&targets, `<Relationship Id="rId%d" Type="%s/worksheet" Target="worksheets/sheet%d.xml"/>`, n, relations, n)
	}
	err := b.part("xl/workbook.xml", xmlHead+`<workbook `+mainNamespace+` xmlns:r="`+relations+`"><sheets>`+sheets.String()+`</sheets></workbook>`)
	if err == nil {
		err = b.part("xl/_rels/workbook.xml.rels", xmlHead+`<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">`+
			targets.String()+`</Relationships>`)
	}
	if err == nil {
		err = b.archive.Close()
	}
	if err != nil {
		return fmt.Errorf("write the workbook: %w", err)
	}
	return nil
}
