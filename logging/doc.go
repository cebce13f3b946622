// Package logging is the module of tables 7.1.6 / 10 of GY/T 355-2021: the ways in
// which logs are submitted, the places that they are collected from, and what they say.
//
// It owns submissions, locations and their collectors, quotas, tokens for pushing,
// and the routes that are no rpc: push, OTLP/HTTP, live tail and export. Entries and
// their index are in package entry, formats in package format, files in package
// follow, sockets in package collect. It does not own who a caller is: Access says.
package logging
