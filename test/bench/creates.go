package main

import (
	"fmt"
	"time"
)

// creates compares creates of VMs with many connections to those with one. Each is
// answered when the intent is on disk (SQLite, synchronous=FULL) and the cloud has
// given an id; audit, inventory and the following of the operation go on.
func creates(gateway *server, made *seeded, length time.Duration, rounds int) error {
	create := func(number int) (method, path, body string) { return made.createVM(vms+number, 0) }
	of := map[int][]sample{}
	for range rounds {
		for _, connections := range []int{1, 64} {
			of[connections] = append(of[connections], load(gateway, create, connections, length))
			// What is followed still must not burden the next round.
			if _, err := gateway.call(made.createVM(0, 60)); err != nil {
				return err
			}
		}
	}
	m1, m64 := median(of[1]), median(of[64])
	fmt.Printf("\n| Call | 1 connection, requests/s | 64 connections, requests/s | Ratio | p99 at 1 | p99 at 64 |\n|---|---|---|---|---|---|\n")
	fmt.Printf("| vm/create | %.0f | %.0f | %.2f | %s | %s |\n", m1.rate, m64.rate, m64.rate/m1.rate,
		m1.p99.Round(10*time.Microsecond), m64.p99.Round(10*time.Microsecond))
	return nil
}
