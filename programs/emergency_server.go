package programs

import (
	"context"
	"fmt"
	"slices"

	"github.com/yunqiao/yunqiao/internal/db"
	programv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/program/v1"
)

type emergencyServer struct {
	programv1.UnimplementedEmergencyServiceServer
	*Module
}

var _ programv1.EmergencyServiceServer = (*emergencyServer)(nil)

// show reads an emergency with its deliveries, and which of its ids are not known.
func (s *emergencyServer) show(ctx context.Context, row *emergencyRow, err error) (*programv1.Emergency, error) {
	if err != nil {
		return nil, err
	}
	var deliveries []deliveryRow
	if err := s.store.Write.WithContext(ctx).Where("emergency_id = ?", row.ID).Order("id").Find(&deliveries).Error; err != nil {
		return nil, err
	}
	out := toProtoEmergency(row, deliveries)
	out.UnknownRecordIds, err = s.unknown(ctx, row)
	return out, err
}

func (s *emergencyServer) unknown(ctx context.Context, row *emergencyRow) ([]string, error) {
	keys := map[string]bool{}
	for _, id := range row.ids() {
		keys[recordKey(row.Kind, row.GroupID, id)] = true
	}
	known := map[string]bool{}
	for _, part := range chunks(keys) {
		tx := s.store.Read.WithContext(ctx)
		var found []string
		if err := tx.Model(&recordRow{}).Where(db.AnyOf(tx, "id", part)).Where("known = ?", true).Pluck("record_id", &found).Error; err != nil {
			return nil, fmt.Errorf("records of the emergency: %w", err)
		}
		for _, id := range found {
			known[id] = true
		}
	}
	return slices.DeleteFunc(row.ids(), func(id string) bool { return known[id] }), nil
}

// CreateEmergency implements EmergencyService.
func (s *emergencyServer) CreateEmergency(ctx context.Context, request *programv1.CreateEmergencyRequest) (*programv1.CreateEmergencyResponse, error) {
	row, err := s.requestEmergency(ctx, request.GetGroupId(), fromProtoKind(request.GetKind()), request.GetRecordIds(), request.GetReason())
	e, err := s.show(ctx, row, err)
	if err != nil {
		return nil, err
	}
	return &programv1.CreateEmergencyResponse{Id: row.ID, Emergency: e}, nil
}

// ConfirmEmergency implements EmergencyService.
func (s *emergencyServer) ConfirmEmergency(ctx context.Context, request *programv1.ConfirmEmergencyRequest) (*programv1.ConfirmEmergencyResponse, error) {
	row, err := s.decideEmergency(ctx, request.GetId(), true)
	e, err := s.show(ctx, row, err)
	return &programv1.ConfirmEmergencyResponse{Emergency: e}, err
}

// RejectEmergency implements EmergencyService.
func (s *emergencyServer) RejectEmergency(ctx context.Context, request *programv1.RejectEmergencyRequest) (*programv1.RejectEmergencyResponse, error) {
	row, err := s.decideEmergency(ctx, request.GetId(), false)
	e, err := s.show(ctx, row, err)
	return &programv1.RejectEmergencyResponse{Emergency: e}, err
}

// LiftEmergency implements EmergencyService.
func (s *emergencyServer) LiftEmergency(ctx context.Context, request *programv1.LiftEmergencyRequest) (*programv1.LiftEmergencyResponse, error) {
	row, err := s.liftEmergency(ctx, request.GetId())
	e, err := s.show(ctx, row, err)
	return &programv1.LiftEmergencyResponse{Emergency: e}, err
}

// GetEmergency implements EmergencyService.
func (s *emergencyServer) GetEmergency(ctx context.Context, request *programv1.GetEmergencyRequest) (*programv1.GetEmergencyResponse, error) {
	var row emergencyRow
	found := s.store.Read.WithContext(ctx).Where("id = ?", request.GetId()).Limit(1).Find(&row)
	if found.Error == nil && found.RowsAffected == 0 {
		return nil, notFound("id")
	}
	e, err := s.show(ctx, &row, found.Error)
	return &programv1.GetEmergencyResponse{Emergency: e}, err
}

// ListEmergencies implements EmergencyService.
func (s *emergencyServer) ListEmergencies(ctx context.Context, request *programv1.ListEmergenciesRequest) (*programv1.ListEmergenciesResponse, error) {
	tx, err := before(s.store.Read.WithContext(ctx), request.GetPageToken())
	if err != nil {
		return nil, err
	}
	if group := request.GetGroupId(); group != "" {
		tx = tx.Where("group_id = ?", group)
	}
	if state := request.GetState(); state != 0 {
		tx = tx.Where("state = ?", state.String()[len("EMERGENCY_STATE_"):])
	}
	size := pageSize(request.GetPageSize())
	var rows []emergencyRow
	if err := tx.Order("id DESC").Limit(size + 1).Find(&rows).Error; err != nil {
		return nil, err
	}
	response := &programv1.ListEmergenciesResponse{}
	if len(rows) > size {
		rows = rows[:size]
		response.NextPageToken = pageToken(rows[size-1].ID)
	}
	for i := range rows {
		e, err := s.show(ctx, &rows[i], nil)
		if err != nil {
			return nil, err
		}
		response.Emergencies = append(response.Emergencies, e)
	}
	return response, nil
}
