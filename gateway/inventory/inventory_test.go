package inventory_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/inventory"
	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	"github.com/yunqiao/yunqiao/internal/outbox"
	"github.com/yunqiao/yunqiao/internal/seal"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Both(m).Run()) }

func open(t *testing.T) (*db.Store, string) {
	t.Helper()
	dsn := dbtest.DSN(t)
	store := dbtest.Open(t, dsn)
	if err := store.Migrate(t.Context(), inventory.Migrations(), outbox.Migrations()); err != nil {
		t.Fatal(err)
	}
	return store, dsn
}

var start = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

// seen is an observation by a follower, some seconds after the start.
func seen(state string, seconds int) inventory.Observation {
	return inventory.Observation{
		ID: "acc.vm-1", Type: "compute.vm", AccountID: "acc", State: state, At: start.Add(time.Duration(seconds) * time.Second), Source: "FOLLOWER",
		Owner: inventory.Ownership{TenantID: "t1", OwnerID: "u1", Managed: apiv1.Managed_MANAGED_CREATED},
	}
}

func with(o inventory.Observation, change func(*inventory.Observation)) inventory.Observation {
	change(&o)
	return o
}

func gone(o *inventory.Observation)      { o.Gone = true }
func created(o *inventory.Observation)   { o.Created = true }
func knownOnly(o *inventory.Observation) { o.KnownOnly = true }

func TestObserve(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		observations []inventory.Observation
		want         []string // type, sequence and states of the events
		owner        string   // tenant of the resource at the end
	}{
		"one event for each change": {
			[]inventory.Observation{seen("A", 0), seen("A", 1), seen("B", 2), seen("", 3), seen("B", 4), seen("A", 5)},
			[]string{"ResourceStateChanged 1 >A", "ResourceStateChanged 2 A>B", "ResourceStateChanged 3 B>A"}, "t1",
		},
		"gone once": {
			[]inventory.Observation{seen("A", 0), with(seen("", 1), gone), with(seen("", 2), gone)},
			[]string{"ResourceStateChanged 1 >A", "ResourceGone 2 A>A"}, "",
		},
		"never known, gone":          {[]inventory.Observation{with(seen("A", 0), gone)}, nil, ""},
		"never known, only if known": {[]inventory.Observation{with(seen("A", 0), knownOnly)}, nil, ""},
		"known, only if known":       {[]inventory.Observation{seen("A", 0), with(seen("B", 1), knownOnly)}, []string{"ResourceStateChanged 1 >A", "ResourceStateChanged 2 A>B"}, "t1"},
		"late look at what is gone":  {[]inventory.Observation{seen("A", 0), with(seen("", 1), gone), seen("B", 2)}, []string{"ResourceStateChanged 1 >A", "ResourceGone 2 A>A"}, ""},
		"another under the same name": {
			[]inventory.Observation{seen("A", 0), with(seen("", 1), gone), with(seen("A", 2), func(o *inventory.Observation) {
				o.Created, o.Owner.TenantID = true, "t2"
			})},
			[]string{"ResourceStateChanged 1 >A", "ResourceGone 2 A>A", "ResourceStateChanged 3 >A"}, "t2",
		},
		"owner is of the first": {
			[]inventory.Observation{seen("A", 0), with(seen("B", 1), func(o *inventory.Observation) { o.Owner.TenantID = "t2" })},
			[]string{"ResourceStateChanged 1 >A", "ResourceStateChanged 2 A>B"}, "t1",
		},
		"without a state": {[]inventory.Observation{with(seen("", 0), created), seen("", 1)}, []string{"ResourceStateChanged 1 >"}, "t1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, _ := open(t)
			i := inventory.New(store)
			for n, o := range tc.observations {
				if err := i.Record(t.Context(), o); err != nil {
					t.Fatalf("observation %d: %v", n, err)
				}
			}
			if diff := cmp.Diff(tc.want, events(t, store)); diff != "" {
				t.Errorf("events: -want +got\n%s", diff)
			}
			again := inventory.New(store)
			if err := again.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
			for which, index := range map[string]*inventory.Inventory{"in memory": i, "loaded": again} {
				owner, ok := index.Owner("acc.vm-1")
				if owner.TenantID != tc.owner || ok != (tc.owner != "") {
					t.Errorf("owner %s: got %+v, %v, want %q", which, owner, ok, tc.owner)
				}
			}
		})
	}
}

func events(t *testing.T, store *db.Store) []string {
	t.Helper()
	var rows []struct {
		Type     string
		Sequence int
		Payload  string
	}
	if err := store.Read.Table("outbox_events").Order("position").Find(&rows).Error; err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range rows {
		var payload struct {
			From string `json:"from_state"`
			To   string `json:"to_state"`
		}
		if err := json.Unmarshal([]byte(r.Payload), &payload); err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s %d %s>%s", r.Type, r.Sequence, payload.From, payload.To))
	}
	return out
}

// What is made anew under an old name has nothing of what had it before.
func TestRebirthIsNew(t *testing.T) {
	t.Parallel()
	store, _ := open(t)
	i := inventory.New(store)
	protect := true
	body, err := proto.Marshal(&computev1.Vm{Name: "old"})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []inventory.Observation{
		with(seen("A", 0), func(o *inventory.Observation) { o.Name, o.Body, o.Protect = "old", body, &protect }),
		with(seen("", 1), gone),
		with(seen("A", 60), created),
	} {
		if err := i.Record(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	if owner, _ := i.Owner("acc.vm-1"); owner.DeletionProtected {
		t.Error("deletion protection has outlived its resource")
	}
	var row struct {
		Name      string
		Body      []byte
		CreatedAt time.Time
	}
	if err := store.Read.Table("inventory_resources").Find(&row).Error; err != nil {
		t.Fatal(err)
	}
	if row.Name != "" || len(row.Body) != 0 || !row.CreatedAt.Equal(start.Add(time.Minute)) {
		t.Errorf("got %+v", row)
	}
}

// A change that is not committed leaves neither row, event nor index.
func TestObserveInFailingTransaction(t *testing.T) {
	t.Parallel()
	store, _ := open(t)
	i := inventory.New(store)
	err := store.Write.Transaction(func(tx *gorm.DB) error {
		if _, err := i.Observe(tx, seen("A", 0)); err != nil {
			return err
		}
		return gorm.ErrInvalidData
	})
	if err == nil {
		t.Fatal("no error")
	}
	if got := events(t, store); got != nil {
		t.Errorf("events: got %v", got)
	}
	if _, ok := i.Owner("acc.vm-1"); ok {
		t.Error("the index has it")
	}
}

func TestSequencesAreGapFree(t *testing.T) {
	t.Parallel()
	store, _ := open(t)
	i := inventory.New(store)
	var group sync.WaitGroup
	for n := range 20 {
		group.Go(func() {
			if err := i.Record(t.Context(), seen(fmt.Sprint("S", n), n)); err != nil {
				t.Errorf("record: %v", err)
			}
		})
	}
	group.Wait()
	for n, e := range events(t, store) {
		if !strings.HasPrefix(e, fmt.Sprintf("ResourceStateChanged %d ", n+1)) {
			t.Errorf("event %d: got %s", n, e)
		}
	}
}

func TestProtect(t *testing.T) {
	t.Parallel()
	store, _ := open(t)
	i := inventory.New(store)
	on, off := true, false
	for _, step := range []struct {
		protect *bool
		want    bool
	}{{nil, false}, {&on, true}, {nil, true}, {&off, false}} {
		o := seen("A", 0)
		o.Protect = step.protect
		if err := i.Record(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		if owner, _ := i.Owner("acc.vm-1"); owner.DeletionProtected != step.want {
			t.Errorf("got %v, want %v", owner.DeletionProtected, step.want)
		}
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	store, _ := open(t)
	i := inventory.New(store)
	names := []string{"a_c", "abc", "a%c", `a\c`, "zoo", "网络"}
	for n, name := range names {
		o := seen("A", n)
		o.ID, o.Name, o.AccountID = fmt.Sprintf("acc.%d", n), name, []string{"acc", "other"}[n%2]
		if n == 4 {
			o.State, o.Owner.TenantID = "B", "t2"
		}
		if err := i.Record(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	if err := i.Record(t.Context(), with(seen("", 9), func(o *inventory.Observation) { o.ID, o.Gone = "acc.5", true })); err != nil {
		t.Fatal(err)
	}
	both := []string{"acc", "other"}
	for name, tc := range map[string]struct {
		query inventory.Query
		want  []string
		total int
	}{
		"by id":                {inventory.Query{}, []string{"0", "1", "2", "3", "4"}, 5},
		"one account":          {inventory.Query{AccountIDs: []string{"other"}}, []string{"1", "3"}, 2},
		"one organization":     {inventory.Query{TenantIDs: []string{"t2"}}, []string{"4"}, 1},
		"name":                 {inventory.Query{Name: "abc"}, []string{"1"}, 1},
		"underline is itself":  {inventory.Query{NameContains: "a_c"}, []string{"0"}, 1},
		"percent is itself":    {inventory.Query{NameContains: "%"}, []string{"2"}, 1},
		"backslash is itself":  {inventory.Query{NameContains: `\`}, []string{"3"}, 1},
		"quote":                {inventory.Query{NameContains: `' OR 1=1 --`}, nil, 0},
		"state":                {inventory.Query{State: "B"}, []string{"4"}, 1},
		"ids":                  {inventory.Query{IDs: []string{"acc.2", "acc.5", "acc.77"}}, []string{"2"}, 1},
		"ordered":              {inventory.Query{OrderBy: "state desc, name"}, []string{"4", "2", "3", "0", "1"}, 5},
		"order, ties by id":    {inventory.Query{OrderBy: "state"}, []string{"0", "1", "2", "3", "4"}, 5},
		"second page":          {inventory.Query{Page: 2, PageSize: 2}, []string{"2", "3"}, 5},
		"beyond the last page": {inventory.Query{Page: 9, PageSize: 2}, nil, 5},
		"other type":           {inventory.Query{Type: "network.nic"}, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := tc.query
			if q.Type == "" {
				q.Type = "compute.vm"
			}
			if q.AccountIDs == nil {
				q.AccountIDs = both
			}
			q.Page, q.PageSize = max(1, q.Page), max(q.PageSize, 2)
			if tc.query.PageSize == 0 {
				q.PageSize = 100
			}
			found, total, err := i.List(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, item := range found {
				got = append(got, strings.TrimPrefix(item.ID, "acc."))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" || total != tc.total {
				t.Errorf("total %d, want %d; -want +got\n%s", total, tc.total, diff)
			}
		})
	}
	for _, order := range []string{"body", "name;drop", "name up", ",", "name,", "name desc x", "(select 1)"} {
		if _, _, err := i.List(t.Context(), inventory.Query{Type: "x", AccountIDs: both, OrderBy: order, Page: 1, PageSize: 1}); sdk.ReasonOf(err) != apiv1.Reason_REASON_VALIDATION_FAILED {
			t.Errorf("order_by %q: got %v, want VALIDATION_FAILED", order, err)
		}
	}
}

func TestSources(t *testing.T) {
	t.Parallel()
	store, _ := open(t)
	i := inventory.New(store)
	for _, reason := range []string{"", "CLOUD_TIMEOUT"} {
		if err := i.RecordReading(t.Context(), "acc", "compute.vm", start, reason); err != nil {
			t.Fatal(err)
		}
		got, err := i.Sources(t.Context(), "compute.vm", []string{"acc", "other"})
		want := map[string]inventory.Source{"acc": {ObservedAt: start, Complete: reason == "", Reason: reason}}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("reason %q: %v -want +got\n%s", reason, err, diff)
		}
	}
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	store, dsn := open(t)
	box, err := seal.New(bytes.Repeat([]byte{3}, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	p := inventory.NewPasswords(store, box)
	for _, password := range []string{"First-Pass-1", "Second-Pass-2"} {
		if err := p.Remember(store.Write, "acc.vm-1", password); err != nil {
			t.Fatal(err)
		}
		if got, ok, err := p.Recall(t.Context(), "acc.vm-1"); got != password || !ok || err != nil {
			t.Errorf("recall: got %q, %v, %v", got, ok, err)
		}
	}
	if content := dbtest.Content(t, dsn); content == "" || strings.Contains(content, "-Pass-") {
		t.Error("the store holds the password in clear, or nothing")
	}
	if err := store.Write.Exec("UPDATE inventory_passwords SET resource_id = 'acc.vm-2'").Error; err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.Recall(t.Context(), "acc.vm-2"); err == nil {
		t.Error("a password opens under another resource")
	}
	if err := p.Forget(store.Write, "acc.vm-2"); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := p.Recall(t.Context(), "acc.vm-2"); ok || err != nil {
		t.Errorf("after forgetting: got %v, %v", ok, err)
	}
}
