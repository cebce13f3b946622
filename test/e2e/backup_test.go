package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

// TestBackupMovesDatabases backs a running gateway up and restores it on the other
// database: it shows the same inventory, operations and passwords.
func TestBackupMovesDatabases(t *testing.T) {
	t.Parallel()
	for from, to := range map[string]string{"sqlite": "postgres", "postgres": "sqlite"} {
		t.Run(from+" to "+to, func(t *testing.T) {
			t.Parallel()
			const account = "memory"
			server := harness.NewMemcloud(t, programs, harness.Knobs{"state_delay_scale": 0.1})
			old := harness.NewGatewayWith(t, programs, harness.Setup{Store: from},
				harness.Account{ID: account, Driver: "memory", Settings: map[string]string{"endpoint": server.Endpoint}})
			place := newSite(t, old, account)
			request := place.vm(account, "kept")
			request["password"] = "Xa9-password-kept"
			vm := old.Done(t, "compute/vm/create", request)
			read := func(g *harness.Gateway) object {
				return object{
					"vms":        stable(g.Get(t, "compute/vm/list", object{"view": "VIEW_CACHED"}).List("vms")),
					"networks":   stable(g.Get(t, "network/network/list", object{"view": "VIEW_CACHED"}).List("networks")),
					"password":   g.Get(t, "compute/vm/get-initial-password", object{"id": vm}).Text("password"),
					"operations": harness.Texts(g.Get(t, "operation/operation/list", nil).List("operations"), "id"),
				}
			}
			want := read(old)
			file := filepath.Join(t.TempDir(), "backup.zip")
			out, err := old.Command(t, "backup", file)
			if err != nil || !strings.Contains(out, "The sealing key is not in it") {
				t.Fatalf("backup: %v\n%s", err, out)
			}
			if out, err := old.Command(t, "backup", file); err == nil {
				t.Errorf("a file that exists was overwritten: %s", out)
			}
			if out, err := old.Command(t, "restore", file); err == nil || !strings.Contains(out, "in use") {
				t.Errorf("restored under a running gateway: %v %s", err, out)
			}
			old.Stop(t)
			if out, err := old.Command(t, "restore", file); err == nil || !strings.Contains(out, "not empty") {
				t.Errorf("restored over a store that is not empty: %v %s", err, out)
			}
			moved := harness.RestoredGateway(t, old, file, harness.Setup{Store: to})
			if diff := cmp.Diff(want, read(moved)); diff != "" {
				t.Errorf("after the move:\n%s", diff)
			}
			if id := moved.Done(t, "compute/vm/create", place.vm(account, "next")); id == vm {
				t.Error("the next VM has the id of the kept one")
			}
		})
	}
}

// stable takes out what changes from reading to reading.
func stable(list []object) []object {
	for _, o := range list {
		delete(o, "observed_at")
	}
	return list
}
