package driverhost_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yunqiao/yunqiao/gateway/driverhost"
)

// TestSocketDir: what a killed gateway left is cleared away, and a data folder with
// a long path has its sockets elsewhere, always in the same place.
func TestSocketDir(t *testing.T) {
	t.Parallel()
	short, err := os.MkdirTemp("", "y")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(short) })
	long := filepath.Join(short, strings.Repeat("long", 20))
	for _, data := range []string{short, long} {
		dir, err := driverhost.SocketDir(data)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		if inside := filepath.Dir(dir) == data; inside != (data == short) {
			t.Errorf("sockets of %s are in %s", data, dir)
		}
		if err := os.MkdirAll(filepath.Join(dir, "plugin-dir1", "plugin2"), 0o700); err != nil {
			t.Fatal(err)
		}
		again, err := driverhost.SocketDir(data)
		if err != nil || again != dir {
			t.Fatalf("the second time %q, %v; the first time %q", again, err, dir)
		}
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) > 0 {
			t.Errorf("left: %v, %v", entries, err)
		}
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
	}
}

// TestCloseTakesSockets: a host leaves nothing of its sockets.
func TestCloseTakesSockets(t *testing.T) {
	t.Parallel()
	data, err := os.MkdirTemp("", "y")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(data) })
	dir, err := driverhost.SocketDir(data)
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t, driverhost.Options{SocketDir: dir})
	f.start(t, driverSpec("driver"))
	if found, err := filepath.Glob(filepath.Join(dir, "*", "*")); err != nil || len(found) == 0 {
		t.Errorf("no socket in %s: %v", dir, err)
	}
	f.host.Close()
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the folder of sockets is still there: %v", err)
	}
}
