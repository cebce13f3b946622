package billing

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
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

// budgetRow is what an organization means to spend in a month.
type budgetRow struct {
	ID             string `gorm:"primaryKey;size:32"`
	OrganizationID string `gorm:"size:64;not null"`
	ResourceType   string `gorm:"size:64;not null"`
	Amount         int64  `gorm:"not null"` // 10⁻⁸
	Currency       string `gorm:"size:3;not null"`
	Thresholds     string `gorm:"not null"` // JSON
	MadeAt         time.Time
	EndedAt        *time.Time
}

// TableName implements gorm's Tabler.
func (budgetRow) TableName() string { return "billing_budgets" }

type budgetServer struct {
	billingv1.UnimplementedBudgetServiceServer
	*Module
}

func (m *Module) budgets(ctx context.Context) ([]budgetRow, error) {
	var rows []budgetRow
	if err := m.read(ctx).Where("ended_at IS NULL").Order("id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read budgets: %w", err)
	}
	return rows, nil
}

// expected is what a budget's month comes to: what was used, carried on at the
// mean of the days that have been rated.
func (m *Module) expected(ctx context.Context, b *budgetRow) (forecast, used money.Amount, method string, err error) {
	month := calendar.Month(m.now(), m.zone)
	f := ledger.Filter{Period: calendar.Name(month), Organizations: m.access.Subtree(b.OrganizationID), ResourceType: b.ResourceType, Currency: b.Currency}
	groups, err := ledger.Summarize(m.read(ctx), f, []string{"category"}, m.zone)
	if err != nil {
		return 0, 0, "", err
	}
	var usage money.Amount
	for _, g := range groups {
		used += money.Amount(g.Cost)
		if g.Keys[0] == string(rating.Usage) {
			usage += money.Amount(g.Cost)
		}
	}
	_, until, err := m.rated(ctx)
	if err != nil {
		return 0, 0, "", err
	}
	passed := int64(min(until.Sub(month), month.AddDate(0, 1, 0).Sub(month)) / (24 * time.Hour))
	days := int64(month.AddDate(0, 1, 0).Sub(month) / (24 * time.Hour))
	if passed <= 0 {
		return used, used, "what was used: no day of the month has been rated", nil
	}
	rest, err := usage.Ratio(days-passed, passed, money.HalfUp)
	return used + rest, used, fmt.Sprintf("what was used, and the mean of %d rated days for the %d that are left", passed, days-passed), err
}

func (m *Module) toProtoBudget(ctx context.Context, b *budgetRow) (*billingv1.Budget, error) {
	out := &billingv1.Budget{
		Id: b.ID, OrganizationId: b.OrganizationID, ResourceType: b.ResourceType, Amount: money.Amount(b.Amount).String(), Currency: b.Currency,
	}
	if err := json.Unmarshal([]byte(b.Thresholds), &out.ThresholdPercents); err != nil {
		return nil, fmt.Errorf("stored budget %s: %w", b.ID, err)
	}
	forecast, used, method, err := m.expected(ctx, b)
	if err != nil {
		return nil, err
	}
	out.Used, out.Forecast, out.ForecastMethod = used.String(), forecast.String(), method
	for _, percent := range out.ThresholdPercents {
		limit, err := money.Amount(b.Amount).Ratio(int64(percent), 100, money.HalfUp)
		if err != nil {
			return nil, err
		}
		if used >= limit {
			out.PassedPercents = append(out.PassedPercents, percent)
		}
	}
	return out, nil
}

// CreateBudget implements BudgetService.
func (s *budgetServer) CreateBudget(ctx context.Context, request *billingv1.CreateBudgetRequest) (*billingv1.CreateBudgetResponse, error) {
	organization, err := s.organization(ctx, request.GetOrganizationId())
	if err != nil {
		return nil, err
	}
	var p parsed
	amount := number(&p, "amount", request.GetAmount(), money.ParseAmount)
	if p.err != nil {
		return nil, p.err
	}
	if amount <= 0 {
		return nil, refuse.Invalid("amount", "must be more than 0")
	}
	thresholds := request.GetThresholdPercents()
	if len(thresholds) == 0 {
		thresholds = []int32{80, 100}
	}
	encoded, err := json.Marshal(thresholds)
	if err != nil {
		return nil, err
	}
	b := budgetRow{
		ID: rowid.New(), OrganizationID: organization, ResourceType: request.GetResourceType(), Amount: int64(amount),
		Currency: cmp.Or(request.GetCurrency(), rating.DefaultCurrency), Thresholds: string(encoded), MadeAt: s.now().UTC(),
	}
	if err := s.write(ctx, func(tx *gorm.DB) error { return tx.Create(&b).Error }); err != nil {
		return nil, err
	}
	out, err := s.toProtoBudget(ctx, &b)
	if err != nil {
		return nil, err
	}
	return &billingv1.CreateBudgetResponse{Id: b.ID, Budget: out}, nil
}

// DeleteBudget implements BudgetService.
func (s *budgetServer) DeleteBudget(ctx context.Context, request *billingv1.DeleteBudgetRequest) (*billingv1.DeleteBudgetResponse, error) {
	err := s.write(ctx, func(tx *gorm.DB) error {
		var b budgetRow
		if err := tx.Where("id = ? AND ended_at IS NULL", request.GetId()).Limit(1).Find(&b).Error; err != nil {
			return err
		}
		if b.ID == "" || !s.sees(ctx, b.OrganizationID) {
			return nil // absent is success
		}
		return tx.Model(&budgetRow{}).Where("id = ?", b.ID).Update("ended_at", s.now().UTC()).Error
	})
	if err != nil {
		return nil, err
	}
	return &billingv1.DeleteBudgetResponse{}, nil
}

// ListBudgets implements BudgetService.
func (s *budgetServer) ListBudgets(ctx context.Context, _ *billingv1.ListBudgetsRequest) (*billingv1.ListBudgetsResponse, error) {
	rows, err := s.budgets(ctx)
	if err != nil {
		return nil, err
	}
	response := &billingv1.ListBudgetsResponse{}
	for n := range rows {
		if !s.sees(ctx, rows[n].OrganizationID) {
			continue
		}
		b, err := s.toProtoBudget(ctx, &rows[n])
		if err != nil {
			return nil, err
		}
		response.Budgets = append(response.Budgets, b)
	}
	return response, nil
}
