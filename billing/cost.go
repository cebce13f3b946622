package billing

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"
	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/billing/ledger"
	"github.com/yunqiao/yunqiao/billing/rating"
	"github.com/yunqiao/yunqiao/internal/money"
	"github.com/yunqiao/yunqiao/internal/refuse"
	billingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/billing/v1"
)

type costServer struct {
	billingv1.UnimplementedCostServiceServer
	*Module
}

func toProtoCategory(c string) billingv1.CostCategory {
	return billingv1.CostCategory(billingv1.CostCategory_value["COST_CATEGORY_"+strings.ToUpper(c)])
}

func toProtoCost(r *ledger.Row) *billingv1.Cost {
	return &billingv1.Cost{
		Id: r.ID, Period: r.Period, Category: toProtoCategory(r.Category), Correction: r.Class == rating.Correction, Corrects: r.Corrects,
		ResourceId: r.ResourceID, ResourceType: r.ResourceType, AccountId: r.AccountID, Driver: r.Driver, Region: r.Region,
		OrganizationId: r.OrganizationID, ApplicantId: r.ApplicantID, OrderId: r.OrderID, Programme: r.Programme, Tag: r.Tag,
		BeginsAt: timestamppb.New(time.Unix(r.Begins, 0)), EndsAt: timestamppb.New(time.Unix(r.Ends, 0)), State: r.State, Spec: r.Spec,
		Unmanaged: r.Unmanaged, Meter: r.Meter, Quantity: money.Quantity(r.Quantity).String(), Unit: r.Unit, PriceId: r.PriceID,
		PriceVersion: r.PriceVersion, UnitPrice: money.Price(r.UnitPrice).String(), DiscountId: r.DiscountID, ListCost: money.Amount(r.List).String(),
		BilledCost: money.Amount(r.Cost).String(), Currency: r.Currency, Reason: r.Reason, RecordedAt: timestamppb.New(time.Unix(r.RecordedAt, 0)),
	}
}

func toProtoTotal(s ledger.Sum) *billingv1.CostTotal {
	return &billingv1.CostTotal{
		Currency: s.Currency, ListCost: money.Amount(s.List).String(), BilledCost: money.Amount(s.Cost).String(),
		Lines: int32(min(s.Lines, math.MaxInt32)), UnpricedLines: int32(min(s.Unpriced, math.MaxInt32)),
	}
}

// filterRequest is what requests that filter lines have in common.
type filterRequest interface {
	GetPeriod() string
	GetFrom() string
	GetUntil() string
	GetOrganizationId() string
	GetApplicantId() string
	GetAccountId() string
	GetDriver() string
	GetResourceId() string
	GetResourceType() string
	GetOrderId() string
	GetTag() string
	GetProgramme() string
	GetCurrency() string
	GetUnpriced() bool
}

func (m *Module) filter(ctx context.Context, r filterRequest) (f ledger.Filter, err error) {
	f = ledger.Filter{
		Period: r.GetPeriod(), ApplicantID: r.GetApplicantId(), AccountID: r.GetAccountId(), Driver: r.GetDriver(), ResourceID: r.GetResourceId(),
		ResourceType: r.GetResourceType(), OrderID: r.GetOrderId(), Tag: r.GetTag(), Programme: r.GetProgramme(), Currency: r.GetCurrency(),
		Unpriced: r.GetUnpriced(),
	}
	for _, bound := range []struct {
		field, text string
		to          *time.Time
	}{{"from", r.GetFrom(), &f.From}, {"until", r.GetUntil(), &f.Until}} {
		if bound.text == "" {
			continue
		}
		if *bound.to, err = time.Parse(time.RFC3339, bound.text); err != nil {
			return f, refuse.Invalid(bound.field, "must be a time such as 2026-01-31T08:00:00Z")
		}
	}
	f.Organizations, err = m.visible(ctx, r.GetOrganizationId())
	return f, err
}

// ListCosts implements CostService.
func (s *costServer) ListCosts(ctx context.Context, request *billingv1.ListCostsRequest) (*billingv1.ListCostsResponse, error) {
	f, err := s.filter(ctx, request)
	if err != nil {
		return nil, err
	}
	begins, id, ok := ledger.ParseToken(request.GetPageToken())
	if !ok {
		return nil, refuse.PageToken()
	}
	size := int(request.GetPageSize())
	if size == 0 {
		size = defaultPage
	}
	var rows []ledger.Row
	var totals []ledger.Sum
	err = ledger.Snapshot(ctx, s.store, func(tx *gorm.DB) (err error) {
		if rows, err = ledger.Page(tx, f, begins, id, size+1); err == nil {
			totals, err = ledger.Totals(tx, f)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	response := &billingv1.ListCostsResponse{}
	if len(rows) > size {
		rows = rows[:size]
		response.NextPageToken = ledger.Token(&rows[size-1])
	}
	for n := range rows {
		response.Costs = append(response.Costs, toProtoCost(&rows[n]))
	}
	for _, t := range totals {
		response.Totals = append(response.Totals, toProtoTotal(t))
	}
	return response, nil
}

// column is the column of a dimension.
func column(d billingv1.CostDimension) string {
	switch name := strings.ToLower(strings.TrimPrefix(d.String(), "COST_DIMENSION_")); name {
	case "organization", "applicant", "account", "resource", "order":
		return name + "_id"
	case "month":
		return "usage_month"
	default:
		return name
	}
}

// SummarizeCosts implements CostService.
func (s *costServer) SummarizeCosts(ctx context.Context, request *billingv1.SummarizeCostsRequest) (*billingv1.SummarizeCostsResponse, error) {
	f, err := s.filter(ctx, request)
	if err != nil {
		return nil, err
	}
	var dimensions []string
	for _, d := range request.GetGroupBy() {
		if slices.Contains(dimensions, column(d)) {
			return nil, refuse.Invalid("group_by", "names a dimension twice")
		}
		dimensions = append(dimensions, column(d))
	}
	var groups []ledger.Group
	err = ledger.Snapshot(ctx, s.store, func(tx *gorm.DB) (err error) {
		groups, err = ledger.Summarize(tx, f, dimensions, s.zone)
		return err
	})
	if err != nil {
		return nil, err
	}
	response := &billingv1.SummarizeCostsResponse{Source: "LINES"}
	if ledger.FromRollups(f, dimensions) {
		response.Source = "ROLLUP"
	}
	totals := map[string]*ledger.Sum{}
	var order []string
	for _, g := range groups {
		response.Groups = append(response.Groups, &billingv1.CostGroup{Keys: g.Keys, Total: toProtoTotal(g.Sum)})
		t := totals[g.Currency]
		if t == nil {
			t = &ledger.Sum{Currency: g.Currency}
			totals[g.Currency], order = t, append(order, g.Currency)
		}
		t.List, t.Cost, t.Lines, t.Unpriced = t.List+g.List, t.Cost+g.Cost, t.Lines+g.Lines, t.Unpriced+g.Unpriced
	}
	slices.Sort(order)
	for _, currency := range order {
		response.Totals = append(response.Totals, toProtoTotal(*totals[currency]))
	}
	return response, nil
}

// ExplainCost implements CostService.
func (s *costServer) ExplainCost(ctx context.Context, request *billingv1.ExplainCostRequest) (*billingv1.ExplainCostResponse, error) {
	r, ok, err := ledger.Find(s.read(ctx), request.GetId())
	if err != nil {
		return nil, err
	}
	if !ok || !s.sees(ctx, r.OrganizationID) {
		return nil, refuse.NotFound("id", "line of cost")
	}
	related, err := ledger.Related(s.read(ctx), r.ID)
	if err != nil {
		return nil, err
	}
	response := &billingv1.ExplainCostResponse{Cost: toProtoCost(&r), Formula: formula(&r, s.zone), RelatedIds: related}
	if r.Origin == ledger.FromOrder {
		order, _, err := findOrder(s.read(ctx), r.OrderID)
		if err != nil {
			return nil, err
		}
		if order.Basis != "" {
			response.Formula += "; order " + order.ID + ": " + order.Basis
		}
	}
	for _, id := range []string{r.FirstEvent, r.LastEvent} {
		if id != "" {
			response.EventIds = append(response.EventIds, id)
		}
	}
	return response, nil
}

// formula words how the amount of a line follows.
func formula(r *ledger.Row, zone *time.Location) string {
	cost, list := money.Amount(r.Cost).String()+" "+r.Currency, money.Amount(r.List).String()
	at := func(seconds int64) string { return time.Unix(seconds, 0).In(zone).Format(time.RFC3339) }
	switch {
	case r.Takes != "":
		return "takes back line " + r.Takes + ": " + cost
	case r.Class == rating.Correction && r.Origin == ledger.FromRating:
		return fmt.Sprintf("what %s of %s should have cost in %s less what is recorded: %s", r.Meter, r.ResourceID, r.UsageMonth, cost)
	case r.Origin != ledger.FromRating:
		return fmt.Sprintf("entered (%s): %s", r.Reason, cost)
	case r.Reason != "":
		return r.Reason + ": " + cost
	}
	how := fmt.Sprintf("price %s@%d", r.PriceID, r.PriceVersion)
	if r.UnitPrice != 0 {
		how += fmt.Sprintf(", %s %s for each %s", money.Price(r.UnitPrice), r.Currency, r.Unit)
	}
	text := fmt.Sprintf("%s %s for %d s from %s to %s; %s; reading of the month's counter at the end less at the beginning: %s",
		money.Quantity(r.Quantity), r.Meter, r.Ends-r.Begins, at(r.Begins), at(r.Ends), how, list)
	if r.DiscountID != "" {
		text += fmt.Sprintf("; with discount %s: %s", r.DiscountID, cost)
	}
	return text
}

// overBudget tells whether a further amount a month would pass a budget.
func (m *Module) overBudget(ctx context.Context, organization, resourceType, currency string, more money.Amount) (bool, error) {
	budgets, err := m.budgets(ctx)
	if err != nil {
		return false, err
	}
	for _, b := range budgets {
		covered := m.access.Subtree(b.OrganizationID)
		if b.Currency != currency || b.ResourceType != "" && b.ResourceType != resourceType || covered != nil && !slices.Contains(covered, organization) {
			continue
		}
		expected, _, _, err := m.expected(ctx, &b)
		if err != nil {
			return false, err
		}
		if expected+more > money.Amount(b.Amount) {
			return true, nil
		}
	}
	return false, nil
}
