package export

import (
	"bufio"
	"bytes"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/yunqiao/yunqiao/billing/ledger"
	"github.com/yunqiao/yunqiao/internal/money"
)

// Writer takes lines one after the other.
type Writer interface {
	Write(r *ledger.Row) error
	// Close ends the document. It must be called.
	Close() error
}

// columns of our own CSV and XLSX. Amounts are exact decimals; billed_rounded is
// made so that its sum is the sum of billed_cost, rounded once.
var columns = [...]string{
	"id", "period", "category", "class", "corrects", "begins_at", "ends_at", "organization_id", "applicant_id", "order_id", "programme", "tag",
	"account_id", "driver", "region", "resource_id", "resource_type", "state", "spec", "unmanaged", "meter", "quantity", "unit", "price_id",
	"price_version", "unit_price", "discount_id", "currency", "reason", "list_cost", "billed_cost", "billed_rounded",
}

// texts fills a record with all columns but the last.
func texts(to []string, r *ledger.Row, zone *time.Location) []string {
	return append(to[:0],
		r.ID, r.Period, r.Category, r.Class, r.Corrects, clock(r.Begins, zone), clock(r.Ends, zone), r.OrganizationID, r.ApplicantID, r.OrderID,
		r.Programme, r.Tag, r.AccountID, r.Driver, r.Region, r.ResourceID, r.ResourceType, r.State, r.Spec, strconv.FormatBool(r.Unmanaged), r.Meter,
		money.Quantity(r.Quantity).String(), r.Unit, r.PriceID, strconv.Itoa(int(r.PriceVersion)), money.Price(r.UnitPrice).String(), r.DiscountID,
		r.Currency, r.Reason, money.Amount(r.List).String(), money.Amount(r.Cost).String(),
	)
}

func clock(seconds int64, zone *time.Location) string {
	return time.Unix(seconds, 0).In(zone).Format(time.RFC3339)
}

// coins rounds a running sum, so that the parts add up to the rounded whole.
type coins struct{ exact map[string]money.Amount }

// next is what a line adds to the rounded sum of its currency.
func (c *coins) next(r *ledger.Row) money.Amount {
	if c.exact == nil {
		c.exact = map[string]money.Amount{}
	}
	before := c.exact[r.Currency]
	after := before + money.Amount(r.Cost)
	c.exact[r.Currency] = after
	return after.Round(2, money.HalfUp) - before.Round(2, money.HalfUp)
}

type table struct {
	out   *bufio.Writer
	zone  *time.Location
	coins coins
	line  []byte
}

// CSV writes our own columns, after RFC 4180 with line feeds.
func CSV(w io.Writer, zone *time.Location) (Writer, error) {
	t := &table{out: bufio.NewWriterSize(w, 1<<16), zone: zone}
	_, err := t.out.WriteString(strings.Join(columns[:], ",") + "\n")
	return t, err
}

// Write implements Writer. It builds the line without allocating.
func (t *table) Write(r *ledger.Row) error {
	t.line = t.line[:0]
	t.texts(r.ID, r.Period, r.Category, r.Class, r.Corrects)
	t.clock(r.Begins)
	t.clock(r.Ends)
	t.texts(r.OrganizationID, r.ApplicantID, r.OrderID, r.Programme, r.Tag, r.AccountID, r.Driver, r.Region, r.ResourceID, r.ResourceType, r.State, r.Spec,
		strconv.FormatBool(r.Unmanaged), r.Meter)
	t.number(r.Quantity, money.QuantityDigits, 0)
	t.texts(r.Unit, r.PriceID)
	t.line = append(strconv.AppendInt(t.line, int64(r.PriceVersion), 10), ',')
	t.number(r.UnitPrice, money.PriceDigits, 0)
	t.texts(r.DiscountID, r.Currency, r.Reason)
	t.number(r.List, money.AmountDigits, 0)
	t.number(r.Cost, money.AmountDigits, 0)
	t.number(int64(t.coins.next(r)), money.AmountDigits, 2)
	t.line[len(t.line)-1] = '\n'
	_, err := t.out.Write(t.line)
	return err
}

func (t *table) texts(texts ...string) {
	for _, text := range texts {
		if special(text) {
			text = `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
		}
		t.line = append(append(t.line, text...), ',')
	}
}

// special tells whether a text must be quoted.
func special(text string) bool {
	for i := range len(text) {
		if c := text[i]; c == '"' || c == ',' || c == '\n' || c == '\r' {
			return true
		}
	}
	return false
}

func (t *table) clock(seconds int64) {
	t.line = append(time.Unix(seconds, 0).In(t.zone).AppendFormat(t.line, time.RFC3339), ',')
}

// number writes parts of 10^-digits with at least so many digits behind the point.
func (t *table) number(n int64, digits, least int) {
	t.line = money.Append(t.line, n, digits)
	for range digits - least {
		if t.line[len(t.line)-1] != '0' {
			break
		}
		t.line = t.line[:len(t.line)-1]
	}
	t.line = append(bytes.TrimSuffix(t.line, []byte{'.'}), ',')
}

// Close implements Writer.
func (t *table) Close() error { return t.out.Flush() }
