// Package money holds amounts, unit prices and quantities as whole numbers of
// small parts, and the few operations on them that bills need. Nothing in it is a
// binary fraction, nothing is rounded unless the caller says how.
//
// It owns parsing, printing, rounding and the product that rates usage. It does
// not own currencies: a number's currency stands beside it.
package money
