package alarms

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
)

const (
	vmType       = "compute.vm"
	ecsNamespace = "acs_ecs_dashboard"
)

// Levels of alerts: a rule has a threshold for each. Another one, 4, only informs.
const (
	levelCritical = 2
	levelWarn     = 3
)

// alerting is a resource at which a rule alerts.
type alerting struct {
	RuleID     string `json:"RuleId"`
	RuleName   string
	Namespace  string
	MetricName string
	Resource   string // "userId=1,instanceId=i-1"
	Statistics string
	Threshold  string
	Level      api.Number
	StartTime  api.Text // milliseconds
	Escalation struct {
		Resource []struct {
			Level              api.Number
			ComparisonOperator string
			Threshold          string
		}
	}
}

// toProto makes an alarm of it; the object is the instance, or all dimensions but the
// user's.
func (a *alerting) toProto() *driverv1.CloudAlarm {
	alarm := &driverv1.CloudAlarm{
		Id: a.RuleID + "/" + a.Resource, Name: a.RuleName, Severity: severityOf(int32(a.Level)), DataType: monitorv1.AlarmDataType_ALARM_DATA_TYPE_METRIC,
		Description: a.describe(),
	}
	if at, err := strconv.ParseInt(string(a.StartTime), 10, 64); err == nil && at > 0 {
		alarm.RaisedAt = timestamppb.New(time.UnixMilli(at))
	}
	dimensions := slices.DeleteFunc(strings.Split(a.Resource, ","), func(d string) bool { return strings.HasPrefix(d, "userId=") })
	alarm.ObjectId = strings.Join(dimensions, ",")
	for _, d := range dimensions {
		if id, ok := strings.CutPrefix(d, "instanceId="); ok {
			alarm.ObjectId = id
			if a.Namespace == ecsNamespace {
				alarm.ResourceType = vmType
			}
		}
	}
	return alarm
}

// describe says what is measured and against which threshold, without the value.
func (a *alerting) describe() string {
	for _, e := range a.Escalation.Resource {
		if e.Level == a.Level {
			return fmt.Sprintf("%s %s: %s %s %s", a.Namespace, a.MetricName, a.Statistics, e.ComparisonOperator, e.Threshold)
		}
	}
	return fmt.Sprintf("%s %s: %s, threshold %s", a.Namespace, a.MetricName, a.Statistics, a.Threshold)
}

func severityOf(level int32) monitorv1.Severity {
	switch level {
	case levelCritical:
		return monitorv1.Severity_SEVERITY_CRITICAL
	case levelWarn:
		return monitorv1.Severity_SEVERITY_WARNING
	default:
		return monitorv1.Severity_SEVERITY_INDETERMINATE
	}
}
