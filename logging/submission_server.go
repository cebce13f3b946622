package logging

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"slices"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/yunqiao/yunqiao/internal/refuse"
	"github.com/yunqiao/yunqiao/internal/rowid"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	loggingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/logging/v1"
)

type submissionServer struct {
	loggingv1.UnimplementedSubmissionServiceServer
	*Module
}

var _ loggingv1.SubmissionServiceServer = (*submissionServer)(nil)

// CreateSubmission implements SubmissionService (T10.1).
func (s *submissionServer) CreateSubmission(ctx context.Context, request *loggingv1.CreateSubmissionRequest) (*loggingv1.CreateSubmissionResponse, error) {
	tenant, err := s.tenant(ctx, request.GetTenantId())
	if err != nil {
		return nil, err
	}
	now := timestamppb.New(s.opts.Now())
	access := cloneOf(request.GetSnmp())
	hidden := takeSecrets(access)
	public := &loggingv1.Submission{
		Id: rowid.New(), TenantId: tenant, Name: request.GetName(), Description: request.GetDescription(), Method: request.GetMethod(),
		Format: request.GetFormat(), Pattern: request.GetPattern(), Multiline: request.GetMultiline(), Charset: request.GetCharset(),
		TimeZone: request.GetTimeZone(), AllowedSources: request.GetAllowedSources(), RecordsPerSecond: request.GetRecordsPerSecond(),
		DailyQuotaMib: request.GetDailyQuotaMib(), ResourceId: request.GetResourceId(), ProcessName: request.GetProcessName(),
		Snmp: access, Enabled: true, CreatedAt: now, UpdatedAt: now,
	}
	response := &loggingv1.CreateSubmissionResponse{Id: public.Id, Submission: public}
	var hash []byte
	if request.GetMethod() == loggingv1.SubmissionMethod_SUBMISSION_METHOD_HTTP {
		response.Token, hash = newToken()
		public.HasToken = true
	}
	made, err := s.compile(public, hidden, hash, nil)
	if err != nil {
		return nil, err
	}
	return response, s.save(ctx, made)
}

// GetSubmission implements SubmissionService.
func (s *submissionServer) GetSubmission(ctx context.Context, request *loggingv1.GetSubmissionRequest) (*loggingv1.GetSubmissionResponse, error) {
	found, err := s.submissionOf(ctx, "id", request.GetId())
	if err != nil {
		return nil, err
	}
	return &loggingv1.GetSubmissionResponse{Submission: found.public}, nil
}

// ListSubmissions implements SubmissionService (T10.4).
func (s *submissionServer) ListSubmissions(ctx context.Context, request *loggingv1.ListSubmissionsRequest) (*loggingv1.ListSubmissionsResponse, error) {
	s.mu.RLock()
	all := maps.Clone(s.submissions)
	s.mu.RUnlock()
	maps.DeleteFunc(all, func(_ string, found *submission) bool {
		return !s.sees(ctx, found.public.GetTenantId()) || request.GetMethod() != 0 && found.public.GetMethod() != request.GetMethod()
	})
	ids, next, err := page(slices.Sorted(maps.Keys(all)), request.GetPageToken(), request.GetPageSize())
	response := &loggingv1.ListSubmissionsResponse{NextPageToken: next}
	for _, id := range ids {
		response.Submissions = append(response.Submissions, all[id].public)
	}
	return response, err
}

// UpdateSubmission implements SubmissionService (T10.3).
func (s *submissionServer) UpdateSubmission(ctx context.Context, request *loggingv1.UpdateSubmissionRequest) (*loggingv1.UpdateSubmissionResponse, error) {
	old, err := s.submissionOf(ctx, "id", request.GetId())
	if err != nil {
		return nil, err
	}
	public, hidden, hash := cloneOf(old.public), old.secrets, old.token
	set(&public.Name, request.Name)
	set(&public.Description, request.Description)
	set(&public.Format, request.Format)
	set(&public.Pattern, request.Pattern)
	set(&public.Charset, request.Charset)
	set(&public.TimeZone, request.TimeZone)
	set(&public.RecordsPerSecond, request.RecordsPerSecond)
	set(&public.DailyQuotaMib, request.DailyQuotaMib)
	set(&public.ResourceId, request.ResourceId)
	set(&public.ProcessName, request.ProcessName)
	set(&public.Enabled, request.Enabled)
	if request.GetMultiline() != nil {
		public.Multiline = request.GetMultiline()
	}
	if request.GetAllowedSources() != nil {
		public.AllowedSources = request.GetAllowedSources().GetValues()
	}
	if request.GetSnmp() != nil {
		public.Snmp = cloneOf(request.GetSnmp())
		hidden = takeSecrets(public.Snmp)
	}
	public.UpdatedAt = timestamppb.New(s.opts.Now())
	response := &loggingv1.UpdateSubmissionResponse{Submission: public}
	if request.GetRenewToken() {
		if public.GetMethod() != loggingv1.SubmissionMethod_SUBMISSION_METHOD_HTTP {
			return nil, refuse.Invalid("renew_token", "is for the method HTTP only")
		}
		response.Token, hash = newToken()
		public.HasToken = true
	}
	made, err := s.compile(public, hidden, hash, old)
	if err != nil {
		return nil, err
	}
	return response, s.save(ctx, made)
}

// DeleteSubmission implements SubmissionService (T10.2).
func (s *submissionServer) DeleteSubmission(ctx context.Context, request *loggingv1.DeleteSubmissionRequest) (*loggingv1.DeleteSubmissionResponse, error) {
	if _, err := s.submissionOf(ctx, "id", request.GetId()); err != nil {
		return &loggingv1.DeleteSubmissionResponse{}, nil //nolint:nilerr // absent is success
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.locations {
		if c.place.Load().GetSubmissionId() == request.GetId() {
			return nil, refuse.With(apiv1.Reason_REASON_IN_USE, "id", "in use by location "+c.place.Load().GetId())
		}
	}
	if err := s.store.Write.WithContext(ctx).Delete(&submissionRow{ID: request.GetId()}).Error; err != nil {
		return nil, err
	}
	s.drop(request.GetId())
	return &loggingv1.DeleteSubmissionResponse{}, nil
}

// set takes over a value that is present.
func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// page cuts a sorted list of ids: those after the token, at most size.
func page(ids []string, token string, size int32) (cut []string, next string, err error) {
	if size == 0 {
		size = 50
	}
	after, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return nil, "", refuse.PageToken()
	}
	for _, id := range ids {
		if id <= string(after) {
			continue
		}
		if len(cut) == int(size) {
			return cut, base64.RawURLEncoding.EncodeToString([]byte(cut[size-1])), nil
		}
		cut = append(cut, id)
	}
	return cut, "", nil
}

func hexBytes(text string) (string, error) {
	raw, err := hex.DecodeString(text)
	return string(raw), err
}
