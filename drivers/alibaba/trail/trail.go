package trail

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

const (
	pageSize  = "50"
	timestamp = "2006-01-02T15:04:05Z"
)

// event is a recorded call, as far as the driver reads it. Source: ActionTrail,
// "Structure of a management event".
type event struct {
	ErrorCode           string              `json:"errorCode"`
	ResourceType        string              `json:"resourceType"`
	ResourceName        string              `json:"resourceName"`
	ReferencedResources map[string][]string `json:"referencedResources"`
}

// Touched are the ids of the resources of a type, in the cloud's words
// ("ACS::ECS::Instance"), that calls changed from since to the second of until, sorted:
// a call for every 50 recorded ones. Calls that were refused are left out.
func Touched(ctx context.Context, caller api.Caller, resourceType string, since, until time.Time) ([]string, error) {
	params := api.Params{}.Set("StartTime", since.UTC().Format(timestamp)).Set("EndTime", until.Add(time.Second).UTC().Format(timestamp)).
		Set("Direction", "FORWARD").Set("MaxResults", pageSize).Objects("LookupAttribute",
		api.Params{"Key": "ResourceType", "Value": resourceType}, api.Params{"Key": "EventRW", "Value": "Write"})
	events, err := sdk.ReadAll(ctx, func(ctx context.Context, token string) ([]event, string, error) {
		var out struct {
			Events    []event
			NextToken string
		}
		params.Set("NextToken", token)
		err := caller.Call(ctx, api.ActionTrail, "LookupEvents", params, &out)
		return out.Events, out.NextToken, api.Error(err, "", "")
	})
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, e := range events {
		if e.ErrorCode == "" {
			ids = append(ids, e.touched(resourceType)...)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// touched are the resources of a type that a call was about. Where there are several,
// types and names stand beside each other with commas between.
func (e event) touched(resourceType string) []string {
	ids := slices.Clone(e.ReferencedResources[resourceType])
	types, names := strings.Split(e.ResourceType, ","), strings.Split(e.ResourceName, ",")
	for i, name := range names {
		if strings.TrimSpace(types[min(i, len(types)-1)]) == resourceType {
			ids = append(ids, strings.TrimSpace(name))
		}
	}
	return slices.DeleteFunc(ids, func(id string) bool { return id == "" })
}
