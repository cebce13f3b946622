package memcloud

import (
	"context"
	"strconv"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

// cloudAlarmService tells alarms that knobs raise.
type cloudAlarmService struct {
	driverv1.UnimplementedCloudAlarmServiceServer
	c *Cloud
}

var _ driverv1.CloudAlarmServiceServer = (*cloudAlarmService)(nil)

// ListCloudAlarms reads a page: the token is the number of alarms before it.
func (s *cloudAlarmService) ListCloudAlarms(ctx context.Context, req *driverv1.ListCloudAlarmsRequest) (*driverv1.ListCloudAlarmsResponse, error) {
	return read(s.c, ctx, func(v *view) (*driverv1.ListCloudAlarmsResponse, error) {
		begin, err := strconv.Atoi("0" + req.GetPageToken())
		if err != nil {
			return nil, sdk.NewError(apiv1.Reason_REASON_PAGE_TOKEN_INVALID, sdk.Field("page_token"), sdk.Cause(err))
		}
		size := int(req.GetPageSize())
		if size <= 0 {
			size = defaultPageSize
		}
		all := activeAlarms(v)
		begin = min(begin, len(all))
		end := min(begin+size, len(all))
		answer := &driverv1.ListCloudAlarmsResponse{Alarms: all[begin:end]}
		if end < len(all) {
			answer.NextPageToken = strconv.Itoa(end)
		}
		return answer, nil
	})
}

// activeAlarms are those of the knobs, each at the resources that it is about.
func activeAlarms(v *view) []*driverv1.CloudAlarm {
	var out []*driverv1.CloudAlarm
	for _, rule := range v.knobs.Alarms {
		alarm := func(object string) {
			out = append(out, &driverv1.CloudAlarm{
				Id: rule.Name + "/" + object, Name: rule.Name, ResourceType: rule.Kind, ObjectId: object, Severity: severityNamed(rule.Severity),
				DataType: monitorv1.AlarmDataType_ALARM_DATA_TYPE_METRIC, Description: rule.Description,
			})
		}
		if rule.Kind == "" {
			alarm("")
			continue
		}
		v.each(kind(rule.Kind), v.project, func(r *record) bool {
			if matches(rule.Object, nameOf(r.msg)) {
				alarm(r.id)
			}
			return true
		})
	}
	return out
}

// severityNamed reads "MAJOR"; empty is indeterminate.
func severityNamed(name string) monitorv1.Severity {
	if name == "" {
		return monitorv1.Severity_SEVERITY_INDETERMINATE
	}
	return monitorv1.Severity(monitorv1.Severity_value["SEVERITY_"+name])
}
