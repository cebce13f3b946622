package bill

import (
	"encoding/json"
	"math/big"
	"strings"
)

// decimals is more than any amount of the cloud has.
const decimals = 20

// amount is a number of an answer as it is written there; absent is empty.
type amount json.Number

// UnmarshalJSON takes a number, or text that holds one.
func (a *amount) UnmarshalJSON(raw []byte) error {
	text := strings.Trim(string(raw), `"`)
	if text == "null" {
		text = ""
	}
	*a = amount(text)
	return nil
}

// text is the amount without an exponent: 1.5e-05 is 0.000015.
func (a amount) text() string {
	if !strings.ContainsAny(string(a), "eE") {
		return string(a)
	}
	exact, ok := new(big.Rat).SetString(string(a))
	if !ok {
		return string(a)
	}
	return plain(exact)
}

// less is the difference of two amounts, exactly; an absent one counts as zero.
func (a amount) less(other amount) string {
	from, by := new(big.Rat), new(big.Rat)
	if _, ok := from.SetString(string(a)); !ok {
		return a.text()
	}
	if _, ok := by.SetString(string(other)); !ok {
		return a.text()
	}
	return plain(from.Sub(from, by))
}

func plain(exact *big.Rat) string {
	text := exact.FloatString(decimals)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}
