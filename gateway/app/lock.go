package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// dataLock keeps a second gateway out of a data folder. The kernel frees it when
// the process ends, however it ends.
type dataLock struct{ file *os.File }

func lockData(dir string) (*dataLock, error) {
	file, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("the data folder %s is in use by another gateway", dir), file.Close())
	}
	return &dataLock{file}, nil
}

func (l *dataLock) release() error { return l.file.Close() }
