// Package programs holds the tests of GY/T 345 against a gateway's program: the client
// examples as partners run them, the kit's commands, and kills between receipt and
// answer. It has no code of its own.
package programs
