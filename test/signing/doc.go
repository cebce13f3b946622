// Package signing holds the tests of signed requests against a gateway's program:
// the client examples as users run them, what a gateway refuses, and the
// signatures of callbacks. It has no code of its own.
package signing
