package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	accounts = 500
	pagedVMs = 10_000
	pageSize = 500
)

// memory prints what the processes hold: private memory, and all that is resident,
// which counts the pages of the program file too.
func memory(bin string) error {
	dir, err := os.MkdirTemp("", "yunqiao-bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	fmt.Printf("\n| Process | Private, MiB | Resident, MiB |\n|---|---|---|\n")
	begin := time.Now()
	gateway, err := startGateway(bin, filepath.Join(dir, "one"))
	if err != nil {
		return err
	}
	ready := time.Since(begin)
	idle, err := settled(gateway.pid, "gateway, idle, 1 account", "driver, idle, 1 account")
	if err != nil {
		return errors.Join(err, gateway.stop())
	}
	err = errors.Join(pages(gateway), gateway.stop())
	if err != nil {
		return err
	}
	var many []string
	for i := range accounts {
		many = append(many, fmt.Sprintf("{id: account-%d, driver: memory, cloud_kind: private}", i))
	}
	begin = time.Now()
	if gateway, err = startGateway(bin, filepath.Join(dir, "many"), many...); err != nil {
		return err
	}
	readyMany := time.Since(begin)
	driver, err := settled(gateway.pid, fmt.Sprintf("gateway, idle, %d accounts", accounts), fmt.Sprintf("driver, idle, %d accounts", accounts))
	if err := errors.Join(err, gateway.stop()); err != nil {
		return err
	}
	fmt.Printf("\n%d accounts on one driver: %.1f MiB more of private memory in the driver. From start to serving: %s with 1 account, %s with %d.\n",
		accounts, float64(driver.private-idle.private)/1024, ready.Round(time.Millisecond), readyMany.Round(time.Millisecond), accounts)
	return nil
}

// pages makes 10,000 VMs and reads them page by page, over and over.
func pages(gateway *server) error {
	made, err := seed(gateway)
	if err != nil {
		return err
	}
	client := &http.Client{}
	for i := vms; i < pagedVMs; i++ {
		method, path, body := made.createVM(i, 0)
		if err := gateway.ask(client, method, path, body); err != nil {
			return err
		}
	}
	if _, err := settled(gateway.pid, fmt.Sprintf("gateway, after %d creates", pagedVMs), ""); err != nil {
		return err
	}
	for round := 1; round <= 4; round++ {
		token, read := "", 0
		for {
			page, err := gateway.call("GET", fmt.Sprintf("/compute/v1/vm/list?account_id=memory&page_size=%d&page_token=%s", pageSize, token), "")
			if err != nil {
				return err
			}
			found, _ := page["vms"].([]any)
			read += len(found)
			if token, _ = page["next_page_token"].(string); token == "" {
				break
			}
		}
		if read != pagedVMs {
			return fmt.Errorf("%d VMs in the pages, %d were made", read, pagedVMs)
		}
		used, err := usage(gateway.pid)
		if err != nil {
			return err
		}
		print(fmt.Sprintf("gateway, %d VMs read in pages of %d, %d times", pagedVMs, pageSize, round), used)
	}
	return nil
}

type used struct{ private, resident int } // KiB

func print(name string, u used) {
	fmt.Printf("| %s | %.1f | %.1f |\n", name, float64(u.private)/1024, float64(u.resident)/1024)
}

// settled waits a while in which nothing is asked, and prints what the gateway and
// its memory driver hold then. It returns the driver's.
func settled(pid int, gatewayName, driverName string) (used, error) {
	time.Sleep(10 * time.Second)
	u, err := usage(pid)
	if err != nil {
		return used{}, err
	}
	print(gatewayName, u)
	if driverName == "" {
		return used{}, nil
	}
	driver, err := child(pid, "memory")
	if err != nil {
		return used{}, err
	}
	if u, err = usage(driver); err == nil {
		print(driverName, u)
	}
	return u, err
}

func usage(pid int) (used, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return used{}, err
	}
	var u used
	for line := range strings.Lines(string(status)) {
		fields := strings.Fields(line)
		switch fields[0] {
		case "RssAnon:":
			u.private, err = strconv.Atoi(fields[1])
		case "VmRSS:":
			u.resident, err = strconv.Atoi(fields[1])
		}
		if err != nil {
			return used{}, err
		}
	}
	return u, nil
}

// child finds the process of a program that a process has started.
func child(parent int, program string) (int, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	for _, file := range stats {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended meanwhile
		}
		// pid (program) state parent …
		head, tail, _ := strings.Cut(string(stat), ") ")
		id, name, _ := strings.Cut(head, " (")
		if fields := strings.Fields(tail); name == program && len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			return strconv.Atoi(id)
		}
	}
	return 0, fmt.Errorf("process %d runs no %s", parent, program)
}
