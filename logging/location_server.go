package logging

import (
	"context"
	"maps"
	"slices"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/yunqiao/yunqiao/internal/refuse"
	"github.com/yunqiao/yunqiao/internal/rowid"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	loggingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/logging/v1"
)

type locationServer struct {
	loggingv1.UnimplementedLocationServiceServer
	*Module
}

var _ loggingv1.LocationServiceServer = (*locationServer)(nil)

// CreateLocation implements LocationService (T10.5).
func (s *locationServer) CreateLocation(ctx context.Context, request *loggingv1.CreateLocationRequest) (*loggingv1.CreateLocationResponse, error) {
	sub, err := s.submissionOf(ctx, "submission_id", request.GetSubmissionId())
	if err != nil {
		return nil, refuse.With(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, "submission_id", "there is no such submission")
	}
	if err := s.checkAddress(ctx, sub.public.GetMethod(), request.GetAddress()); err != nil {
		return nil, err
	}
	now := timestamppb.New(s.opts.Now())
	c := &collector{state: loggingv1.LocationState_LOCATION_STATE_STARTING}
	c.place.Store(&loggingv1.Location{
		Id: rowid.New(), TenantId: sub.public.GetTenantId(), Name: request.GetName(), Description: request.GetDescription(),
		SubmissionId: request.GetSubmissionId(), Address: request.GetAddress(), IntervalSeconds: request.GetIntervalSeconds(),
		ResourceId: request.GetResourceId(), ProcessName: request.GetProcessName(), Enabled: true, CreatedAt: now, UpdatedAt: now,
	})
	if err := s.saveLocation(ctx, c.place.Load()); err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.locations[c.place.Load().GetId()] = c
	s.mu.Unlock()
	s.wake()
	return &loggingv1.CreateLocationResponse{Id: c.place.Load().GetId(), Location: c.show()}, nil
}

// GetLocation implements LocationService.
func (s *locationServer) GetLocation(ctx context.Context, request *loggingv1.GetLocationRequest) (*loggingv1.GetLocationResponse, error) {
	c, err := s.locationOf(ctx, request.GetId())
	if err != nil {
		return nil, err
	}
	return &loggingv1.GetLocationResponse{Location: c.show()}, nil
}

// ListLocations implements LocationService (T10.8).
func (s *locationServer) ListLocations(ctx context.Context, request *loggingv1.ListLocationsRequest) (*loggingv1.ListLocationsResponse, error) {
	s.mu.RLock()
	all := maps.Clone(s.locations)
	s.mu.RUnlock()
	maps.DeleteFunc(all, func(_ string, c *collector) bool {
		return !s.sees(ctx, c.place.Load().GetTenantId()) || request.GetSubmissionId() != "" && c.place.Load().GetSubmissionId() != request.GetSubmissionId()
	})
	ids, next, err := page(slices.Sorted(maps.Keys(all)), request.GetPageToken(), request.GetPageSize())
	response := &loggingv1.ListLocationsResponse{NextPageToken: next}
	for _, id := range ids {
		response.Locations = append(response.Locations, all[id].show())
	}
	return response, err
}

// UpdateLocation implements LocationService (T10.7).
func (s *locationServer) UpdateLocation(ctx context.Context, request *loggingv1.UpdateLocationRequest) (*loggingv1.UpdateLocationResponse, error) {
	old, err := s.locationOf(ctx, request.GetId())
	if err != nil {
		return nil, err
	}
	public := cloneOf(old.place.Load())
	set(&public.Name, request.Name)
	set(&public.Description, request.Description)
	set(&public.Address, request.Address)
	set(&public.IntervalSeconds, request.IntervalSeconds)
	set(&public.ResourceId, request.ResourceId)
	set(&public.ProcessName, request.ProcessName)
	set(&public.Enabled, request.Enabled)
	public.UpdatedAt = timestamppb.New(s.opts.Now())
	sub, err := s.submissionOf(ctx, "submission_id", public.GetSubmissionId())
	if err != nil {
		return nil, err
	}
	if request.Address != nil {
		if err := s.checkAddress(ctx, sub.public.GetMethod(), public.GetAddress()); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.saveLocation(ctx, public); err != nil {
		return nil, err
	}
	old.place.Store(public) // the collecting goroutine starts anew when it sees it
	s.wake()
	return &loggingv1.UpdateLocationResponse{Location: old.show()}, nil
}

// DeleteLocation implements LocationService (T10.6).
func (s *locationServer) DeleteLocation(ctx context.Context, request *loggingv1.DeleteLocationRequest) (*loggingv1.DeleteLocationResponse, error) {
	if _, err := s.locationOf(ctx, request.GetId()); err != nil {
		return &loggingv1.DeleteLocationResponse{}, nil //nolint:nilerr // absent is success
	}
	write := s.store.Write.WithContext(ctx)
	if err := write.Delete(&locationRow{ID: request.GetId()}).Error; err != nil {
		return nil, err
	}
	if err := write.Where("location_id = ?", request.GetId()).Delete(&positionRow{}).Error; err != nil {
		return nil, err
	}
	s.mu.Lock()
	delete(s.locations, request.GetId())
	s.mu.Unlock()
	s.wake()
	return &loggingv1.DeleteLocationResponse{}, nil
}
