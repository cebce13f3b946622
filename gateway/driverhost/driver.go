package driverhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/peer"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

// Driver is one driver, whatever process serves it at the moment.
type Driver struct {
	name  string
	log   *slog.Logger
	tail  *tail
	opts  Options
	spawn *spawner
	spec  *Spec // as added; nil for an attached connection

	current  atomic.Pointer[instance] // where calls go; nil while there is no such process
	last     atomic.Pointer[instance] // the newest that was ever ready
	replaces chan replacement
	done     chan struct{} // closed when supervision has ended

	mu      sync.Mutex
	changed chan struct{} // closed and renewed at each change of current
	stopped bool
	status  Status
}

var _ grpc.ClientConnInterface = (*Driver)(nil)

func newDriver(name string, log *slog.Logger, opts Options, spawn *spawner) *Driver {
	return &Driver{
		name:     name,
		log:      log.With(slog.String("driver", name)),
		tail:     &tail{},
		opts:     opts,
		spawn:    spawn,
		replaces: make(chan replacement),
		done:     make(chan struct{}),
		changed:  make(chan struct{}),
		status:   Status{Name: name, State: StateStarting},
	}
}

// Name is the driver's name in this gateway.
func (d *Driver) Name() string { return d.name }

// Info is what the driver told about itself at its last start, or nil before the first.
func (d *Driver) Info() *driverv1.GetInfoResponse {
	if i := d.last.Load(); i != nil {
		return i.info
	}
	return nil
}

// Schema is what an account of the driver is made of, or nil before the first start.
func (d *Driver) Schema() *driverv1.GetAccountSchemaResponse {
	if i := d.last.Load(); i != nil {
		return i.schema
	}
	return nil
}

// Verify holds the driver's files against its manifest or checksum, as each start
// does. The error says what is wrong and where.
func (d *Driver) Verify() error {
	if d.spec == nil {
		return errors.New("the driver is not run by this gateway: there are no files to verify")
	}
	spec := *d.spec
	if spec.Manifest == "" && spec.SHA256 == "" {
		return fmt.Errorf("driver %s has neither manifest nor checksum", d.name)
	}
	_, _, err := spec.verify(d.opts.Contracts)
	return err
}

// Status tells what the driver is doing.
func (d *Driver) Status() Status {
	d.mu.Lock()
	defer d.mu.Unlock()
	status := d.status
	if status.State == StateReady && time.Since(status.StartedAt) >= d.opts.HealthyAfter {
		status.Failures = 0
	}
	return status
}

// Invoke makes a unary call. While the process is away it waits for the next
// one, up to ctx's deadline and Options.RestartWait. Nothing that may have
// reached a process is sent twice. Errors: those of the driver; DRIVER_UNAVAILABLE
// with ErrNotSent or ErrOutcomeUnknown; DEADLINE_EXCEEDED with ErrNotSent.
func (d *Driver) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	var patience patience
	for {
		i, err := d.enter(ctx, &patience)
		if err != nil {
			return err
		}
		var p peer.Peer
		err = i.conn.Invoke(ctx, method, args, reply, append(opts[:len(opts):len(opts)], grpc.Peer(&p))...)
		i.calls.leave()
		if i.process == nil {
			return err
		}
		switch judge(ctx, err, &p) {
		case lost:
			return outcomeUnknown(d.name, err)
		case unsentExpired:
			return notSent(d.name, apiv1.Reason_REASON_DEADLINE_EXCEEDED, err)
		case unsentGone:
			if err := d.await(ctx, i.gone, &patience); err != nil {
				return err
			}
		default:
			return err
		}
	}
}

// NewStream opens a stream, waiting for a process as Invoke does. Errors after
// its opening are those of gRPC.
func (d *Driver) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	i, err := d.enter(ctx, &patience{})
	if err != nil {
		return nil, err
	}
	leave := sync.OnceFunc(i.calls.leave)
	stream, err := i.conn.NewStream(ctx, desc, method, append(opts[:len(opts):len(opts)], grpc.OnFinish(func(error) { leave() }))...)
	if err != nil {
		leave()
		return nil, err
	}
	return stream, nil
}

// patience bounds how long one call waits for processes in all.
type patience struct{ until time.Time }

// enter finds the process for a call and counts the call in.
func (d *Driver) enter(ctx context.Context, p *patience) (*instance, error) {
	for {
		if i := d.current.Load(); i != nil && i.calls.enter() {
			return i, nil
		}
		d.mu.Lock()
		changed, stopped := d.changed, d.stopped
		i := d.current.Load()
		d.mu.Unlock()
		if stopped {
			return nil, notSent(d.name, apiv1.Reason_REASON_DRIVER_UNAVAILABLE, errClosed)
		}
		if i != nil && i.calls.enter() {
			return i, nil
		}
		if err := d.await(ctx, changed, p); err != nil {
			return nil, err
		}
	}
}

// await waits for a channel to be closed, as long as the call may wait.
func (d *Driver) await(ctx context.Context, event <-chan struct{}, p *patience) error {
	if p.until.IsZero() {
		p.until = time.Now().Add(d.opts.RestartWait)
	}
	timer := time.NewTimer(time.Until(p.until))
	defer timer.Stop()
	var cause error
	select {
	case <-event:
		return nil
	case <-ctx.Done():
		cause = ctx.Err()
	case <-timer.C:
		cause = fmt.Errorf("not back within %s", d.opts.RestartWait)
	}
	if last := d.Status().LastError; last != "" {
		cause = fmt.Errorf("%w; it is down: %s", cause, last)
	}
	return notSent(d.name, apiv1.Reason_REASON_DRIVER_UNAVAILABLE, cause)
}

// publish sends calls to a process from now on, and returns where they went before.
func (d *Driver) publish(i *instance) *instance {
	d.mu.Lock()
	defer d.mu.Unlock()
	old := d.current.Swap(i)
	d.last.Store(i)
	d.status.State, d.status.StartedAt, d.status.Version, d.status.Contract = StateReady, i.startedAt, i.info.GetVersion(), i.contract
	d.status.NextStartAt = time.Time{}
	d.tail.event(StateReady, "version "+i.info.GetVersion())
	d.status.PID = 0
	if i.process != nil {
		d.status.PID = i.process.pid
	}
	if old != nil {
		close(old.gone)
	}
	d.signal()
	return old
}

// withdraw sends calls nowhere: they wait for the next process.
func (d *Driver) withdraw(state State) *instance {
	d.mu.Lock()
	defer d.mu.Unlock()
	old := d.current.Swap(nil)
	d.status.State, d.status.PID = state, 0
	if state == StateStopped {
		d.tail.event(state, "")
	}
	d.stopped = state == StateStopped
	if old != nil {
		old.calls.close()
		close(old.gone)
	}
	d.signal()
	return old
}

// signal wakes whoever waits for a change; mu is held.
func (d *Driver) signal() {
	close(d.changed)
	d.changed = make(chan struct{})
}

// fail notes why there is no process, how often in a row, and when the next
// start is due.
func (d *Driver) fail(err error, failures int, next time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.status.State, d.status.LastError = StateBackoff, err.Error()
	d.status.Failures, d.status.NextStartAt = failures, next
	d.tail.event(StateBackoff, err.Error())
}

// restart notes that the next start begins.
func (d *Driver) restart() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.status.State, d.status.NextStartAt = StateStarting, time.Time{}
	d.status.Restarts++
	d.tail.event(StateStarting, "")
}

// makeReady lets the accounts of the driver be opened before calls pass.
func (d *Driver) makeReady(ctx context.Context, i *instance) error {
	if d.opts.OnReady == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, d.opts.ReadyTimeout)
	defer cancel()
	if err := d.opts.OnReady(ctx, d.name, i.conn); err != nil {
		return fmt.Errorf("make ready: %w", err)
	}
	return nil
}

// retire lets the calls in flight on a process end, then ends it.
func (d *Driver) retire(i *instance) {
	i.calls.close()
	if !i.calls.drain(d.opts.DrainTimeout) {
		d.log.Warn("driver stopped with calls in flight")
	}
	i.stop(d.opts.StopTimeout)
}

// adopt makes a connection that this host did not start the place for calls.
func (d *Driver) adopt(ctx context.Context, conn grpc.ClientConnInterface) error {
	i := &instance{conn: conn, calls: newGate(), gone: make(chan struct{}), startedAt: time.Now()}
	if err := i.describe(ctx, d.opts.Contracts); err != nil {
		return err
	}
	if err := d.makeReady(ctx, i); err != nil {
		return err
	}
	d.publish(i)
	return nil
}
