package sdk

import (
	"context"
	"maps"
	"slices"
	"sync"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// Accounts holds what a driver keeps for each open account, such as a client
// with its credentials. The zero value is empty and ready; it is safe for
// concurrent use. A call in flight keeps the value that it took.
type Accounts[T any] struct {
	mu   sync.RWMutex
	byID map[string]T
}

// Put opens or replaces an account and returns what it replaced.
func (a *Accounts[T]) Put(id string, v T) (old T, replaced bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.byID == nil {
		a.byID = map[string]T{}
	}
	old, replaced = a.byID[id]
	a.byID[id] = v
	return old, replaced
}

// Remove closes an account and returns what it was; absent is false.
func (a *Accounts[T]) Remove(id string) (T, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	v, ok := a.byID[id]
	delete(a.byID, id)
	return v, ok
}

// Get finds an account by id. Errors: ACCOUNT_NOT_FOUND.
func (a *Accounts[T]) Get(id string) (T, error) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	v, ok := a.byID[id]
	if !ok {
		return v, NewError(apiv1.Reason_REASON_ACCOUNT_NOT_FOUND, Resource("account", id))
	}
	return v, nil
}

// From finds the account of the call being served. Errors: ACCOUNT_NOT_FOUND.
func (a *Accounts[T]) From(ctx context.Context) (T, error) {
	return a.Get(CallFrom(ctx).AccountID)
}

// IDs returns the ids of the open accounts, sorted.
func (a *Accounts[T]) IDs() []string {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return slices.Sorted(maps.Keys(a.byID))
}
