package logging

import (
	"context"
	"errors"
	"net/url"

	"google.golang.org/protobuf/types/known/timestamppb"
	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/refuse"
	"github.com/yunqiao/yunqiao/internal/rowid"
	"github.com/yunqiao/yunqiao/logging/entry"
	loggingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/logging/v1"
)

type forwardServer struct {
	loggingv1.UnimplementedForwardServiceServer
	*Module
}

var _ loggingv1.ForwardServiceServer = (*forwardServer)(nil)

// forwardsAnew has the stores read again before the call returns.
func (s *forwardServer) forwardsAnew(ctx context.Context) error {
	if err := s.loadForwards(ctx); err != nil {
		return err
	}
	select {
	case s.forwardsChanged <- struct{}{}:
	default:
	}
	return nil
}

// visibleForwards limits a query to what the caller sees.
func (s *forwardServer) visibleForwards(ctx context.Context, query *gorm.DB) *gorm.DB {
	if tenants := s.access.Tenants(s.access.Caller(ctx).TenantID); tenants != nil {
		return query.Where("tenant_id IN ?", tenants)
	}
	return query
}

// CreateForward implements ForwardService.
func (s *forwardServer) CreateForward(ctx context.Context, request *loggingv1.CreateForwardRequest) (*loggingv1.CreateForwardResponse, error) {
	u, err := url.Parse(request.GetAddress())
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return nil, refuse.Invalid("address", "must be http(s)://host/path without credentials and query")
	}
	row := forwardRow{
		ID: rowid.New(), TenantID: s.access.Caller(ctx).TenantID, Name: request.GetName(), Kind: int32(request.GetKind()), Address: request.GetAddress(),
		MinLevel: int32(request.GetMinLevel()), Enabled: true, CreatedAt: s.opts.Now().UTC(),
	}
	if request.GetToken() != "" {
		row.Token = s.box.Seal([]byte(request.GetToken()), forwardLabel(row.ID))
	}
	if err := s.store.Write.WithContext(ctx).Create(&row).Error; err != nil {
		return nil, err
	}
	return &loggingv1.CreateForwardResponse{Id: row.ID, Forward: toProtoForward(&row)}, s.forwardsAnew(ctx)
}

// ListForwards implements ForwardService.
func (s *forwardServer) ListForwards(ctx context.Context, _ *loggingv1.ListForwardsRequest) (*loggingv1.ListForwardsResponse, error) {
	var rows []forwardRow
	if err := s.visibleForwards(ctx, s.store.Read.WithContext(ctx)).Order("id").Find(&rows).Error; err != nil {
		return nil, err
	}
	response := &loggingv1.ListForwardsResponse{}
	for i := range rows {
		response.Forwards = append(response.Forwards, toProtoForward(&rows[i]))
	}
	return response, nil
}

// UpdateForward implements ForwardService.
func (s *forwardServer) UpdateForward(ctx context.Context, request *loggingv1.UpdateForwardRequest) (*loggingv1.UpdateForwardResponse, error) {
	row := &forwardRow{}
	err := s.visibleForwards(ctx, s.store.Read.WithContext(ctx)).Where("id = ?", request.GetId()).Take(row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, refuse.NotFound("id", "forward")
	}
	if err != nil {
		return nil, err
	}
	values := map[string]any{}
	if request.Name != nil {
		row.Name = request.GetName()
		values["name"] = row.Name
	}
	if request.MinLevel != nil {
		row.MinLevel = int32(request.GetMinLevel())
		values["min_level"] = row.MinLevel
	}
	if request.Enabled != nil {
		row.Enabled = request.GetEnabled()
		values["enabled"] = row.Enabled
	}
	if len(values) == 0 {
		return nil, refuse.Invalid("name", "nothing is to be changed")
	}
	if err := s.store.Write.WithContext(ctx).Model(&forwardRow{}).Where("id = ?", row.ID).UpdateColumns(values).Error; err != nil {
		return nil, err
	}
	return &loggingv1.UpdateForwardResponse{Forward: toProtoForward(row)}, s.forwardsAnew(ctx)
}

// DeleteForward implements ForwardService.
func (s *forwardServer) DeleteForward(ctx context.Context, request *loggingv1.DeleteForwardRequest) (*loggingv1.DeleteForwardResponse, error) {
	err := s.store.Write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		deleted := s.visibleForwards(ctx, tx).Where("id = ?", request.GetId()).Delete(&forwardRow{})
		if deleted.Error != nil || deleted.RowsAffected == 0 {
			return deleted.Error
		}
		return tx.Where("forward_id = ?", request.GetId()).Delete(&waitingRow{}).Error
	})
	if err != nil {
		return nil, err
	}
	return &loggingv1.DeleteForwardResponse{}, s.forwardsAnew(ctx)
}

func toProtoForward(r *forwardRow) *loggingv1.Forward {
	out := &loggingv1.Forward{
		Id: r.ID, TenantId: r.TenantID, Name: r.Name, Kind: loggingv1.ForwardKind(r.Kind), Address: r.Address, MinLevel: loggingv1.LogLevel(r.MinLevel),
		Enabled: r.Enabled, DeliveredCount: count32(r.Delivered), FailureCount: count32(int64(r.Failures)), LastError: r.LastError,
		CreatedAt: timestamppb.New(r.CreatedAt), HasToken: len(r.Token) > 0,
	}
	if r.LastKey != 0 {
		out.DeliveredId = entry.ID(r.LastKey)
	}
	if r.DeliveredAt != nil {
		out.DeliveredAt = timestamppb.New(*r.DeliveredAt)
	}
	return out
}
