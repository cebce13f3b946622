package driverhost

import "runtime"

// spawner runs functions on one operating-system thread that lives until close.
// The kernel's parent-death signal goes out when the starting *thread* ends,
// and Go ends threads as it likes, so drivers are started from this one only.
type spawner struct {
	work chan func()
	done chan struct{}
}

func newSpawner() *spawner {
	s := &spawner{work: make(chan func()), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		for f := range s.work {
			f()
		}
	}()
	return s
}

func (s *spawner) run(f func() error) error {
	result := make(chan error, 1)
	s.work <- func() { result <- f() }
	return <-result
}

// close ends the thread. Nothing may run any more, and every process started
// here must have ended.
func (s *spawner) close() {
	close(s.work)
	<-s.done
}
