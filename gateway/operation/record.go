package operation

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/gateway/inventory"
	"github.com/yunqiao/yunqiao/internal/publicid"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// errLost says that another process has taken the operation over.
var errLost = errors.New("the lease is held by another process")

func isLost(err error) bool { return errors.Is(err, errLost) }

// update records a change of the row alone.
func (t *task) update(ctx context.Context, change func(*row)) error {
	return t.record(ctx, change, nil)
}

// record writes the changed row and what was observed of the resource in one
// transaction, and only if the lease is still ours. Memory follows the store.
func (t *task) record(ctx context.Context, change func(*row), observed *inventory.Observation, also ...func(*gorm.DB, *row) error) error {
	next := t.snapshot()
	change(&next)
	if len(t.calls) > 0 {
		next.Calls = withCalls(next.Calls, t.calls)
	}
	apply := func() {}
	err := t.engine.store.Write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		updated := tx.Model(&row{}).Where("id = ? AND fence = ?", next.ID, next.Fence).
			Select("*").Omit("id", "created_at", "lease_owner", "lease_until", "fence").Updates(&next)
		if updated.Error != nil {
			return fmt.Errorf("record operation: %w", updated.Error)
		}
		if updated.RowsAffected == 0 {
			return errLost
		}
		if observed != nil {
			var err error
			if apply, err = t.engine.inventory.Observe(tx, *observed); err != nil {
				return err
			}
		}
		for _, f := range also {
			if err := f(tx, &next); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	apply()
	t.calls = nil
	t.mu.Lock()
	t.row = next
	t.mu.Unlock()
	return nil
}

// passwords keeps the password of a VM's or database's administrator that a request
// has set, and forgets it with the resource, in the transaction of the change.
func (t *task) passwords(gone bool) func(*gorm.DB, *row) error {
	return func(tx *gorm.DB, next *row) error {
		if gone {
			return t.engine.passwords.Forget(tx, next.ResourceID)
		}
		password := t.requestString("password")
		created := t.method.Kind == apiv1.Kind_KIND_CREATE && next.ResourceID != ""
		if password == "" || !created && next.status() != apiv1.OperationStatus_OPERATION_STATUS_SUCCEEDED {
			return nil
		}
		return t.engine.passwords.Remember(tx, next.ResourceID, password)
	}
}

// native is the resource's id as its driver knows it.
func (t *task) native() (string, error) {
	_, native, err := publicid.Split("id", t.row.ResourceID)
	return native, err
}
