package logging

import (
	"context"
	"errors"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/yunqiao/yunqiao/internal/refuse"
	loggingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/logging/v1"
)

type retentionRow struct {
	TenantID string `gorm:"primaryKey;size:64"`
	Days     int32
	MaxMiB   int32
}

func (retentionRow) TableName() string { return "logging_retentions" }

type retentionServer struct {
	loggingv1.UnimplementedRetentionServiceServer
	*Module
}

var _ loggingv1.RetentionServiceServer = (*retentionServer)(nil)

func (m *Module) retention(ctx context.Context, tenant string) (retentionRow, error) {
	row := retentionRow{}
	err := m.store.Read.WithContext(ctx).Where("tenant_id = ?", tenant).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return retentionRow{TenantID: tenant, Days: int32(m.opts.KeepDays)}, nil
	}
	return row, err
}

// tenant is the organization that a caller means, his own unless he says.
func (m *Module) tenant(ctx context.Context, wanted string) (string, error) {
	own := m.access.Caller(ctx).TenantID
	if wanted == "" || wanted == own {
		return own, nil
	}
	if seen := m.access.Tenants(own); seen != nil && !slices.Contains(seen, wanted) {
		return "", refuse.NotFound("tenant_id", "organization")
	}
	return wanted, nil
}

// GetRetention implements RetentionService.
func (s *retentionServer) GetRetention(ctx context.Context, request *loggingv1.GetRetentionRequest) (*loggingv1.GetRetentionResponse, error) {
	tenant, err := s.tenant(ctx, request.GetTenantId())
	if err != nil {
		return nil, err
	}
	row, err := s.retention(ctx, tenant)
	return &loggingv1.GetRetentionResponse{Retention: toProtoRetention(row)}, err
}

// UpdateRetention implements RetentionService.
func (s *retentionServer) UpdateRetention(ctx context.Context, request *loggingv1.UpdateRetentionRequest) (*loggingv1.UpdateRetentionResponse, error) {
	tenant, err := s.tenant(ctx, request.GetTenantId())
	if err != nil {
		return nil, err
	}
	row, err := s.retention(ctx, tenant)
	if err != nil {
		return nil, err
	}
	if request.Days != nil {
		row.Days = request.GetDays()
	}
	if request.MaxMib != nil {
		row.MaxMiB = request.GetMaxMib()
	}
	err = s.store.Write.WithContext(ctx).Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error
	return &loggingv1.UpdateRetentionResponse{Retention: toProtoRetention(row)}, err
}

func toProtoRetention(r retentionRow) *loggingv1.Retention {
	return &loggingv1.Retention{TenantId: r.TenantID, Days: r.Days, MaxMib: r.MaxMiB}
}
