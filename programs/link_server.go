package programs

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/outbox"
	"github.com/yunqiao/yunqiao/internal/rowid"
	programv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/program/v1"
)

type linkServer struct {
	programv1.UnimplementedLinkServiceServer
	*Module
}

var _ programv1.LinkServiceServer = (*linkServer)(nil)

// CreateLink implements LinkService.
func (s *linkServer) CreateLink(ctx context.Context, request *programv1.CreateLinkRequest) (*programv1.CreateLinkResponse, error) {
	now := s.opts.Now()
	from, err := readTime("valid_from", request.GetValidFrom(), &now)
	if err != nil {
		return nil, err
	}
	until, err := readTime("valid_until", request.GetValidUntil(), nil)
	if err != nil {
		return nil, err
	}
	if until != nil && !until.After(*from) {
		return nil, invalid("valid_until", "must be after valid_from")
	}
	var known int64
	if err := s.store.Read.WithContext(ctx).Model(&recordRow{}).Where("id = ?", request.GetRecordId()).Count(&known).Error; err != nil {
		return nil, err
	}
	if known == 0 {
		return nil, notFound("record_id")
	}
	row := &linkRow{
		ID: rowid.New(), RecordKey: request.GetRecordId(), ResourceID: request.GetResourceId(), ValidFrom: *from, ValidUntil: until, CreatedAt: now,
		Version: 1,
	}
	err = s.store.Write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := tx.Create(row).Error; err != nil {
			return err
		}
		return s.tellLink(tx, row, false)
	})
	if err != nil {
		return nil, err
	}
	return &programv1.CreateLinkResponse{Id: row.ID, Link: toProtoLink(row)}, nil
}

// ListLinks implements LinkService.
func (s *linkServer) ListLinks(ctx context.Context, request *programv1.ListLinksRequest) (*programv1.ListLinksResponse, error) {
	tx, err := before(s.store.Read.WithContext(ctx), request.GetPageToken())
	if err != nil {
		return nil, err
	}
	if id := request.GetRecordId(); id != "" {
		tx = tx.Where("record_key = ?", id)
	}
	if id := request.GetResourceId(); id != "" {
		tx = tx.Where("resource_id = ?", id)
	}
	at, err := readTime("at", request.GetAt(), nil)
	if err != nil {
		return nil, err
	}
	if at != nil {
		tx = tx.Where("valid_from <= ? AND (valid_until IS NULL OR valid_until > ?)", *at, *at)
	}
	size := pageSize(request.GetPageSize())
	var rows []linkRow
	if err := tx.Order("id DESC").Limit(size + 1).Find(&rows).Error; err != nil {
		return nil, err
	}
	response := &programv1.ListLinksResponse{}
	if len(rows) > size {
		rows = rows[:size]
		response.NextPageToken = pageToken(rows[size-1].ID)
	}
	for i := range rows {
		response.Links = append(response.Links, toProtoLink(&rows[i]))
	}
	return response, nil
}

// EndLink implements LinkService.
func (s *linkServer) EndLink(ctx context.Context, request *programv1.EndLinkRequest) (*programv1.EndLinkResponse, error) {
	now := s.opts.Now()
	until, err := readTime("valid_until", request.GetValidUntil(), &now)
	if err != nil {
		return nil, err
	}
	var row linkRow
	err = s.store.Write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		found := tx.Where("id = ?", request.GetId()).Limit(1).Find(&row)
		if found.Error != nil {
			return found.Error
		}
		if found.RowsAffected == 0 {
			return notFound("id")
		}
		if !until.After(row.ValidFrom) {
			return invalid("valid_until", "must be after valid_from")
		}
		row.ValidUntil = until
		row.Version++
		if err := tx.Save(&row).Error; err != nil {
			return err
		}
		return s.tellLink(tx, &row, false)
	})
	return &programv1.EndLinkResponse{Link: toProtoLink(&row)}, err
}

// DeleteLink implements LinkService.
func (s *linkServer) DeleteLink(ctx context.Context, request *programv1.DeleteLinkRequest) (*programv1.DeleteLinkResponse, error) {
	err := s.store.Write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		var row linkRow
		if found := tx.Where("id = ?", request.GetId()).Limit(1).Find(&row); found.Error != nil || found.RowsAffected == 0 {
			return found.Error // absent is success
		}
		row.Version++
		if err := tx.Delete(&row).Error; err != nil {
			return err
		}
		return s.tellLink(tx, &row, true)
	})
	return &programv1.DeleteLinkResponse{}, err
}

// EventLinkChanged tells of a link as it is now: billing counts the resource's costs
// for the record.
const EventLinkChanged = "ProgramLinkChanged"

func (s *linkServer) tellLink(tx *gorm.DB, row *linkRow, deleted bool) error {
	err := outbox.Append(tx, outbox.Event{
		Type: EventLinkChanged, ResourceID: row.ResourceID, ResourceType: "program.link", Source: "REQUEST", Sequence: row.Version, OccurredAt: s.opts.Now(),
		Payload: map[string]any{
			"link_id": row.ID, "programme": row.RecordKey, "valid_from": row.ValidFrom, "valid_until": row.ValidUntil, "deleted": deleted,
		},
	})
	if err != nil {
		return fmt.Errorf("event of a link: %w", err)
	}
	return nil
}
