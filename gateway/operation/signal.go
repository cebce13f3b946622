package operation

import "sync"

// signal is given once, to any number of waiters.
type signal struct {
	once *sync.Once
	C    chan struct{}
}

func newSignal() signal { return signal{&sync.Once{}, make(chan struct{})} }

func (s signal) give() { s.once.Do(func() { close(s.C) }) }

func (s signal) given() bool {
	select {
	case <-s.C:
		return true
	default:
		return false
	}
}
