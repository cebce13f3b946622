package trail_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/trail"
)

// answers gives one page after the other.
type answers struct {
	pages []string
	sent  []api.Params
}

func (a *answers) Call(_ context.Context, _ api.Product, _ string, params api.Params, out any) error {
	sent := api.Params{}
	for name, value := range params {
		sent[name] = value
	}
	a.sent = append(a.sent, sent)
	return json.Unmarshal([]byte(a.pages[len(a.sent)-1]), out)
}

func TestTouched(t *testing.T) {
	t.Parallel()
	cloud := &answers{pages: []string{
		`{"NextToken":"2","Events":[
			{"eventName":"RunInstances","referencedResources":{"ACS::ECS::Instance":["i-2"],"ACS::ECS::Image":["m-1"]}},
			{"eventName":"StopInstance","resourceType":"ACS::ECS::Instance","resourceName":"i-1"},
			{"eventName":"StartInstance","errorCode":"IncorrectInstanceStatus","resourceType":"ACS::ECS::Instance","resourceName":"i-9"}]}`,
		`{"Events":[{"eventName":"TagResources","resourceType":"ACS::ECS::Instance","resourceName":"i-1, i-3"},
			{"eventName":"DeleteDisk","resourceType":"ACS::ECS::Disk","resourceName":"d-1"}]}`,
	}}
	since := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	got, err := trail.Touched(t.Context(), cloud, "ACS::ECS::Instance", since, since.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"i-1", "i-2", "i-3"}, got); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
	want := api.Params{
		"StartTime": "2026-11-20T08:00:00Z", "EndTime": "2026-11-20T09:00:01Z", "Direction": "FORWARD", "MaxResults": "50", "NextToken": "2",
		"LookupAttribute.1.Key": "ResourceType", "LookupAttribute.1.Value": "ACS::ECS::Instance",
		"LookupAttribute.2.Key": "EventRW", "LookupAttribute.2.Value": "Write",
	}
	if diff := cmp.Diff(want, cloud.sent[1]); diff != "" {
		t.Errorf("second page (-want +got):\n%s", diff)
	}
}
