package export

import (
	"fmt"
	"strconv"
	"time"

	"github.com/yunqiao/yunqiao/billing/statement"
)

// Statement is a statement of a closed month, with what stands at its head.
type Statement struct {
	statement.Statement
	Issuer       string // who sends it
	Number       string
	Period       string // "2026-11"
	Organization string // whom it is for
	Currency     string // ISO 4217
	ClosedAt     time.Time
}

// field is a line of the head or foot, in Chinese and English.
type field struct{ chinese, english, value string }

func (s *Statement) head(zone *time.Location) []field {
	return []field{
		{"编号", "Number", s.Number},
		{"账期", "Period", s.Period},
		{"组织", "Organization", s.Organization},
		{"出账方", "Issuer", s.Issuer},
		{"币种", "Currency", s.Currency},
		{"出账时间", "Closed at", s.ClosedAt.In(zone).Format(time.RFC3339)},
	}
}

func (s *Statement) foot() []field {
	return []field{
		{"明细合计（未舍入）", "Sum of lines, unrounded", s.Exact.String()},
		{"不含税", "Net", s.Net.Fixed(coinDigits)},
		{"税额", "Tax", s.Tax.Fixed(coinDigits)},
		{"应付", "Total", s.Total.Fixed(coinDigits)},
	}
}

// note says in both languages what the reader must know of the amounts, or nothing.
func (s *Statement) note() (chinese, english string) {
	if s.Unpriced == 0 {
		return "", ""
	}
	return fmt.Sprintf("有 %d 条用量没有价格，金额按 0 计。", s.Unpriced), fmt.Sprintf("%d lines of usage have no price and count as 0.", s.Unpriced)
}

// coinDigits are the digits behind the point that amounts have at least.
const coinDigits = 2

// column is a column of the rows of a statement.
type column struct {
	chinese, english string
	width            int // of 100
	text             func(r *statement.Row) string
}

func statementColumns() []column {
	return []column{
		{"类别", "Kind", 15, func(r *statement.Row) string { return r.Kind }},
		{"资源类型", "Resource type", 25, func(r *statement.Row) string { return r.ResourceType }},
		{"计量项", "Meter", 18, func(r *statement.Row) string { return r.Meter }},
		{"价目", "Book", 15, func(r *statement.Row) string { return r.Book }},
		{"条数", "Lines", 11, func(r *statement.Row) string { return strconv.FormatInt(r.Lines, 10) }},
		{"金额", "Amount", 16, func(r *statement.Row) string { return r.Amount.Fixed(coinDigits) }},
	}
}
