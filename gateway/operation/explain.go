package operation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/yunqiao/yunqiao/internal/outbox"
	operationv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/operation/v1"
)

// Requests tells how a request was recorded.
type Requests interface {
	// Explain words who made a request and how it ended; empty: not recorded.
	Explain(ctx context.Context, requestID string) (text string, at time.Time, latency time.Duration, err error)
}

// ExplainOperation implements OperationService.
func (s *Server) ExplainOperation(ctx context.Context, request *operationv1.ExplainOperationRequest) (*operationv1.ExplainOperationResponse, error) {
	r, err := s.read(ctx, request.GetId())
	if err != nil {
		return nil, err
	}
	entries, err := s.explain(ctx, r)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(entries, func(a, b *operationv1.ExplainEntry) int {
		return a.GetAt().AsTime().Compare(b.GetAt().AsTime())
	})
	return &operationv1.ExplainOperationResponse{Operation: show(ctx, r), Entries: entries}, nil
}

func (s *Server) explain(ctx context.Context, r row) ([]*operationv1.ExplainEntry, error) {
	var entries []*operationv1.ExplainEntry
	add := func(at time.Time, kind operationv1.ExplainKind, text string) *operationv1.ExplainEntry {
		e := &operationv1.ExplainEntry{At: timestamppb.New(at), Kind: kind, Text: text}
		entries = append(entries, e)
		return e
	}
	text, at, latency, err := s.requests.Explain(ctx, r.RequestID)
	if err != nil {
		return nil, err
	}
	if text != "" {
		add(at.Add(-latency), operationv1.ExplainKind_EXPLAIN_KIND_REQUEST, text).DurationMilliseconds = int32(latency.Milliseconds())
	}
	for _, c := range readCalls(r.Calls) {
		e := add(c.At, operationv1.ExplainKind_EXPLAIN_KIND_CLOUD_CALL, c.text(r.Method))
		e.DurationMilliseconds, e.ProviderRequestIds = c.Milliseconds, c.ProviderRequestIDs
	}
	read := s.engine.store.Read.WithContext(ctx)
	var children []row
	if err := read.Where("parent_id = ?", r.ID).Order("id").Find(&children).Error; err != nil {
		return nil, err
	}
	for _, child := range children {
		e := add(child.CreatedAt, operationv1.ExplainKind_EXPLAIN_KIND_CHILD,
			fmt.Sprintf("%s %s: %s", child.Method, child.ResourceID, strings.TrimPrefix(child.status().String(), "OPERATION_STATUS_")))
		e.OperationId, e.RequestId = child.ID, child.RequestID
	}
	events, err := outbox.OfOperation(read, r.ID)
	if err != nil {
		return nil, err
	}
	for _, event := range events {
		add(event.OccurredAt, operationv1.ExplainKind_EXPLAIN_KIND_EVENT,
			fmt.Sprintf("%s %s #%d %s", event.Type, event.ResourceID, event.Sequence, event.Payload))
	}
	return entries, nil
}

// text words a call.
func (c cloudCall) text(method string) string {
	text := fmt.Sprintf("%s, attempt %d", method, c.Attempt)
	switch {
	case c.Undo:
		text += ", taking steps back"
	case c.Step:
		text += ", next step"
	}
	if c.Reason != "" {
		return text + ": " + c.Reason
	}
	return text + ": OK"
}
