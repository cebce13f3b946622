package alarms

import (
	"context"

	"google.golang.org/grpc"

	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
)

// maxPage is how many alarms one call gives at most.
const maxPage = 100

// Alarms serves cloud.driver.v1.CloudAlarmService.
type Alarms struct {
	driverv1.UnimplementedCloudAlarmServiceServer
	accounts *session.Accounts
}

var _ driverv1.CloudAlarmServiceServer = (*Alarms)(nil)

// Register adds the service, which works in the given accounts.
func Register(r grpc.ServiceRegistrar, accounts *session.Accounts) {
	driverv1.RegisterCloudAlarmServiceServer(r, &Alarms{accounts: accounts})
}

// Features lists the optional abilities of the package.
func Features() []*driverv1.Feature { return nil }

// Attributes explains the keys of provider_attributes.
func Attributes() []*driverv1.AttributeDoc { return nil }

type instance struct {
	InstanceID string `json:"InstanceId"`
}

// instances are those of the account's region, by their ids.
func instances() kind.Kind[instance] {
	return kind.Kind[instance]{
		Type: vmType, Product: api.ECS, Action: "DescribeInstances", Items: "Instances.Instance", IDs: "InstanceIds", Style: kind.JSONIDs, MaxIDs: maxPage,
		Paging: kind.Tokens, MaxPage: maxPage, ID: func(v *instance) string { return v.InstanceID },
	}
}

// ListCloudAlarms reads a page of at most 100: one call, and one more where there are
// alarms of instances.
func (a *Alarms) ListCloudAlarms(ctx context.Context, req *driverv1.ListCloudAlarmsRequest) (*driverv1.ListCloudAlarmsResponse, error) {
	s, err := a.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	page, err := api.NumberedPageOf(req.GetPageToken(), req.GetPageSize(), maxPage)
	if err != nil {
		return nil, err
	}
	var found struct {
		Total     api.Number
		Resources struct{ Resource []alerting }
	}
	params := api.Params{}.Int("Page", page.Number).Int("PageSize", page.Size)
	if err := s.Call(ctx, api.CloudMonitor, "DescribeAlertingMetricRuleResources", params, &found); err != nil {
		return nil, api.Error(err, "", "")
	}
	resp := &driverv1.ListCloudAlarmsResponse{NextPageToken: page.Next(int32(found.Total))}
	ids := map[string]bool{}
	for i := range found.Resources.Resource {
		alarm := found.Resources.Resource[i].toProto()
		resp.Alarms = append(resp.Alarms, alarm)
		if alarm.GetResourceType() == vmType {
			ids[alarm.GetObjectId()] = true
		}
	}
	return resp, nameStrangers(ctx, s, resp.GetAlarms(), ids)
}

// nameStrangers takes the type from alarms of instances that are not this account's.
func nameStrangers(ctx context.Context, s *session.Session, alarms []*driverv1.CloudAlarm, ids map[string]bool) error {
	if len(ids) == 0 {
		return nil
	}
	asked := &monitorv1.ListMetricsRequest{PageSize: maxPage}
	for id := range ids {
		asked.Ids = append(asked.Ids, id)
	}
	own, err := instances().Find(ctx, s, asked, api.Params{}.Set("ResourceGroupId", s.ResourceGroup))
	if err != nil {
		return err
	}
	for _, v := range own.Items {
		delete(ids, v.InstanceID)
	}
	for _, alarm := range alarms {
		if ids[alarm.GetObjectId()] {
			alarm.ResourceType = ""
		}
	}
	return nil
}
