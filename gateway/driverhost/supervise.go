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
	spec   *Spec      // nil: as the present one
	result chan error // buffered
}

func (r replacement) over(present Spec) Spec {
	if r.spec == nil {
		return present
	}
	return *r.spec
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
		delay := d.opts.backoff(failures)
		d.fail(err, failures+1, time.Now().Add(delay))
		started(err)
		if spec, err = d.pause(ctx, delay, spec, err); err != nil {
			d.finish(nil)
			return
		}
	}
}

// start launches a process and lets it be made ready.
func (d *Driver) start(ctx context.Context, spec Spec) (*instance, error) {
	i, err := launch(ctx, spec, d.log, d.tail, d.spawn, d.opts)
	if err != nil {
		return nil, err
	}
	if err := d.makeReady(ctx, i); err != nil {
		i.stop(d.opts.StopTimeout)
		return nil, fmt.Errorf("%w%s", err, i.lastWords(d.opts.Limits))
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
		wanted := request.over(spec)
		next, err := d.startBeside(ctx, request.ctx, wanted)
		if err == nil {
			old := d.publish(next)
			retiring.Go(func() { d.retire(old) })
			i, spec = next, wanted
			d.log.LogAttrs(ctx, slog.LevelInfo, "driver replaced", slog.Int("pid", i.process.pid), slog.String("version", i.info.GetVersion()))
		}
		request.result <- err
	}
}

// startBeside starts a replacement; the request's context and the host's bound it.
func (d *Driver) startBeside(ctx, request context.Context, spec Spec) (*instance, error) {
	both, cancel := context.WithCancel(request)
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	return d.start(both, spec)
}

// bury takes calls off a process that is no longer fit, and ends it.
func (d *Driver) bury(i *instance, cause error) error {
	d.withdraw(StateBackoff)
	i.kill()
	i.stop(d.opts.StopTimeout)
	return fmt.Errorf("%w: %s%s", cause, i.process.cmd.ProcessState, i.lastWords(d.opts.Limits))
}

// pause waits before the next start. A replacement that arrives meanwhile is
// what will be started then, at once.
func (d *Driver) pause(ctx context.Context, delay time.Duration, spec Spec, cause error) (Spec, error) {
	d.log.LogAttrs(ctx, slog.LevelWarn, "driver down", slog.String("error", cause.Error()),
		slog.Int("restarts", d.Status().Restarts), slog.Int("failures", d.Status().Failures), slog.Duration("backoff", delay))
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return spec, ctx.Err()
	case request := <-d.replaces:
		spec = request.over(spec)
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
