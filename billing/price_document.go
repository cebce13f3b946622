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
	"charge_mode", "model", "price", "tiers", "pooled", "currency", "effective_at",
}

// readPrices reads a document; the error names the row.
func readPrices(request *billingv1.ImportPricesRequest) ([]*billingv1.CreatePriceRequest, error) {
	var rows []map[string]any
	var err error
	switch request.GetFormat() {
	case billingv1.PriceFormat_PRICE_FORMAT_YAML:
		rows, err = readYAML(request.GetDocument())
	case billingv1.PriceFormat_PRICE_FORMAT_XLSX:
		rows, err = readWorkbook(request.GetWorkbook())
	default:
		rows, err = readTable(csv.NewReader(strings.NewReader(strings.TrimPrefix(request.GetDocument(), "\ufeff"))).Read)
	}
	if err != nil {
		return nil, err
	}
	var out []*billingv1.CreatePriceRequest
	for n, row := range rows {
		for field, prefix := range map[string]string{"unit": "UNIT_", "charge_mode": "CHARGE_MODE_", "model": "PRICING_MODEL_"} {
			if value, ok := row[field].(string); ok && value != "" && !strings.HasPrefix(value, prefix) {
				row[field] = prefix + strings.ToUpper(value)
			}
		}
		encoded, err := json.Marshal(row)
		if err != nil {
			return nil, inRow(n, err)
		}
		r := &billingv1.CreatePriceRequest{}
		if err := protojson.Unmarshal(encoded, r); err != nil {
			return nil, inRow(n, errors.New("is no price: "+strings.ReplaceAll(err.Error(), "\u00a0", " ")))
		}
		out = append(out, r)
	}
	return out, nil
}

// inRow says which row an error is of; rows count from 1, without the head.
func inRow(n int, err error) error {
	return refuse.Invalid(fmt.Sprintf("document[%d]", n+1), err.Error())
}

func readYAML(text string) ([]map[string]any, error) {
	var document struct {
		Prices []yaml.Node `yaml:"prices"`
	}
	decoder := yaml.NewDecoder(strings.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&document); err != nil {
		return nil, refuse.Invalid("document", "is no YAML with a list of prices")
	}
	var rows []map[string]any
	for n := range document.Prices {
		value := plain(&document.Prices[n])
		row, ok := value.(map[string]any)
		if !ok {
			return nil, inRow(n, errors.New("is no map"))
		}
		rows = append(rows, row)
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

// readTable reads rows under a head, one after the other until io.EOF.
func readTable(next func() ([]string, error)) ([]map[string]any, error) {
	head, err := next()
	if err != nil {
		return nil, refuse.Invalid("document", "has no head row")
	}
	for _, name := range head {
		if !slices.Contains(priceColumns[:], name) {
			return nil, refuse.Invalid("document", "the column "+strconv.Quote(name)+" is unknown")
		}
	}
	var rows []map[string]any
	for {
		record, err := next()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, inRow(len(rows), err)
		}
		row := map[string]any{}
		for n, value := range record {
			if value == "" {
				continue
			}
			if row[head[n]], err = cell(head[n], value); err != nil {
				return nil, inRow(len(rows), err)
			}
		}
		rows = append(rows, row)
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
		pooled, p.Currency, p.Effective.UTC().Format("2006-01-02T15:04:05Z"),
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
