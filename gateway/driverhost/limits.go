package driverhost

import (
	"fmt"
	"regexp"
)

// Limits are ceilings of one driver process. Zero sets none.
type Limits struct {
	// MemoryMiB bounds the memory that the process may write to: by its resource
	// limits, and where CgroupDir is set, with that of its children, by a group.
	MemoryMiB int
	// OpenFiles bounds open files and connections.
	OpenFiles int
	// Processes bounds the threads and children of a driver. Only by a group.
	Processes int
	// CgroupDir is a folder of cgroup v2 that is delegated to the gateway and has
	// no process of its own; each driver gets a group in it. Empty: resource limits
	// are all there is.
	CgroupDir string
}

// outOfMemory is how programs say that they got no more memory: Go, Python, C.
var outOfMemory = regexp.MustCompile(`(?i)out of memory|cannot allocate memory|MemoryError|bad_alloc`)

// reached tells which ceiling explains the end of a process, or nothing. starved:
// the kernel has killed it for want of memory.
func (l Limits) reached(lastWords string, starved bool) string {
	if l.MemoryMiB > 0 && (outOfMemory.MatchString(lastWords) || starved) {
		return fmt.Sprintf("; it reached its ceiling of %d MiB of memory", l.MemoryMiB)
	}
	return ""
}
