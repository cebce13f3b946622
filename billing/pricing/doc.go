// Package pricing says what things cost: versions of prices that are only ever
// added, which of them is in force for a piece of usage, and the counter that
// turns usage into money.
//
// It owns prices, books and discounts, their tables and their import. It does not
// own usage, nor lines of cost.
package pricing
