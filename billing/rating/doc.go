// Package rating turns a month of usage into lines of cost. It is a function: the
// same usage, prices and attribution give the same lines, in whatever order and in
// however many pieces they arrive.
//
// It owns how usage is cut and priced. It does not own the store of lines.
package rating
