package account

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// Registry holds the accounts in memory. Reading takes no lock.
type Registry struct {
	writing sync.Mutex
	current atomic.Pointer[snapshot]
}

type snapshot struct {
	byID map[string]*Account
	list []*Account // sorted by id
}

// NewRegistry makes an empty one.
func NewRegistry() *Registry {
	r := &Registry{}
	r.current.Store(&snapshot{byID: map[string]*Account{}})
	return r
}

// Get finds an account. The error is ACCOUNT_NOT_FOUND.
func (r *Registry) Get(id string) (*Account, error) {
	if a := r.current.Load().byID[id]; a != nil {
		return a, nil
	}
	return nil, sdk.NewError(apiv1.Reason_REASON_ACCOUNT_NOT_FOUND, sdk.Violation("account_id", "no account has this name"))
}

// All lists the accounts, by name. The slice must not be changed.
func (r *Registry) All() []*Account { return r.current.Load().list }

// change replaces one account by what the function makes of it; nil stands for
// absent on both sides.
func (r *Registry) change(id string, f func(*Account) *Account) {
	r.writing.Lock()
	defer r.writing.Unlock()
	old := r.current.Load()
	next := &snapshot{byID: make(map[string]*Account, len(old.byID)+1)}
	for key, a := range old.byID {
		if key != id {
			next.byID[key] = a
		}
	}
	if a := f(old.byID[id]); a != nil {
		next.byID[id] = a
	}
	for _, a := range next.byID {
		next.list = append(next.list, a)
	}
	slices.SortFunc(next.list, func(a, b *Account) int { return strings.Compare(a.ID, b.ID) })
	r.current.Store(next)
}
