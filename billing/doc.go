// Package billing serves prices, orders, applicants, costs and statements, and
// keeps the cost of what clouds provide up to date.
//
// It owns the tables billing_*, the servers of cloud.billing.v1, and the loop that
// hears events and rates usage. Arithmetic is in its parts: pricing, metering,
// rating, ledger and statement. It does not own resources, accounts or
// organizations: it hears of the first by events and asks for the others through
// Access and Accounts.
package billing
