package monitor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm/clause"

	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

// ruleRow is one threshold.
type ruleRow struct {
	ID            string `gorm:"primaryKey;size:32"`
	TenantID      string `gorm:"size:64"`
	Name          string `gorm:"size:64"`
	Metric        int32
	Comparison    int32
	Threshold     string `gorm:"size:32"`
	ForSeconds    int32
	NoDataSeconds int32
	NoData        int32
	Severity      int32
	VMs           string // ids, one a line; none: all
	AccountID     string `gorm:"size:32"`
	Enabled       bool
	EvaluatedAt   *time.Time
	LastError     string
	CreatedAt     time.Time
}

func (ruleRow) TableName() string { return "monitor_rules" }

func (r *ruleRow) vms() []string { return strings.Fields(r.VMs) }

// targetRow is what a rule found at a virtual machine.
type targetRow struct {
	RuleID   string `gorm:"primaryKey;size:32"`
	VMID     string `gorm:"primaryKey;size:512;column:vm_id;index"`
	TenantID string `gorm:"size:64"` // of the alarm
	Verdict  int32
	Since    time.Time
	Value    string `gorm:"size:40"`
	Alarm    int32  // which alarm is raised
	Identity string `gorm:"size:64;index"` // of that alarm; empty: none
}

func (targetRow) TableName() string { return "monitor_rule_targets" }

// Which alarm of a rule is raised at a target.
const (
	noAlarm = iota
	thresholdAlarm
	noDataAlarm
)

const defaultNoData = 10 * time.Minute

// reading is a value of a metric at a machine.
type reading struct {
	text  string
	value float64
	at    time.Time
}

// worst is the reading that a rule looks at: the one over all devices, or that of the
// device which is worst.
func (r *ruleRow) worst(vm *monitorv1.VmMetrics) (out reading, ok bool) {
	for _, s := range vm.GetSamples() {
		if int32(s.GetMetric()) != r.Metric {
			continue
		}
		value, err := strconv.ParseFloat(s.GetValue(), 64)
		if err != nil {
			continue
		}
		found := reading{s.GetValue(), value, s.GetAt().AsTime()}
		if s.GetDevice() == "" {
			return found, true
		}
		above := monitorv1.Comparison(r.Comparison) == monitorv1.Comparison_COMPARISON_ABOVE
		if !ok || (value > out.value) == above && value != out.value {
			out, ok = found, true
		}
	}
	return out, ok
}

// judge says what a rule finds at a machine, after what it found before.
func (r *ruleRow) judge(before targetRow, vm *monitorv1.VmMetrics, now time.Time) targetRow {
	after := before
	read, ok := r.worst(vm)
	verdict := monitorv1.Verdict_VERDICT_OK
	switch {
	case !ok || now.Sub(read.at) > time.Duration(r.NoDataSeconds)*time.Second:
		verdict = monitorv1.Verdict_VERDICT_NO_DATA
	case r.beyond(read.value):
		began := now
		switch monitorv1.Verdict(before.Verdict) {
		case monitorv1.Verdict_VERDICT_PENDING:
			began = before.Since
		case monitorv1.Verdict_VERDICT_FIRING:
			began = time.Time{}
		default:
		}
		verdict = monitorv1.Verdict_VERDICT_PENDING
		if now.Sub(began) >= time.Duration(r.ForSeconds)*time.Second {
			verdict = monitorv1.Verdict_VERDICT_FIRING
		}
	}
	if before.Verdict == int32(verdict) {
		return after
	}
	after.Verdict, after.Since, after.Value = int32(verdict), now, ""
	if ok {
		after.Value = read.text
	}
	switch verdict {
	case monitorv1.Verdict_VERDICT_FIRING:
		after.Alarm = thresholdAlarm
	case monitorv1.Verdict_VERDICT_NO_DATA:
		switch monitorv1.NoDataPolicy(r.NoData) {
		case monitorv1.NoDataPolicy_NO_DATA_POLICY_ALARM:
			after.Alarm = noDataAlarm
		case monitorv1.NoDataPolicy_NO_DATA_POLICY_CLEAR:
			after.Alarm = noAlarm
		default: // it stays as it is
		}
	case monitorv1.Verdict_VERDICT_PENDING:
		if before.Alarm == noDataAlarm {
			after.Alarm = noAlarm
		}
	default:
		after.Alarm = noAlarm
	}
	return after
}

func (r *ruleRow) beyond(value float64) bool {
	threshold, err := strconv.ParseFloat(r.Threshold, 64)
	if err != nil {
		return false // its form was checked when it was stored
	}
	if monitorv1.Comparison(r.Comparison) == monitorv1.Comparison_COMPARISON_BELOW {
		return value < threshold
	}
	return value > threshold
}

// alarm raises the alarm that a target shall have.
func (r *ruleRow) alarm(t *targetRow) *command {
	labels := map[string]string{"rule_id": r.ID, "metric": metricName(monitorv1.Metric(r.Metric))}
	if t.Alarm == noDataAlarm {
		labels["no_data"] = "true"
	}
	side := "above"
	if monitorv1.Comparison(r.Comparison) == monitorv1.Comparison_COMPARISON_BELOW {
		side = "below"
	}
	description := fmt.Sprintf("%s is %s, %s %s", labels["metric"], t.Value, side, r.Threshold)
	if t.Alarm == noDataAlarm {
		description = fmt.Sprintf("no sample of %s for %d s", labels["metric"], r.NoDataSeconds)
	}
	return &command{identity: identity(t.TenantID, r.Name, t.VMID, labels), raise: &raise{
		tenant: t.TenantID, name: r.Name, object: t.VMID, description: description, cause: "thresholdCrossed", source: sourceRule, labels: labels,
		kind:     int32(monitorv1.AlarmType_ALARM_TYPE_QUALITY_OF_SERVICE),
		dataType: int32(monitorv1.AlarmDataType_ALARM_DATA_TYPE_METRIC), severity: r.Severity,
	}}
}

// checkRules looks at all rules with the newest samples.
func (m *Module) checkRules(ctx context.Context) error {
	var rules []ruleRow
	if err := m.store.Read.WithContext(ctx).Where("enabled = ?", true).Order("id").Find(&rules).Error; err != nil {
		return fmt.Errorf("read rules: %w", err)
	}
	if err := m.clearOrphans(ctx, rules); err != nil || len(rules) == 0 {
		return err
	}
	samples, err := m.samples(ctx, m.opts.RulesEvery/2)
	var failures []error
	for i := range rules {
		r := &rules[i]
		failure := err
		if err == nil {
			failure = m.checkRule(ctx, r, samples)
		}
		values := map[string]any{"evaluated_at": m.opts.Now().UTC(), "last_error": ""}
		if failure != nil {
			values["last_error"] = cutText(failure.Error(), 1000)
			failures = append(failures, failure)
		}
		stored := m.store.Write.WithContext(ctx).Model(&ruleRow{}).Where("id = ?", r.ID).UpdateColumns(values).Error
		failures = append(failures, stored)
	}
	return errors.Join(failures...)
}

func (m *Module) checkRule(ctx context.Context, r *ruleRow, samples snapshot) error {
	var known []targetRow
	if err := m.store.Read.WithContext(ctx).Where("rule_id = ?", r.ID).Find(&known).Error; err != nil {
		return fmt.Errorf("read what rule %s found: %w", r.ID, err)
	}
	before := map[string]targetRow{}
	for _, t := range known {
		before[t.VMID] = t
	}
	tenants := m.access.Tenants(r.TenantID)
	only := r.vms()
	for id, vm := range samples.vms {
		seen := tenants == nil || slices.Contains(tenants, vm.GetTenantId())
		if _, ok := before[id]; ok || !seen || len(only) > 0 && !slices.Contains(only, id) || r.AccountID != "" && vm.GetAccountId() != r.AccountID {
			continue
		}
		before[id] = targetRow{RuleID: r.ID, VMID: id, TenantID: vm.GetTenantId()}
	}
	for _, id := range only {
		if _, ok := before[id]; !ok && samples.vms[id] == nil {
			before[id] = targetRow{RuleID: r.ID, VMID: id, TenantID: r.TenantID}
		}
	}
	now := m.opts.Now().UTC()
	var changed []targetRow
	var commands []*command
	for id, old := range before {
		found := r.judge(old, samples.vms[id], now)
		if found == old {
			continue
		}
		if found.Alarm != old.Alarm {
			if old.Identity != "" {
				commands = append(commands, &command{identity: old.Identity, clear: monitorv1.ClearType_CLEAR_TYPE_AUTOMATIC})
			}
			found.Identity = ""
			if found.Alarm != noAlarm {
				c := r.alarm(&found)
				found.Identity = c.identity
				commands = append(commands, c)
			}
		}
		changed = append(changed, found)
	}
	if err := m.submit(ctx, commands); err != nil { // first: to raise again does no harm
		return fmt.Errorf("alarms of rule %s: %w", r.ID, err)
	}
	if len(changed) == 0 {
		return nil
	}
	return m.store.Write.WithContext(ctx).Clauses(clause.OnConflict{UpdateAll: true}).CreateInBatches(changed, 100).Error
}

// endRule clears the alarms of a rule and forgets what it found.
func (m *Module) endRule(ctx context.Context, id string) error {
	var identities []string
	err := m.store.Read.WithContext(ctx).Model(&targetRow{}).Where("rule_id = ? AND identity <> ''", id).Pluck("identity", &identities).Error
	if err != nil {
		return err
	}
	if err := m.submit(ctx, clears(identities)); err != nil {
		return err
	}
	return m.store.Write.WithContext(ctx).Where("rule_id = ?", id).Delete(&targetRow{}).Error
}

func clears(identities []string) []*command {
	commands := make([]*command, len(identities))
	for i, id := range identities {
		commands[i] = &command{identity: id, clear: monitorv1.ClearType_CLEAR_TYPE_AUTOMATIC}
	}
	return commands
}

// ownSources are those of alarms that only we raise; there is an index for them.
const ownSources = "active AND source IN ('gateway', 'rule')"

// ofClouds are the alarms of clouds; there is an index for them.
const ofClouds = "active AND source = 'cloud'"

// clearOrphans clears alarms of rules that are no more, or are disabled, also those that
// were raised while that was done.
func (m *Module) clearOrphans(ctx context.Context, rules []ruleRow) error {
	ids := make([]string, len(rules))
	for i := range rules {
		ids[i] = rules[i].ID
	}
	forget := m.store.Write.WithContext(ctx)
	if len(ids) > 0 {
		forget = forget.Where("rule_id NOT IN ?", ids)
	} else {
		forget = forget.Where("rule_id <> ''")
	}
	if err := forget.Delete(&targetRow{}).Error; err != nil {
		return fmt.Errorf("forget what old rules found: %w", err)
	}
	var orphans []string
	err := m.store.Read.WithContext(ctx).Model(&alarmRow{}).Where(ownSources).Where("source = ?", sourceRule).
		Where("identity NOT IN (SELECT identity FROM monitor_rule_targets)").Pluck("identity", &orphans).Error
	if err != nil {
		return fmt.Errorf("read alarms of old rules: %w", err)
	}
	return m.submit(ctx, clears(orphans))
}
