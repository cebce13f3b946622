package billing

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"
	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/billing/pricing"
	"github.com/yunqiao/yunqiao/billing/rating"
	"github.com/yunqiao/yunqiao/internal/money"
	"github.com/yunqiao/yunqiao/internal/refuse"
	"github.com/yunqiao/yunqiao/internal/rowid"
	billingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/billing/v1"
)

type bookServer struct {
	billingv1.UnimplementedPriceBookServiceServer
	*Module
}

// basisPoints reads a percentage with at most two digits behind the point.
func basisPoints(p *parsed, field, text string) int32 {
	return int32(number(p, field, text, money.ParseQuantity) / 100)
}

func percent(points int32) string { return money.Quantity(int64(points) * 100).String() }

func toProtoBook(b pricing.Book) *billingv1.PriceBook {
	return &billingv1.PriceBook{
		Name: b.Name, Version: b.Version, TaxInclusive: b.TaxInclusive, TaxPercent: percent(b.TaxPoints),
		Rounding: billingv1.Rounding(billingv1.Rounding_value["ROUNDING_"+b.Rounding]), Digits: b.Digits,
	}
}

// CreatePriceBook implements PriceBookService.
func (s *bookServer) CreatePriceBook(ctx context.Context, request *billingv1.CreatePriceBookRequest) (*billingv1.CreatePriceBookResponse, error) {
	if err := s.headquarters(ctx); err != nil {
		return nil, err
	}
	var p parsed
	b := pricing.Book{Name: request.GetName(), TaxInclusive: request.GetTaxInclusive(), TaxPoints: 600, Rounding: string(money.HalfUp), Digits: 2}
	if request.GetTaxPercent() != "" {
		b.TaxPoints = basisPoints(&p, "tax_percent", request.GetTaxPercent())
	}
	if request.GetRounding() != 0 {
		b.Rounding = strings.TrimPrefix(request.GetRounding().String(), "ROUNDING_")
	}
	set(&b.Digits, request.Digits)
	if p.err != nil {
		return nil, p.err
	}
	err := s.write(ctx, func(tx *gorm.DB) error {
		if err := lockPrices(tx); err != nil {
			return err
		}
		books, err := pricing.Books(tx)
		if err != nil {
			return err
		}
		b.Version = books[b.Name].Version + 1
		return pricing.InsertBook(tx, &b)
	})
	if err != nil {
		return nil, err
	}
	return &billingv1.CreatePriceBookResponse{Id: b.Name, PriceBook: toProtoBook(b)}, nil
}

// ListPriceBooks implements PriceBookService.
func (s *bookServer) ListPriceBooks(ctx context.Context, _ *billingv1.ListPriceBooksRequest) (*billingv1.ListPriceBooksResponse, error) {
	books, err := pricing.Books(s.read(ctx))
	if err != nil {
		return nil, err
	}
	response := &billingv1.ListPriceBooksResponse{}
	for _, name := range slices.Sorted(maps.Keys(books)) {
		response.PriceBooks = append(response.PriceBooks, toProtoBook(books[name]))
	}
	return response, nil
}

type discountServer struct {
	billingv1.UnimplementedDiscountServiceServer
	*Module
}

func toProtoDiscount(d pricing.Discount) *billingv1.Discount {
	out := &billingv1.Discount{
		Id: d.ID, Name: d.Name, OrganizationId: d.OrganizationID, ResourceType: d.ResourceType, AccountId: d.AccountID, Contract: d.Contract,
		ValidFrom: timestamppb.New(d.From),
	}
	if d.Amount > 0 {
		out.Amount, out.Currency = d.Amount.String(), d.Currency
	} else {
		out.Percent = percent(d.BasisPoints)
	}
	until := d.To
	if !d.EndedAt.IsZero() && (until.IsZero() || d.EndedAt.Before(until)) {
		until = d.EndedAt
	}
	if !until.IsZero() {
		out.ValidUntil = timestamppb.New(until)
	}
	return out
}

// CreateDiscount implements DiscountService.
func (s *discountServer) CreateDiscount(ctx context.Context, request *billingv1.CreateDiscountRequest) (*billingv1.CreateDiscountResponse, error) {
	if err := s.headquarters(ctx); err != nil {
		return nil, err
	}
	var p parsed
	d := pricing.Discount{
		ID: rowid.New(), Name: request.GetName(), OrganizationID: request.GetOrganizationId(), ResourceType: request.GetResourceType(),
		AccountID: request.GetAccountId(), Contract: request.GetContract(), BasisPoints: basisPoints(&p, "percent", request.GetPercent()),
		From: s.timeOr(request.GetValidFrom(), s.now()), To: s.timeOr(request.GetValidUntil(), time.Time{}),
		Amount: number(&p, "amount", request.GetAmount(), money.ParseAmount),
	}
	if d.Amount > 0 {
		d.Currency = cmp.Or(request.GetCurrency(), rating.DefaultCurrency)
	}
	if p.err != nil {
		return nil, p.err
	}
	if request.GetAmount() != "" && d.Amount == 0 {
		return nil, refuse.Invalid("amount", "must be more than 0")
	}
	if !d.To.IsZero() && !d.From.Before(d.To) {
		return nil, refuse.Invalid("valid_until", "must be after valid_from")
	}
	err := s.write(ctx, func(tx *gorm.DB) error {
		if err := pricing.InsertDiscount(tx, &d); err != nil {
			return err
		}
		return changed(tx, d.From, "discount")
	})
	if err != nil {
		return nil, err
	}
	return &billingv1.CreateDiscountResponse{Id: d.ID, Discount: toProtoDiscount(d)}, nil
}

// DeleteDiscount implements DiscountService.
func (s *discountServer) DeleteDiscount(ctx context.Context, request *billingv1.DeleteDiscountRequest) (*billingv1.DeleteDiscountResponse, error) {
	if err := s.headquarters(ctx); err != nil {
		return nil, err
	}
	now := s.now()
	err := s.write(ctx, func(tx *gorm.DB) error {
		if err := pricing.EndDiscount(tx, request.GetId(), now); err != nil {
			return err
		}
		return changed(tx, now, "discount")
	})
	if err != nil {
		return nil, err
	}
	return &billingv1.DeleteDiscountResponse{}, nil
}

// ListDiscounts implements DiscountService.
func (s *discountServer) ListDiscounts(ctx context.Context, _ *billingv1.ListDiscountsRequest) (*billingv1.ListDiscountsResponse, error) {
	discounts, err := pricing.Discounts(s.read(ctx))
	if err != nil {
		return nil, err
	}
	response := &billingv1.ListDiscountsResponse{}
	for _, d := range discounts {
		if d.OrganizationID == "" || s.sees(ctx, d.OrganizationID) {
			response.Discounts = append(response.Discounts, toProtoDiscount(d))
		}
	}
	return response, nil
}
