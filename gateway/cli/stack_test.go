package cli

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
)

const envRecurse = "YUNQIAO_TEST_RECURSE"

// TestMain lets a test run this program again as one that never stops calling itself.
func TestMain(m *testing.M) {
	if os.Getenv(envRecurse) != "" {
		boundStacks()
		var all sync.WaitGroup
		for range 64 {
			all.Go(func() { fmt.Println(recurse(recurse, 1)) })
		}
		all.Wait()
	}
	os.Exit(m.Run())
}

type endless func(endless, int) int

func recurse(next endless, n int) int { return next(next, n+1) + n }

// TestRecursionEndsTheProcess: 64 goroutines that call themselves for ever end the
// process before it has taken the machine's memory.
func TestRecursionEndsTheProcess(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), envRecurse+"=1")
	out, err := cmd.CombinedOutput()
	if err == nil || !bytes.Contains(out, []byte("stack overflow")) || !bytes.Contains(out, []byte("cli.recurse")) {
		t.Fatalf("ended with %v: %.500s", err, out)
	}
	const most = 3 << 10 // MiB; without the bound it is over 30 GiB
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		peak := usage.Maxrss >> 10
		if peak > most {
			t.Errorf("the process took %d MiB", peak)
		}
		t.Logf("the process took %d MiB", peak)
	}
}
