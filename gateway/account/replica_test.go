package account_test

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/account"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	"github.com/yunqiao/yunqiao/internal/seal"
	accountv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/account/v1"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// replica is a second gateway on the store of a rig, with a driver process of its own.
func (r *rig) replica(every time.Duration, configured ...account.Configured) (*account.Manager, *fake) {
	r.t.Helper()
	box, err := seal.New(bytes.Repeat([]byte{5}, seal.KeySize))
	if err != nil {
		r.t.Fatal(err)
	}
	driver := newFake(r.t)
	m := account.New(slog.New(slog.DiscardHandler), r.store, box, drivers{"fake": driver}, account.Options{FollowEvery: every})
	if err := m.Start(r.t.Context(), configured); err != nil {
		r.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(r.t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = m.Follow(ctx) })
	r.t.Cleanup(func() { stop(); running.Wait() })
	return m, driver
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// What one replica does to accounts, the others do too.
func TestReplicas(t *testing.T) {
	t.Parallel()
	r := newRigOn(t, dbtest.Postgres(t))
	other, driver := r.replica(time.Millisecond)
	password := func() string { return driver.opened("acc").GetCredentials()["password"] }
	if _, err := r.create("acc", "good-Secret-1"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the account is ready elsewhere", func() bool {
		a, err := other.Registry().Get("acc")
		return err == nil && a.State == ready && password() == "good-Secret-1"
	})
	for _, f := range []*fake{r.driver, driver} {
		f.set(func(f *fake) { f.password = "good-Secret-2" })
	}
	if _, err := r.manager.Update(t.Context(), &accountv1.UpdateAccountRequest{Id: "acc", Credentials: map[string]string{"password": "good-Secret-2"}}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the new password is used elsewhere", func() bool { return password() == "good-Secret-2" })
	if err := r.manager.SetEnabled(t.Context(), "acc", false); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the account is disabled elsewhere", func() bool {
		a, err := other.Registry().Get("acc")
		return err == nil && a.Disabled && driver.opened("acc") == nil &&
			sdk.ReasonOf(a.Conn.Invoke(t.Context(), "", nil, nil)) == apiv1.Reason_REASON_PRINCIPAL_DISABLED
	})
	if err := r.manager.SetEnabled(t.Context(), "acc", true); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the account is ready again elsewhere", func() bool {
		a, err := other.Registry().Get("acc")
		return err == nil && a.State == ready && password() == "good-Secret-2"
	})
	if err := r.manager.Remove(t.Context(), "acc"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the account is gone elsewhere", func() bool {
		_, err := other.Registry().Get("acc")
		return err != nil && driver.opened("acc") == nil
	})
}

// A replica that has not looked yet neither loses what another has changed, nor takes an
// account for absent that it does not know.
func TestReplicasWriteOverWhatIsStored(t *testing.T) {
	t.Parallel()
	r := newRigOn(t, dbtest.Postgres(t))
	other, driver := r.replica(time.Hour)
	if _, err := r.create("acc", "good-Secret-1"); err != nil {
		t.Fatal(err)
	}
	slow := &accountv1.UpdateAccountRequest{Id: "acc", Settings: map[string]string{"mode": "slow"}}
	if _, err := other.Update(t.Context(), slow); err != nil {
		t.Fatal(err)
	}
	if _, err := r.manager.Update(t.Context(), &accountv1.UpdateAccountRequest{Id: "acc", Settings: map[string]string{"url": "http://y"}}); err != nil {
		t.Fatal(err)
	}
	if got := r.driver.opened("acc").GetSettings(); got["mode"] != "slow" || got["url"] != "http://y" {
		t.Errorf("the second change has lost the first: %v", got)
	}
	if err := other.Remove(t.Context(), "acc"); err != nil {
		t.Fatal(err)
	}
	if driver.opened("acc") != nil {
		t.Error("the account is still open at the driver of the replica that removed it")
	}
	if _, err := r.manager.Update(t.Context(), slow); sdk.ReasonOf(err) != apiv1.Reason_REASON_ACCOUNT_NOT_FOUND {
		t.Errorf("update of an account that another replica has removed: got %v", err)
	}
}

// An account of a replica's own configuration file stays as the file says.
func TestReplicaKeepsItsConfiguration(t *testing.T) {
	t.Parallel()
	r := newRigOn(t, dbtest.Postgres(t))
	other, driver := r.replica(time.Millisecond, configured("acc"))
	if err := r.store.Write.Exec("UPDATE account_accounts SET settings = '{}', updated_at = ? WHERE id = 'acc'", time.Now()).Error; err != nil {
		t.Fatal(err)
	}
	if _, err := r.create("later", "good-Secret-1"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the changes have been looked at", func() bool { return driver.opened("later") != nil })
	if a, err := other.Registry().Get("acc"); err != nil || a.Settings["url"] != "http://c" {
		t.Errorf("got %v, %v", a, err)
	}
}
