package follow

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// member is a file whose name begins with that of another: "app.log.1",
// "app.log-20260101.gz".
type member struct {
	path    string
	id      identity
	size    int64
	changed time.Time
}

// family lists the files that rotation may have made of a path, the oldest first.
func (f *Follower) family(path string) []member {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil // there is nothing to be found in it
	}
	var all []member
	for _, entry := range entries {
		other := filepath.Join(filepath.Dir(path), entry.Name())
		if !relative(path, other) {
			continue
		}
		info, err := entry.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		all = append(all, member{other, identityOf(info), info.Size(), info.ModTime()})
	}
	slices.SortFunc(all, func(a, b member) int { return a.changed.Compare(b.changed) })
	return all
}

// relative tells whether rotation may make one name of the other: app.log.1,
// app.log-20260101, app-20260101.log, all of these with .gz.
func relative(path, other string) bool {
	if filepath.Dir(path) != filepath.Dir(other) {
		return false
	}
	name, found := filepath.Base(path), filepath.Base(other)
	if name == found {
		return true
	}
	if rest, ok := strings.CutPrefix(found, name); ok {
		return strings.ContainsAny(rest[:1], ".-_")
	}
	extension := filepath.Ext(name)
	stem := strings.TrimSuffix(name, extension)
	rest, ok := strings.CutPrefix(strings.TrimSuffix(found, ".gz"), stem)
	return ok && extension != "" && len(rest) > len(extension) && strings.HasSuffix(rest, extension) && strings.ContainsAny(rest[:1], ".-_")
}

func packed(path string) bool { return strings.HasSuffix(path, ".gz") }

// gone tells that a file has no name any more.
func gone(info os.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && s.Nlink == 0
}
