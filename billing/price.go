package billing

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/billing/pricing"
	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/money"
	"github.com/yunqiao/yunqiao/internal/refuse"
	"github.com/yunqiao/yunqiao/internal/rowid"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	billingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/billing/v1"
)

type priceServer struct {
	billingv1.UnimplementedPriceServiceServer
	*Module
}

// lockPrices lets one change of prices at a time go on.
func lockPrices(tx *gorm.DB) error { return db.Exclusive(tx, "billing/prices") }

// latest are the newest versions of prices that have not ended, by selector.
func latest(prices []pricing.Price) map[string]*pricing.Price {
	newest := map[string]*pricing.Price{}
	for n := range prices {
		newest[prices[n].ID] = &prices[n] // in order of versions
	}
	out := map[string]*pricing.Price{}
	for _, p := range newest {
		if !p.Ended {
			out[p.Selector()] = p
		}
	}
	return out
}

// CreatePrice implements PriceService.
func (s *priceServer) CreatePrice(ctx context.Context, request *billingv1.CreatePriceRequest) (*billingv1.CreatePriceResponse, error) {
	if err := s.headquarters(ctx); err != nil {
		return nil, err
	}
	p, err := fromProtoPrice(request)
	if err != nil {
		return nil, err
	}
	p.Effective = s.timeOr(request.GetEffectiveAt(), s.now())
	err = s.write(ctx, func(tx *gorm.DB) error {
		if err := lockPrices(tx); err != nil {
			return err
		}
		all, err := pricing.All(tx)
		if err != nil {
			return err
		}
		if err := bookExists(tx, p.Book); err != nil {
			return err
		}
		if other := latest(all)[p.Selector()]; other != nil {
			return refuse.With(apiv1.Reason_REASON_ALREADY_EXISTS, "resource_type", "the price "+other.ID+" is for the same: update it")
		}
		p.ID, p.Version = rowid.New(), 1
		return s.add(ctx, tx, &p)
	})
	if err != nil {
		return nil, err
	}
	return &billingv1.CreatePriceResponse{Id: p.ID, Price: toProtoPrice(&p)}, nil
}

func bookExists(tx *gorm.DB, name string) error {
	books, err := pricing.Books(tx)
	if err != nil {
		return err
	}
	if _, ok := books[name]; !ok {
		return refuse.NotFound("book", "price book")
	}
	return nil
}

// add inserts a version, and has the usage from its date on rated anew.
func (s *priceServer) add(ctx context.Context, tx *gorm.DB, p *pricing.Price) error {
	p.CreatedAt, p.CreatedBy = s.now().UTC(), s.access.Caller(ctx).UserID
	if err := pricing.Insert(tx, p); err != nil {
		return err
	}
	if err := changed(tx, p.Effective, "price"); err != nil {
		return err
	}
	return s.tell(tx, event{kind: "PriceChanged", objectID: p.ID, objectType: "billing.price", organizationID: p.OrganizationID, userID: p.CreatedBy,
		payload: map[string]any{"object_id": p.ID, "version": p.Version, "effective_at": p.Effective.UTC()}})
}

// change adds a version to a price that has not ended.
func (s *priceServer) change(ctx context.Context, id string, edit func(p *pricing.Price) error) (p pricing.Price, err error) {
	err = s.write(ctx, func(tx *gorm.DB) error {
		if err := lockPrices(tx); err != nil {
			return err
		}
		all, err := pricing.All(tx)
		if err != nil {
			return err
		}
		for _, candidate := range all {
			if candidate.ID == id {
				p = candidate
			}
		}
		if p.ID == "" || p.Ended {
			return refuse.NotFound("id", "price")
		}
		p.Version++
		if err := edit(&p); err != nil {
			return err
		}
		return s.add(ctx, tx, &p)
	})
	return p, err
}

// UpdatePrice implements PriceService.
func (s *priceServer) UpdatePrice(ctx context.Context, request *billingv1.UpdatePriceRequest) (*billingv1.UpdatePriceResponse, error) {
	if err := s.headquarters(ctx); err != nil {
		return nil, err
	}
	p, err := s.change(ctx, request.GetId(), func(p *pricing.Price) error {
		var n parsed
		set(&p.Name, request.Name)
		if request.Price != nil {
			p.Price = number(&n, "price", request.GetPrice(), money.ParsePrice)
		}
		if len(request.GetTiers()) > 0 {
			p.Tiers = fromProtoTiers(&n, request.GetTiers())
		}
		p.Effective = s.timeOr(request.GetEffectiveAt(), s.now())
		if n.err != nil {
			return n.err
		}
		return checked(p)
	})
	if err != nil {
		return nil, err
	}
	return &billingv1.UpdatePriceResponse{Price: toProtoPrice(&p)}, nil
}

// DeletePrice implements PriceService.
func (s *priceServer) DeletePrice(ctx context.Context, request *billingv1.DeletePriceRequest) (*billingv1.DeletePriceResponse, error) {
	if err := s.headquarters(ctx); err != nil {
		return nil, err
	}
	_, err := s.change(ctx, request.GetId(), func(p *pricing.Price) error {
		p.Ended, p.Effective = true, s.timeOr(request.GetEffectiveAt(), s.now())
		return nil
	})
	if err != nil && !isNotFound(err) {
		return nil, err
	}
	return &billingv1.DeletePriceResponse{}, nil
}

// ListPrices implements PriceService. The page token is the last id of the page.
func (s *priceServer) ListPrices(ctx context.Context, request *billingv1.ListPricesRequest) (*billingv1.ListPricesResponse, error) {
	after, err := base64.RawURLEncoding.DecodeString(request.GetPageToken())
	if err != nil {
		return nil, refuse.PageToken()
	}
	all, err := pricing.All(s.read(ctx))
	if err != nil {
		return nil, err
	}
	response := &billingv1.ListPricesResponse{}
	size := cmp.Or(int(request.GetPageSize()), defaultPage)
	last := ""
	for _, p := range inForce(all, s.now(), request.GetAllVersions()) {
		if p.ID <= string(after) || p.OrganizationID != "" && !s.sees(ctx, p.OrganizationID) ||
			request.GetBook() != "" && p.Book != request.GetBook() || request.GetResourceType() != "" && p.ResourceType != request.GetResourceType() ||
			request.GetId() != "" && p.ID != request.GetId() {
			continue
		}
		if len(response.Prices) >= size && p.ID != last { // versions of one price stay together
			response.NextPageToken = base64.RawURLEncoding.EncodeToString([]byte(last))
			break
		}
		last = p.ID
		response.Prices = append(response.Prices, toProtoPrice(&p))
	}
	return response, nil
}

// inForce leaves of each price the version in force, or the one to come where none
// is yet; or all.
func inForce(all []pricing.Price, at time.Time, versions bool) []pricing.Price {
	if versions {
		return all
	}
	var out []pricing.Price
	for start := 0; start < len(all); {
		end := start
		best := all[start]
		for end < len(all) && all[end].ID == all[start].ID {
			if !all[end].Effective.After(at) {
				best = all[end]
			}
			end++
		}
		if !best.Ended {
			out = append(out, best)
		}
		start = end
	}
	return out
}

// hoursOfMonth is what estimates take for a month.
const hoursOfMonth = 730

// EstimatePrice implements PriceService.
func (s *priceServer) EstimatePrice(ctx context.Context, request *billingv1.EstimatePriceRequest) (*billingv1.EstimatePriceResponse, error) {
	organization, err := s.organization(ctx, request.GetOrganizationId())
	if err != nil {
		return nil, err
	}
	spec, err := specOf("spec", request.GetSpec())
	if err != nil {
		return nil, err
	}
	from, err := specOf("from_spec", request.GetFromSpec())
	if err != nil {
		return nil, err
	}
	catalogue, err := pricing.Load(s.read(ctx))
	if err != nil {
		return nil, err
	}
	driver, region := s.accounts.Cloud(request.GetAccountId())
	u := pricing.Usage{
		OrganizationID: organization, AccountID: request.GetAccountId(), Driver: driver, Region: region, ResourceType: request.GetResourceType(),
		State: request.GetState(), Spec: spec,
	}
	response, monthly, err := s.estimate(catalogue, u, cmp.Or(request.GetCount(), 1))
	if err != nil {
		return nil, err
	}
	change := monthly
	if len(from) > 0 {
		u.Spec = from
		_, before, err := s.estimate(catalogue, u, cmp.Or(request.GetCount(), 1))
		if err != nil {
			return nil, err
		}
		change = monthly - before
		response.MonthlyChange = change.String()
	}
	over, err := s.overBudget(ctx, organization, request.GetResourceType(), response.Currency, change)
	if err != nil {
		return nil, err
	}
	response.OverBudget = over
	if over && request.GetRefuseOverBudget() {
		return nil, refuse.With(apiv1.Reason_REASON_TENANT_QUOTA_EXCEEDED, "organization_id", "a budget would be passed: the month would cost "+change.String()+" more")
	}
	return response, nil
}

func (s *priceServer) estimate(catalogue *pricing.Catalogue, u pricing.Usage, count int32) (*billingv1.EstimatePriceResponse, money.Amount, error) {
	now := s.now()
	month := time.Date(now.In(s.zone).Year(), now.In(s.zone).Month(), 1, 0, 0, 0, 0, s.zone)
	points, _ := catalogue.Discount(&u, now)
	out := &billingv1.EstimatePriceResponse{Currency: "CNY"}
	var hourly, monthly money.Amount
	for _, p := range catalogue.ForAnyState(&u, pricing.Postpaid, now) {
		q, told := p.Quantity(u.Spec)
		if !told || p.Unit == pricing.Count {
			continue
		}
		q *= money.Quantity(count)
		counter := pricing.NewCounter(p, month, points)
		hour, err := counter.At(uint64(q) * 3600)
		if err != nil {
			return nil, 0, err
		}
		whole, err := counter.At(uint64(q) * 3600 * hoursOfMonth)
		if err != nil {
			return nil, 0, err
		}
		hourly, monthly, out.Currency = hourly+hour, monthly+whole, p.Currency
		out.Meters = append(out.Meters, &billingv1.EstimatedMeter{
			Meter: p.Meter, Quantity: q.String(), PriceId: p.ID, PriceVersion: p.Version, UnitPrice: p.Price.String(), Unit: toProtoUnit(string(p.Unit)),
			Hourly: hour.String(), Monthly: whole.String(), DiscountBasisPoints: points,
		})
	}
	out.Hourly, out.Monthly, out.Unpriced = hourly.String(), monthly.String(), len(out.Meters) == 0
	return out, monthly, nil
}

// ImportPrices implements PriceService.
func (s *priceServer) ImportPrices(ctx context.Context, request *billingv1.ImportPricesRequest) (*billingv1.ImportPricesResponse, error) {
	if err := s.headquarters(ctx); err != nil {
		return nil, err
	}
	requests, err := readPrices(request)
	if err != nil {
		return nil, err
	}
	response := &billingv1.ImportPricesResponse{}
	err = s.write(ctx, func(tx *gorm.DB) error {
		if err := lockPrices(tx); err != nil {
			return err
		}
		all, err := pricing.All(tx)
		if err != nil {
			return err
		}
		known := latest(all)
		for _, r := range requests {
			_, outcome, err := s.keep(ctx, tx, known, r.CreatePriceRequest)
			if err != nil {
				return refuse.At(err, r.place)
			}
			switch outcome {
			case priceAdded:
				response.Added++
			case priceChanged:
				response.Changed++
			case priceKept:
				response.Kept++
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return response, nil
}

// outcome is what became of a price that was brought.
type outcome int

const (
	priceKept outcome = iota // it was there already
	priceAdded
	priceChanged
)

// keep adds a price, or a version to the known one that is for the same and says
// something else. It is called under lockPrices.
func (s *priceServer) keep(
	ctx context.Context, tx *gorm.DB, known map[string]*pricing.Price, r *billingv1.CreatePriceRequest,
) (*pricing.Price, outcome, error) {
	p, err := fromProtoPrice(r)
	if err == nil {
		err = bookExists(tx, p.Book)
	}
	if err != nil {
		return nil, priceKept, err
	}
	p.Effective = s.timeOr(r.GetEffectiveAt(), s.now())
	done := priceChanged
	switch old := known[p.Selector()]; {
	case old == nil:
		p.ID, p.Version, done = rowid.New(), 1, priceAdded
	case sameTerms(old, &p):
		return old, priceKept, nil
	default:
		p.ID, p.Version = old.ID, old.Version+1
	}
	known[p.Selector()] = &p
	return &p, done, s.add(ctx, tx, &p)
}

// ExportPrices implements PriceService.
func (s *priceServer) ExportPrices(ctx context.Context, request *billingv1.ExportPricesRequest) (*billingv1.ExportPricesResponse, error) {
	all, err := pricing.All(s.read(ctx))
	if err != nil {
		return nil, err
	}
	visible := slices.DeleteFunc(inForce(all, s.now(), false), func(p pricing.Price) bool { return p.OrganizationID != "" && !s.sees(ctx, p.OrganizationID) })
	var b bytes.Buffer
	if err := writePrices(&b, visible, request.GetFormat()); err != nil {
		return nil, err
	}
	if request.GetFormat() == billingv1.PriceFormat_PRICE_FORMAT_XLSX {
		return &billingv1.ExportPricesResponse{Workbook: b.Bytes()}, nil
	}
	return &billingv1.ExportPricesResponse{Document: b.String()}, nil
}
