package driverhost

import "syscall"

// driverProcAttr has the kernel kill the driver with the thread that starts it,
// and keeps a terminal's signals to the gateway from reaching it.
func driverProcAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
