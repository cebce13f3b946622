// Command bench measures the gateway against the floor (test/bench/floor) in
// alternating rounds of one run, and prints medians and ratios. The machine may be
// noisy: only the ratios mean anything, and no test asserts them.
//
//	go run ./test/bench -bin bin [-seconds 3] [-rounds 5]
package main

import (
	"errors"
	"flag"
	"log"
	"os"
	"path/filepath"
	"time"
)

const vms = 100

func main() {
	bin := flag.String("bin", "bin", "folder of the built programs")
	seconds := flag.Float64("seconds", 3, "length of a round")
	rounds := flag.Int("rounds", 5, "rounds of each measurement")
	flag.Parse()
	if err := run(*bin, time.Duration(*seconds*float64(time.Second)), *rounds); err != nil {
		log.Fatal(err)
	}
}

func run(bin string, length time.Duration, rounds int) error {
	dir, err := os.MkdirTemp("", "yunqiao-bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	gateway, err := startGateway(bin, dir)
	if err != nil {
		return err
	}
	made, err := seed(gateway)
	if err != nil {
		return errors.Join(err, gateway.stop())
	}
	// The floor gets copies of the same cloud and inventory: an embedded cloud has one owner.
	if err := gateway.stop(); err != nil {
		return err
	}
	copies := map[string]string{"cloud.db": "floor.db", "yunqiao.db": "inventory.db"}
	for from, to := range copies {
		if err := copyFile(filepath.Join(dir, from), filepath.Join(dir, to)); err != nil {
			return err
		}
	}
	if gateway, err = startGateway(bin, dir); err != nil {
		return err
	}
	floor, err := startFloor(bin, filepath.Join(dir, "floor.db"), filepath.Join(dir, "inventory.db"))
	if err != nil {
		return errors.Join(err, gateway.stop())
	}
	err = reads(gateway, floor, length, rounds)
	if err := errors.Join(err, floor.stop()); err != nil {
		return errors.Join(err, gateway.stop())
	}
	if err := errors.Join(creates(gateway, made, length, rounds), gateway.stop()); err != nil {
		return err
	}
	return memory(bin)
}
