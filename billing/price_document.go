package billing

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/yunqiao/yunqiao/billing/pricing"
	"github.com/yunqiao/yunqiao/internal/refuse"
	billingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/billing/v1"
)

// priceColumns are the columns of a table of prices, which are fields of
// CreatePriceRequest. match is "a=b;c=d", states and tiers are separated by ";", a
// tier is "up_to:price:fee".
var priceColumns = [...]string{
	"name", "book", "organization_id", "account_id", "driver", "region", "resource_type", "match", "states", "meter", "per", "unit", "step_seconds",
	"charge_mode", "model", "price", "tiers", "pooled", "currency", "effective_at", "term_months",
}

// documentRow is a price of a document.
type documentRow struct {
	values map[string]any
	place  place
}

// place names where in a document a value of a row is: the row itself where the field
// is "" or has no column.
type place func(field string) string

// wrong says where an error is.
func (p place) wrong(field string, err error) error { return refuse.Invalid(p(field), err.Error()) }

// broughtPrice is a price that a document brings.
type broughtPrice struct {
	*billingv1.CreatePriceRequest
	place place
}

// readPrices reads a document; the error names the row.
func readPrices(request *billingv1.ImportPricesRequest) ([]broughtPrice, error) {
	var rows []documentRow
	var err error
	switch request.GetFormat() {
	case billingv1.PriceFormat_PRICE_FORMAT_YAML:
		rows, err = readYAML(request.GetDocument())
	case billingv1.PriceFormat_PRICE_FORMAT_XLSX:
		rows, err = readWorkbook(request.GetWorkbook())
	default:
		table := csv.NewReader(strings.NewReader(strings.TrimPrefix(request.GetDocument(), "\ufeff")))
		rows, err = readTable(table.Read, inDocument)
	}
	if err != nil {
		return nil, err
	}
	var out []broughtPrice
	for _, row := range rows {
		for field, prefix := range map[string]string{"unit": "UNIT_", "charge_mode": "CHARGE_MODE_", "model": "PRICING_MODEL_"} {
			if value, ok := row.values[field].(string); ok && value != "" && !strings.HasPrefix(value, prefix) {
				row.values[field] = prefix + strings.ToUpper(value)
			}
		}
		r, field, err := row.price()
		if err != nil {
			return nil, row.place.wrong(field, errors.New("is no price: "+strings.ReplaceAll(err.Error(), "\u00a0", " ")))
		}
		out = append(out, broughtPrice{r, row.place})
	}
	return out, nil
}

// price reads a row. Of a row that is none, field is the value that alone is wrong, or "".
func (r *documentRow) price() (price *billingv1.CreatePriceRequest, field string, err error) {
	read := func(values map[string]any) error {
		encoded, err := json.Marshal(values)
		if err != nil {
			return err
		}
		price = &billingv1.CreatePriceRequest{}
		return protojson.Unmarshal(encoded, price)
	}
	if err = read(r.values); err == nil {
		return price, "", nil
	}
	for _, name := range slices.Sorted(maps.Keys(r.values)) {
		if alone := read(map[string]any{name: r.values[name]}); alone != nil {
			return nil, name, alone
		}
	}
	return nil, "", err
}

// inDocument names a row of a text; rows count from 1, without the head.
func inDocument(n int) place {
	return func(string) string { return fmt.Sprintf("document[%d]", n+1) }
}

func readYAML(text string) ([]documentRow, error) {
	var document struct {
		Prices []yaml.Node `yaml:"prices"`
	}
	decoder := yaml.NewDecoder(strings.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&document); err != nil {
		return nil, refuse.Invalid("document", "is no YAML with a list of prices")
	}
	var rows []documentRow
	for n := range document.Prices {
		values, ok := plain(&document.Prices[n]).(map[string]any)
		if !ok {
			return nil, inDocument(n).wrong("", errors.New("is no map"))
		}
		rows = append(rows, documentRow{values, inDocument(n)})
	}
	return rows, nil
}

// plain is a YAML value with numbers as they are written: prices never become
// binary fractions on their way.
func plain(node *yaml.Node) any {
	switch node.Kind {
	case yaml.MappingNode:
		out := map[string]any{}
		for i := 0; i+1 < len(node.Content); i += 2 {
			out[node.Content[i].Value] = plain(node.Content[i+1])
		}
		return out
	case yaml.SequenceNode:
		out := []any{}
		for _, item := range node.Content {
			out = append(out, plain(item))
		}
		return out
	default:
		if node.Tag == "!!bool" {
			return node.Value == "true"
		}
		return node.Value
	}
}

// readTable reads rows under a head, one after the other until io.EOF. at names the
// place of the nth of them; it is called after the row was read.
func readTable(next func() ([]string, error), at func(n int) place) ([]documentRow, error) {
	head, err := next()
	if err != nil {
		return nil, refuse.Invalid("document", "has no head row")
	}
	for _, name := range head {
		if !slices.Contains(priceColumns[:], name) {
			return nil, refuse.Invalid("document", "the column "+strconv.Quote(name)+" is unknown")
		}
	}
	var rows []documentRow
	for {
		record, err := next()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		here := at(len(rows))
		if err != nil {
			return nil, here.wrong("", err)
		}
		row := map[string]any{}
		for n, value := range record {
			if value == "" {
				continue
			}
			if row[head[n]], err = cell(head[n], value); err != nil {
				return nil, here.wrong(head[n], err)
			}
		}
		rows = append(rows, documentRow{row, here})
	}
}

func cell(column, value string) (any, error) {
	switch column {
	case "match":
		match := map[string]any{}
		for part := range strings.SplitSeq(value, ";") {
			name, want, ok := strings.Cut(part, "=")
			if !ok {
				return nil, fmt.Errorf("match: %q is not name=value", part)
			}
			match[name] = want
		}
		return match, nil
	case "states":
		return strings.Split(value, ";"), nil
	case "tiers":
		var tiers []any
		for part := range strings.SplitSeq(value, ";") {
			fields := strings.Split(part, ":")
			if len(fields) != 3 {
				return nil, fmt.Errorf("tiers: %q is not up_to:price:fee", part)
			}
			tiers = append(tiers, map[string]any{"up_to": fields[0], "price": fields[1], "fee": fields[2]})
		}
		return tiers, nil
	case "pooled": // spreadsheets write TRUE, and keep 1
		pooled, err := strconv.ParseBool(strings.ToLower(value))
		if err != nil {
			return nil, fmt.Errorf("pooled: %q is neither true nor false", value)
		}
		return pooled, nil
	default:
		return value, nil
	}
}

// record is a price as a row of a table.
func record(p *pricing.Price) []string {
	r := toProtoPrice(p)
	var match, tiers []string
	term := ""
	if p.Term > 0 {
		term = strconv.Itoa(int(p.Term))
	}
	for _, name := range slices.Sorted(maps.Keys(p.Match)) {
		match = append(match, name+"="+p.Match[name])
	}
	for _, t := range r.GetTiers() {
		tiers = append(tiers, t.GetUpTo()+":"+t.GetPrice()+":"+t.GetFee())
	}
	pooled := ""
	if p.Pooled {
		pooled = "true"
	}
	return []string{
		p.Name, p.Book, p.OrganizationID, p.AccountID, p.Driver, p.Region, p.ResourceType, strings.Join(match, ";"), strings.Join(p.States, ";"), p.Meter,
		r.GetPer(), string(p.Unit), strconv.Itoa(int(r.GetStepSeconds())), string(p.Charge), string(p.Model), r.GetPrice(), strings.Join(tiers, ";"),
		pooled, p.Currency, p.Effective.UTC().Format("2006-01-02T15:04:05Z"), term,
	}
}

// writePrices writes a document that readPrices reads.
func writePrices(w io.Writer, prices []pricing.Price, format billingv1.PriceFormat) error {
	switch format {
	case billingv1.PriceFormat_PRICE_FORMAT_CSV:
		table := csv.NewWriter(w)
		if err := writeTable(prices, table.Write); err != nil {
			return err
		}
		table.Flush()
		return table.Error()
	case billingv1.PriceFormat_PRICE_FORMAT_XLSX:
		return writeWorkbook(w, prices)
	}
	rows := []map[string]any{}
	for n := range prices {
		row := map[string]any{}
		for i, value := range record(&prices[n]) {
			if value == "" {
				continue
			}
			typed, err := cell(priceColumns[i], value)
			if err != nil {
				return err
			}
			row[priceColumns[i]] = typed
		}
		rows = append(rows, row)
	}
	encoder := yaml.NewEncoder(w)
	if err := encoder.Encode(map[string]any{"prices": rows}); err != nil {
		return err
	}
	return encoder.Close()
}

// writeTable hands over the head and a row for each price.
func writeTable(prices []pricing.Price, write func(row []string) error) error {
	if err := write(priceColumns[:]); err != nil {
		return err
	}
	for n := range prices {
		if err := write(record(&prices[n])); err != nil {
			return err
		}
	}
	return nil
}
