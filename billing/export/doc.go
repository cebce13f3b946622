// Package export writes lines of cost as CSV, as XLSX, and as CSV in the columns
// of FOCUS 1.4, and statements as PDF and XLSX. Lines are written as they are read;
// none is held.
//
// It owns formats. It does not own which lines are written.
package export
