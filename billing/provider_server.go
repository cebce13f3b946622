package billing

import (
	"cmp"
	"context"
	"math"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/yunqiao/yunqiao/billing/bill"
	"github.com/yunqiao/yunqiao/internal/money"
	"github.com/yunqiao/yunqiao/internal/refuse"
	billingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/billing/v1"
)

// defaultDifferences is how many differences are given if none is asked for.
const defaultDifferences = 500

type providerBillServer struct {
	billingv1.UnimplementedProviderBillServiceServer
	*Module
}

func toProtoBill(b bill.Bill, totals []bill.Total) *billingv1.ProviderBill {
	out := &billingv1.ProviderBill{
		AccountId: b.AccountID, Period: b.Period, Zone: b.Zone, Lines: int32(min(b.Lines, math.MaxInt32)), Final: b.Final, PulledAt: timestamppb.New(b.PulledAt),
	}
	for _, t := range totals {
		out.Totals = append(out.Totals, &billingv1.ProviderBillTotal{
			Currency: t.Currency, ListCost: money.Amount(t.List).String(), Cost: money.Amount(t.Cost).String(),
		})
	}
	return out
}

// PullProviderBill implements ProviderBillService.
func (s *providerBillServer) PullProviderBill(ctx context.Context, request *billingv1.PullProviderBillRequest) (*billingv1.PullProviderBillResponse, error) {
	if err := s.headquarters(ctx); err != nil {
		return nil, err
	}
	b, err := s.pull(ctx, request.GetAccountId(), request.GetPeriod())
	if err != nil {
		return nil, err
	}
	totals, err := bill.Totals(s.read(ctx), b.AccountID, b.Period)
	if err != nil {
		return nil, err
	}
	return &billingv1.PullProviderBillResponse{ProviderBill: toProtoBill(b, totals)}, nil
}

// ListProviderBills implements ProviderBillService.
func (s *providerBillServer) ListProviderBills(ctx context.Context, request *billingv1.ListProviderBillsRequest) (*billingv1.ListProviderBillsResponse, error) {
	if err := s.headquarters(ctx); err != nil {
		return nil, err
	}
	bills, err := bill.Find(s.read(ctx), request.GetAccountId(), request.GetPeriod())
	if err != nil {
		return nil, err
	}
	response := &billingv1.ListProviderBillsResponse{}
	for _, b := range bills {
		totals, err := bill.Totals(s.read(ctx), b.AccountID, b.Period)
		if err != nil {
			return nil, err
		}
		response.ProviderBills = append(response.ProviderBills, toProtoBill(b, totals))
	}
	return response, nil
}

// ListProviderBillLines implements ProviderBillService.
func (s *providerBillServer) ListProviderBillLines(ctx context.Context, request *billingv1.ListProviderBillLinesRequest) (*billingv1.ListProviderBillLinesResponse, error) {
	if err := s.headquarters(ctx); err != nil {
		return nil, err
	}
	query := bill.Lines(s.read(ctx), request.GetAccountId(), request.GetPeriod())
	if id := request.GetResourceId(); id != "" {
		query = query.Where("resource_id = ?", id)
	}
	rows, next, err := paged(query, request.GetPageToken(), request.GetPageSize(), false, func(l *bill.Line) string { return l.ID })
	if err != nil {
		return nil, err
	}
	response := &billingv1.ListProviderBillLinesResponse{NextPageToken: next}
	for _, l := range rows {
		response.Lines = append(response.Lines, &billingv1.ProviderBillLine{
			Id: l.ID, ResourceId: l.ResourceID, ResourceType: l.ResourceType, Day: l.Day, Product: l.Product, Item: l.Item, Category: l.Category,
			ListCost: money.Amount(l.List).String(), Cost: money.Amount(l.Cost).String(), Currency: l.Currency, Quantity: l.Quantity, Unit: l.Unit, Raw: l.Raw,
		})
	}
	return response, nil
}

// CompareProviderBill implements ProviderBillService.
func (s *providerBillServer) CompareProviderBill(ctx context.Context, request *billingv1.CompareProviderBillRequest) (*billingv1.CompareProviderBillResponse, error) {
	if err := s.headquarters(ctx); err != nil {
		return nil, err
	}
	var p parsed
	tolerance := number(&p, "tolerance", request.GetTolerance(), money.ParseAmount)
	if p.err != nil {
		return nil, p.err
	}
	bills, err := bill.Find(s.read(ctx), request.GetAccountId(), request.GetPeriod())
	if err != nil {
		return nil, err
	}
	if len(bills) == 0 {
		return nil, refuse.NotFound("period", "bill: it was never pulled")
	}
	c, err := s.compare(ctx, bills[0], int64(tolerance))
	if err != nil {
		return nil, err
	}
	response := &billingv1.CompareProviderBillResponse{
		ProviderBill: toProtoBill(bills[0], c.totals), TotalDifferences: int32(len(c.differences)), Agreements: int32(c.agreements),
	}
	for _, sum := range c.ours {
		response.Costs = append(response.Costs, &billingv1.ProviderBillTotal{
			Currency: sum.Currency, ListCost: money.Amount(sum.List).String(), Cost: money.Amount(sum.Cost).String(),
		})
	}
	for _, d := range c.differences[:min(len(c.differences), int(cmp.Or(request.GetLimit(), defaultDifferences)))] {
		response.Differences = append(response.Differences, &billingv1.BillDifference{
			ResourceId: d.ResourceID, ResourceType: d.ResourceType, Day: d.Day, ProviderCost: money.Amount(d.Cost).String(), Currency: d.Currency,
			Cost: money.Amount(d.Ours).String(), Difference: money.Amount(d.Gain()).String(), Reason: billingv1.BillDifferenceReason(d.Reason),
		})
	}
	return response, nil
}
