package inventory

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/outbox"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// Owned is a resource and whose it is.
type Owned struct {
	ID        string // public
	Type      string
	Name      string
	AccountID string
	TenantID  string // empty: nobody's
	Managed   apiv1.Managed
	Since     *time.Time // since when it is owned; nil: not owned
}

// OwnerChange gives a resource to an organization.
type OwnerChange struct {
	ID        string
	TenantID  string
	Managed   apiv1.Managed
	Since     time.Time // from when on it is the organization's, for bills
	At        time.Time
	RequestID string
	ActorID   string
}

// Lookup reads who owns a resource and locks its row until the end of the
// transaction. ok is false for one that was never recorded or is gone.
func (i *Inventory) Lookup(tx *gorm.DB, id string) (o Owned, ok bool, err error) {
	r, found, err := lockRow(tx, id)
	if err != nil || !found || r.GoneAt != nil {
		return Owned{}, false, err
	}
	return r.owned(), true, nil
}

// SetOwner records a change of owner in the caller's transaction, with its event.
// Nothing else of the resource changes. One that was never recorded, or had gone,
// is recorded as seen; without seen that is an error. The returned function brings
// the index in memory up to date; it is called after the transaction has been
// committed.
func (i *Inventory) SetOwner(tx *gorm.DB, c OwnerChange, seen *Observation) (o Owned, apply func(), err error) {
	r, found, err := lockRow(tx, c.ID)
	if err != nil {
		return Owned{}, nil, err
	}
	if !found || r.GoneAt != nil {
		if seen == nil {
			return Owned{}, nil, fmt.Errorf("resource %s is not recorded", c.ID)
		}
		sequence := r.Sequence
		r = newRow(*seen)
		r.Sequence = sequence
		if err := update(&r, *seen); err != nil {
			return Owned{}, nil, err
		}
	}
	from := r.TenantID
	r.TenantID, r.OwnerID, r.Managed, r.OwnedSince = c.TenantID, "", int32(c.Managed), &c.Since
	r.Sequence++
	if err := outbox.Append(tx, ownerEvent(r, c, from)); err != nil {
		return Owned{}, nil, err
	}
	write := tx.Save
	if !found {
		write = tx.Create
	}
	if err := write(&r).Error; err != nil {
		return Owned{}, nil, fmt.Errorf("record the owner of %s: %w", c.ID, err)
	}
	return r.owned(), func() { i.index(r) }, nil
}

// lockRow reads a resource for a change. One that is not stored yet is locked by
// its name, so that two observers do not both make it.
func lockRow(tx *gorm.DB, id string) (r row, found bool, err error) {
	read := func() error {
		query := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ?", id).Limit(1).Find(&r)
		found = query.RowsAffected > 0
		if query.Error != nil {
			return fmt.Errorf("read inventory of %s: %w", id, query.Error)
		}
		return nil
	}
	if err := read(); err != nil || found || tx.Name() == "sqlite" {
		return r, found, err
	}
	if err := db.Exclusive(tx, "inventory/"+id); err != nil {
		return row{}, false, err
	}
	err = read()
	return r, found, err
}

// ownerEvent tells the state beside the owners: it may be the first that is heard
// of the resource.
func ownerEvent(r row, c OwnerChange, from string) outbox.Event {
	return outbox.Event{
		Type: "ResourceOwnerChanged", ResourceID: r.ID, ResourceType: r.Type, AccountID: r.AccountID, TenantID: r.TenantID,
		Source: "REQUEST", Sequence: r.Sequence, RequestID: c.RequestID, ActorID: c.ActorID, OccurredAt: c.At,
		Payload: map[string]string{
			"from_tenant": from, "to_tenant": r.TenantID, "since": c.Since.UTC().Format(time.RFC3339), "state": r.State,
		},
	}
}

func (r row) owned() Owned {
	return Owned{
		ID: r.ID, Type: r.Type, Name: r.Name, AccountID: r.AccountID, TenantID: r.TenantID, Managed: apiv1.Managed(r.Managed), Since: r.OwnedSince,
	}
}

// OrphanQuery asks for a page of what no organization owns.
type OrphanQuery struct {
	AccountIDs []string // never empty
	Type       string   // empty: all
	// TenantID is the organization to which discovered resources fall: the root.
	TenantID string
	After    string // id after which the page begins
	Limit    int
}

// Orphan is a resource that nobody owns, with its message.
type Orphan struct {
	Owned
	Body []byte
}

// Orphans reads resources that nobody owns or that were only seen, by id.
func (i *Inventory) Orphans(ctx context.Context, q OrphanQuery) ([]Orphan, error) {
	query := i.db.Read.WithContext(ctx).Model(&row{}).
		Where("gone_at IS NULL AND account_id IN ? AND id > ?", q.AccountIDs, q.After).
		Where("tenant_id = '' OR tenant_id = ? AND managed = ?", q.TenantID, int32(apiv1.Managed_MANAGED_DISCOVERED))
	if q.Type != "" {
		query = query.Where("type = ?", q.Type)
	}
	var rows []row
	if err := query.Order("id").Limit(q.Limit).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list orphans: %w", err)
	}
	out := make([]Orphan, len(rows))
	for n, r := range rows {
		out[n] = Orphan{r.owned(), r.Body}
	}
	return out, nil
}
