package money

import "math/bits"

// Sum128 adds products of prices and unit-seconds without losing a digit. The
// zero value is 0. It holds up to 3.4 × 10³⁸, and notes what does not fit.
type Sum128 struct {
	hi, lo   uint64
	overflow bool
}

// AddProduct adds price × usage; neither may be negative.
func (s *Sum128) AddProduct(price, usage uint64) {
	hi, lo := bits.Mul64(price, usage)
	var carry uint64
	s.lo, carry = bits.Add64(s.lo, lo, 0)
	s.hi, carry = bits.Add64(s.hi, hi, carry)
	s.overflow = s.overflow || carry != 0
}

// Scale multiplies the sum.
func (s *Sum128) Scale(factor uint64) {
	over, high := bits.Mul64(s.hi, factor)
	carry, low := bits.Mul64(s.lo, factor)
	var more uint64
	s.lo = low
	s.hi, more = bits.Add64(high, carry, 0)
	s.overflow = s.overflow || over != 0 || more != 0
}

// Floor divides the sum, rounding down.
func (s *Sum128) Floor(divisor uint64) (int64, error) {
	if s.overflow || divisor == 0 || s.hi >= divisor {
		return 0, ErrRange
	}
	quotient, _ := bits.Div64(s.hi, s.lo, divisor)
	if quotient > 1<<63-1 {
		return 0, ErrRange
	}
	return int64(quotient), nil
}
