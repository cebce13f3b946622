package account

import (
	"context"
	"log/slog"
	"maps"
	"slices"
)

// Follow takes in the accounts that other replicas make, change, disable and delete,
// until the context ends.
func (m *Manager) Follow(ctx context.Context) error {
	return m.store.db.Follow(ctx, m.opts.FollowEvery, func(ctx context.Context) {
		if err := m.follow(ctx); err != nil && ctx.Err() == nil {
			m.log.LogAttrs(ctx, slog.LevelWarn, "accounts not refreshed", slog.String("error", err.Error()))
		}
	})
}

// follow looks for rows that have changed since it last looked.
func (m *Manager) follow(ctx context.Context) error {
	m.updating.Lock()
	defer m.updating.Unlock()
	versions, err := m.store.versions(ctx)
	if err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(versions)) {
		if at, seen := m.seen[id]; seen && at.Equal(versions[id]) {
			continue
		}
		if err := m.takeOver(ctx, id); err != nil {
			return err
		}
	}
	m.mu.Lock()
	known := slices.Sorted(maps.Keys(m.secrets))
	m.mu.Unlock()
	for _, id := range known {
		if _, lives := versions[id]; !lives {
			if err := m.takeOver(ctx, id); err != nil {
				return err
			}
		}
	}
	m.seen = versions
	return nil
}

// takeOver makes what is stored of an account what this replica goes by. An account of
// this replica's configuration file stays as the file says.
func (m *Manager) takeOver(ctx context.Context, id string) error {
	m.mu.Lock()
	stored, lives, err := m.store.find(ctx, id)
	known, had := m.secrets[id]
	switch {
	case err != nil, m.configured[id], lives && had && stored.same(known), !lives && !had:
		m.mu.Unlock()
		return err
	case !lives:
		m.forget(id)
		m.mu.Unlock()
		m.closeAt(ctx, known.account)
		return nil
	}
	m.put(stored)
	m.mu.Unlock()
	if stored.account.Disabled {
		m.closeAt(ctx, stored.account)
		return nil
	}
	if had && known.account.Disabled {
		m.registry.change(id, (*Account).reopening)
	}
	m.open(ctx, id)
	return nil
}

// known finds an account as it is stored; the caller holds updating.
func (m *Manager) known(ctx context.Context, id string) (record, error) {
	if !m.store.db.Embedded {
		if err := m.takeOver(ctx, id); err != nil {
			return record{}, err
		}
	}
	return m.record(id)
}

// same tells whether two records of an account say the same.
func (r record) same(o record) bool {
	a, b := r.account, o.account
	return a.Driver == b.Driver && a.Kind == b.Kind && a.Description == b.Description && a.FromConfig == b.FromConfig && a.Disabled == b.Disabled &&
		maps.Equal(a.Settings, b.Settings) && maps.Equal(r.credentials, o.credentials)
}
