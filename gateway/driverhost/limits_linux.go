package driverhost

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// apply sets the resource limits of a process that has just started.
func (l Limits) apply(pid int) error {
	for _, limit := range []struct {
		resource int
		value    uint64
		set      bool
	}{
		{unix.RLIMIT_DATA, uint64(l.MemoryMiB) << 20, l.MemoryMiB > 0},
		{unix.RLIMIT_NOFILE, uint64(l.OpenFiles), l.OpenFiles > 0},
		{unix.RLIMIT_CORE, 0, true}, // a core would hold the secrets of accounts
	} {
		if !limit.set {
			continue
		}
		var inherited unix.Rlimit
		err := unix.Prlimit(pid, limit.resource, nil, &inherited)
		if err == nil {
			ceiling := min(limit.value, inherited.Max) // only root may raise it
			err = unix.Prlimit(pid, limit.resource, &unix.Rlimit{Cur: ceiling, Max: ceiling}, nil)
		}
		if err != nil {
			return fmt.Errorf("limit resource %d: %w", limit.resource, err)
		}
	}
	return nil
}
