package programs

import (
	"context"
	"strconv"

	programv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/program/v1"
)

type changeServer struct {
	programv1.UnimplementedChangeServiceServer
	*Module
}

type messageServer struct {
	programv1.UnimplementedMessageServiceServer
	*Module
}

var (
	_ programv1.ChangeServiceServer  = (*changeServer)(nil)
	_ programv1.MessageServiceServer = (*messageServer)(nil)
)

func cursor(position int64) string { return strconv.FormatInt(position, 10) }

// ListChanges implements ChangeService. Changes are written one transaction at a time,
// so that none appears before one already read.
func (s *changeServer) ListChanges(ctx context.Context, request *programv1.ListChangesRequest) (*programv1.ListChangesResponse, error) {
	var after int64
	if text := request.GetAfter(); text != "" {
		var err error
		if after, err = strconv.ParseInt(text, 10, 64); err != nil {
			return nil, invalid("after", "is no cursor")
		}
	}
	var rows []changeRow
	err := s.store.Read.WithContext(ctx).Where("position > ?", after).Order("position").Limit(pageSize(request.GetPageSize())).Find(&rows).Error
	if err != nil {
		return nil, err
	}
	response := &programv1.ListChangesResponse{NextCursor: cursor(after)}
	for i := range rows {
		response.Changes = append(response.Changes, toProtoChange(&rows[i]))
		response.NextCursor = cursor(rows[i].Position)
	}
	return response, nil
}

// GetCursor implements ChangeService.
func (s *changeServer) GetCursor(ctx context.Context, _ *programv1.GetCursorRequest) (*programv1.GetCursorResponse, error) {
	var newest int64
	err := s.store.Read.WithContext(ctx).Model(&changeRow{}).Select("COALESCE(MAX(position), 0)").Scan(&newest).Error
	return &programv1.GetCursorResponse{Cursor: cursor(newest)}, err
}

// GetMessage implements MessageService.
func (s *messageServer) GetMessage(ctx context.Context, request *programv1.GetMessageRequest) (*programv1.GetMessageResponse, error) {
	var row messageRow
	found := s.store.Read.WithContext(ctx).Where("id = ?", request.GetId()).Limit(1).Find(&row)
	if found.Error != nil {
		return nil, found.Error
	}
	if found.RowsAffected == 0 {
		return nil, notFound("id")
	}
	return &programv1.GetMessageResponse{Message: toProtoMessage(&row)}, nil
}

// ListMessages implements MessageService.
func (s *messageServer) ListMessages(ctx context.Context, request *programv1.ListMessagesRequest) (*programv1.ListMessagesResponse, error) {
	tx, err := before(s.store.Read.WithContext(ctx), request.GetPageToken())
	if err != nil {
		return nil, err
	}
	for column, value := range map[string]string{"group_id": request.GetGroupId(), "msg_id": request.GetMessageId(), "outcome": request.GetOutcome()} {
		if value != "" {
			tx = tx.Where(column+" = ?", value)
		}
	}
	size := pageSize(request.GetPageSize())
	var rows []messageRow
	if err := tx.Omit("body").Order("id DESC").Limit(size + 1).Find(&rows).Error; err != nil {
		return nil, err
	}
	response := &programv1.ListMessagesResponse{}
	if len(rows) > size {
		rows = rows[:size]
		response.NextPageToken = pageToken(rows[size-1].ID)
	}
	for i := range rows {
		response.Messages = append(response.Messages, toProtoMessage(&rows[i]))
	}
	return response, nil
}
