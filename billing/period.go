package billing

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"
	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/billing/calendar"
	"github.com/yunqiao/yunqiao/billing/ledger"
	"github.com/yunqiao/yunqiao/internal/refuse"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	billingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/billing/v1"
)

type periodServer struct {
	billingv1.UnimplementedPeriodServiceServer
	*Module
}

func (m *Module) month(name string) (time.Time, error) {
	at, err := calendar.Parse(name, m.zone)
	if err != nil {
		return at, refuse.Invalid("period", "must be a month such as 2026-11")
	}
	return at, nil
}

func (m *Module) toProtoPeriod(c ledger.PeriodChange) (*billingv1.Period, error) {
	begins, err := m.month(c.Period)
	if err != nil {
		return nil, err
	}
	p := &billingv1.Period{
		Period: c.Period, Status: billingv1.PeriodStatus(billingv1.PeriodStatus_value["PERIOD_STATUS_"+c.State]), Zone: m.zone.String(),
		BeginsAt: timestamppb.New(begins), EndsAt: timestamppb.New(begins.AddDate(0, 1, 0)), ChangedBy: c.UserID, Reason: c.Reason, Version: c.Version,
	}
	if c.Version > 0 {
		p.ChangedAt = timestamppb.New(c.ChangedAt)
	}
	return p, nil
}

// ListPeriods implements PeriodService.
func (s *periodServer) ListPeriods(ctx context.Context, _ *billingv1.ListPeriodsRequest) (*billingv1.ListPeriodsResponse, error) {
	var names, changed []string
	if err := s.read(ctx).Model(&ledger.Rollup{}).Distinct("period").Pluck("period", &names).Error; err != nil {
		return nil, err
	}
	if err := s.read(ctx).Model(&ledger.PeriodChange{}).Distinct("period").Pluck("period", &changed).Error; err != nil {
		return nil, err
	}
	names = append(names, changed...)
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(b, a) })
	response := &billingv1.ListPeriodsResponse{}
	for _, name := range slices.Compact(names) {
		current, err := ledger.Current(s.read(ctx), name)
		if err != nil {
			return nil, err
		}
		p, err := s.toProtoPeriod(current)
		if err != nil {
			return nil, err
		}
		response.Periods = append(response.Periods, p)
	}
	return response, nil
}

// RatePeriod implements PeriodService.
func (s *periodServer) RatePeriod(ctx context.Context, request *billingv1.RatePeriodRequest) (*billingv1.RatePeriodResponse, error) {
	if err := s.headquarters(ctx); err != nil {
		return nil, err
	}
	month, err := s.month(request.GetPeriod())
	if err != nil {
		return nil, err
	}
	until := calendar.Day(s.now(), s.zone)
	if request.GetUntil() != nil {
		until = request.GetUntil().AsTime()
	}
	if until.After(s.now()) {
		return nil, refuse.Invalid("until", "must not be in the future")
	}
	if err := s.hear(ctx); err != nil {
		return nil, err
	}
	result, err := s.Rate(ctx, month, until)
	if err != nil {
		return nil, err
	}
	return &billingv1.RatePeriodResponse{
		Added: int32(result.Added), TakenBack: int32(result.TakenBack), Corrections: int32(result.Corrections), Kept: int32(result.Kept),
	}, nil
}

// move changes the state of a month, in one transaction with what belongs to it.
func (s *periodServer) move(ctx context.Context, name, from, to, reason string, with func(tx *gorm.DB, month time.Time, c *ledger.PeriodChange) error) (*billingv1.Period, error) {
	month, err := s.month(name)
	if err != nil {
		return nil, err
	}
	var next ledger.PeriodChange
	err = s.write(ctx, func(tx *gorm.DB) error {
		if err := ledger.Lock(tx); err != nil {
			return err
		}
		current, err := ledger.Current(tx, name)
		if err != nil {
			return err
		}
		if current.State != from {
			return refuse.With(apiv1.Reason_REASON_INVALID_STATE, "period", fmt.Sprintf("is %s and not %s", current.State, from))
		}
		next = ledger.PeriodChange{
			Period: name, Version: current.Version + 1, State: to, Zone: s.zone.String(), UserID: s.access.Caller(ctx).UserID, Reason: reason,
			ChangedAt: s.now().UTC(),
		}
		if with != nil {
			if err := with(tx, month, &current); err != nil {
				return err
			}
		}
		if err := tx.Create(&next).Error; err != nil || to != ledger.Closed {
			return err
		}
		return s.tell(tx, event{kind: "PeriodClosed", objectID: name, objectType: "billing.period", userID: next.UserID,
			payload: map[string]any{"object_id": name, "version": next.Version}})
	})
	if err != nil {
		return nil, err
	}
	return s.toProtoPeriod(next)
}

// ReviewPeriod implements PeriodService.
func (s *periodServer) ReviewPeriod(ctx context.Context, request *billingv1.ReviewPeriodRequest) (*billingv1.ReviewPeriodResponse, error) {
	if err := s.headquarters(ctx); err != nil {
		return nil, err
	}
	p, err := s.move(ctx, request.GetPeriod(), ledger.Open, ledger.Review, "", nil)
	if err != nil {
		return nil, err
	}
	return &billingv1.ReviewPeriodResponse{Period: p}, nil
}

// ClosePeriod implements PeriodService: the statements and the state are one
// transaction, so that a month is closed whole or not at all.
func (s *periodServer) ClosePeriod(ctx context.Context, request *billingv1.ClosePeriodRequest) (*billingv1.ClosePeriodResponse, error) {
	if err := s.headquarters(ctx); err != nil {
		return nil, err
	}
	month, err := s.month(request.GetPeriod())
	if err != nil {
		return nil, err
	}
	end := month.AddDate(0, 1, 0)
	if end.After(s.now()) {
		return nil, refuse.With(apiv1.Reason_REASON_INVALID_STATE, "period", "has not ended")
	}
	if err := s.hear(ctx); err != nil {
		return nil, err
	}
	if _, err := s.Rate(ctx, month, end); err != nil {
		return nil, err
	}
	written := 0
	p, err := s.move(ctx, request.GetPeriod(), ledger.Review, ledger.Closed, "", func(tx *gorm.DB, month time.Time, c *ledger.PeriodChange) (err error) {
		written, err = s.writeStatements(tx, calendar.Name(month), c.Version+1)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &billingv1.ClosePeriodResponse{Period: p, Statements: int32(written)}, nil
}

// ReopenPeriod implements PeriodService.
func (s *periodServer) ReopenPeriod(ctx context.Context, request *billingv1.ReopenPeriodRequest) (*billingv1.ReopenPeriodResponse, error) {
	if err := s.headquarters(ctx); err != nil {
		return nil, err
	}
	p, err := s.move(ctx, request.GetPeriod(), ledger.Closed, ledger.Open, request.GetReason(), func(tx *gorm.DB, month time.Time, c *ledger.PeriodChange) error {
		if c.UserID == s.access.Caller(ctx).UserID {
			return refuse.With(apiv1.Reason_REASON_PERMISSION_DENIED, "period", "was closed by you: another person must reopen it")
		}
		return changed(tx, month, "reopened")
	})
	if err != nil {
		return nil, err
	}
	return &billingv1.ReopenPeriodResponse{Period: p}, nil
}
