package billing

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/billing/pricing"
	"github.com/yunqiao/yunqiao/internal/money"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	billingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/billing/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

// PullPrice implements PriceService.
func (s *priceServer) PullPrice(ctx context.Context, request *billingv1.PullPriceRequest) (*billingv1.PullPriceResponse, error) {
	if err := s.headquarters(ctx); err != nil {
		return nil, err
	}
	if s.providers == nil {
		return nil, errNoProviders
	}
	quote, err := s.providers.QuotePrice(ctx, &driverv1.QuotePriceRequest{
		AccountId: request.GetAccountId(), ResourceType: request.GetResourceType(), Spec: request.GetSpec(), Months: request.GetMonths(),
	})
	if err != nil {
		return nil, err
	}
	brought, list, err := quoted(request, quote)
	if err != nil {
		return nil, err
	}
	response := &billingv1.PullPriceResponse{ProviderListPrice: list.String()}
	err = s.write(ctx, func(tx *gorm.DB) error {
		if err := lockPrices(tx); err != nil {
			return err
		}
		all, err := pricing.All(tx)
		if err != nil {
			return err
		}
		p, done, err := s.keep(ctx, tx, latest(all), brought)
		if err != nil {
			return err
		}
		response.Price, response.Changed = toProtoPrice(p), done != priceKept
		return nil
	})
	if err != nil {
		return nil, err
	}
	return response, nil
}

var errNoProviders = errors.New("no clouds can be asked here")

// quoted makes a price of an account of what its cloud answered. What is paid
// beforehand is a price of a month, for orders of the term that was asked for or a
// longer one.
func quoted(request *billingv1.PullPriceRequest, quote *driverv1.QuotePriceResponse) (*billingv1.CreatePriceRequest, money.Price, error) {
	if quote.GetListPrice() == "" || quote.GetCurrency() == "" { // neither free of charge, nor in the default currency
		return nil, 0, fmt.Errorf("the cloud of account %s gives no price: %q %q", request.GetAccountId(), quote.GetListPrice(), quote.GetCurrency())
	}
	var n parsed
	list := number(&n, "list_price", quote.GetListPrice(), money.ParsePrice)
	markup := number(&n, "markup_percent", request.GetMarkupPercent(), money.ParseQuantity)
	if n.err != nil {
		return nil, 0, n.err
	}
	brought := &billingv1.CreatePriceRequest{
		Name: "list price of the cloud", Book: request.GetBook(), AccountId: request.GetAccountId(), ResourceType: request.GetResourceType(),
		Match: request.GetSpec(), Meter: pricing.Instance, Currency: quote.GetCurrency(),
		Unit: billingv1.Unit(billingv1.Unit_value["UNIT_"+strings.ToUpper(quote.GetUnit())]),
	}
	whole := money.Amount(list) // of whole numbers, whatever they count
	var err error
	if months := request.GetMonths(); months > 0 {
		brought.Unit, brought.ChargeMode, brought.TermMonths = billingv1.Unit_UNIT_MONTH, apiv1.ChargeMode_CHARGE_MODE_PREPAID, months
		whole, err = whole.Ratio(1, int64(months), money.HalfUp)
	}
	if brought.Unit == billingv1.Unit_UNIT_UNSPECIFIED {
		return nil, 0, fmt.Errorf("the cloud of account %s gives the price of %q, which is no unit", request.GetAccountId(), quote.GetUnit())
	}
	const hundredPercent = 100_0000 // of markup
	marked, err2 := whole.Ratio(hundredPercent+int64(markup), hundredPercent, money.HalfUp)
	if err := cmp.Or(err, err2); err != nil {
		return nil, 0, err
	}
	brought.Price = money.Price(marked).String()
	return brought, list, nil
}
