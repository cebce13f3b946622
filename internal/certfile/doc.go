// Package certfile serves TLS with a certificate and key from files, and takes up
// changed files without a restart.
//
// It owns reading, checking and reloading. It does not make certificates, nor
// decide where TLS is needed.
package certfile
