// Package bill keeps what clouds charge for accounts, and compares it with what was
// charged on.
//
// It owns the tables billing_bills and billing_bill_lines, and the comparison by
// resource and day. It does not own lines of cost (package ledger), nor how a bill
// is read from a cloud.
package bill
