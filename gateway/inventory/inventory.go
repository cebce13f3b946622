package inventory

import (
	"context"
	"fmt"
	"sync"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

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
	At          time.Time
	Source      string // FOLLOWER, RECONCILER, REQUEST
	OperationID string
	RequestID   string
	ActorID     string
	// Owner is recorded when the resource is first seen, and ignored later.
	Owner Ownership
	// Protect changes deletion protection; nil: as before.
	Protect *bool
}

// Inventory is the table and its index in memory.
type Inventory struct {
	db *db.Store

	mu     sync.RWMutex
	owners map[string]Ownership // by public id, of resources that are not gone
}

// New makes an empty Inventory; Load fills the index.
func New(store *db.Store) *Inventory {
	return &Inventory{db: store, owners: map[string]Ownership{}}
}

// Load reads the ownership of all resources into memory.
func (i *Inventory) Load(ctx context.Context) error {
	rows, err := i.db.Read.WithContext(ctx).Model(&row{}).Where("gone_at IS NULL").
		Select("id, tenant_id, owner_id, managed, deletion_protected").Rows()
	if err != nil {
		return fmt.Errorf("load inventory: %w", err)
	}
	defer func() { _ = rows.Close() }()
	owners := map[string]Ownership{}
	for rows.Next() {
		var id string
		var o Ownership
		if err := rows.Scan(&id, &o.TenantID, &o.OwnerID, &o.Managed, &o.DeletionProtected); err != nil {
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
	o, ok = i.owners[id]
	return o, ok
}

// Observe records an observation in the caller's transaction, with the event if
// the state has changed. The returned function brings the index in memory up to
// date; it is called after the transaction has been committed.
func (i *Inventory) Observe(tx *gorm.DB, o Observation) (apply func(), err error) {
	var r row
	found := tx.Where("id = ?", o.ID).Limit(1).Find(&r)
	if found.Error != nil {
		return nil, fmt.Errorf("read inventory of %s: %w", o.ID, found.Error)
	}
	isNew := found.RowsAffected == 0
	if isNew && o.Gone {
		return func() {}, nil
	}
	before := r.State
	if isNew {
		r = newRow(o)
	}
	update(&r, o)
	changed := isNew || r.State != before || o.Gone
	if changed {
		r.Sequence++
		if err := outbox.Append(tx, event(r, o, before)); err != nil {
			return nil, err
		}
	}
	if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&r).Error; err != nil {
		return nil, fmt.Errorf("record %s: %w", o.ID, err)
	}
	return func() { i.index(r) }, nil
}

func newRow(o Observation) row {
	return row{
		ID: o.ID, Type: o.Type, AccountID: o.AccountID, TenantID: o.Owner.TenantID, OwnerID: o.Owner.OwnerID,
		Managed: int32(o.Owner.Managed), DeletionProtected: o.Owner.DeletionProtected, CreatedAt: o.At,
	}
}

func update(r *row, o Observation) {
	r.ObservedAt = o.At
	if o.OperationID != "" {
		r.OperationID = o.OperationID
	}
	if o.Name != "" {
		r.Name = o.Name
	}
	if o.State != "" {
		r.State = o.State
	}
	if o.Body != nil {
		r.Body = o.Body
	}
	if o.Protect != nil {
		r.DeletionProtected = *o.Protect
	}
	r.GoneAt = nil
	if o.Gone {
		r.GoneAt = &o.At
	}
}

func event(r row, o Observation, before string) outbox.Event {
	kind := "ResourceStateChanged"
	if o.Gone {
		kind = "ResourceGone"
	}
	return outbox.Event{
		Type: kind, ResourceID: r.ID, ResourceType: r.Type, AccountID: r.AccountID, TenantID: r.TenantID,
		Source: o.Source, Sequence: r.Sequence, OperationID: o.OperationID, RequestID: o.RequestID, ActorID: o.ActorID,
		OccurredAt: o.At, Payload: map[string]string{"from_state": before, "to_state": r.State},
	}
}

func (i *Inventory) index(r row) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if r.GoneAt != nil {
		delete(i.owners, r.ID)
		return
	}
	i.owners[r.ID] = Ownership{
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
