package money

import (
	"fmt"
	"math/bits"
)

// Mode says which way a number goes that lies between two.
type Mode string

// The modes that a price book can name.
const (
	HalfUp   Mode = "HALF_UP"   // the nearer one, from the middle away from zero
	HalfEven Mode = "HALF_EVEN" // the nearer one, from the middle to the even one
	Down     Mode = "DOWN"      // towards zero
	Up       Mode = "UP"        // away from zero
)

// ParseMode reads a mode; "" is HALF_UP.
func ParseMode(text string) (Mode, error) {
	switch m := Mode(text); m {
	case "":
		return HalfUp, nil
	case HalfUp, HalfEven, Down, Up:
		return m, nil
	default:
		return "", fmt.Errorf("%q is none of HALF_UP, HALF_EVEN, DOWN, UP", text)
	}
}

var powers = [...]int64{1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000}

// Round cuts an amount to so many digits behind the point, 0 to 8.
func (a Amount) Round(digits int, mode Mode) Amount {
	part := powers[AmountDigits-digits]
	quotient, rest := int64(a)/part, int64(a)%part
	return Amount((quotient + away(quotient, rest, part, mode)) * part)
}

// Ratio is a × numerator ÷ denominator in parts of 10⁻⁸, rounded. numerator must
// not be negative, denominator must be positive.
func (a Amount) Ratio(numerator, denominator int64, mode Mode) (Amount, error) {
	if numerator < 0 || denominator <= 0 {
		return 0, ErrRange
	}
	sign, size := int64(1), uint64(a)
	if a < 0 {
		sign, size = -1, -size
	}
	hi, lo := bits.Mul64(size, uint64(numerator))
	if hi >= uint64(denominator) {
		return 0, ErrRange
	}
	quotient, rest := bits.Div64(hi, lo, uint64(denominator))
	if quotient > 1<<63-2 {
		return 0, ErrRange
	}
	n := int64(quotient) + away(int64(quotient), int64(rest), denominator, mode)
	return Amount(sign * n), nil
}

// away is 0, or the one step away from zero that a mode asks for.
func away(quotient, rest, part int64, mode Mode) int64 {
	step := int64(1)
	if rest < 0 {
		step, rest = -1, -rest
	}
	switch {
	case rest == 0, mode == Down:
		return 0
	case mode == Up:
		return step
	case rest > part-rest, rest == part-rest && (mode == HalfUp || quotient%2 != 0):
		return step
	default:
		return 0
	}
}
