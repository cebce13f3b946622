package driverhost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-plugin/runner"

	"github.com/yunqiao/yunqiao/drivers/sdk/plugin"
)

// pipeGrace bounds how long output is read on after a process has ended: a
// child of its own may hold the pipes open for ever.
const pipeGrace = time.Second

// parentFD is the number of the parent pipe in the driver: the first of ExtraFiles.
const parentFD = 3

// process is one run of a driver's program, in the form that go-plugin wants.
type process struct {
	name    string // of the driver
	cmd     *exec.Cmd
	spawn   *spawner
	limits  Limits
	group   *cgroup         // nil: none; set by Start
	starved bool            // killed by the kernel for want of memory; valid after release
	onLines func(io.Reader) // reads the log to its end

	mu     sync.Mutex
	killed bool
	pid    int

	stdout, parent *os.File
	exited         chan struct{} // closed when the process has ended
	logged         chan struct{} // closed when its log is read
	err            error         // how it ended; valid after exited
}

var _ runner.Runner = (*process)(nil)

func newProcess(spec Spec, env []string, limits Limits, spawn *spawner, onLines func(io.Reader)) *process {
	cmd := exec.Command(spec.Path, spec.Args...)
	cmd.Env = append(append(cmd.Env, spec.Env...), env...)
	cmd.SysProcAttr = driverProcAttr()
	return &process{name: spec.Name, cmd: cmd, limits: limits, spawn: spawn, onLines: onLines, exited: make(chan struct{}), logged: make(chan struct{})}
}

// Start starts the program on the spawner's thread.
func (p *process) Start(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.killed {
		return context.Canceled
	}
	parentRead, parentWrite, err := os.Pipe()
	if err != nil {
		return err
	}
	defer parentRead.Close()
	outRead, outWrite, err := os.Pipe()
	if err != nil {
		return errors.Join(err, parentWrite.Close())
	}
	defer outWrite.Close()
	logRead, logWrite, err := os.Pipe()
	if err != nil {
		return errors.Join(err, parentWrite.Close(), outRead.Close())
	}
	defer logWrite.Close()

	p.cmd.Stdout, p.cmd.Stderr = outWrite, logWrite
	p.cmd.ExtraFiles = []*os.File{parentRead}
	p.cmd.Env = append(p.cmd.Env, plugin.EnvParentFD+"="+strconv.Itoa(parentFD))
	if err := p.spawn.run(p.begin); err != nil {
		return errors.Join(err, parentWrite.Close(), outRead.Close(), logRead.Close())
	}
	p.pid, p.stdout, p.parent = p.cmd.Process.Pid, outRead, parentWrite
	go func() {
		defer close(p.logged)
		defer logRead.Close()
		p.onLines(logRead)
	}()
	go func() {
		defer close(p.exited)
		p.err = p.cmd.Wait()
		deadline := time.Now().Add(pipeGrace)
		_ = outRead.SetReadDeadline(deadline)
		_ = logRead.SetReadDeadline(deadline)
	}()
	return nil
}

// begin starts the program within its ceilings. They are set a moment after its
// first instruction, before it has been told of any account.
func (p *process) begin() error {
	group, err := newCgroup(p.limits, p.name)
	if err != nil {
		return err
	}
	if err := p.cmd.Start(); err != nil {
		group.remove()
		return err
	}
	p.group = group
	pid := p.cmd.Process.Pid
	if err := errors.Join(group.add(pid), p.limits.apply(pid)); err != nil && !errors.Is(err, syscall.ESRCH) {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		group.remove()
		return fmt.Errorf("set the ceilings of the process: %w", err)
	}
	return nil
}

// Wait waits for the end of the process.
func (p *process) Wait(context.Context) error {
	<-p.exited
	return p.err
}

// Kill is kill.
func (p *process) Kill(context.Context) error { return p.kill() }

// kill ends the process at once; before Start it prevents it. The signal goes
// through the process's handle and so cannot hit another one with its pid.
func (p *process) kill() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.killed = true
	if p.pid == 0 {
		return nil
	}
	if err := p.cmd.Process.Kill(); !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// release waits for the end of a process that ends or was killed, and closes
// what is left of it.
func (p *process) release() {
	p.mu.Lock()
	started := p.pid != 0
	p.mu.Unlock()
	if !started {
		return
	}
	_ = p.parent.Close()
	<-p.exited
	<-p.logged
	_ = p.stdout.Close()
	p.starved = p.group.killed()
	p.group.remove()
}

// Stdout is where the handshake is read.
func (p *process) Stdout() io.ReadCloser { return p.stdout }

// Stderr is empty for go-plugin, whose reader of log lines panics on a member of
// unexpected type; the log is read by onLines instead.
func (p *process) Stderr() io.ReadCloser { return io.NopCloser(strings.NewReader("")) }

// Name is the path of the program.
func (p *process) Name() string { return p.cmd.Path }

// ID is never empty: go-plugin cleans up only after what has an id.
func (p *process) ID() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return fmt.Sprintf("pid %d", p.pid)
}

// Diagnose has nothing to add to the error of the handshake.
func (p *process) Diagnose(context.Context) string { return "" }

// PluginToHost is the identity: both sides share one machine.
func (p *process) PluginToHost(network, address string) (string, string, error) {
	return network, address, nil
}

// HostToPlugin is the identity: both sides share one machine.
func (p *process) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}
