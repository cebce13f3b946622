package billing

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"
	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/billing/calendar"
	"github.com/yunqiao/yunqiao/billing/ledger"
	"github.com/yunqiao/yunqiao/billing/metering"
	"github.com/yunqiao/yunqiao/billing/pricing"
	"github.com/yunqiao/yunqiao/billing/rating"
	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/money"
	"github.com/yunqiao/yunqiao/internal/refuse"
	"github.com/yunqiao/yunqiao/internal/rowid"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	billingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/billing/v1"
)

// orderRow is one version of an order; the newest counts. Times are Unix seconds.
type orderRow struct {
	ID             string `gorm:"primaryKey;size:32"`
	Version        int32  `gorm:"primaryKey;autoIncrement:false"`
	Kind           int32  `gorm:"not null"`
	Status         int32  `gorm:"not null"`
	ResourceID     string `gorm:"size:512;not null;index"`
	ResourceType   string `gorm:"size:64;not null"`
	AccountID      string `gorm:"size:32;not null"`
	OrganizationID string `gorm:"size:64;not null"`
	ApplicantID    string `gorm:"size:32;not null"`
	ChargeMode     int32  `gorm:"not null"`
	PeriodMonths   int32  `gorm:"not null"`
	AutoRenew      bool   `gorm:"not null"`
	Begins         int64  `gorm:"not null"`
	Ends           int64  `gorm:"not null"` // 0 is without end
	Amount         int64  `gorm:"not null"` // 10⁻⁸
	Refunded       int64  `gorm:"not null"` // 10⁻⁸
	Currency       string `gorm:"size:3;not null"`
	Description    string `gorm:"size:512;not null"`
	MadeAt         int64  `gorm:"not null"`
	MadeBy         string `gorm:"size:64;not null"`
	ChangedAt      time.Time
	ChangedBy      string `gorm:"size:64;not null"`
	// Of a change of a subscription: which, and by how much a whole term of it costs more
	// (10⁻⁸). Basis is how the amount follows.
	SubscriptionID string `gorm:"size:32;not null;default:''"`
	WholeTerm      int64  `gorm:"not null;default:0"`
	Basis          string `gorm:"not null;default:''"`
}

// addChanges adds the columns of changes of subscriptions to orders without them.
func addChanges(tx *gorm.DB) error {
	return db.AddColumns(tx, &orderRow{}, "SubscriptionID", "WholeTerm", "Basis")
}

// TableName implements gorm's Tabler.
func (orderRow) TableName() string { return "billing_orders" }

const (
	prepaid   = int32(apiv1.ChargeMode_CHARGE_MODE_PREPAID)
	postpaid  = int32(apiv1.ChargeMode_CHARGE_MODE_POSTPAID)
	pending   = int32(billingv1.OrderStatus_ORDER_STATUS_PENDING)
	effective = int32(billingv1.OrderStatus_ORDER_STATUS_EFFECTIVE)
	refunded  = int32(billingv1.OrderStatus_ORDER_STATUS_REFUNDED)
	cancelled = int32(billingv1.OrderStatus_ORDER_STATUS_CANCELLED)
	expired   = int32(billingv1.OrderStatus_ORDER_STATUS_EXPIRED)
)

func findOrder(tx *gorm.DB, id string) (r orderRow, ok bool, err error) {
	found := tx.Where("id = ?", id).Order("version DESC").Limit(1).Find(&r)
	return r, found.RowsAffected > 0, found.Error
}

// coversOf is the time of all resources that is paid in advance.
func coversOf(tx *gorm.DB) (map[string][]rating.Cover, error) {
	var rows []orderRow
	err := newest(tx.Where("charge_mode = ? AND subscription_id = '' AND resource_id <> '' AND status IN ?",
		prepaid, []int32{effective, refunded, expired}), "billing_orders").
		Order("begins, id").Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read subscriptions: %w", err)
	}
	out := map[string][]rating.Cover{}
	for _, r := range rows {
		if r.Begins < r.Ends {
			out[r.ResourceID] = append(out[r.ResourceID], rating.Cover{From: time.Unix(r.Begins, 0), To: time.Unix(r.Ends, 0), OrderID: r.ID})
		}
	}
	return out, nil
}

type orderServer struct {
	billingv1.UnimplementedOrderServiceServer
	*Module
}

func toProtoOrder(r orderRow) *billingv1.Order {
	o := &billingv1.Order{
		Id: r.ID, Version: r.Version, Kind: billingv1.OrderKind(r.Kind), Status: billingv1.OrderStatus(r.Status), ResourceId: r.ResourceID,
		ResourceType: r.ResourceType, AccountId: r.AccountID, OrganizationId: r.OrganizationID, ApplicantId: r.ApplicantID,
		ChargeMode: apiv1.ChargeMode(r.ChargeMode), PeriodMonths: r.PeriodMonths, AutoRenew: r.AutoRenew, BeginsAt: timestamppb.New(time.Unix(r.Begins, 0)),
		Amount: money.Amount(r.Amount).String(), Refunded: money.Amount(r.Refunded).String(), Currency: r.Currency, Description: r.Description,
		CreatedAt: timestamppb.New(time.Unix(r.MadeAt, 0)), CreatedBy: r.MadeBy, SubscriptionId: r.SubscriptionID, Basis: r.Basis,
	}
	if r.Ends != 0 {
		o.EndsAt = timestamppb.New(time.Unix(r.Ends, 0))
	}
	return o
}

// CreateOrder implements OrderService.
func (s *orderServer) CreateOrder(ctx context.Context, request *billingv1.CreateOrderRequest) (*billingv1.CreateOrderResponse, error) {
	r, spec, err := s.fromProtoOrder(ctx, request)
	if err != nil {
		return nil, err
	}
	if r.ChargeMode == prepaid {
		if err := s.headquarters(ctx); err != nil {
			return nil, err
		}
	}
	err = s.write(ctx, func(tx *gorm.DB) error {
		if err := ledger.Lock(tx); err != nil {
			return err
		}
		if r.ResourceID != "" {
			if err := s.seesResource(ctx, tx, r.ResourceID); err != nil {
				return err
			}
		}
		if err := s.checkApplicant(ctx, tx, r.ApplicantID); err != nil {
			return err
		}
		if r.changesSubscription() {
			if err := s.changeByHand(tx, &r); err != nil {
				return err
			}
			return s.placeChange(tx, &r, "")
		}
		if err := s.checkOrder(tx, &r, request); err != nil {
			return err
		}
		if r.ChargeMode == prepaid && request.GetAmount() == "" {
			if err := s.priceOrder(tx, &r, spec); err != nil {
				return err
			}
		}
		if err := tx.Create(&r).Error; err != nil {
			return err
		}
		if err := s.pay(tx, &r); err != nil {
			return err
		}
		return s.tell(tx, orderChanged(&r))
	})
	if err != nil {
		return nil, err
	}
	return &billingv1.CreateOrderResponse{Id: r.ID, Order: toProtoOrder(r)}, nil
}

func (s *orderServer) fromProtoOrder(ctx context.Context, request *billingv1.CreateOrderRequest) (r orderRow, spec map[string]string, err error) {
	organization, err := s.organization(ctx, request.GetOrganizationId())
	if err != nil {
		return r, nil, err
	}
	var p parsed
	amount := number(&p, "amount", request.GetAmount(), money.ParseAmount)
	if p.err != nil {
		return r, nil, p.err
	}
	now, user := s.now().UTC(), s.access.Caller(ctx).UserID
	r = orderRow{
		ID: rowid.New(), Version: 1, Kind: int32(cmp.Or(request.GetKind(), billingv1.OrderKind_ORDER_KIND_NEW)), Status: effective,
		ResourceID: request.GetResourceId(), ResourceType: request.GetResourceType(), AccountID: request.GetAccountId(), OrganizationID: organization,
		ApplicantID: request.GetApplicantId(), ChargeMode: int32(cmp.Or(request.GetChargeMode(), apiv1.ChargeMode_CHARGE_MODE_POSTPAID)),
		PeriodMonths: request.GetPeriodMonths(), AutoRenew: request.GetAutoRenew(), Begins: s.timeOr(request.GetBeginsAt(), now).Unix(),
		Amount: int64(amount), Currency: cmp.Or(request.GetCurrency(), rating.DefaultCurrency), Description: request.GetDescription(),
		MadeAt: now.Unix(), MadeBy: user, ChangedAt: now, ChangedBy: user,
	}
	switch {
	case r.Kind == int32(billingv1.OrderKind_ORDER_KIND_REFUND):
		return r, nil, refuse.Invalid("kind", "refunds are made by the rpc of their own")
	case amount < 0:
		return r, nil, refuse.Invalid("amount", "must not be negative")
	case r.changesSubscription():
		if r.PeriodMonths != 0 || r.ResourceID == "" || amount == 0 {
			return r, nil, refuse.Invalid("amount", "a change of a subscription names the resource and the amount, and no period_months")
		}
	case (r.ChargeMode == prepaid) != (r.PeriodMonths > 0):
		return r, nil, refuse.Invalid("period_months", "goes with PREPAID, and only with it")
	}
	if r.ResourceID == "" {
		r.Status = pending
	}
	spec, err = specOf("spec", request.GetSpec())
	return r, spec, err
}

// checkApplicant looks whether there is the applicant that a request names, if any.
func (s *orderServer) checkApplicant(ctx context.Context, tx *gorm.DB, id string) error {
	if id == "" {
		return nil
	}
	applicant, ok, err := findApplicant(tx, id)
	if err == nil && (!ok || !s.sees(ctx, applicant.OrganizationID)) {
		err = refuse.NotFound("applicant_id", "applicant")
	}
	return err
}

// checkOrder looks at what the order refers to, and lets a renewal follow what it
// renews.
func (s *orderServer) checkOrder(tx *gorm.DB, r *orderRow, request *billingv1.CreateOrderRequest) error {
	if r.ChargeMode != prepaid || r.ResourceID == "" {
		return nil
	}
	var last orderRow
	err := newest(tx.Where("resource_id = ? AND charge_mode = ? AND subscription_id = '' AND status = ?", r.ResourceID, prepaid, effective), "billing_orders").
		Order("ends DESC").Limit(1).Find(&last).Error
	if err != nil {
		return err
	}
	if r.Kind == int32(billingv1.OrderKind_ORDER_KIND_RENEW) {
		if last.ID == "" {
			return refuse.With(apiv1.Reason_REASON_INVALID_STATE, "resource_id", "has no subscription to renew")
		}
		if request.GetBeginsAt() == nil {
			r.Begins = last.Ends
		}
		r.ResourceType, r.AccountID = cmp.Or(r.ResourceType, last.ResourceType), cmp.Or(r.AccountID, last.AccountID)
	}
	if last.Ends > r.Begins {
		return refuse.With(apiv1.Reason_REASON_INVALID_STATE, "begins_at", "is before the end of the subscription "+last.ID)
	}
	r.Ends = calendar.AddMonths(time.Unix(r.Begins, 0), int(r.PeriodMonths), s.zone).Unix()
	return nil
}

// priceOrder takes the amount of a subscription from the prices in force. Of a renewal
// without a spec that of the resource counts.
func (m *Module) priceOrder(tx *gorm.DB, r *orderRow, spec map[string]string) error {
	if len(spec) == 0 && r.Kind == int32(billingv1.OrderKind_ORDER_KIND_RENEW) {
		events, err := metering.EventsOf(tx, r.ResourceID)
		if err != nil {
			return err
		}
		spec = metering.SpecAt(events, time.Unix(r.Begins, 0))
	}
	catalogue, err := pricing.Load(tx)
	if err != nil {
		return err
	}
	q, err := m.quoteTerm(catalogue, r, spec, time.Unix(r.Begins, 0))
	if err != nil {
		return err
	}
	r.Amount, r.Currency = int64(q.amount), q.currency
	r.Basis = fmt.Sprintf("%s (%s) for %d months", q.amount, q.prices, r.PeriodMonths)
	return nil
}

// termQuote is what a term of a subscription costs.
type termQuote struct {
	amount   money.Amount
	currency string
	prices   string // the versions that it follows from
}

// quoteTerm is what the term of a subscription costs with a spec, by the prices and the
// discount in force at a time.
func (m *Module) quoteTerm(catalogue *pricing.Catalogue, r *orderRow, spec map[string]string, at time.Time) (termQuote, error) {
	driver, region := m.accounts.Cloud(r.AccountID)
	u := pricing.Usage{
		OrganizationID: r.OrganizationID, AccountID: r.AccountID, Driver: driver, Region: region, ResourceType: r.ResourceType, Spec: spec, Months: r.PeriodMonths,
	}
	points, _ := catalogue.Discount(&u, at)
	prices := catalogue.For(nil, &u, pricing.Prepaid, at)
	if len(prices) == 0 {
		return termQuote{}, refuse.Invalid("amount", "there is no subscription price in force for this; give the amount")
	}
	out := termQuote{currency: prices[0].Currency}
	var refs []string
	for _, p := range prices {
		if p.Currency != out.currency {
			return termQuote{}, refuse.Invalid("amount", "the subscription prices in force are in "+out.currency+" and "+p.Currency+"; give the amount")
		}
		q, told := p.Quantity(spec)
		if !told {
			return termQuote{}, refuse.Invalid("spec", "must tell "+p.Meter)
		}
		amount, err := p.Prepaid(q, r.PeriodMonths, points)
		if err != nil {
			return termQuote{}, err
		}
		out.amount += amount
		refs = append(refs, p.Ref())
	}
	out.prices = strings.Join(refs, " + ")
	return out, nil
}

// pay writes the line of a subscription, and has the usage that it covers rated
// anew.
func (m *Module) pay(tx *gorm.DB, r *orderRow) error {
	if r.Status != effective || r.ChargeMode != prepaid {
		return nil
	}
	begins := time.Unix(r.Begins, 0)
	line := m.purchase(r)
	if _, err := ledger.Enter(tx, &line, ledger.FromOrder, calendar.Month(begins, m.zone), m.now()); err != nil {
		return err
	}
	return changed(tx, begins, "order")
}

// purchase is the line of what an order costs, for the time that it pays for.
func (m *Module) purchase(r *orderRow) rating.Line {
	line := rating.Line{
		Category: rating.Purchase, ResourceID: r.ResourceID, ResourceType: r.ResourceType, AccountID: r.AccountID, OrganizationID: r.OrganizationID,
		Attribution: rating.Attribution{ApplicantID: r.ApplicantID, OrderID: r.ID}, From: time.Unix(r.Begins, 0), To: time.Unix(r.Ends, 0), Spec: "{}",
		Meter: pricing.Instance, Quantity: 10_000, Unit: string(pricing.Month), Currency: r.Currency, List: money.Amount(r.Amount), Cost: money.Amount(r.Amount),
	}
	line.Driver, line.Region = m.accounts.Cloud(r.AccountID)
	return line
}

// change adds a version of an order that the caller sees.
func (s *orderServer) change(ctx context.Context, id string, edit func(tx *gorm.DB, r *orderRow) error) (r orderRow, err error) {
	err = s.write(ctx, func(tx *gorm.DB) error {
		if err := ledger.Lock(tx); err != nil {
			return err
		}
		var ok bool
		if r, ok, err = findOrder(tx, id); err != nil {
			return err
		}
		if !ok || !s.sees(ctx, r.OrganizationID) {
			return refuse.NotFound("id", "order")
		}
		r.Version++
		r.ChangedAt, r.ChangedBy = s.now().UTC(), s.access.Caller(ctx).UserID
		if err := edit(tx, &r); err != nil {
			return err
		}
		if err := tx.Create(&r).Error; err != nil {
			return err
		}
		return s.tell(tx, orderChanged(&r))
	})
	return r, err
}

// DeleteOrder implements OrderService.
func (s *orderServer) DeleteOrder(ctx context.Context, request *billingv1.DeleteOrderRequest) (*billingv1.DeleteOrderResponse, error) {
	_, err := s.change(ctx, request.GetId(), func(_ *gorm.DB, r *orderRow) error {
		if r.Status != pending {
			return refuse.With(apiv1.Reason_REASON_INVALID_STATE, "id", "is not PENDING: refund it")
		}
		r.Status = cancelled
		return nil
	})
	if err != nil && !isNotFound(err) {
		return nil, err
	}
	return &billingv1.DeleteOrderResponse{}, nil
}

// UpdateOrder implements OrderService.
func (s *orderServer) UpdateOrder(ctx context.Context, request *billingv1.UpdateOrderRequest) (*billingv1.UpdateOrderResponse, error) {
	r, err := s.change(ctx, request.GetId(), func(tx *gorm.DB, r *orderRow) error {
		if err := s.checkApplicant(ctx, tx, request.GetApplicantId()); err != nil {
			return err
		}
		set(&r.ApplicantID, request.ApplicantId)
		set(&r.AutoRenew, request.AutoRenew)
		set(&r.Description, request.Description)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &billingv1.UpdateOrderResponse{Order: toProtoOrder(r)}, nil
}

// ListOrders implements OrderService.
func (s *orderServer) ListOrders(ctx context.Context, request *billingv1.ListOrdersRequest) (*billingv1.ListOrdersResponse, error) {
	visible, err := s.visible(ctx, request.GetOrganizationId())
	if err != nil {
		return nil, err
	}
	query := newest(s.read(ctx).Model(&orderRow{}), "billing_orders")
	if visible != nil {
		query = query.Where("organization_id IN ?", visible)
	}
	for column, value := range map[string]string{"resource_id": request.GetResourceId(), "applicant_id": request.GetApplicantId()} {
		if value != "" {
			query = query.Where(column+" = ?", value)
		}
	}
	if request.GetStatus() != 0 {
		query = query.Where("status = ?", int32(request.GetStatus()))
	}
	if request.GetKind() != 0 {
		query = query.Where("kind = ?", int32(request.GetKind()))
	}
	rows, next, err := paged[orderRow](query, request.GetPageToken(), request.GetPageSize(), true, func(r *orderRow) string { return r.ID })
	if err != nil {
		return nil, err
	}
	response := &billingv1.ListOrdersResponse{NextPageToken: next}
	for _, r := range rows {
		response.Orders = append(response.Orders, toProtoOrder(r))
	}
	return response, nil
}

// RefundOrder implements OrderService.
func (s *orderServer) RefundOrder(ctx context.Context, request *billingv1.RefundOrderRequest) (*billingv1.RefundOrderResponse, error) {
	if err := s.headquarters(ctx); err != nil {
		return nil, err
	}
	var p parsed
	wanted := number(&p, "amount", request.GetAmount(), money.ParseAmount)
	if p.err != nil {
		return nil, p.err
	}
	var back money.Amount
	r, err := s.change(ctx, request.GetId(), func(tx *gorm.DB, r *orderRow) error {
		if r.Status != effective || r.ChargeMode != prepaid {
			return refuse.With(apiv1.Reason_REASON_INVALID_STATE, "id", "is no subscription in force")
		}
		if r.SubscriptionID != "" {
			return refuse.With(apiv1.Reason_REASON_INVALID_STATE, "id", "is a part of the subscription "+r.SubscriptionID+": refund that")
		}
		now := max(s.now().Unix(), r.Begins)
		changes, err := changesOf(tx, r.ID)
		if err != nil {
			return err
		}
		subscribed := subscription{r, changes}
		left, err := subscribed.left(now)
		if err != nil {
			return err
		}
		most := subscribed.paid()
		back = min(left, most)
		if request.GetAmount() != "" {
			back = wanted
		}
		if back <= 0 || back > most {
			return refuse.Invalid("amount", "must be more than 0 and at most "+most.String())
		}
		r.Refunded += int64(back)
		r.Status, r.Ends, r.AutoRenew = refunded, min(r.Ends, now), false
		if err := s.endChanges(tx, changes, refunded, now); err != nil {
			return err
		}
		return s.payBack(tx, r, back, request.GetReason(), time.Unix(now, 0))
	})
	if err != nil {
		return nil, err
	}
	return &billingv1.RefundOrderResponse{Order: toProtoOrder(r), Amount: back.String()}, nil
}

// Left is the share of an amount paid for the seconds from begins until ends that
// is left at a time, rounded down: what is used is never paid back. An amount below
// zero, which was credited, goes away from it.
func Left(amount money.Amount, begins, ends, at int64) (money.Amount, error) {
	if ends <= begins || at >= ends {
		return 0, nil
	}
	mode := money.Down
	if amount < 0 {
		mode = money.Up
	}
	return amount.Ratio(ends-max(at, begins), ends-begins, mode)
}

func (m *Module) payBack(tx *gorm.DB, r *orderRow, back money.Amount, reason string, at time.Time) error {
	line := rating.Line{
		Category: rating.Credit, ResourceID: r.ResourceID, ResourceType: r.ResourceType, AccountID: r.AccountID, OrganizationID: r.OrganizationID,
		Attribution: rating.Attribution{ApplicantID: r.ApplicantID, OrderID: r.ID}, From: at, To: at.Add(time.Second), Spec: "{}", Meter: pricing.Instance,
		Quantity: 10_000, Currency: r.Currency, List: -back, Cost: -back, Reason: cmp.Or(reason, "refund"), Corrects: fmt.Sprintf("%s@%d", r.ID, r.Version),
	}
	line.Driver, line.Region = m.accounts.Cloud(r.AccountID)
	if _, err := ledger.Enter(tx, &line, ledger.FromOrder, calendar.Month(at, m.zone), m.now()); err != nil {
		return err
	}
	return changed(tx, at, "refund")
}
