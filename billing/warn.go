package billing

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/yunqiao/yunqiao/billing/calendar"
	"github.com/yunqiao/yunqiao/billing/ledger"
	"github.com/yunqiao/yunqiao/internal/rowid"
	billingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/billing/v1"
)

// noticeRow is an alarm that was raised, so that it is raised once.
type noticeRow struct {
	Key      string `gorm:"primaryKey;size:128"`
	RaisedAt time.Time
}

// TableName implements gorm's Tabler.
func (noticeRow) TableName() string { return "billing_notices" }

// raise tells of an alarm, once for each key.
func (m *Module) raise(ctx context.Context, key, name, severity, objectID, organizationID, description string) error {
	return m.write(ctx, func(tx *gorm.DB) error {
		now := m.now().UTC()
		added := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&noticeRow{Key: key, RaisedAt: now})
		if added.Error != nil || added.RowsAffected == 0 {
			return added.Error
		}
		return m.tell(tx, event{kind: "AlarmRaised", objectID: objectID, objectType: "billing.alarm", organizationID: organizationID, payload: map[string]any{
			"alarm_id": key, "name": name, "object_id": objectID, "severity": severity, "raised_at": now, "description": description,
		}})
	})
}

// expiryDays are how many days before its end a subscription is warned of.
var expiryDays = [...]int{30, 7, 1}

// warn raises alarms: budgets that passed a threshold in this month, subscriptions
// that end soon and are not renewed.
func (m *Module) warn(ctx context.Context) error {
	budgets, err := m.budgets(ctx)
	if err != nil {
		return err
	}
	month := calendar.Name(calendar.Month(m.now(), m.zone))
	for n := range budgets {
		b, err := m.toProtoBudget(ctx, &budgets[n])
		if err != nil {
			return err
		}
		for _, percent := range b.GetPassedPercents() {
			text := fmt.Sprintf("%s %s of %s are used in %s, more than %d percent", b.GetUsed(), b.GetCurrency(), b.GetAmount(), month, percent)
			err := m.raise(ctx, fmt.Sprintf("budget/%s/%s/%d", b.GetId(), month, percent), "BudgetThreshold", "WARNING", b.GetId(), b.GetOrganizationId(), text)
			if err != nil {
				return err
			}
		}
	}
	ending, err := m.subscriptions(ctx, m.now().AddDate(0, 0, expiryDays[0]))
	if err != nil {
		return err
	}
	for _, r := range ending {
		for n := len(expiryDays) - 1; n >= 0 && !r.AutoRenew; n-- {
			if r.Ends > m.now().AddDate(0, 0, expiryDays[n]).Unix() {
				continue
			}
			text := fmt.Sprintf("the subscription of %s ends at %s", r.ResourceID, time.Unix(r.Ends, 0).In(m.zone).Format(time.RFC3339))
			if err := m.raise(ctx, fmt.Sprintf("expiry/%s/%d", r.ID, expiryDays[n]), "SubscriptionExpiry", "WARNING", r.ResourceID, r.OrganizationID, text); err != nil {
				return err
			}
			break // the nearest one says it all
		}
	}
	return nil
}

// subscriptions are those in force that end before a time.
func (m *Module) subscriptions(ctx context.Context, before time.Time) ([]orderRow, error) {
	var rows []orderRow
	err := newest(m.read(ctx).Where("charge_mode = ? AND subscription_id = '' AND status = ? AND ends < ?", prepaid, effective, before.Unix()), "billing_orders").Order("id").Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read subscriptions: %w", err)
	}
	return rows, nil
}

// renew ends subscriptions that are over, and first makes the renewal of those that
// renew by themselves, for as long and as much as before, with what was changed since. An order and its renewal
// change in one transaction, so that it is renewed once.
func (m *Module) renew(ctx context.Context) error {
	over, err := m.subscriptions(ctx, m.now())
	if err != nil {
		return err
	}
	for _, r := range over {
		err := m.write(ctx, func(tx *gorm.DB) error {
			if err := ledger.Lock(tx); err != nil {
				return err
			}
			current, _, err := findOrder(tx, r.ID)
			if err != nil || current.Version != r.Version {
				return err
			}
			return m.expire(tx, current)
		})
		if err != nil {
			return fmt.Errorf("end the subscription %s: %w", r.ID, err)
		}
	}
	return nil
}

func (m *Module) expire(tx *gorm.DB, r orderRow) error {
	now := m.now().UTC()
	changes, err := changesOf(tx, r.ID)
	if err != nil {
		return err
	}
	if r.AutoRenew {
		next := r
		next.Amount, next.Basis = (&subscription{&r, changes}).whole(), "as much as the order "+r.ID+" with what was changed since"
		next.ID, next.Version, next.Kind, next.Refunded = rowid.New(), 1, int32(billingv1.OrderKind_ORDER_KIND_RENEW), 0
		next.Begins, next.MadeAt, next.ChangedAt, next.ChangedBy = r.Ends, now.Unix(), now, ""
		next.Ends = calendar.AddMonths(time.Unix(r.Ends, 0), int(r.PeriodMonths), m.zone).Unix()
		if err := tx.Create(&next).Error; err != nil {
			return err
		}
		if err := m.pay(tx, &next); err != nil {
			return err
		}
		if err := m.tell(tx, orderChanged(&next)); err != nil {
			return err
		}
	}
	if err := m.endChanges(tx, changes, expired, r.Ends); err != nil {
		return err
	}
	r.Version, r.Status, r.AutoRenew, r.ChangedAt, r.ChangedBy = r.Version+1, expired, false, now, ""
	if err := tx.Create(&r).Error; err != nil {
		return err
	}
	return m.tell(tx, orderChanged(&r))
}
