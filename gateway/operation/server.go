package operation

import (
	"context"
	"encoding/base64"
	"strings"
	"time"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/internal/idpage"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	operationv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/operation/v1"
)

// Access decides whose operations a caller sees.
type Access interface {
	// Sees tells whether an organization is the caller's, or below it.
	Sees(p pipeline.Principal, tenantID string) bool
	// Tenants lists the organizations that a caller sees; empty: all.
	Tenants(p pipeline.Principal) []string
}

// Server is OperationService over an Engine.
type Server struct {
	operationv1.UnimplementedOperationServiceServer
	engine   *Engine
	access   Access
	requests Requests
}

var _ operationv1.OperationServiceServer = (*Server)(nil)

// NewServer serves the operations of an engine.
func NewServer(engine *Engine, access Access, requests Requests) *Server {
	return &Server{engine: engine, access: access, requests: requests}
}

// read finds an operation that the caller sees. Another's looks absent.
func (s *Server) read(ctx context.Context, id string) (row, error) {
	r, err := s.engine.read(ctx, id)
	if err != nil {
		return row{}, err
	}
	if call := pipeline.CallFrom(ctx); call != nil && !s.access.Sees(call.Principal, r.TenantID) {
		return row{}, absentOperation()
	}
	return r, nil
}

// show is an operation in the caller's language.
func show(ctx context.Context, r row) *operationv1.Operation {
	call := pipeline.CallFrom(ctx)
	return ToProtoOperation(r, call != nil && call.Language == pipeline.English)
}

// GetOperation implements OperationService.
func (s *Server) GetOperation(ctx context.Context, request *operationv1.GetOperationRequest) (*operationv1.GetOperationResponse, error) {
	r, err := s.read(ctx, request.GetId())
	if err != nil {
		return nil, err
	}
	return &operationv1.GetOperationResponse{Operation: show(ctx, r)}, nil
}

// ListOperations implements OperationService. The page token is the id before
// which the next page begins: ids grow with time.
func (s *Server) ListOperations(ctx context.Context, request *operationv1.ListOperationsRequest) (*operationv1.ListOperationsResponse, error) {
	size := int(request.GetPageSize())
	if size == 0 {
		size = 50
	}
	query := s.engine.store.Read.WithContext(ctx).Order("id DESC").Limit(size + 1)
	if token := request.GetPageToken(); token != "" {
		before, err := idpage.Decode(token)
		if err != nil {
			return nil, err
		}
		query = query.Where("id < ?", before)
	}
	if call := pipeline.CallFrom(ctx); call != nil {
		if tenants := s.access.Tenants(call.Principal); len(tenants) > 0 {
			query = query.Where("tenant_id IN ?", tenants)
		}
	}
	if ids := request.GetAccountId(); len(ids) > 0 {
		query = query.Where("account_id IN ?", ids)
	}
	if id := request.GetResourceId(); id != "" {
		query = query.Where("resource_id = ?", id)
	}
	if status := request.GetStatus(); status != 0 {
		query = query.Where("status = ?", int32(status))
	}
	var rows []row
	if err := query.Find(&rows).Error; err != nil {
		return nil, err
	}
	response := &operationv1.ListOperationsResponse{}
	if len(rows) > size {
		rows = rows[:size]
		response.NextPageToken = idpage.Encode(rows[size-1].ID)
	}
	for _, r := range rows {
		response.Operations = append(response.Operations, show(ctx, r))
	}
	return response, nil
}

// WaitOperation implements OperationService.
func (s *Server) WaitOperation(ctx context.Context, request *operationv1.WaitOperationRequest) (*operationv1.WaitOperationResponse, error) {
	seconds := request.GetTimeoutSeconds()
	if seconds == 0 {
		seconds = 60
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(seconds)*time.Second)
	defer cancel()
	pace := pacer{first: s.engine.opts.FirstPoll, max: s.engine.opts.MaxPoll}
	if _, err := s.read(ctx, request.GetId()); err != nil {
		return nil, err
	}
	for {
		if t := s.engine.task(request.GetId()); t != nil {
			select {
			case <-t.done.C:
			case <-ctx.Done():
			}
		}
		r, err := s.read(context.WithoutCancel(ctx), request.GetId())
		if err != nil {
			return nil, err
		}
		if r.ended() || pace.wait(ctx, 0) != nil {
			return &operationv1.WaitOperationResponse{Operation: show(ctx, r)}, nil
		}
	}
}

// CancelOperation implements OperationService: it asks for the steps to be taken
// back, by whoever holds the lease.
func (s *Server) CancelOperation(ctx context.Context, request *operationv1.CancelOperationRequest) (*operationv1.CancelOperationResponse, error) {
	r, err := s.read(ctx, request.GetId())
	if err != nil {
		return nil, err
	}
	t := s.engine.task(r.ID)
	if !cancellable(&r) || t == nil {
		return nil, notCancellable(&r)
	}
	if err := t.cancel(ctx); err != nil {
		return nil, err
	}
	if r = t.snapshot(); !r.Undo && r.status() != apiv1.OperationStatus_OPERATION_STATUS_CANCELLED {
		return nil, notCancellable(&r) // its last step was made meanwhile
	}
	return &operationv1.CancelOperationResponse{Operation: show(ctx, r)}, nil
}

// GetCallbackKey implements OperationService.
func (s *Server) GetCallbackKey(ctx context.Context, _ *operationv1.GetCallbackKeyRequest) (*operationv1.GetCallbackKeyResponse, error) {
	tenantID := ""
	if call := pipeline.CallFrom(ctx); call != nil {
		tenantID = call.Principal.TenantID
	}
	return &operationv1.GetCallbackKeyResponse{
		KeyId: callbackKeyID, Algorithm: string(callbackAlgorithm),
		Secret: base64.StdEncoding.EncodeToString(s.engine.callbackSecret(tenantID)),
	}, nil
}

func notCancellable(r *row) error {
	return sdk.NewError(apiv1.Reason_REASON_OPERATION_NOT_CANCELLABLE,
		sdk.Violation("id", "status "+strings.TrimPrefix(r.status().String(), "OPERATION_STATUS_")))
}

// read finds an operation, as this process knows it or as it is stored.
func (e *Engine) read(ctx context.Context, id string) (row, error) {
	var r row
	found := e.store.Read.WithContext(ctx).Where("id = ?", id).Limit(1).Find(&r)
	if found.Error != nil {
		return row{}, found.Error
	}
	if found.RowsAffected == 0 {
		return row{}, absentOperation()
	}
	if t := e.task(id); t != nil && !r.ended() {
		r.NextPollAt = t.next()
	}
	return r, nil
}

func absentOperation() error {
	return sdk.NewError(apiv1.Reason_REASON_NOT_FOUND, sdk.Violation("id", "no operation has this id"))
}
