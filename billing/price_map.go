package billing

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/yunqiao/yunqiao/billing/pricing"
	"github.com/yunqiao/yunqiao/billing/rating"
	"github.com/yunqiao/yunqiao/internal/money"
	"github.com/yunqiao/yunqiao/internal/refuse"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	billingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/billing/v1"
)

func toProtoPrice(p *pricing.Price) *billingv1.Price {
	out := &billingv1.Price{
		Id: p.ID, Version: p.Version, Name: p.Name, Book: p.Book, OrganizationId: p.OrganizationID, AccountId: p.AccountID, Driver: p.Driver,
		Region: p.Region, ResourceType: p.ResourceType, Match: p.Match, States: p.States, Meter: p.Meter, Unit: toProtoUnit(string(p.Unit)),
		StepSeconds: int32(p.Step / time.Second), ChargeMode: apiv1.ChargeMode(apiv1.ChargeMode_value["CHARGE_MODE_"+string(p.Charge)]),
		Model: billingv1.PricingModel(billingv1.PricingModel_value["PRICING_MODEL_"+string(p.Model)]), Price: p.Price.String(), Pooled: p.Pooled,
		Currency: p.Currency, EffectiveAt: timestamppb.New(p.Effective), Ended: p.Ended, CreatedAt: timestamppb.New(p.CreatedAt), CreatedBy: p.CreatedBy,
		TermMonths: p.Term,
	}
	if p.Per != 0 {
		out.Per = p.Per.String()
	}
	for _, t := range p.Tiers {
		tier := &billingv1.PriceTier{Price: t.Price.String(), Fee: t.Fee.String()}
		if t.UpTo != 0 {
			tier.UpTo = t.UpTo.String()
		}
		out.Tiers = append(out.Tiers, tier)
	}
	return out
}

func toProtoUnit(unit string) billingv1.Unit {
	return billingv1.Unit(billingv1.Unit_value["UNIT_"+unit])
}

// fromProtoPrice reads a new price, without id and version.
func fromProtoPrice(request *billingv1.CreatePriceRequest) (pricing.Price, error) {
	var n parsed
	p := pricing.Price{
		Name: request.GetName(), Book: cmp.Or(request.GetBook(), pricing.DefaultBook), OrganizationID: request.GetOrganizationId(),
		AccountID: request.GetAccountId(), Driver: request.GetDriver(), Region: request.GetRegion(), ResourceType: request.GetResourceType(),
		Match: request.GetMatch(), States: request.GetStates(), Meter: request.GetMeter(), Per: number(&n, "per", request.GetPer(), money.ParseQuantity),
		Unit: pricing.Unit(strings.TrimPrefix(request.GetUnit().String(), "UNIT_")), Step: time.Duration(request.GetStepSeconds()) * time.Second,
		Charge: pricing.Postpaid, Model: pricing.PerUnit, Price: number(&n, "price", request.GetPrice(), money.ParsePrice), Pooled: request.GetPooled(),
		Currency: cmp.Or(request.GetCurrency(), rating.DefaultCurrency), Term: request.GetTermMonths(),
	}
	switch request.GetChargeMode() {
	case apiv1.ChargeMode_CHARGE_MODE_PREPAID:
		p.Charge = pricing.Prepaid
	case apiv1.ChargeMode_CHARGE_MODE_SPOT:
		return p, refuse.Invalid("charge_mode", "must be POSTPAID or PREPAID")
	}
	if request.GetModel() != 0 {
		p.Model = pricing.Model(strings.TrimPrefix(request.GetModel().String(), "PRICING_MODEL_"))
	}
	if request.GetUnit() == 0 {
		return p, refuse.Invalid("unit", "is required")
	}
	p.Tiers = fromProtoTiers(&n, request.GetTiers())
	if n.err != nil {
		return p, n.err
	}
	return p, checked(&p)
}

func fromProtoTiers(n *parsed, tiers []*billingv1.PriceTier) []pricing.Tier {
	var out []pricing.Tier
	for i, t := range tiers {
		field := fmt.Sprintf("tiers[%d].", i)
		out = append(out, pricing.Tier{
			UpTo: number(n, field+"up_to", t.GetUpTo(), money.ParseQuantity), Price: number(n, field+"price", t.GetPrice(), money.ParsePrice),
			Fee: number(n, field+"fee", t.GetFee(), money.ParseAmount),
		})
	}
	return out
}

func checked(p *pricing.Price) error {
	if problems := p.Validate(); len(problems) > 0 {
		return refuse.Invalid(problems[0].Field, problems[0].Text)
	}
	return nil
}

// specOf reads "name=value" texts.
func specOf(field string, texts []string) (map[string]string, error) {
	out := map[string]string{}
	for n, text := range texts {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return nil, refuse.Invalid(fmt.Sprintf("%s[%d]", field, n), "must be name=value")
		}
		out[name] = value
	}
	return out, nil
}

// sameTerms tells whether two versions say the same.
func sameTerms(a, b *pricing.Price) bool {
	return a.Name == b.Name && a.Price == b.Price && slices.Equal(a.Tiers, b.Tiers) && a.Unit == b.Unit && a.Model == b.Model && a.Per == b.Per &&
		a.Step == b.Step && a.Pooled == b.Pooled && maps.Equal(a.Match, b.Match)
}
