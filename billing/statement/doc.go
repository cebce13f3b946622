// Package statement adds lines of cost up to what an organization owes for a
// month. It is the only place where money is rounded, once in each row.
//
// It owns the arithmetic and the table of statements. It does not own lines.
package statement
