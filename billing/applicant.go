package billing

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"
	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/billing/rating"
	"github.com/yunqiao/yunqiao/internal/refuse"
	"github.com/yunqiao/yunqiao/internal/rowid"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	billingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/billing/v1"
)

// applicantRow is one version of an applicant.
type applicantRow struct {
	ID               string `gorm:"primaryKey;size:32"`
	Version          int32  `gorm:"primaryKey;autoIncrement:false"`
	Name             string `gorm:"size:64;not null"`
	UserID           string `gorm:"size:64;not null;index"`
	OrganizationID   string `gorm:"size:64;not null"`
	OrganizationName string `gorm:"size:200;not null"`
	Contact          string `gorm:"size:200;not null"`
	AccountInfo      string `gorm:"size:512;not null"`
	CostCentre       string `gorm:"size:64;not null"`
	Ended            bool   `gorm:"not null"`
	CreatedAt        time.Time
}

// TableName implements gorm's Tabler.
func (applicantRow) TableName() string { return "billing_applicants" }

// newest limits a query of versions to the newest of each id.
func newest(tx *gorm.DB, table string) *gorm.DB {
	return tx.Where(fmt.Sprintf("version = (SELECT MAX(v.version) FROM %s v WHERE v.id = %s.id)", table, table))
}

func findApplicant(tx *gorm.DB, id string) (r applicantRow, ok bool, err error) {
	found := tx.Where("id = ?", id).Order("version DESC").Limit(1).Find(&r)
	return r, found.RowsAffected > 0 && !r.Ended, found.Error
}

// applicantOfUser is the applicant who is a user of the gateway; "" is none.
func applicantOfUser(tx *gorm.DB, userID string) (string, error) {
	if userID == "" {
		return "", nil
	}
	var r applicantRow
	err := newest(tx.Where("user_id = ? AND NOT ended", userID), "billing_applicants").Order("id").Limit(1).Find(&r).Error
	return r.ID, err
}

func toProtoApplicant(r applicantRow) *billingv1.Applicant {
	return &billingv1.Applicant{
		Id: r.ID, Version: r.Version, Name: r.Name, UserId: r.UserID, OrganizationId: r.OrganizationID, OrganizationName: r.OrganizationName,
		Contact: r.Contact, AccountInfo: r.AccountInfo, CostCentre: r.CostCentre, CreatedAt: timestamppb.New(r.CreatedAt),
	}
}

type applicantServer struct {
	billingv1.UnimplementedApplicantServiceServer
	*Module
}

// CreateApplicant implements ApplicantService.
func (s *applicantServer) CreateApplicant(ctx context.Context, request *billingv1.CreateApplicantRequest) (*billingv1.CreateApplicantResponse, error) {
	organization, err := s.organization(ctx, request.GetOrganizationId())
	if err != nil {
		return nil, err
	}
	r := applicantRow{
		ID: rowid.New(), Version: 1, Name: request.GetName(), UserID: request.GetUserId(), OrganizationID: organization,
		OrganizationName: request.GetOrganizationName(), Contact: request.GetContact(), AccountInfo: request.GetAccountInfo(),
		CostCentre: request.GetCostCentre(), CreatedAt: s.now().UTC(),
	}
	err = s.write(ctx, func(tx *gorm.DB) error {
		if other, err := applicantOfUser(tx, r.UserID); err != nil || other != "" {
			if err == nil {
				err = refuse.With(apiv1.Reason_REASON_ALREADY_EXISTS, "user_id", "is of the applicant "+other)
			}
			return err
		}
		return tx.Create(&r).Error
	})
	if err != nil {
		return nil, err
	}
	return &billingv1.CreateApplicantResponse{Id: r.ID, Applicant: toProtoApplicant(r)}, nil
}

// change adds a version of an applicant that the caller sees.
func (s *applicantServer) change(ctx context.Context, id string, edit func(r *applicantRow)) (r applicantRow, err error) {
	err = s.write(ctx, func(tx *gorm.DB) error {
		var ok bool
		if r, ok, err = findApplicant(tx, id); err != nil {
			return err
		}
		if !ok || !s.sees(ctx, r.OrganizationID) {
			return refuse.NotFound("id", "applicant")
		}
		edit(&r)
		r.Version++
		r.CreatedAt = s.now().UTC()
		return tx.Create(&r).Error
	})
	return r, err
}

// UpdateApplicant implements ApplicantService.
func (s *applicantServer) UpdateApplicant(ctx context.Context, request *billingv1.UpdateApplicantRequest) (*billingv1.UpdateApplicantResponse, error) {
	r, err := s.change(ctx, request.GetId(), func(r *applicantRow) {
		set(&r.Name, request.Name)
		set(&r.Contact, request.Contact)
		set(&r.OrganizationName, request.OrganizationName)
		set(&r.AccountInfo, request.AccountInfo)
		set(&r.CostCentre, request.CostCentre)
	})
	if err != nil {
		return nil, err
	}
	return &billingv1.UpdateApplicantResponse{Applicant: toProtoApplicant(r)}, nil
}

func set[T any](to *T, value *T) {
	if value != nil {
		*to = *value
	}
}

// DeleteApplicant implements ApplicantService.
func (s *applicantServer) DeleteApplicant(ctx context.Context, request *billingv1.DeleteApplicantRequest) (*billingv1.DeleteApplicantResponse, error) {
	_, err := s.change(ctx, request.GetId(), func(r *applicantRow) { r.Ended = true })
	if err != nil && !isNotFound(err) {
		return nil, err
	}
	return &billingv1.DeleteApplicantResponse{}, nil
}

// ListApplicants implements ApplicantService.
func (s *applicantServer) ListApplicants(ctx context.Context, request *billingv1.ListApplicantsRequest) (*billingv1.ListApplicantsResponse, error) {
	visible, err := s.visible(ctx, request.GetOrganizationId())
	if err != nil {
		return nil, err
	}
	query := newest(s.read(ctx).Model(&applicantRow{}).Where("NOT ended"), "billing_applicants")
	if visible != nil {
		query = query.Where("organization_id IN ?", visible)
	}
	if request.GetName() != "" {
		query = query.Where("name = ?", request.GetName())
	}
	rows, next, err := paged[applicantRow](query, request.GetPageToken(), request.GetPageSize(), false, func(r *applicantRow) string { return r.ID })
	if err != nil {
		return nil, err
	}
	response := &billingv1.ListApplicantsResponse{NextPageToken: next}
	for _, r := range rows {
		response.Applicants = append(response.Applicants, toProtoApplicant(r))
	}
	return response, nil
}

// attributionRow says for whom a resource is used from a time on. What is said
// later is right about all time from its date on; empty fields are as before.
type attributionRow struct {
	ID          string `gorm:"primaryKey;size:32"` // later ids sort after earlier ones
	ResourceID  string `gorm:"size:512;not null;index"`
	ApplicantID string `gorm:"size:32;not null"`
	OrderID     string `gorm:"size:32;not null"`
	Programme   string `gorm:"size:64;not null"`
	Tag         string `gorm:"size:128;not null"`
	From        int64  `gorm:"column:valid_from;not null"` // Unix seconds
	CreatedAt   time.Time
}

// TableName implements gorm's Tabler.
func (attributionRow) TableName() string { return "billing_attributions" }

// attributionsOf are the attributions of all resources, beginning with that of the
// order that each was made by.
func attributionsOf(tx *gorm.DB) (map[string][]rating.AttributionStep, error) {
	var orders []orderRow
	if err := tx.Where("version = 1 AND kind = ? AND resource_id <> ''", int32(billingv1.OrderKind_ORDER_KIND_NEW)).Order("id").Find(&orders).Error; err != nil {
		return nil, fmt.Errorf("read orders: %w", err)
	}
	out := map[string][]rating.AttributionStep{}
	for _, o := range orders {
		if len(out[o.ResourceID]) == 0 {
			out[o.ResourceID] = []rating.AttributionStep{{Attribution: rating.Attribution{ApplicantID: o.ApplicantID, OrderID: o.ID}}}
		}
	}
	var rows []attributionRow
	if err := tx.Order("id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read attributions: %w", err)
	}
	for _, r := range rows {
		steps := out[r.ResourceID]
		from := time.Unix(r.From, 0)
		for len(steps) > 0 && !steps[len(steps)-1].From.IsZero() && !steps[len(steps)-1].From.Before(from) {
			steps = steps[:len(steps)-1]
		}
		next := rating.AttributionStep{From: from}
		if len(steps) > 0 {
			next.Attribution = steps[len(steps)-1].Attribution
		}
		for _, field := range []struct {
			to    *string
			value string
		}{{&next.ApplicantID, r.ApplicantID}, {&next.OrderID, r.OrderID}, {&next.Programme, r.Programme}, {&next.Tag, r.Tag}} {
			if field.value != "" {
				*field.to = field.value
			}
		}
		out[r.ResourceID] = append(steps, next)
	}
	return out, withProgrammes(tx, out)
}

type attributionServer struct {
	billingv1.UnimplementedAttributionServiceServer
	*Module
}

func toProtoAttribution(r attributionRow) *billingv1.Attribution {
	return &billingv1.Attribution{
		Id: r.ID, ResourceId: r.ResourceID, ApplicantId: r.ApplicantID, OrderId: r.OrderID, Programme: r.Programme, Tag: r.Tag,
		ValidFrom: timestamppb.New(time.Unix(r.From, 0)), CreatedAt: timestamppb.New(r.CreatedAt),
	}
}

// CreateAttribution implements AttributionService.
func (s *attributionServer) CreateAttribution(ctx context.Context, request *billingv1.CreateAttributionRequest) (*billingv1.CreateAttributionResponse, error) {
	from := s.timeOr(request.GetValidFrom(), s.now())
	r := attributionRow{
		ID: rowid.New(), ResourceID: request.GetResourceId(), ApplicantID: request.GetApplicantId(), OrderID: request.GetOrderId(),
		Programme: request.GetProgramme(), Tag: request.GetTag(), From: from.Unix(), CreatedAt: s.now().UTC(),
	}
	err := s.write(ctx, func(tx *gorm.DB) error {
		if err := s.seesResource(ctx, tx, r.ResourceID); err != nil {
			return err
		}
		if r.ApplicantID != "" {
			applicant, ok, err := findApplicant(tx, r.ApplicantID)
			if err != nil {
				return err
			}
			if !ok || !s.sees(ctx, applicant.OrganizationID) {
				return refuse.NotFound("applicant_id", "applicant")
			}
		}
		if r.OrderID != "" {
			order, ok, err := findOrder(tx, r.OrderID)
			if err != nil {
				return err
			}
			if !ok || !s.sees(ctx, order.OrganizationID) {
				return refuse.NotFound("order_id", "order")
			}
		}
		if err := tx.Create(&r).Error; err != nil {
			return err
		}
		return changed(tx, from, "attribution")
	})
	if err != nil {
		return nil, err
	}
	return &billingv1.CreateAttributionResponse{Id: r.ID, Attribution: toProtoAttribution(r)}, nil
}

// ListAttributions implements AttributionService.
func (s *attributionServer) ListAttributions(ctx context.Context, request *billingv1.ListAttributionsRequest) (*billingv1.ListAttributionsResponse, error) {
	if err := s.seesResource(ctx, s.read(ctx), request.GetResourceId()); err != nil {
		return nil, err
	}
	var rows []attributionRow
	if err := s.read(ctx).Where("resource_id = ?", request.GetResourceId()).Order("id").Find(&rows).Error; err != nil {
		return nil, err
	}
	response := &billingv1.ListAttributionsResponse{}
	for _, r := range rows {
		response.Attributions = append(response.Attributions, toProtoAttribution(r))
	}
	return response, nil
}
