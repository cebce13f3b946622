package harness

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// process is one run of a program. Its output is kept in a file, which is shown
// when the test has failed.
type process struct {
	cmd    *exec.Cmd
	killed bool // by the test
	exited chan struct{}
	err    error // how it ended; valid after exited
}

// lines hands every line of a program's output to a function, as long as the
// program lives.
type lines func(line []byte)

// start runs a program. Its standard error goes to the log; both streams' lines
// are shown to the watchers.
func start(t testing.TB, cmd *exec.Cmd, log string, onOut, onErr lines) *process {
	t.Helper()
	file, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: cmd, exited: make(chan struct{})}
	var reading sync.WaitGroup
	reading.Go(func() { scan(stdout, io.Discard, onOut) })
	reading.Go(func() { scan(stderr, file, onErr) })
	go func() {
		defer close(p.exited)
		reading.Wait()
		p.err = errors.Join(cmd.Wait(), file.Close())
	}()
	return p
}

func scan(from io.Reader, to io.Writer, on lines) {
	reader := bufio.NewReader(from)
	for {
		line, err := reader.ReadBytes('\n')
		_, _ = to.Write(line) // a log that cannot be written shows up as an empty one
		if len(line) > 0 && on != nil {
			on(line)
		}
		if err != nil {
			return
		}
	}
}

// kill is kill -9, and waits for the end.
func (p *process) kill() {
	p.killed = true
	_ = p.cmd.Process.Kill() // ended already is what is wanted
	<-p.exited
}

// peakMemory is the most memory that an ended process has had, in bytes.
func (p *process) peakMemory() int64 {
	<-p.exited
	if usage, ok := p.cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		return usage.Maxrss << 10
	}
	return 0
}

// stop asks for an orderly end and reports how it went. One that the test has
// killed is left alone.
func (p *process) stop(t testing.TB, within time.Duration) {
	t.Helper()
	if p.killed {
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // ended already shows below
	select {
	case <-p.exited:
		if p.err != nil {
			t.Errorf("%s ended with %v", filepath.Base(p.cmd.Path), p.err)
		}
	case <-time.After(within):
		p.kill()
		t.Errorf("%s did not end within %s of the signal", filepath.Base(p.cmd.Path), within)
	}
}

// showLog prints the end of a log if the test has failed.
func showLog(t testing.TB, file string) {
	const most = 16 << 10
	if !t.Failed() {
		return
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return
	}
	if len(text) > most {
		text = text[len(text)-most:]
	}
	t.Logf("end of %s:\n%s", file, text)
}

// running finds the processes of a program by its path.
func running(program string) []int {
	links, _ := filepath.Glob("/proc/[0-9]*/exe") // the pattern is valid
	var pids []int
	for _, link := range links {
		target, err := os.Readlink(link)
		if err != nil || strings.TrimSuffix(target, " (deleted)") != program {
			continue
		}
		if pid, err := strconv.Atoi(strings.Split(link, "/")[2]); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// copyProgram makes a program appear under a path of its own, so that its
// processes can be told from those of other tests.
func copyProgram(t testing.TB, from, to string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		t.Fatal(err)
	}
	if os.Link(from, to) == nil {
		return
	}
	text, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, text, 0o700)
	}
	if err != nil {
		t.Fatal(err)
	}
}
