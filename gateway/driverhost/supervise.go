package driverhost

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// replacement asks the supervisor to change to another version.
type replacement struct {
	ctx    context.Context
	spec   Spec
	result chan error // buffered
}

// supervise keeps a process running until ctx ends. It tells started how the
// first start went.
func (d *Driver) supervise(ctx context.Context, spec Spec, started func(error)) {
	defer close(d.done)
	var retiring sync.WaitGroup
	defer retiring.Wait()
	for failures := 0; ; failures++ {
		i, err := d.start(ctx, spec)
		if err == nil {
			d.publish(i)
			d.log.LogAttrs(ctx, slog.LevelInfo, "driver ready", slog.Int("pid", i.process.pid), slog.String("version", i.info.GetVersion()))
			started(nil)
			i, spec, err = d.serve(ctx, i, spec, &retiring)
			if time.Since(i.startedAt) >= d.opts.HealthyAfter {
				failures = 0
			}
		}
		if ctx.Err() != nil {
			started(errClosed)
			d.finish(i)
			return
		}
		if i != nil {
			err = d.bury(i, err)
		}
		d.fail(err)
		started(err)
		if spec, err = d.pause(ctx, failures, spec, err); err != nil {
			d.finish(nil)
			return
		}
	}
}

// start launches a process and lets it be made ready.
func (d *Driver) start(ctx context.Context, spec Spec) (*instance, error) {
	i, err := launch(ctx, spec, d.log, d.spawn, d.opts)
	if err != nil {
		return nil, err
	}
	if err := d.makeReady(ctx, i); err != nil {
		i.stop(d.opts.StopTimeout)
		return nil, fmt.Errorf("%w%s", err, i.lastWords())
	}
	return i, nil
}

// serve watches the process until it is no longer fit, changing to other
// versions when asked. It returns the last process and what that was made of.
func (d *Driver) serve(ctx context.Context, i *instance, spec Spec, retiring *sync.WaitGroup) (*instance, Spec, error) {
	for {
		request, err := i.watch(ctx, d.opts, d.replaces)
		if err != nil {
			return i, spec, err
		}
		next, err := d.startBeside(ctx, request)
		if err == nil {
			old := d.publish(next)
			retiring.Go(func() { d.retire(old) })
			i, spec = next, request.spec
			d.log.LogAttrs(ctx, slog.LevelInfo, "driver replaced", slog.Int("pid", i.process.pid), slog.String("version", i.info.GetVersion()))
		}
		request.result <- err
	}
}

// startBeside starts a replacement; the request's context and the host's bound it.
func (d *Driver) startBeside(ctx context.Context, request replacement) (*instance, error) {
	both, cancel := context.WithCancel(request.ctx)
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	return d.start(both, request.spec)
}

// bury takes calls off a process that is no longer fit, and ends it.
func (d *Driver) bury(i *instance, cause error) error {
	d.withdraw(StateBackoff)
	i.kill()
	i.stop(d.opts.StopTimeout)
	return fmt.Errorf("%w: %s%s", cause, i.process.cmd.ProcessState, i.lastWords())
}

// pause waits before the next start. A replacement that arrives meanwhile is
// what will be started then, at once.
func (d *Driver) pause(ctx context.Context, failures int, spec Spec, cause error) (Spec, error) {
	delay := d.opts.backoff(failures)
	d.log.LogAttrs(ctx, slog.LevelWarn, "driver down", slog.String("error", cause.Error()),
		slog.Int("restarts", d.Status().Restarts), slog.Duration("backoff", delay))
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return spec, ctx.Err()
	case request := <-d.replaces:
		spec = request.spec
		request.result <- nil
	case <-timer.C:
	}
	d.restart()
	return spec, nil
}

// finish ends supervision; i may be nil.
func (d *Driver) finish(i *instance) {
	d.withdraw(StateStopped)
	if i != nil {
		d.retire(i)
	}
}
