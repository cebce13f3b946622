package drivertest

import (
	"errors"
	"os"
	"syscall"

	goplugin "github.com/hashicorp/go-plugin"
)

// killHard is kill -9, without the farewell that go-plugin would send first.
func killHard(client *goplugin.Client) error {
	config := client.ReattachConfig()
	if config == nil {
		return errors.New("the driver does not run")
	}
	process, err := os.FindProcess(config.Pid)
	if err != nil {
		return err
	}
	if err := process.Signal(syscall.SIGKILL); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// ownGroup keeps an interrupt from the driver, which is still needed to delete
// what was made.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
