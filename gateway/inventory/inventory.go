package inventory

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/outbox"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// Ownership is the recorded half of a resource.
type Ownership struct {
	TenantID          string
	OwnerID           string
	Managed           apiv1.Managed
	DeletionProtected bool
}

// Observation is what a driver or an operation told of a resource.
type Observation struct {
	ID          string // public id
	Type        string // "compute.vm"
	AccountID   string
	Name        string // empty: as before
	State       string // name of the state enum's value; empty: as before
	Body        []byte // the resource's message, native ids; nil: as before
	Gone        bool
	KnownOnly   bool // ignored for a resource that was never recorded
	Created     bool // the cloud has given the id just now
	At          time.Time
	Source      string // FOLLOWER, RECONCILER, REQUEST
	OperationID string
	RequestID   string
	ActorID     string
	// Owner is recorded when the resource is first seen, and ignored later.
	Owner Ownership
	// Protect changes deletion protection; nil: as before.
	Protect *bool
	// Partial says that Body is of a listing, which tells less than a single look:
	// what it does not tell stays as it was.
	Partial bool
	// Listed is the digest of the resource in a listing; empty: as before.
	Listed string
	// Since, if set, is the sequence at which the observer last saw the resource
	// recorded (0: not at all): where more has been recorded since, nothing is.
	Since *int32
	// Cause is why the resource is gone; empty: DELETED_BY_US.
	Cause string
}

// Causes of the end of a resource.
const (
	DeletedByUs    = "DELETED_BY_US"
	DeletedOutside = "DELETED_OUTSIDE"
)

// Inventory is the table and its index in memory.
type Inventory struct {
	db *db.Store

	mu     sync.RWMutex
	owners map[string]indexed // by public id, of resources that are not gone
}

// indexed is what the index holds of a resource, as of one of its events.
type indexed struct {
	Ownership
	sequence int32
}

// New makes an empty Inventory; Load fills the index.
func New(store *db.Store) *Inventory {
	return &Inventory{db: store, owners: map[string]indexed{}}
}

// Load reads the ownership of all resources into memory.
func (i *Inventory) Load(ctx context.Context) error {
	rows, err := i.db.Read.WithContext(ctx).Model(&row{}).Where("gone_at IS NULL").
		Select("id, tenant_id, owner_id, managed, deletion_protected, sequence").Rows()
	if err != nil {
		return fmt.Errorf("load inventory: %w", err)
	}
	defer func() { _ = rows.Close() }()
	owners := map[string]indexed{}
	for rows.Next() {
		var id string
		var o indexed
		if err := rows.Scan(&id, &o.TenantID, &o.OwnerID, &o.Managed, &o.DeletionProtected, &o.sequence); err != nil {
			return fmt.Errorf("load inventory: %w", err)
		}
		owners[id] = o
	}
	i.mu.Lock()
	i.owners = owners
	i.mu.Unlock()
	return rows.Err()
}

// Owner tells who owns a resource; ok is false for one that was never recorded.
func (i *Inventory) Owner(id string) (o Ownership, ok bool) {
	i.mu.RLock()
	defer i.mu.RUnlock()
	entry, ok := i.owners[id]
	return entry.Ownership, ok
}

// Owned counts the resources of organizations; an empty type or account stands for
// all.
func (i *Inventory) Owned(tx *gorm.DB, tenantIDs []string, resourceType, accountID string) (int, error) {
	query := tx.Model(&row{}).Where("gone_at IS NULL AND tenant_id IN ?", tenantIDs)
	if resourceType != "" {
		query = query.Where("type = ?", resourceType)
	}
	if accountID != "" {
		query = query.Where("account_id = ?", accountID)
	}
	var n int64
	err := query.Count(&n).Error
	return int(n), err
}

// Observe records an observation in the caller's transaction, with the event if
// the state has changed. The returned function brings the index in memory up to
// date; it is called after the transaction has been committed.
func (i *Inventory) Observe(tx *gorm.DB, o Observation) (apply func(), err error) {
	r, stored, err := lockRow(tx, o.ID)
	if err != nil {
		return nil, err
	}
	isNew := !stored
	switch {
	case o.Since != nil && *o.Since != r.Sequence,
		isNew && (o.Gone || o.KnownOnly), r.GoneAt != nil && !rebirth(o):
		return func() {}, nil
	case r.GoneAt != nil: // another resource under an id that the cloud gives again
		sequence := r.Sequence
		r, isNew = newRow(o), true
		r.Sequence = sequence
	case isNew:
		r = newRow(o)
	case o.Created && r.TenantID == "" && r.Managed == int32(apiv1.Managed_MANAGED_DISCOVERED):
		own(&r, o) // a listing was faster than the answer to its creation
	}
	before, beforeSpec, lastSeen := r.State, r.Spec, r.ObservedAt
	if err := update(&r, o); err != nil {
		return nil, fmt.Errorf("record %s: %w", o.ID, err)
	}
	tell := func(e outbox.Event) error {
		r.Sequence++
		e.Sequence = r.Sequence
		return outbox.Append(tx, e)
	}
	if isNew || r.State != before || o.Gone {
		if err := tell(stateEvent(r, o, isNew, before, lastSeen)); err != nil {
			return nil, err
		}
	}
	if !isNew && !o.Gone && beforeSpec != "" && r.Spec != beforeSpec {
		if err := tell(specEvent(r, o, beforeSpec)); err != nil {
			return nil, err
		}
	}
	write := tx.Save
	if !stored {
		write = tx.Create
	}
	if err := write(&r).Error; err != nil {
		return nil, fmt.Errorf("record %s: %w", o.ID, err)
	}
	return func() { i.index(r) }, nil
}

// rebirth tells that an observation of a resource that is gone is of a new one, and
// not the late look of an operation that ran beside its deletion.
func rebirth(o Observation) bool {
	return !o.Gone && !o.KnownOnly && (o.Created || o.Source != sourceFollower)
}

// sourceFollower is the Source of what operations observe.
const sourceFollower = "FOLLOWER"

// SourceReconciler is the Source of what comparisons with the cloud observe.
const SourceReconciler = "RECONCILER"

func newRow(o Observation) row {
	r := row{ID: o.ID, Type: o.Type, AccountID: o.AccountID, CreatedAt: o.At}
	own(&r, o)
	return r
}

// own makes the resource its observer's.
func own(r *row, o Observation) {
	r.TenantID, r.OwnerID = o.Owner.TenantID, o.Owner.OwnerID
	r.Managed, r.DeletionProtected = int32(o.Owner.Managed), o.Owner.DeletionProtected
	if r.TenantID != "" {
		r.OwnedSince = &o.At
	}
}

// maxName is how much of a name is kept, in characters.
const maxName = 255

func update(r *row, o Observation) error {
	r.ObservedAt = o.At
	if o.OperationID != "" {
		r.OperationID = o.OperationID
	}
	if o.Name != "" {
		r.Name = truncate(o.Name, maxName)
	}
	if o.State != "" {
		r.State = o.State
	}
	if o.Body != nil {
		if err := updateBody(r, o); err != nil {
			return err
		}
	}
	if o.Listed != "" {
		r.Listed = o.Listed
	}
	if o.Protect != nil {
		r.DeletionProtected = *o.Protect
	}
	r.GoneAt = nil
	if o.Gone {
		r.GoneAt = &o.At
	}
	return nil
}

// truncate cuts a text to a number of characters; what is no text is left out.
func truncate(text string, characters int) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, ""), "\x00", "")
	if utf8.RuneCountInString(text) <= characters {
		return text
	}
	return string([]rune(text)[:characters])
}

// index takes in what this process has just recorded.
func (i *Inventory) index(r row) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.put(r)
}

// learn takes in what was read from the store, unless something newer is known.
func (i *Inventory) learn(r row) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if known, ok := i.owners[r.ID]; !ok || known.sequence < r.Sequence {
		i.put(r)
	}
}

func (i *Inventory) put(r row) {
	if r.GoneAt != nil {
		delete(i.owners, r.ID)
		return
	}
	i.owners[r.ID] = indexed{r.ownership(), r.Sequence}
}

func (r row) ownership() Ownership {
	return Ownership{
		TenantID: r.TenantID, OwnerID: r.OwnerID, Managed: apiv1.Managed(r.Managed), DeletionProtected: r.DeletionProtected,
	}
}

// Record is Observe in a transaction of its own.
func (i *Inventory) Record(ctx context.Context, o Observation) error {
	var apply func()
	err := i.db.Write.WithContext(ctx).Transaction(func(tx *gorm.DB) (err error) {
		apply, err = i.Observe(tx, o)
		return err
	})
	if err == nil {
		apply()
	}
	return err
}
