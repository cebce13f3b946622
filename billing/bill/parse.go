package bill

import (
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/yunqiao/yunqiao/internal/publicid"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

// FromDriver makes the line of an account's bill of what a driver told, and of its
// native ids public ones.
func FromDriver(accountID, period string, told *driverv1.BillLine) (Line, error) {
	l := Line{
		AccountID: accountID, Period: period, ID: told.GetId(), ResourceType: told.GetResourceType(), Day: told.GetDay(), Product: told.GetProduct(),
		Item: told.GetItem(), Currency: told.GetCurrency(), Quantity: told.GetQuantity(), Unit: told.GetUnit(), Raw: told.GetRaw(),
	}
	if l.ID == "" {
		return l, fmt.Errorf("a line of product %q has no id", l.Product)
	}
	if l.Day != "" {
		if _, err := time.Parse(time.DateOnly, l.Day); err != nil || !strings.HasPrefix(l.Day, period+"-") {
			return l, fmt.Errorf("line %s: %q is no day of %s", l.ID, l.Day, period)
		}
	}
	if len(l.Currency) != 3 {
		return l, fmt.Errorf("line %s: %q is no currency of ISO 4217", l.ID, l.Currency)
	}
	if told.GetCategory() != driverv1.BillCategory_BILL_CATEGORY_UNSPECIFIED {
		l.Category = strings.TrimPrefix(told.GetCategory().String(), "BILL_CATEGORY_")
	}
	if native := told.GetResourceId(); native != "" {
		l.ResourceID = publicid.Join(accountID, native)
	}
	var err error
	if l.List, err = amount(told.GetListCost()); err != nil {
		return l, fmt.Errorf("line %s: list cost: %w", l.ID, err)
	}
	if l.Cost, err = amount(told.GetCost()); err != nil {
		return l, fmt.Errorf("line %s: cost: %w", l.ID, err)
	}
	return l, nil
}

// amount reads a decimal number of any length, rounded to 10⁻⁸, halves away from zero.
func amount(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	if len(text) > 64 || strings.Trim(text, "-0123456789.") != "" {
		return 0, fmt.Errorf("%.64q is no decimal number", text)
	}
	exact, ok := new(big.Rat).SetString(text)
	if !ok {
		return 0, fmt.Errorf("%q is no decimal number", text)
	}
	doubled := new(big.Rat).Mul(exact, big.NewRat(2_0000_0000, 1))
	half := big.NewInt(int64(exact.Sign()))
	rounded := new(big.Int).Quo(new(big.Int).Add(new(big.Int).Quo(doubled.Num(), doubled.Denom()), half), big.NewInt(2))
	if !rounded.IsInt64() {
		return 0, fmt.Errorf("%s is too large", text)
	}
	return rounded.Int64(), nil
}
