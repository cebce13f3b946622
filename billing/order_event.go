package billing

import (
	"fmt"
	"strconv"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/yunqiao/yunqiao/billing/calendar"
	"github.com/yunqiao/yunqiao/billing/ledger"
	"github.com/yunqiao/yunqiao/billing/metering"
	"github.com/yunqiao/yunqiao/billing/rating"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	billingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/billing/v1"
)

// orderOf makes the order that an event tells of: a resource that was made or
// resized through the gateway, or whose subscription another spec changes, whoever made
// it. Its id is the event's, so that it is made once.
func (m *Module) orderOf(tx *gorm.DB, e metering.Event) error {
	covered, err := m.resize(tx, &e)
	if err != nil {
		return err
	}
	if !covered && e.ActorID != "" && (e.Kind == metering.StateChanged && e.Sequence == 1 || e.Kind == metering.SpecChanged) {
		kind := billingv1.OrderKind_ORDER_KIND_NEW
		if e.Kind == metering.SpecChanged {
			kind = billingv1.OrderKind_ORDER_KIND_RESIZE
		}
		if err := m.placeOrder(tx, e, kind); err != nil {
			return err
		}
	}
	return m.subscribe(tx, e)
}

func (m *Module) placeOrder(tx *gorm.DB, e metering.Event, kind billingv1.OrderKind) error {
	applicant, err := applicantOfUser(tx, e.ActorID)
	if err != nil {
		return err
	}
	r := orderRow{
		ID: e.ID, Version: 1, Kind: int32(kind), Status: effective, ResourceID: e.ResourceID, ResourceType: e.ResourceType, AccountID: e.AccountID,
		OrganizationID: e.TenantID, ApplicantID: applicant, ChargeMode: postpaid, Begins: e.At.Unix(), Currency: rating.DefaultCurrency,
		MadeAt: e.At.Unix(), MadeBy: e.ActorID, ChangedAt: m.now().UTC(), ChangedBy: e.ActorID,
	}
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&r).Error; err != nil {
		return fmt.Errorf("make the order of %s: %w", e.ResourceID, err)
	}
	return nil
}

// subscribe makes the order of a resource a subscription when the cloud says that it
// is one. Without a price of subscriptions the order waits, PENDING, and usage is
// charged as if there were none.
func (m *Module) subscribe(tx *gorm.DB, e metering.Event) error {
	months, err := strconv.ParseInt(e.Spec["charge_months"], 10, 32)
	if e.Spec["charge_mode"] != apiv1.ChargeMode_CHARGE_MODE_PREPAID.String() || err != nil || months < 1 {
		return nil
	}
	var known int64
	if err := tx.Model(&orderRow{}).Where("resource_id = ? AND charge_mode = ?", e.ResourceID, prepaid).Count(&known).Error; err != nil || known > 0 {
		return err
	}
	var r orderRow
	found := newest(tx.Where("resource_id = ? AND kind = ?", e.ResourceID, int32(billingv1.OrderKind_ORDER_KIND_NEW)), "billing_orders").Limit(1).Find(&r)
	if found.Error != nil || found.RowsAffected == 0 {
		return found.Error // not made through the gateway
	}
	if err := ledger.Lock(tx); err != nil {
		return err
	}
	r.Version++
	r.ChargeMode, r.PeriodMonths, r.AutoRenew = prepaid, int32(months), e.Spec["charge_auto_renew"] == "true"
	r.Ends = calendar.AddMonths(time.Unix(r.Begins, 0), int(months), m.zone).Unix()
	r.ChangedAt = m.now().UTC()
	switch err := m.priceOrder(tx, &r, e.Spec); {
	case status.Code(err) == codes.InvalidArgument:
		r.Status, r.Description = pending, "there is no price of this subscription: add one and make the order by hand"
	case err != nil:
		return err
	}
	if err := tx.Create(&r).Error; err != nil {
		return fmt.Errorf("make the subscription of %s: %w", e.ResourceID, err)
	}
	if err := m.pay(tx, &r); err != nil {
		return err
	}
	return m.tell(tx, orderChanged(&r))
}
