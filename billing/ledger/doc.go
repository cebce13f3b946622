// Package ledger keeps lines of cost. Lines are only ever added; what was wrong is
// taken back by a line of its own, in the next period that is open.
//
// It owns the tables of lines, of their sums (rollups) and of periods, and the
// comparison of what should be with what is recorded. It does not own prices,
// usage or statements.
package ledger
