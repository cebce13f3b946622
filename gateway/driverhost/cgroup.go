package driverhost

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
)

// cgroup is the group of one process, of cgroup v2. Nil is none.
type cgroup struct{ dir string }

// groups numbers the groups of this gateway: a driver and its successor run side
// by side.
var groups atomic.Int64

// newCgroup makes a group for a process to be put in. No folder: nil.
func newCgroup(l Limits, name string) (*cgroup, error) {
	if l.CgroupDir == "" {
		return nil, nil
	}
	g := &cgroup{dir: filepath.Join(l.CgroupDir, fmt.Sprintf("%s-%d-%d", name, os.Getpid(), groups.Add(1)))}
	if err := os.Mkdir(g.dir, 0o755); err != nil {
		return nil, fmt.Errorf("group of driver: %w", err)
	}
	for file, value := range map[string]int64{"memory.max": int64(l.MemoryMiB) << 20, "memory.swap.max": 0, "pids.max": int64(l.Processes)} {
		if value == 0 && file != "memory.swap.max" || file == "memory.swap.max" && l.MemoryMiB == 0 {
			continue
		}
		if err := g.write(file, value); err != nil {
			g.remove()
			return nil, fmt.Errorf("group of driver: %w", err)
		}
	}
	return g, nil
}

func (g *cgroup) write(file string, value int64) error {
	return os.WriteFile(filepath.Join(g.dir, file), []byte(strconv.FormatInt(value, 10)), 0o644)
}

// add puts a process into the group.
func (g *cgroup) add(pid int) error {
	if g == nil {
		return nil
	}
	return g.write("cgroup.procs", int64(pid))
}

// killed tells whether the kernel has killed a process of the group for want of
// memory.
func (g *cgroup) killed() bool {
	if g == nil {
		return false
	}
	events, err := os.ReadFile(filepath.Join(g.dir, "memory.events"))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(events)) {
		if count, ok := strings.CutPrefix(strings.TrimSpace(line), "oom_kill "); ok {
			return count != "0"
		}
	}
	return false
}

// remove removes the group after its last process has ended; one that stays is
// empty and harmless.
func (g *cgroup) remove() {
	if g != nil {
		_ = os.Remove(g.dir)
	}
}
