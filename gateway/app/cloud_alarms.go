package app

import (
	"context"
	"fmt"
	"strings"

	"github.com/yunqiao/yunqiao/gateway/account"
	"github.com/yunqiao/yunqiao/gateway/limit"
	"github.com/yunqiao/yunqiao/internal/publicid"
	"github.com/yunqiao/yunqiao/monitor"
	accountv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/account/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

// cloudAlarms reads for monitor what the monitoring of clouds has found.
type cloudAlarms struct{ app *App }

var _ monitor.Clouds = cloudAlarms{}

const (
	// cloudAlarmsPage is how many alarms are read with one call.
	cloudAlarmsPage = 500
	// maxCloudAlarms bounds the alarms of one account.
	maxCloudAlarms = 100000
)

// listCloudAlarms is the rpc as accounts offer it.
func listCloudAlarms() string {
	return strings.TrimPrefix(driverv1.CloudAlarmService_ListCloudAlarms_FullMethodName, "/")
}

// Accounts implements monitor.Clouds. Of an account that is not open it is not known
// what its cloud offers.
func (c cloudAlarms) Accounts() []monitor.CloudAccount {
	var out []monitor.CloudAccount
	for _, a := range c.app.accounts.Registry().All() {
		open := a.State == accountv1.AccountState_ACCOUNT_STATE_READY
		if open && !a.Offers(listCloudAlarms()) {
			continue
		}
		out = append(out, monitor.CloudAccount{ID: a.ID, TenantID: c.app.identity.Root(), Reachable: open && !cutOff(a)})
	}
	return out
}

// cutOff tells that the account's cloud did not answer lately and is left alone.
func cutOff(a *account.Account) bool { return a.Guard != nil && a.Guard.State() == limit.Open }

// Alarms implements monitor.Clouds.
func (c cloudAlarms) Alarms(ctx context.Context, accountID string) ([]monitor.CloudAlarm, error) {
	a, err := c.app.accounts.Registry().Get(accountID)
	if err != nil {
		return nil, err
	}
	var out []monitor.CloudAlarm
	request := &driverv1.ListCloudAlarmsRequest{PageSize: cloudAlarmsPage}
	for {
		if len(out) > maxCloudAlarms {
			return nil, fmt.Errorf("the cloud tells more than %d active alarms", maxCloudAlarms)
		}
		page := &driverv1.ListCloudAlarmsResponse{}
		if err := ask(ctx, a.Conn, a.ID, driverv1.CloudAlarmService_ListCloudAlarms_FullMethodName, request, page); err != nil {
			return nil, err
		}
		for _, alarm := range page.GetAlarms() {
			out = append(out, c.public(accountID, alarm))
		}
		if page.GetNextPageToken() == "" {
			return out, nil
		}
		request = &driverv1.ListCloudAlarmsRequest{PageSize: cloudAlarmsPage, PageToken: page.GetNextPageToken()}
	}
}

// public gives an alarm the public id of its resource and the organization that owns it;
// what nobody owns is the organization's at the top.
func (c cloudAlarms) public(accountID string, alarm *driverv1.CloudAlarm) monitor.CloudAlarm {
	out := monitor.CloudAlarm{
		ID: alarm.GetId(), Name: alarm.GetName(), TenantID: c.app.identity.Root(), Description: alarm.GetDescription(), DataType: alarm.GetDataType(),
		Severity: alarm.GetSeverity(), ObjectID: "account/" + accountID,
	}
	if alarm.GetRaisedAt() != nil {
		out.RaisedAt = alarm.GetRaisedAt().AsTime()
	}
	switch {
	case alarm.GetObjectId() == "":
	case alarm.GetResourceType() == "":
		out.ObjectID += "/" + alarm.GetObjectId()
	default:
		out.ObjectID = publicid.Join(accountID, alarm.GetObjectId())
		if owner, known := c.app.things.Owner(out.ObjectID); known && owner.TenantID != "" {
			out.TenantID = owner.TenantID
		}
	}
	return out
}
