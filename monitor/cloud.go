package monitor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

// CloudAccount is a cloud account whose cloud has, or may have, monitoring of its own.
type CloudAccount struct {
	ID       string
	TenantID string // who is told of what is the account's own
	// Reachable: it can be asked now. Else what was found last stays.
	Reachable bool
}

// CloudAlarm is an alarm that is active in a cloud, with public ids.
type CloudAlarm struct {
	ID                                    string // tells it from others of the account
	Name, ObjectID, TenantID, Description string
	DataType                              monitorv1.AlarmDataType
	Severity                              monitorv1.Severity
	RaisedAt                              time.Time // zero: the cloud does not tell
}

// Clouds reads what the monitoring of clouds has found.
type Clouds interface {
	Accounts() []CloudAccount
	// Alarms are all that are active in an account. With an error nothing is known.
	Alarms(ctx context.Context, accountID string) ([]CloudAlarm, error)
}

const (
	cloudsAtOnce = 8
	cloudTimeout = 30 * time.Second
	// unreadAfter is how often in a row an account's alarms cannot be read before that is
	// an alarm itself.
	unreadAfter = 3
	unreadName  = "CloudAlarmsUnread"
)

// Labels of alarms of clouds.
const (
	labelAccount    = "account_id"
	labelCloudAlarm = "cloud_alarm_id"
)

// checkClouds raises what is active in clouds and was not raised, and clears what is not
// active any more. Each account is done with when it has answered.
func (m *Module) checkClouds(ctx context.Context) error {
	raised, err := m.raisedByClouds(ctx)
	if err != nil {
		return err
	}
	accounts := m.opts.Clouds.Accounts()
	failed := make([]error, len(accounts))
	places := make(chan struct{}, cloudsAtOnce)
	var asking sync.WaitGroup
	for i, account := range accounts {
		known := raised[account.ID]
		delete(raised, account.ID)
		if !account.Reachable {
			continue
		}
		places <- struct{}{}
		asking.Go(func() {
			defer func() { <-places }()
			if err := m.checkCloud(ctx, account, known); err != nil {
				failed[i] = fmt.Errorf("account %s: %w", account.ID, err)
			}
		})
	}
	asking.Wait()
	var gone []string // of accounts that are no more
	for _, known := range raised {
		gone = append(gone, keys(known)...)
	}
	return errors.Join(errors.Join(failed...), m.submit(ctx, clears(gone)))
}

// raisedByClouds reads the active alarms of clouds, by account and identity.
func (m *Module) raisedByClouds(ctx context.Context) (map[string]map[string]*alarmRow, error) {
	var rows []*alarmRow
	if err := m.store.Read.WithContext(ctx).Where(ofClouds).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read alarms of clouds: %w", err)
	}
	out := map[string]map[string]*alarmRow{}
	for _, row := range rows {
		account := labelsOf(row)[labelAccount]
		if out[account] == nil {
			out[account] = map[string]*alarmRow{}
		}
		out[account][row.Identity] = row
	}
	return out, nil
}

// checkCloud compares what an account has with what was raised for it.
func (m *Module) checkCloud(ctx context.Context, account CloudAccount, known map[string]*alarmRow) error {
	asked, stop := context.WithTimeout(ctx, cloudTimeout)
	defer stop()
	alarms, err := m.opts.Clouds.Alarms(asked, account.ID)
	if err != nil {
		if m.unread(account.ID, err) < unreadAfter {
			return err
		}
		c := account.command(&CloudAlarm{
			Name: unreadName, ObjectID: "account/" + account.ID, TenantID: account.TenantID, Severity: monitorv1.Severity_SEVERITY_MINOR,
			Description: "the alarms of the account's cloud cannot be read: what was found last is shown", DataType: monitorv1.AlarmDataType_ALARM_DATA_TYPE_EVENT,
		})
		if known[c.identity] == nil {
			err = errors.Join(err, m.submit(ctx, []*command{c}))
		}
		return err
	}
	m.unread(account.ID, nil)
	var commands []*command
	for i := range alarms {
		c := account.command(&alarms[i])
		row := known[c.identity]
		delete(known, c.identity)
		if row == nil || row.Severity != c.raise.severity || row.Description != c.raise.description || row.DueAt != nil {
			commands = append(commands, c)
		}
	}
	return m.submit(ctx, append(commands, clears(keys(known))...))
}

// unread counts failures in a row.
func (m *Module) unread(account string, err error) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil {
		delete(m.cloudFailures, account)
		return 0
	}
	m.cloudFailures[account]++
	return m.cloudFailures[account]
}

// command raises an alarm of the account's cloud.
func (a CloudAccount) command(alarm *CloudAlarm) *command {
	clean := func(text string, most int) string {
		return cutText(strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", ""), most)
	}
	r := &raise{
		tenant: alarm.TenantID, name: clean(alarm.Name, 128), object: clean(alarm.ObjectID, 512), description: clean(alarm.Description, 2000), source: sourceCloud,
		labels: map[string]string{labelAccount: a.ID, labelCloudAlarm: clean(alarm.ID, 512)}, dataType: int32(alarm.DataType),
		severity: int32(max(alarm.Severity, monitorv1.Severity_SEVERITY_INDETERMINATE)), at: alarm.RaisedAt,
	}
	return &command{identity: identity(r.tenant, r.name, r.object, r.labels), raise: r}
}
