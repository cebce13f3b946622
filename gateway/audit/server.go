package audit

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"
	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/internal/idpage"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	tenantv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/tenant/v1"
)

// Access decides whose entries a caller sees.
type Access interface {
	// Tenants lists the organizations that a caller sees; empty: all.
	Tenants(p pipeline.Principal) []string
}

// Server is AuditService over a Recorder's table.
type Server struct {
	tenantv1.UnimplementedAuditServiceServer
	recorder *Recorder
	access   Access
}

var _ tenantv1.AuditServiceServer = (*Server)(nil)

// NewServer serves the entries of a recorder.
func NewServer(recorder *Recorder, access Access) *Server {
	return &Server{recorder: recorder, access: access}
}

// ListAudits implements AuditService. The page token is the id before which the
// next page begins: ids grow with time.
func (s *Server) ListAudits(ctx context.Context, request *tenantv1.ListAuditsRequest) (*tenantv1.ListAuditsResponse, error) {
	size := int(request.GetPageSize())
	if size == 0 {
		size = 50
	}
	query, err := s.query(ctx, request)
	if err != nil {
		return nil, err
	}
	var rows []entryRow
	if err := query.Order("id DESC").Limit(size + 1).Find(&rows).Error; err != nil {
		return nil, err
	}
	response := &tenantv1.ListAuditsResponse{}
	if len(rows) > size {
		rows = rows[:size]
		response.NextPageToken = idpage.Encode(rows[size-1].ID)
	}
	for _, r := range rows {
		response.Audits = append(response.Audits, toProtoAudit(r))
	}
	return response, nil
}

func (s *Server) query(ctx context.Context, request *tenantv1.ListAuditsRequest) (*gorm.DB, error) {
	query := s.recorder.store.Read.WithContext(ctx)
	if call := pipeline.CallFrom(ctx); call != nil {
		if tenants := s.access.Tenants(call.Principal); len(tenants) > 0 {
			query = query.Where("tenant_id IN ?", tenants)
		}
	}
	for column, value := range map[string]string{
		"user_id": request.GetUserId(), "tenant_id": request.GetOrganizationId(), "resource_id": request.GetResourceId(),
		"method": request.GetMethod(), "request_id": request.GetRequestIdEquals(),
	} {
		if value != "" {
			query = query.Where(column+" = ?", value)
		}
	}
	if request.GetFailed() {
		query = query.Where("code <> 0")
	}
	for field, bound := range map[string]struct{ text, condition string }{
		"since": {request.GetSince(), "at >= ?"}, "until": {request.GetUntil(), "at < ?"},
	} {
		if bound.text == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339, bound.text)
		if err != nil {
			return nil, sdk.NewError(apiv1.Reason_REASON_VALIDATION_FAILED, sdk.Violation(field, "must be a time such as 2026-01-31T08:00:00Z"))
		}
		query = query.Where(bound.condition, at.UTC())
	}
	if token := request.GetPageToken(); token != "" {
		before, err := idpage.Decode(token)
		if err != nil {
			return nil, err
		}
		query = query.Where("id < ?", before)
	}
	return query, nil
}

func toProtoAudit(r entryRow) *tenantv1.Audit {
	return &tenantv1.Audit{
		Id: r.ID, At: timestamppb.New(r.At), Method: r.Method, Permission: r.Permission, UserId: r.UserID, UserName: r.UserName,
		OrganizationId: r.TenantID, Credential: r.Credential, ClientIp: r.ClientIP, RequestId: r.RequestID, AccountId: r.AccountID,
		ResourceId: r.ResourceID, OperationId: r.OperationID, Request: r.Request, Before: r.Before, After: r.After, Code: r.Code,
		Reason: r.Reason, ProviderRequestId: r.ProviderRequestID, LatencyMilliseconds: r.LatencyMilliseconds,
	}
}
