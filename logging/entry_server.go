package logging

import (
	"context"
	"errors"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/yunqiao/yunqiao/internal/refuse"
	"github.com/yunqiao/yunqiao/logging/entry"
	loggingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/logging/v1"
)

type entryServer struct {
	loggingv1.UnimplementedEntryServiceServer
	*Module
}

var _ loggingv1.EntryServiceServer = (*entryServer)(nil)

// retryAfter is what clients are told while the store cannot write.
const retryAfter = 5 * time.Second

// CreateEntry implements EntryService (T10.9).
func (s *entryServer) CreateEntry(ctx context.Context, request *loggingv1.CreateEntryRequest) (*loggingv1.CreateEntryResponse, error) {
	tenant, err := s.tenant(ctx, request.GetTenantId())
	if err != nil {
		return nil, err
	}
	records := make([]entry.Record, len(request.GetEntries()))
	for i, e := range request.GetEntries() {
		records[i] = entry.Record{
			TenantID: tenant, ResourceID: e.GetResourceId(), ProcessName: e.GetProcessName(), ProcessID: e.GetProcessId(),
			Level: entry.Level(e.GetLevel()), Message: e.GetMessage(), RequestID: e.GetRequestId(), Attributes: e.GetAttributes(), RecordID: e.GetRecordId(),
		}
		if e.GetAt() != nil {
			records[i].At = e.GetAt().AsTime()
		}
	}
	result, err := s.entries.Append(ctx, records, nil)
	if err != nil {
		return nil, refuse.Unavailable(retryAfter, err)
	}
	response := &loggingv1.CreateEntryResponse{StoredCount: int32(result.Stored), RepeatedCount: int32(result.Repeated)}
	for i := range records {
		id := ""
		if records[i].Key != 0 {
			id = entry.ID(records[i].Key)
		}
		response.Ids = append(response.Ids, id)
	}
	return response, nil
}

// GetEntry implements EntryService.
func (s *entryServer) GetEntry(ctx context.Context, request *loggingv1.GetEntryRequest) (*loggingv1.GetEntryResponse, error) {
	key, err := entry.ParseID(request.GetId())
	if err != nil {
		return nil, refuse.NotFound("id", "entry")
	}
	found, err := s.entries.Get(ctx, key)
	if errors.Is(err, entry.ErrAbsent) || err == nil && !s.sees(ctx, found.TenantID) {
		return nil, refuse.NotFound("id", "entry")
	}
	if err != nil {
		return nil, err
	}
	out := toProtoEntry(&found)
	out.Original = found.Original
	return &loggingv1.GetEntryResponse{Entry: out}, nil
}

// ListEntries implements EntryService (T10.10).
func (s *entryServer) ListEntries(ctx context.Context, request *loggingv1.ListEntriesRequest) (*loggingv1.ListEntriesResponse, error) {
	filter, err := s.filter(ctx, request)
	if err != nil {
		return nil, err
	}
	if token := request.GetPageToken(); token != "" {
		if filter.Before, err = entry.ParseID(token); err != nil {
			return nil, refuse.PageToken()
		}
	}
	size := int(request.GetPageSize())
	if size == 0 {
		size = 50
	}
	found, next, err := s.entries.List(ctx, filter, size)
	if err != nil {
		return nil, err
	}
	response := &loggingv1.ListEntriesResponse{}
	if next != 0 {
		response.NextPageToken = entry.ID(next)
	}
	for i := range found {
		response.Entries = append(response.Entries, toProtoEntry(&found[i]))
	}
	return response, nil
}

// filter reads what is wanted, within what the caller sees.
func (m *Module) filter(ctx context.Context, request *loggingv1.ListEntriesRequest) (entry.Filter, error) {
	f := entry.Filter{
		ResourceID: request.GetResourceId(), ProcessName: request.GetProcessName(), ProcessID: request.GetProcessId(),
		MinLevel: entry.Level(request.GetMinLevel()), RequestID: request.GetRequestIdEquals(), SubmissionID: request.GetSubmissionId(),
		LocationID: request.GetLocationId(), Tenants: m.access.Tenants(m.access.Caller(ctx).TenantID),
	}
	if wanted := request.GetTenantId(); wanted != "" {
		if f.Tenants != nil && !slices.Contains(f.Tenants, wanted) {
			return f, refuse.NotFound("tenant_id", "organization")
		}
		f.Tenants = []string{wanted}
	}
	for _, bound := range []struct {
		field, text string
		to          *time.Time
	}{{"since", request.GetSince(), &f.Since}, {"until", request.GetUntil(), &f.Until}} {
		if bound.text == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339, bound.text)
		if err != nil {
			return f, refuse.Invalid(bound.field, "must be a time such as 2026-01-31T08:00:00Z")
		}
		*bound.to = at.UTC()
	}
	var problem string
	if f.Text, problem = entry.ParseText(request.GetText()); problem != "" {
		return f, refuse.Invalid("text", problem)
	}
	return f, nil
}

func toProtoEntry(r *entry.Record) *loggingv1.Entry {
	return &loggingv1.Entry{
		Id: entry.ID(r.Key), TenantId: r.TenantID, At: timestamppb.New(r.At), ReceivedAt: timestamppb.New(r.ReceivedAt), ResourceId: r.ResourceID,
		ProcessName: r.ProcessName, ProcessId: r.ProcessID, Level: loggingv1.LogLevel(r.Level), Message: r.Message, RequestId: r.RequestID,
		Attributes: r.Attributes, SubmissionId: r.SubmissionID, LocationId: r.LocationID, Source: r.Source, RecordId: r.RecordID,
	}
}
