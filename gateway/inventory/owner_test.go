package inventory_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/gateway/inventory"
	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

func setOwner(t *testing.T, store *db.Store, i *inventory.Inventory, c inventory.OwnerChange, seen *inventory.Observation) inventory.Owned {
	t.Helper()
	var owned inventory.Owned
	var apply func()
	err := store.Write.WithContext(t.Context()).Transaction(func(tx *gorm.DB) (err error) {
		owned, apply, err = i.SetOwner(tx, c, seen)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	apply()
	return owned
}

func ownerChanges(t *testing.T, store *db.Store) []map[string]string {
	t.Helper()
	var payloads []string
	err := store.Read.Table("outbox_events").Where("type = 'ResourceOwnerChanged'").Order("position").Pluck("payload", &payloads).Error
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]string
	for _, text := range payloads {
		var payload map[string]string
		if err := json.Unmarshal([]byte(text), &payload); err != nil {
			t.Fatal(err)
		}
		out = append(out, payload)
	}
	return out
}

// TestSetOwner: only the owner changes, with one event each time.
func TestSetOwner(t *testing.T) {
	t.Parallel()
	store, _ := open(t)
	things := inventory.New(store)
	since := start.Add(-time.Hour)
	adopted := with(seen("VM_STATE_RUNNING", 0), func(o *inventory.Observation) {
		o.Source, o.Name, o.Owner = "REQUEST", "vm-1", inventory.Ownership{Managed: apiv1.Managed_MANAGED_DISCOVERED}
	})
	change := inventory.OwnerChange{ID: adopted.ID, TenantID: "t1", Managed: apiv1.Managed_MANAGED_ADOPTED, Since: since, At: start}
	owned := setOwner(t, store, things, change, &adopted)
	if owned.TenantID != "t1" || owned.Name != "vm-1" || !owned.Since.Equal(since) {
		t.Errorf("adopted: %+v", owned)
	}
	change.TenantID, change.Since = "t2", start
	setOwner(t, store, things, change, nil)
	if o, ok := things.Owner(adopted.ID); !ok || o.TenantID != "t2" || o.Managed != apiv1.Managed_MANAGED_ADOPTED {
		t.Errorf("transferred: %+v, %t", o, ok)
	}
	want := []map[string]string{
		{"from_tenant": "", "to_tenant": "t1", "since": "2026-03-01T09:00:00Z", "state": "VM_STATE_RUNNING"},
		{"from_tenant": "t1", "to_tenant": "t2", "since": "2026-03-01T10:00:00Z", "state": "VM_STATE_RUNNING"},
	}
	if diff := cmp.Diff(want, ownerChanges(t, store)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	err := store.Write.WithContext(t.Context()).Transaction(func(tx *gorm.DB) error {
		_, _, err := things.SetOwner(tx, inventory.OwnerChange{ID: "acc.absent", TenantID: "t1", At: start}, nil)
		return err
	})
	if err == nil {
		t.Error("an absent resource has got an owner")
	}
}

// TestReplicas: what one process records, another knows: at once where it asks for a
// resource that it does not know, and otherwise within two seconds.
func TestReplicas(t *testing.T) {
	t.Parallel()
	store, dsn := open(t)
	here := inventory.New(store)
	otherStore := dbtest.Open(t, dsn)
	otherStore.Embedded = false // as two processes share it
	there := inventory.New(otherStore)
	if err := here.Record(t.Context(), seen("VM_STATE_RUNNING", 0)); err != nil {
		t.Fatal(err)
	}
	if o, gone, ok, err := there.Recall(t.Context(), "acc.vm-1"); err != nil || !ok || gone || o.TenantID != "t1" {
		t.Errorf("asked for: %+v, gone %t, %t, %v", o, gone, ok, err)
	}
	if o, ok := there.Owner("acc.vm-1"); !ok || o.TenantID != "t1" {
		t.Errorf("then known: %+v, %t", o, ok)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- there.Run(ctx, slog.New(slog.DiscardHandler)) }()
	setOwner(t, store, here, inventory.OwnerChange{ID: "acc.vm-1", TenantID: "t2", Since: start, At: start}, nil)
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	limit := time.After(2 * time.Second)
	for o, _ := there.Owner("acc.vm-1"); o.TenantID != "t2"; o, _ = there.Owner("acc.vm-1") {
		select {
		case <-poll.C:
		case <-limit:
			t.Fatal("the other replica does not know the new owner after two seconds")
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestOrphans(t *testing.T) {
	t.Parallel()
	store, _ := open(t)
	things := inventory.New(store)
	for id, owner := range map[string]inventory.Ownership{
		"acc.nobodys":     {Managed: apiv1.Managed_MANAGED_DISCOVERED},
		"acc.seen":        {TenantID: "root", Managed: apiv1.Managed_MANAGED_DISCOVERED},
		"acc.roots":       {TenantID: "root", Managed: apiv1.Managed_MANAGED_CREATED},
		"acc.tenants":     {TenantID: "t1", Managed: apiv1.Managed_MANAGED_ADOPTED},
		"other.elsewhere": {Managed: apiv1.Managed_MANAGED_DISCOVERED},
	} {
		o := with(seen("VM_STATE_RUNNING", 0), func(o *inventory.Observation) { o.ID, o.Owner, o.Source = id, owner, "RECONCILER" })
		o.AccountID, _, _ = strings.Cut(id, ".")
		if err := things.Record(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	query := inventory.OrphanQuery{AccountIDs: []string{"acc"}, TenantID: "root", Limit: 1}
	var got []string
	for {
		page, err := things.Orphans(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		got = append(got, page[0].ID)
		query.After = page[0].ID
	}
	if diff := cmp.Diff([]string{"acc.nobodys", "acc.seen"}, got); diff != "" {
		t.Errorf("orphans (-want +got):\n%s", diff)
	}
}
