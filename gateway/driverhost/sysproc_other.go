//go:build unix && !linux

package driverhost

import "syscall"

// driverProcAttr relies on the parent pipe: there is no parent-death signal here.
func driverProcAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
