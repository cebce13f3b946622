package driverhost

import (
	"cmp"
	"context"
	"time"

	"google.golang.org/grpc"

	"github.com/yunqiao/yunqiao/drivers/sdk/plugin"
)

// Spec says what to run.
type Spec struct {
	Name string // of the driver in this gateway, unique
	// Manifest is the path of the driver's manifest, which is read and held against
	// all files before each start, and against what the driver then tells. Empty:
	// the program is run as Path and Args say.
	Manifest string
	Path     string   // of the program; with Manifest what that says
	Args     []string // of the program, without its name; after those of Manifest
	// Env of the process, "KEY=value". Nothing is inherited from the gateway.
	Env []string
	// SHA256 of the program in hex, verified before each start. Empty: not verified.
	SHA256 string
}

// Options tunes a Host. The zero value is ready for production.
type Options struct {
	// OnReady is called after each start of a driver, before calls are let
	// through, with a connection to that very process: open its accounts here.
	// An error means that the process is unfit: it is stopped and started again
	// with backoff; a cloud that does not answer is no such error. May be nil.
	OnReady func(ctx context.Context, driver string, conn grpc.ClientConnInterface) error

	// SocketDir is where the sockets of drivers are made, each in a directory of
	// its own that goes with the process. It is this host's alone, see the function
	// SocketDir, and goes when the host is closed. Empty: the sockets are in the
	// system's directory for temporary files, where those of a killed gateway stay.
	SocketDir string

	// Contracts are the versions of the contract that this gateway speaks; default
	// the one of drivers/sdk. Driver and gateway agree on the highest in common.
	Contracts []int

	// Limits bound each process.
	Limits Limits

	StartTimeout time.Duration // from start to the answer of GetInfo; default 20s
	ReadyTimeout time.Duration // for OnReady; default 1m
	RestartWait  time.Duration // longest wait of a call for a restart; default 10s
	DrainTimeout time.Duration // for calls in flight on a process that is stopped; default 10s
	StopTimeout  time.Duration // for a process to end by itself before it is killed; default 5s
	PingInterval time.Duration // between health checks; default 10s
	PingTimeout  time.Duration // for one health check, of which three in a row may fail; default 5s
	MinBackoff   time.Duration // before the first restart; doubles each time; default 100ms
	MaxBackoff   time.Duration // before any restart; default 1m
	HealthyAfter time.Duration // of running, the next backoff is the first again; default 1m
}

func (o Options) withDefaults() Options {
	if len(o.Contracts) == 0 {
		o.Contracts = []int{plugin.ContractVersion}
	}
	o.StartTimeout = cmp.Or(o.StartTimeout, 20*time.Second)
	o.ReadyTimeout = cmp.Or(o.ReadyTimeout, time.Minute)
	o.RestartWait = cmp.Or(o.RestartWait, 10*time.Second)
	o.DrainTimeout = cmp.Or(o.DrainTimeout, 10*time.Second)
	o.StopTimeout = cmp.Or(o.StopTimeout, 5*time.Second)
	o.PingInterval = cmp.Or(o.PingInterval, 10*time.Second)
	o.PingTimeout = cmp.Or(o.PingTimeout, 5*time.Second)
	o.MinBackoff = cmp.Or(o.MinBackoff, 100*time.Millisecond)
	o.MaxBackoff = cmp.Or(o.MaxBackoff, time.Minute)
	o.HealthyAfter = cmp.Or(o.HealthyAfter, time.Minute)
	return o
}

// backoff is how long to wait before a restart after so many failed starts in a row.
func (o Options) backoff(failures int) time.Duration {
	d := o.MinBackoff
	for range failures {
		if d >= o.MaxBackoff/2 {
			return o.MaxBackoff
		}
		d *= 2
	}
	return min(d, o.MaxBackoff)
}

// State is what a driver is doing.
type State string

// The states of a driver.
const (
	StateStarting State = "starting" // the process is started, or being made ready
	StateReady    State = "ready"    // calls pass
	StateBackoff  State = "backoff"  // it ended or would not start; a restart is due
	StateStopped  State = "stopped"  // the host was closed
)

// Status is a driver at one moment.
type Status struct {
	Name      string
	State     State
	PID       int    // 0 without a process
	Version   string // as the driver told at its last start
	Contract  int    // version of the contract agreed on; 0 before the first start
	Restarts  int    // starts after the first, whether they succeeded or not
	Failures  int    // failed starts and early ends in a row; 0 while all is well
	LastError string // why it last ended or would not start; kept after recovery
	StartedAt time.Time
	// NextStartAt is when the next start is due; zero but in StateBackoff.
	NextStartAt time.Time
	Manifest    string // path; empty: none
	Program     string // path
}
