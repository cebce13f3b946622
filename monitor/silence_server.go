package monitor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/refuse"
	"github.com/yunqiao/yunqiao/internal/rowid"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

type silenceServer struct {
	monitorv1.UnimplementedSilenceServiceServer
	*Module
}

var _ monitorv1.SilenceServiceServer = (*silenceServer)(nil)

// maxSilences bounds the silences of a list.
const maxSilences = 10000

// newSilence checks a silence and makes its row.
func (m *Module) newSilence(ctx context.Context, in *monitorv1.Silence) (*silenceRow, error) {
	matchers, bad := compile(in.GetMatchers())
	if bad >= 0 {
		return nil, refuse.Invalid(fmt.Sprintf("matchers[%d].value", bad), "is no regular expression (RE2)")
	}
	all := true
	for _, f := range matchers {
		all = all && f.matches(nil)
	}
	if all {
		return nil, refuse.Invalid("matchers", "would match every alarm: at least one must refuse the empty value")
	}
	if _, err := time.LoadLocation(in.GetWindow().GetTimeZone()); err != nil {
		return nil, refuse.Invalid("window.time_zone", "is no IANA zone")
	}
	now := m.opts.Now().UTC()
	row := &silenceRow{
		ID: rowid.New(), TenantID: m.access.Caller(ctx).TenantID, StartsAt: now, EndsAt: in.GetEndsAt().AsTime(), Comment: in.GetComment(),
		CreatedBy: in.GetCreatedBy(), UpdatedAt: now,
	}
	if in.GetStartsAt() != nil {
		row.StartsAt = in.GetStartsAt().AsTime()
	}
	if !row.EndsAt.After(row.StartsAt) || !row.EndsAt.After(now) {
		return nil, refuse.Invalid("ends_at", "must be after starts_at and in the future")
	}
	spec, err := protojson.Marshal(&monitorv1.Silence{Matchers: in.GetMatchers(), Window: in.GetWindow()})
	row.Spec = string(spec)
	return row, err
}

// CreateSilence implements SilenceService.
func (s *silenceServer) CreateSilence(ctx context.Context, request *monitorv1.CreateSilenceRequest) (*monitorv1.CreateSilenceResponse, error) {
	row, err := s.newSilence(ctx, &monitorv1.Silence{
		Matchers: request.GetMatchers(), StartsAt: request.GetStartsAt(), EndsAt: request.GetEndsAt(), Window: request.GetWindow(),
		Comment: request.GetComment(), CreatedBy: s.access.Caller(ctx).UserID,
	})
	if err != nil {
		return nil, err
	}
	if err := s.store.Write.WithContext(ctx).Create(row).Error; err != nil {
		return nil, err
	}
	s.wake()
	shown, err := s.showSilence(row)
	return &monitorv1.CreateSilenceResponse{Id: row.ID, Silence: shown}, err
}

func (m *Module) showSilence(row *silenceRow) (*monitorv1.Silence, error) {
	s, err := toSilence(row)
	if err != nil {
		return nil, err
	}
	s.Phase = s.phaseAt(m.opts.Now())
	return s.Silence, nil
}

func (m *Module) silenceOf(ctx context.Context, id string) (*silenceRow, error) {
	row := &silenceRow{}
	err := m.visible(ctx, m.store.Read.WithContext(ctx)).Where("id = ?", id).Take(row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, refuse.NotFound("id", "silence")
	}
	return row, err
}

// GetSilence implements SilenceService.
func (s *silenceServer) GetSilence(ctx context.Context, request *monitorv1.GetSilenceRequest) (*monitorv1.GetSilenceResponse, error) {
	row, err := s.silenceOf(ctx, request.GetId())
	if err != nil {
		return nil, err
	}
	shown, err := s.showSilence(row)
	return &monitorv1.GetSilenceResponse{Silence: shown}, err
}

// listSilences reads what the caller sees, the newest first.
func (m *Module) listSilences(ctx context.Context, current bool) ([]*monitorv1.Silence, error) {
	query := m.visible(ctx, m.store.Read.WithContext(ctx))
	if current {
		query = query.Where("ends_at > ?", m.opts.Now().UTC())
	}
	var rows []silenceRow
	if err := query.Order("id DESC").Limit(maxSilences).Find(&rows).Error; err != nil {
		return nil, err
	}
	out := make([]*monitorv1.Silence, 0, len(rows))
	for i := range rows {
		shown, err := m.showSilence(&rows[i])
		if err != nil {
			return nil, err
		}
		out = append(out, shown)
	}
	return out, nil
}

// ListSilences implements SilenceService.
func (s *silenceServer) ListSilences(ctx context.Context, request *monitorv1.ListSilencesRequest) (*monitorv1.ListSilencesResponse, error) {
	all, err := s.listSilences(ctx, request.GetCurrent())
	return &monitorv1.ListSilencesResponse{Silences: all}, err
}

// UpdateSilence implements SilenceService.
func (s *silenceServer) UpdateSilence(ctx context.Context, request *monitorv1.UpdateSilenceRequest) (*monitorv1.UpdateSilenceResponse, error) {
	row, err := s.silenceOf(ctx, request.GetId())
	if err != nil {
		return nil, err
	}
	now := s.opts.Now().UTC()
	if !row.EndsAt.After(now) {
		return nil, refuse.With(apiv1.Reason_REASON_INVALID_STATE, "id", "has ended")
	}
	if request.GetEndsAt() == nil && request.Comment == nil {
		return nil, refuse.Invalid("comment", "nothing is to be changed")
	}
	if request.GetEndsAt() != nil {
		row.EndsAt = request.GetEndsAt().AsTime()
		if !row.EndsAt.After(row.StartsAt) || !row.EndsAt.After(now) {
			return nil, refuse.Invalid("ends_at", "must be after starts_at and in the future")
		}
	}
	if request.Comment != nil {
		row.Comment = request.GetComment()
	}
	row.UpdatedAt = now
	if err := s.store.Write.WithContext(ctx).Save(row).Error; err != nil {
		return nil, err
	}
	s.wake()
	shown, err := s.showSilence(row)
	return &monitorv1.UpdateSilenceResponse{Silence: shown}, err
}

// endSilence ends one now; one whose time has not come never acts.
func (m *Module) endSilence(ctx context.Context, id string) (found bool, err error) {
	now := m.opts.Now().UTC()
	var n int64
	if err := m.visible(ctx, m.store.Read.WithContext(ctx).Model(&silenceRow{})).Where("id = ?", id).Count(&n).Error; err != nil || n == 0 {
		return false, err
	}
	err = m.store.Write.WithContext(ctx).Model(&silenceRow{}).Where("id = ? AND ends_at > ?", id, now).
		UpdateColumns(map[string]any{"ends_at": now, "updated_at": now}).Error
	m.wake()
	return true, err
}

// DeleteSilence implements SilenceService.
func (s *silenceServer) DeleteSilence(ctx context.Context, request *monitorv1.DeleteSilenceRequest) (*monitorv1.DeleteSilenceResponse, error) {
	_, err := s.endSilence(ctx, request.GetId())
	return &monitorv1.DeleteSilenceResponse{}, err
}
