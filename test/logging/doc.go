// Package logging_test tries log collection with the gateway's own binary: it is
// killed while files are written and rotated.
package logging_test
