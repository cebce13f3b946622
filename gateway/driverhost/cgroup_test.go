package driverhost

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCgroup shows what is written into a group; a plain folder stands for one,
// since not every machine has cgroup v2 to give.
func TestCgroup(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	limits := Limits{MemoryMiB: 100, Processes: 50, CgroupDir: dir}
	group, err := newCgroup(limits, "memory")
	if err != nil {
		t.Fatal(err)
	}
	if err := group.add(4711); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{"memory.max": "104857600", "memory.swap.max": "0", "pids.max": "50", "cgroup.procs": "4711"} {
		if got, err := os.ReadFile(filepath.Join(group.dir, file)); err != nil || string(got) != want {
			t.Errorf("%s: got %q, %v; want %q", file, got, err, want)
		}
	}
	for events, want := range map[string]bool{"low 0\noom 3\noom_kill 0\n": false, "oom 3\noom_kill 2\n": true} {
		if err := os.WriteFile(filepath.Join(group.dir, "memory.events"), []byte(events), 0o600); err != nil {
			t.Fatal(err)
		}
		if group.killed() != want {
			t.Errorf("%q: killed is %v", events, !want)
		}
	}
	if told := limits.reached("", true); !strings.Contains(told, "100 MiB") {
		t.Errorf("got %q", told)
	}
	other, err := newCgroup(limits, "memory")
	if err != nil || other.dir == group.dir {
		t.Errorf("the successor shares the group %s: %v", other.dir, err)
	}
	if _, err := newCgroup(Limits{CgroupDir: filepath.Join(dir, "none")}, "memory"); err == nil {
		t.Error("a folder that is not there was taken")
	}
	if none, err := newCgroup(Limits{MemoryMiB: 1}, "memory"); none != nil || err != nil || none.add(1) != nil || none.killed() {
		t.Errorf("no folder: %v, %v", none, err)
	}
}
