package sdk

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"
)

// followParent ends the process when the gateway does: fd is the number of an
// inherited pipe whose other end only the gateway holds, so that reading it
// ends with the gateway however that died. An empty fd means that the driver
// was not started by a gateway.
//
// With a pipe SIGTERM is ignored: a service manager sends it to the gateway and
// its drivers alike, and the gateway still needs them to finish its calls.
func followParent(fd string, exit func(code int)) error {
	if fd == "" {
		return nil
	}
	number, err := strconv.ParseUint(fd, 10, 31)
	if err != nil {
		return fmt.Errorf("file descriptor %q: %w", fd, err)
	}
	syscall.CloseOnExec(int(number))
	pipe := os.NewFile(uintptr(number), "parent")
	if pipe == nil {
		return fmt.Errorf("file descriptor %q is not open", fd)
	}
	if _, err := pipe.Stat(); err != nil {
		return fmt.Errorf("file descriptor %q: %w", fd, err)
	}
	signal.Ignore(syscall.SIGTERM)
	go func() {
		_, _ = io.Copy(io.Discard, pipe)
		exit(0)
	}()
	return nil
}
