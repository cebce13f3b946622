// Package contracttest holds the tests of the contract as a whole: that every
// function and parameter of GY/T 355-2021 that is served so far has its rpc and
// field, and that the .proto files keep the rules that no linter knows.
//
// It owns testdata: the rows of the standard that the contract must fulfil, and
// the golden list of routes. It has no code of its own.
package contracttest
