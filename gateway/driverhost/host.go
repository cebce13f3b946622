package driverhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"

	"google.golang.org/grpc"
)

// Host runs the drivers of one gateway. It is safe for concurrent use.
type Host struct {
	log   *slog.Logger
	opts  Options
	spawn *spawner

	mu      sync.Mutex
	closed  bool
	drivers map[string]*Driver
	stops   []func() // each ends the supervision of one driver and waits for it
}

// New makes a host without drivers. It must be closed.
func New(log *slog.Logger, opts Options) *Host {
	return &Host{log: log, opts: opts.withDefaults(), spawn: newSpawner(), drivers: map[string]*Driver{}}
}

// Start adds a driver and waits until it is ready or its first start has failed.
// Ctx bounds the wait only. After a failed start the driver stays, and is
// started again with backoff until the host is closed; the error tells what was
// wrong at first. A name that is taken and a closed host are refused.
func (h *Host) Start(ctx context.Context, spec Spec) error {
	d := newDriver(spec.Name, h.log, h.opts, h.spawn)
	d.spec = &spec
	d.status.Manifest, d.status.Program = spec.Manifest, spec.Path
	first := make(chan error, 1)
	var once sync.Once
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	err := h.add(d, func() {
		cancel()
		<-d.done
	})
	if err != nil {
		cancel()
		return err
	}
	go d.supervise(run, spec, func(err error) { once.Do(func() { first <- err }) })
	select {
	case err = <-first:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("start driver %s: %w", spec.Name, err)
	}
	return nil
}

// Replace starts another version of a driver beside the present one and, once
// that is ready, sends all new calls to it; calls in flight end on the old one,
// which is then stopped. On an error the present version stays. A driver that is
// down at the moment is started anew from the new spec. Ctx bounds the start.
func (h *Host) Replace(ctx context.Context, spec Spec) error {
	if err := h.change(ctx, spec.Name, &spec); err != nil {
		return fmt.Errorf("replace driver %s: %w", spec.Name, err)
	}
	return nil
}

// Restart is Replace by the same driver, whose manifest and files are read anew.
func (h *Host) Restart(ctx context.Context, name string) error {
	if err := h.change(ctx, name, nil); err != nil {
		return fmt.Errorf("restart driver %s: %w", name, err)
	}
	return nil
}

func (h *Host) change(ctx context.Context, name string, spec *Spec) error {
	d, ok := h.Driver(name)
	if !ok {
		return errors.New("no such driver")
	}
	request := replacement{ctx: ctx, spec: spec, result: make(chan error, 1)}
	select {
	case d.replaces <- request:
		return <-request.result
	case <-d.done:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Attach adds a driver that this host does not run: at a remote address or in
// this process. The caller keeps conn open until the host is closed. Options.OnReady
// is called as for a process, once.
func (h *Host) Attach(ctx context.Context, name string, conn grpc.ClientConnInterface) error {
	d := newDriver(name, h.log, h.opts, h.spawn)
	close(d.done)
	if err := d.adopt(ctx, conn); err != nil {
		return fmt.Errorf("attach driver %s: %w", name, err)
	}
	return h.add(d, func() { d.finish(d.current.Load()) })
}

func (h *Host) add(d *Driver, stop func()) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return fmt.Errorf("add driver %s: %w", d.name, errClosed)
	}
	if _, taken := h.drivers[d.name]; taken || d.name == "" {
		return fmt.Errorf("add driver %q: the name is taken or empty", d.name)
	}
	h.drivers[d.name] = d
	h.stops = append(h.stops, stop)
	return nil
}

// Driver finds a driver by name, in whatever state it is.
func (h *Host) Driver(name string) (*Driver, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	d, ok := h.drivers[name]
	return d, ok
}

// Drivers tells the state of every driver, sorted by name.
func (h *Host) Drivers() []Status {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]Status, 0, len(h.drivers))
	for _, d := range h.drivers {
		all = append(all, d.Status())
	}
	slices.SortFunc(all, func(a, b Status) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Close stops all drivers side by side and waits for their end: calls in flight
// have Options.DrainTimeout, new ones are refused. It may be called again.
func (h *Host) Close() {
	h.mu.Lock()
	stops, first := h.stops, !h.closed
	h.closed, h.stops = true, nil
	h.mu.Unlock()
	var all sync.WaitGroup
	for _, stop := range stops {
		all.Go(stop)
	}
	all.Wait()
	if first {
		h.spawn.close()
		_ = os.RemoveAll(h.opts.SocketDir) // what stays is cleared at the next start
	}
}
