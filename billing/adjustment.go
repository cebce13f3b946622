package billing

import (
	"cmp"
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/billing/calendar"
	"github.com/yunqiao/yunqiao/billing/ledger"
	"github.com/yunqiao/yunqiao/billing/rating"
	"github.com/yunqiao/yunqiao/internal/money"
	"github.com/yunqiao/yunqiao/internal/refuse"
	"github.com/yunqiao/yunqiao/internal/rowid"
	billingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/billing/v1"
)

type adjustmentServer struct {
	billingv1.UnimplementedAdjustmentServiceServer
	*Module
}

// CreateAdjustment implements AdjustmentService. An entry for a closed month goes
// into the next that is open.
func (s *adjustmentServer) CreateAdjustment(ctx context.Context, request *billingv1.CreateAdjustmentRequest) (*billingv1.CreateAdjustmentResponse, error) {
	if err := s.headquarters(ctx); err != nil {
		return nil, err
	}
	organization, err := s.organization(ctx, request.GetOrganizationId())
	if err != nil {
		return nil, err
	}
	var p parsed
	amount := number(&p, "amount", request.GetAmount(), money.ParseAmount)
	if p.err != nil {
		return nil, p.err
	}
	category := rating.Adjustment
	if request.GetCategory() == billingv1.CostCategory_COST_CATEGORY_CREDIT {
		category = rating.Credit
	}
	if category == rating.Credit && amount >= 0 {
		return nil, refuse.Invalid("amount", "of a credit must be below 0")
	}
	at := s.now()
	month := calendar.Month(at, s.zone)
	if request.GetPeriod() != "" {
		if month, err = s.month(request.GetPeriod()); err != nil {
			return nil, err
		}
		at = month
	}
	at = at.Truncate(time.Second)
	line := rating.Line{
		Category: category, ResourceID: request.GetResourceId(), ResourceType: request.GetResourceType(), AccountID: request.GetAccountId(),
		OrganizationID: organization, From: at, To: at.Add(time.Second), Spec: "{}", Currency: cmp.Or(request.GetCurrency(), rating.DefaultCurrency),
		List: amount, Cost: amount, Reason: request.GetReason(), Corrects: "entry " + rowid.New(),
	}
	if line.AccountID != "" {
		line.Driver, line.Region = s.accounts.Cloud(line.AccountID)
	}
	var row ledger.Row
	err = s.write(ctx, func(tx *gorm.DB) (err error) {
		if err := ledger.Lock(tx); err != nil {
			return err
		}
		row, err = ledger.Enter(tx, &line, ledger.FromEntry, month, s.now())
		return err
	})
	if err != nil {
		return nil, err
	}
	return &billingv1.CreateAdjustmentResponse{Id: row.ID, Period: row.Period}, nil
}
