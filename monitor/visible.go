package monitor

import (
	"context"
	"errors"
	"math"

	"gorm.io/gorm"
)

// visible limits a query to what the caller sees.
func (m *Module) visible(ctx context.Context, query *gorm.DB) *gorm.DB {
	return ofTenants(query, m.access.Tenants(m.access.Caller(ctx).TenantID))
}

// ofTenants limits a query to some organizations; nil stands for all.
func ofTenants(query *gorm.DB, tenants []string) *gorm.DB {
	if tenants == nil {
		return query
	}
	return query.Where("tenant_id IN ?", tenants)
}

// newest is the greatest serial number that a caller may know of: of all changes, or
// of those that are visible to it, since the number of all tells how much happens to
// others.
func (m *Module) newest(ctx context.Context) (int64, error) {
	if tenants := m.access.Tenants(m.access.Caller(ctx).TenantID); tenants != nil {
		return m.lastOf(ctx, tenants, math.MaxInt64)
	}
	var counter counterRow
	err := m.store.Read.WithContext(ctx).Where("name = ?", "serial").Take(&counter).Error
	return counter.Value, err
}

// lastOf is the serial number of the last change of some organizations, up to one;
// 0 if there is none.
func (m *Module) lastOf(ctx context.Context, tenants []string, upTo int64) (int64, error) {
	var last changeRow
	err := ofTenants(m.store.Read.WithContext(ctx), tenants).Select("serial").Where("serial <= ?", upTo).Order("serial DESC").Limit(1).Take(&last).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return 0, nil
	}
	return last.Serial, err
}

// progress tells how far a channel has come among the changes that are for it, and
// how many of them it has not taken.
func (m *Module) progress(ctx context.Context, r *channelRow) (delivered, pending int64, err error) {
	delivered = r.Delivered
	tenants := m.access.Tenants(r.TenantID)
	if tenants != nil {
		if delivered, err = m.lastOf(ctx, tenants, r.Delivered); err != nil {
			return 0, 0, err
		}
	}
	query := ofTenants(m.store.Read.WithContext(ctx).Model(&changeRow{}), tenants)
	err = query.Where("serial > ?", r.Delivered).Count(&pending).Error
	return delivered, pending, err
}
