package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

// expectAway needs a write to be refused because the store is away, in words that a
// client understands.
func expectAway(t *testing.T, answer *harness.Answer) {
	t.Helper()
	if answer.Status != http.StatusServiceUnavailable || answer.Reason() != "UNAVAILABLE" || !answer.Data.Bool("retryable") ||
		answer.Header.Get("Retry-After") == "" {
		t.Errorf("answered with %d %s, Retry-After %q", answer.Status, answer.Body, answer.Header.Get("Retry-After"))
	}
}

// TestPostgresRestarts stops the database under a gateway. What needs it is refused
// for the time being, what does not goes on; afterwards everything does, and nothing
// was made twice.
func TestPostgresRestarts(t *testing.T) {
	t.Parallel()
	database := dbtest.OwnServer(t)
	r := newRigOn(t, harness.Setup{DSN: database.DSN}, memoryMode{"server", false, true}, slowly)
	place := newSite(t, r.gateway, r.account)
	l := &ledger{t: t, client: r.gateway.Client, account: r.account}
	var clients sync.WaitGroup
	for _, name := range []string{"vm-1", "vm-2", "vm-3"} { // on their way while the database is away
		clients.Go(func() { l.do("compute/vm/create", name, place.sevenStepVM(r.account, name)) })
	}
	time.Sleep(300 * time.Millisecond)
	database.Stop(t)
	expectAway(t, r.gateway.Send(t, http.MethodPost, harness.Path("compute/vm/create"), place.vm(r.account, "refused"), harness.Key("refused")))
	expectAway(t, r.gateway.Send(t, http.MethodGet, harness.Path("operation/operation/list"), nil))
	if answer := r.gateway.Send(t, http.MethodGet, harness.Path("compute/vm/list"), nil); answer.Status != http.StatusOK {
		t.Errorf("a live list is answered with %d %s", answer.Status, answer.Body)
	}
	if answer := r.gateway.Send(t, http.MethodGet, "/readyz", nil); answer.Status != http.StatusServiceUnavailable {
		t.Errorf("/readyz says %d %s", answer.Status, answer.Body)
	}
	database.Start(t)
	begin := time.Now()
	l.do("compute/vm/create", "refused", place.vm(r.account, "refused"))
	t.Logf("written %s after the database was back", time.Since(begin).Round(time.Millisecond))
	clients.Wait()
	r.finish(t, l)
}

// smallDisk is a file system of its own with so many bytes, in a folder.
func smallDisk(t *testing.T, dir, size string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("mounting a small disk needs the rights of root: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

// TestDiskFull fills the disk of a gateway with SQLite. Writes are refused for the time
// being, reads go on; with room again everything does.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	disk := filepath.Join(t.TempDir(), "disk")
	smallDisk(t, disk, "24m")
	r := newRigOn(t, harness.Setup{Data: disk}, memoryMode{"server", false, true}, harness.Knobs{"state_delay_scale": 0.1})
	place := newSite(t, r.gateway, r.account)
	l := &ledger{t: t, client: r.gateway.Client, account: r.account}
	l.do("compute/vm/create", "before", place.vm(r.account, "before"))
	l.settle()

	ballast := filepath.Join(disk, "ballast")
	fill(t, ballast)
	var refused *harness.Answer
	harness.Eventually(t, 20*time.Second, "a write is refused", func() bool {
		fill(t, ballast) // logs are stored too, and pages become free
		refused = r.gateway.Send(t, http.MethodPost, harness.Path("compute/vm/create"), place.vm(r.account, "during"), harness.Key("during"))
		return refused.Code != 0
	})
	expectAway(t, refused)
	if answer := r.gateway.Send(t, http.MethodGet, harness.Path("compute/vm/list"), nil); answer.Status != http.StatusOK || len(answer.Data.List("vms")) == 0 {
		t.Errorf("a live list is answered with %d %s", answer.Status, answer.Body)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	l.do("compute/vm/create", "during", place.vm(r.account, "during"))
	r.finish(t, l)
}

// fill writes to a file until its disk has no room.
func fill(t *testing.T, name string) {
	t.Helper()
	file, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	for block := make([]byte, 64<<10); len(block) > 0; {
		if _, err := file.Write(block); err != nil {
			block = block[:len(block)/2]
		}
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestReadOnlyDisk starts a gateway on a data folder that cannot be written to. It
// says so and does not run.
func TestReadOnlyDisk(t *testing.T) {
	t.Parallel()
	disk := filepath.Join(t.TempDir(), "disk")
	smallDisk(t, disk, "24m")
	r := newRigOn(t, harness.Setup{Data: disk}, memoryMode{"server", false, true}, nil)
	newSite(t, r.gateway, r.account)
	r.gateway.Stop(t)
	if err := unix.Mount("", disk, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	out, err := r.gateway.Command(t, "serve")
	if err == nil || !strings.Contains(out, "read-only") {
		t.Errorf("ended with %v: %s", err, out)
	}
	if err := unix.Mount("", disk, "", unix.MS_REMOUNT, ""); err != nil {
		t.Fatal(err)
	}
	r.gateway.Start(t)
	if networks := r.gateway.Get(t, "network/network/list", object{"view": "VIEW_CACHED"}).List("networks"); len(networks) != 1 {
		t.Errorf("the inventory has %v", networks)
	}
}
