// Package broken has one driver for each rule of the conformance suite that
// breaks this rule and no other, so that a test can show that the suite sees it.
//
// It owns the faults only: each is put in front of a driver that holds all rules.
package broken
