package billing

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/billing/calendar"
	"github.com/yunqiao/yunqiao/billing/ledger"
	"github.com/yunqiao/yunqiao/billing/metering"
	"github.com/yunqiao/yunqiao/billing/pricing"
	"github.com/yunqiao/yunqiao/billing/rating"
	"github.com/yunqiao/yunqiao/internal/money"
	"github.com/yunqiao/yunqiao/internal/refuse"
	"github.com/yunqiao/yunqiao/internal/rowid"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	billingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/billing/v1"
)

const (
	upgrade   = int32(billingv1.OrderKind_ORDER_KIND_UPGRADE)
	downgrade = int32(billingv1.OrderKind_ORDER_KIND_DOWNGRADE)
	resized   = int32(billingv1.OrderKind_ORDER_KIND_RESIZE)
)

// changesSubscription tells whether an order that is being made is for the rest of a
// term that is paid for.
func (r *orderRow) changesSubscription() bool {
	return r.ChargeMode == prepaid && (r.Kind == upgrade || r.Kind == downgrade)
}

// subscription is an order that pays for a term, with the changes made of it since.
type subscription struct {
	*orderRow
	changes []orderRow
}

// paidStatuses are those of subscriptions, and of changes of them, that were paid for and not
// refunded.
func paidStatuses() []int32 { return []int32{effective, expired} }

// changesOf are the changes of a subscription that count.
func changesOf(tx *gorm.DB, id string) ([]orderRow, error) {
	var rows []orderRow
	err := newest(tx.Where("subscription_id = ? AND status IN ?", id, paidStatuses()), "billing_orders").Order("begins, id").Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read the changes of a subscription: %w", err)
	}
	return rows, nil
}

// subscriptionsAfter are the subscriptions of a resource that end after a time. They may be
// over meanwhile: what happened in their time may be told late.
func subscriptionsAfter(tx *gorm.DB, resourceID string, at int64) ([]subscription, error) {
	var rows []orderRow
	err := newest(tx.Where("resource_id = ? AND charge_mode = ? AND subscription_id = '' AND status IN ? AND ends > ?", resourceID, prepaid, paidStatuses(), at), "billing_orders").
		Order("begins, id").Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read the subscriptions of %s: %w", resourceID, err)
	}
	out := make([]subscription, len(rows))
	for n := range rows {
		out[n].orderRow = &rows[n]
		if out[n].changes, err = changesOf(tx, rows[n].ID); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// left is the share of what was paid that is left at a time, rounded down.
func (s *subscription) left(at int64) (money.Amount, error) {
	sum, err := Left(money.Amount(s.Amount), s.Begins, s.Ends, at)
	for _, c := range s.changes {
		part, changeErr := Left(money.Amount(c.Amount), c.Begins, c.Ends, at)
		sum, err = sum+part, cmp.Or(err, changeErr)
	}
	return max(0, sum), err
}

// paid is what was paid and not credited or paid back.
func (s *subscription) paid() money.Amount {
	sum := s.Amount - s.Refunded
	for _, c := range s.changes {
		sum += c.Amount
	}
	return money.Amount(sum)
}

// whole is what the next term costs: as much as this one, and what its changes that
// last until the end come to over a whole term.
func (s *subscription) whole() int64 {
	sum := s.Amount
	for _, c := range s.changes {
		if c.Ends == s.Ends {
			sum += c.WholeTerm
		}
	}
	return max(0, sum)
}

// endChanges ends the changes of a subscription that is over.
func (m *Module) endChanges(tx *gorm.DB, changes []orderRow, status int32, at int64) error {
	for _, c := range changes {
		c.Version, c.Status, c.Ends = c.Version+1, status, max(c.Begins, min(c.Ends, at))
		c.ChangedAt, c.ChangedBy = m.now().UTC(), ""
		if err := tx.Create(&c).Error; err != nil {
			return fmt.Errorf("end a change of a subscription: %w", err)
		}
		if err := m.tell(tx, orderChanged(&c)); err != nil {
			return err
		}
	}
	return nil
}

// resize makes the changes of the subscriptions of a resource that follow from an event
// which tells of another spec. covered says whether the time of a resize is paid in
// advance.
//
// A change holds until the next event that tells a spec: where that came first, it has
// paid for its own time already, from the spec before this event on.
func (m *Module) resize(tx *gorm.DB, e *metering.Event) (covered bool, err error) {
	if e.Spec == nil {
		return false, nil
	}
	told := e.Kind == metering.SpecChanged // others may only repeat what is known
	at := e.At.Unix()
	subscriptions, err := subscriptionsAfter(tx, e.ResourceID, at)
	if err != nil || len(subscriptions) == 0 {
		return false, err
	}
	events, err := metering.EventsOf(tx, e.ResourceID)
	if err != nil {
		return false, err
	}
	before, until := metering.SpecAround(events, e.ID)
	if before == nil && !told {
		return false, nil // what the subscription was made for
	}
	same := maps.Equal(before, e.Spec)
	catalogue, err := pricing.Load(tx)
	if err != nil {
		return false, err
	}
	applicant, err := applicantOfUser(tx, e.ActorID)
	if err != nil {
		return false, err
	}
	id := e.ID
	for n := range subscriptions {
		s := &subscriptions[n]
		covered = covered || told && s.Begins <= at
		if same {
			continue
		}
		r := *s.orderRow
		r.ID, r.Version, r.SubscriptionID, r.PeriodMonths, r.AutoRenew, r.Refunded = id, 1, s.ID, 0, false, 0
		r.Begins, r.Description, r.ApplicantID = max(at, s.Begins), "", cmp.Or(applicant, s.ApplicantID)
		r.MadeAt, r.MadeBy, r.ChangedAt, r.ChangedBy = at, e.ActorID, m.now().UTC(), e.ActorID
		if !until.IsZero() {
			r.Ends = min(r.Ends, until.Unix())
		}
		if r.Begins >= r.Ends {
			continue
		}
		if err := m.priceChange(catalogue, s, &r, before, e.Spec, e.At); err != nil {
			return covered, err
		}
		if r.Kind == resized && !told {
			continue
		}
		if err := m.placeChange(tx, &r, e.ID); err != nil {
			return covered, err
		}
		id = rowid.New()
	}
	return covered, nil
}

// priceChange fills in what a change of a subscription costs: the difference of what
// its term costs with either spec, by the prices in force at a time, for the part of
// the term in which it holds. Less is credited, up to the same share of what is left of
// what was paid. Without prices the change waits, PENDING.
func (m *Module) priceChange(catalogue *pricing.Catalogue, s *subscription, r *orderRow, before, after map[string]string, at time.Time) error {
	r.Kind, r.Amount, r.WholeTerm = resized, 0, 0
	var old, fresh termQuote
	var err error
	if before == nil {
		err = refuse.Invalid("spec", "is not known before the change")
	} else if old, err = m.quoteTerm(catalogue, s.orderRow, before, at); err == nil {
		fresh, err = m.quoteTerm(catalogue, s.orderRow, after, at)
	}
	if err == nil && (old.currency != s.Currency || fresh.currency != s.Currency) {
		err = refuse.Invalid("currency", "of the prices is not that of the subscription, "+s.Currency)
	}
	if status.Code(err) == codes.InvalidArgument {
		r.Status, r.Basis = pending, status.Convert(err).Message()
		r.Description = "the change of the subscription has no price: make an order UPGRADE or DOWNGRADE with its amount by hand, and delete this one"
		return nil
	}
	if err != nil {
		return err
	}
	difference := fresh.amount - old.amount
	amount, err := difference.Ratio(r.Ends-r.Begins, s.Ends-s.Begins, money.Down)
	if err != nil {
		return err
	}
	r.WholeTerm = int64(difference)
	r.Basis = fmt.Sprintf("%s (%s) less %s (%s) for %d months, of which %d of %d s", fresh.amount, fresh.prices, old.amount, old.prices,
		s.PeriodMonths, r.Ends-r.Begins, s.Ends-s.Begins)
	switch {
	case difference > 0:
		r.Kind = upgrade
	case difference < 0:
		r.Kind = downgrade
		most, err := s.mostCredit(r, -difference, old.amount)
		if err != nil {
			return err
		}
		if -amount > most {
			amount = -most
			r.Basis += ", at most the same share of what is left of what was paid"
		}
	}
	r.Amount = int64(amount)
	return nil
}

// mostCredit is the share less ÷ whole of what is left of what was paid, for the time of
// a change, rounded down.
func (s *subscription) mostCredit(r *orderRow, less, whole money.Amount) (money.Amount, error) {
	left, err := s.left(r.Begins)
	if err != nil {
		return 0, err
	}
	if left, err = left.Ratio(r.Ends-r.Begins, s.Ends-r.Begins, money.Down); err != nil {
		return 0, err
	}
	return left.Ratio(int64(less), int64(whole), money.Down)
}

// changeByHand completes a change whose amount is given: it is of the subscription in
// force at its beginning, until the end of its term.
func (m *Module) changeByHand(tx *gorm.DB, r *orderRow) error {
	subscriptions, err := subscriptionsAfter(tx, r.ResourceID, r.Begins)
	if err != nil {
		return err
	}
	n := slices.IndexFunc(subscriptions, func(s subscription) bool { return s.Begins <= r.Begins })
	if n < 0 {
		return refuse.With(apiv1.Reason_REASON_INVALID_STATE, "resource_id", "has no subscription at that time")
	}
	s := &subscriptions[n]
	r.SubscriptionID, r.Ends, r.AutoRenew, r.OrganizationID = s.ID, s.Ends, false, s.OrganizationID
	r.ResourceType, r.AccountID, r.Basis = s.ResourceType, s.AccountID, "the amount was given"
	if r.Currency != s.Currency {
		return refuse.Invalid("currency", "must be that of the subscription, "+s.Currency)
	}
	if r.Kind == downgrade {
		left, err := s.left(r.Begins)
		if err != nil {
			return err
		}
		if money.Amount(r.Amount) > left {
			return refuse.Invalid("amount", "must be at most what is left of what was paid, "+left.String())
		}
		r.Amount = -r.Amount
	}
	whole, err := money.Amount(r.Amount).Ratio(s.Ends-s.Begins, r.Ends-r.Begins, money.HalfUp)
	r.WholeTerm = int64(whole)
	return err
}

// placeChange keeps a change and its line of cost. eventID is the event that it follows
// from, if any.
func (m *Module) placeChange(tx *gorm.DB, r *orderRow, eventID string) error {
	if err := tx.Create(r).Error; err != nil {
		return fmt.Errorf("make the change of the subscription %s: %w", r.SubscriptionID, err)
	}
	if r.Amount != 0 {
		begins := time.Unix(r.Begins, 0)
		line := m.purchase(r)
		line.FirstEvent, line.Corrects, line.Reason = eventID, "order "+r.SubscriptionID, "upgrade"
		if r.Amount < 0 {
			line.Category, line.Reason = rating.Credit, "downgrade"
		}
		if _, err := ledger.Enter(tx, &line, ledger.FromOrder, calendar.Month(begins, m.zone), m.now()); err != nil {
			return err
		}
	}
	return m.tell(tx, orderChanged(r))
}
