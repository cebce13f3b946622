// Package vswitch reads what other products must know of a subnet: its zone, network
// and range. It does not own subnets as resources, which package network does.
package vswitch
