package export

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"
)

// Sizes of the page, in millimetres, and of letters, in points.
const (
	pageWidth  = 210
	pageMargin = 15
	lineHeight = 7
	smallSize  = 9
	tableSize  = 7.5
	titleSize  = 16
)

// StatementPDF writes a statement as PDF. font is a TrueType file with Chinese
// characters; without one ("") only what is Latin can be written, and other characters
// are shown as "?". The same statement gives the same bytes.
func StatementPDF(w io.Writer, s *Statement, font string, zone *time.Location) error {
	p := fpdf.New("P", "mm", "A4", "")
	p.SetMargins(pageMargin, pageMargin, pageMargin)
	p.SetCreationDate(s.ClosedAt.UTC())
	p.SetModificationDate(s.ClosedAt.UTC())
	p.SetCatalogSort(true)
	p.SetTitle(s.Number, true)
	page := &statementPage{Fpdf: p, family: "Helvetica", plain: true}
	if font != "" {
		content, err := os.ReadFile(font)
		if err != nil {
			return fmt.Errorf("font of statements: %w", err)
		}
		p.AddUTF8FontFromBytes("statement", "", content)
		page.family, page.plain = "statement", false
	}
	p.AliasNbPages("")
	p.SetFooterFunc(func() {
		p.SetY(-pageMargin)
		page.letters(smallSize)
		p.CellFormat(0, lineHeight, fmt.Sprintf("%s   %d/{nb}", s.Number, p.PageNo()), "", 0, "C", false, 0, "")
	})
	p.AddPage()
	page.letters(titleSize)
	p.CellFormat(0, 2*lineHeight, page.both("账单", "Statement"), "", 1, "C", false, 0, "")
	page.letters(smallSize)
	for _, f := range s.head(zone) {
		page.field(f, "L")
	}
	p.Ln(lineHeight / 2)
	page.rows(s)
	page.letters(smallSize)
	p.Ln(lineHeight / 2)
	for _, f := range s.foot() {
		page.field(f, "R")
	}
	if chinese, english := s.note(); english != "" {
		p.MultiCell(0, lineHeight, page.both(chinese, english), "", "L", false)
	}
	if err := p.Output(w); err != nil {
		return fmt.Errorf("write the statement %s: %w", s.Number, err)
	}
	return nil
}

// statementPage writes in one font.
type statementPage struct {
	*fpdf.Fpdf
	family string
	plain  bool // Latin characters only
}

func (p *statementPage) letters(size float64) { p.SetFont(p.family, "", size) }

// both is a text in both languages, or in English where Chinese cannot be written.
func (p *statementPage) both(chinese, english string) string {
	if p.plain {
		return english
	}
	return chinese + " " + english
}

// text is what a font without Chinese can show.
func (p *statementPage) text(value string) string {
	if !p.plain {
		return value
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, value)
}

func (p *statementPage) field(f field, align string) {
	const label = 70
	p.CellFormat(label, lineHeight, p.both(f.chinese, f.english), "", 0, align, false, 0, "")
	p.CellFormat(0, lineHeight, p.text(f.value), "", 1, align, false, 0, "")
}

// rows writes the table; its head is repeated on each page.
func (p *statementPage) rows(s *Statement) {
	p.letters(tableSize)
	columns := statementColumns()
	line := func(text func(c column) string, fill bool) {
		for n, c := range columns {
			align := "L"
			if n >= len(columns)-2 { // numbers
				align = "R"
			}
			p.CellFormat(float64(c.width)*(pageWidth-2*pageMargin)/100, lineHeight, text(c), "1", 0, align, fill, 0, "")
		}
		p.Ln(lineHeight)
	}
	p.SetFillColor(230, 230, 230)
	head := func() { line(func(c column) string { return p.both(c.chinese, c.english) }, true) }
	head()
	_, height := p.GetPageSize()
	for n := range s.Rows {
		if p.GetY() > height-3*pageMargin {
			p.AddPage()
			p.letters(tableSize)
			head()
		}
		line(func(c column) string { return p.text(c.text(&s.Rows[n])) }, false)
	}
}
