package money

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

// Amount is money in parts of 10⁻⁸ of the currency: up to 92 billion.
type Amount int64

// Price is money for one unit in parts of 10⁻¹⁰ of the currency.
type Price int64

// Quantity is a number of units in parts of 10⁻⁴.
type Quantity int64

// Digits behind the point that each type keeps.
const (
	AmountDigits   = 8
	PriceDigits    = 10
	QuantityDigits = 4
)

// ErrRange is the error of numbers that do not fit.
var ErrRange = errors.New("the number is too large or has too many digits")

// ParseAmount reads "-12.5", with at most 8 digits behind the point.
func ParseAmount(text string) (Amount, error) {
	n, err := parse(text, AmountDigits)
	return Amount(n), err
}

// ParsePrice reads "0.0625", with at most 10 digits behind the point.
func ParsePrice(text string) (Price, error) {
	n, err := parse(text, PriceDigits)
	return Price(n), err
}

// ParseQuantity reads "1.5", with at most 4 digits behind the point.
func ParseQuantity(text string) (Quantity, error) {
	n, err := parse(text, QuantityDigits)
	return Quantity(n), err
}

// String is the shortest text that is exactly the amount: "12.5".
func (a Amount) String() string { return format(int64(a), AmountDigits, 0) }

// Fixed is the amount with so many digits behind the point, at least; more where
// the amount has them: "12.50".
func (a Amount) Fixed(digits int) string { return format(int64(a), AmountDigits, digits) }

// String is the shortest text that is exactly the price.
func (p Price) String() string { return format(int64(p), PriceDigits, 0) }

// String is the shortest text that is exactly the quantity.
func (q Quantity) String() string { return format(int64(q), QuantityDigits, 0) }

// parse reads a decimal number into parts of 10^-digits.
func parse(text string, digits int) (int64, error) {
	rest, negative := strings.CutPrefix(text, "-")
	whole, fraction, point := strings.Cut(rest, ".")
	if whole == "" || point && fraction == "" {
		return 0, fmt.Errorf("%q is no decimal number", text)
	}
	if len(fraction) > digits {
		if strings.Trim(fraction[digits:], "0") != "" {
			return 0, fmt.Errorf("%q: %w", text, ErrRange)
		}
		fraction = fraction[:digits]
	}
	var n int64
	add := func(digit byte) error {
		if digit < '0' || digit > '9' {
			return fmt.Errorf("%q is no decimal number", text)
		}
		if n > (math.MaxInt64-9)/10 {
			return fmt.Errorf("%q: %w", text, ErrRange)
		}
		n = n*10 + int64(digit-'0')
		return nil
	}
	for i := range len(whole) {
		if err := add(whole[i]); err != nil {
			return 0, err
		}
	}
	for i := range digits {
		digit := byte('0')
		if i < len(fraction) {
			digit = fraction[i]
		}
		if err := add(digit); err != nil {
			return 0, err
		}
	}
	if negative {
		n = -n
	}
	return n, nil
}

// format writes parts of 10^-digits with at least so many digits behind the point.
func format(n int64, digits, least int) string {
	text := string(Append(make([]byte, 0, 24), n, digits))
	end := len(text)
	for end > len(text)-digits+least && text[end-1] == '0' {
		end--
	}
	return strings.TrimSuffix(text[:end], ".")
}

// Append writes parts of 10^-digits with all digits, without allocating.
func Append(to []byte, n int64, digits int) []byte {
	rest := uint64(n)
	if n < 0 {
		to = append(to, '-')
		rest = -rest
	}
	var reversed [24]byte
	length := 0
	for rest > 0 || length <= digits {
		reversed[length] = byte('0' + rest%10)
		rest /= 10
		length++
	}
	for i := length - 1; i >= 0; i-- {
		to = append(to, reversed[i])
		if i == digits && digits > 0 {
			to = append(to, '.')
		}
	}
	return to
}
