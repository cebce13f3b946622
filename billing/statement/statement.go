package statement

import (
	"cmp"
	"slices"
	"strings"

	"github.com/yunqiao/yunqiao/internal/money"
)

// Sum is what lines that go into one row come to, exactly.
type Sum struct {
	Kind         string // category of the lines
	ResourceType string
	Meter        string
	Book         string
	Exact        money.Amount
	Lines        int64
	Unpriced     int64
}

// Rules are those of a price book.
type Rules struct {
	TaxInclusive bool
	TaxPoints    int32 // basis points
	Rounding     money.Mode
	Digits       int // behind the point
}

// Kinds of rows that are of no lines.
const (
	Residual = "RESIDUAL" // what rounding each row made of the whole
	Tax      = "TAX"      // of prices without tax
)

// Row is a row of a statement.
type Row struct {
	Kind         string       `json:"kind"`
	ResourceType string       `json:"resource_type"`
	Meter        string       `json:"meter"`
	Book         string       `json:"book"`
	Exact        money.Amount `json:"exact"`  // 10⁻⁸
	Amount       money.Amount `json:"amount"` // 10⁻⁸, rounded
	Lines        int64        `json:"lines"`
}

// Statement is what is owed. Total = Net + Tax = the sum of the rows' amounts.
type Statement struct {
	Rows            []Row
	Exact           money.Amount
	Net, Tax, Total money.Amount
	Unpriced        int64
}

// Make rounds sums to rows. Each book is a whole of its own: its sum is rounded
// once, and what its rounded rows differ from it is a row, RESIDUAL.
func Make(sums []Sum, rules func(book string) Rules) (Statement, error) {
	sums = slices.Clone(sums)
	slices.SortFunc(sums, func(a, b Sum) int {
		return cmp.Or(strings.Compare(a.Book, b.Book), strings.Compare(a.Kind, b.Kind), strings.Compare(a.ResourceType, b.ResourceType), strings.Compare(a.Meter, b.Meter))
	})
	var out Statement
	for start := 0; start < len(sums); {
		end := start
		for end < len(sums) && sums[end].Book == sums[start].Book {
			end++
		}
		if err := out.addBook(sums[start:end], rules(sums[start].Book)); err != nil {
			return Statement{}, err
		}
		start = end
	}
	return out, nil
}

func (s *Statement) addBook(sums []Sum, r Rules) error {
	var exact, rounded money.Amount
	for _, sum := range sums {
		row := Row{Kind: sum.Kind, ResourceType: sum.ResourceType, Meter: sum.Meter, Book: sum.Book, Exact: sum.Exact, Lines: sum.Lines}
		row.Amount = sum.Exact.Round(r.Digits, r.Rounding)
		exact += sum.Exact
		rounded += row.Amount
		s.Unpriced += sum.Unpriced
		s.Rows = append(s.Rows, row)
	}
	whole := exact.Round(r.Digits, r.Rounding)
	if whole != rounded {
		s.Rows = append(s.Rows, Row{Kind: Residual, Book: sums[0].Book, Amount: whole - rounded})
	}
	s.Exact += exact
	if r.TaxInclusive {
		tax, err := r.tax(whole, 10_000+int64(r.TaxPoints))
		if err != nil {
			return err
		}
		s.Net, s.Tax, s.Total = s.Net+whole-tax, s.Tax+tax, s.Total+whole
		return nil
	}
	tax, err := r.tax(whole, 10_000)
	if err != nil {
		return err
	}
	if tax != 0 {
		s.Rows = append(s.Rows, Row{Kind: Tax, Book: sums[0].Book, Amount: tax})
	}
	s.Net, s.Tax, s.Total = s.Net+whole, s.Tax+tax, s.Total+whole+tax
	return nil
}

// tax is the tax's share of an amount, rounded once: the amount has no more digits
// than the rules, so it is divided in their smallest coin.
func (r Rules) tax(whole money.Amount, of int64) (money.Amount, error) {
	coin := money.Amount(1)
	for range money.AmountDigits - r.Digits {
		coin *= 10
	}
	coins, err := (whole / coin).Ratio(int64(r.TaxPoints), of, r.Rounding)
	return coins * coin, err
}
