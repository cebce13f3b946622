package bill

import (
	"context"
	"encoding/json"
	"time"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

const (
	// maxLines is how many lines one call gives at most.
	maxLines = 300
	// closingDay is when the cloud has closed the month before. Source: Expenses and
	// Costs, "Billing cycle": on the third day.
	closingDay = 4
	zoneName   = "Asia/Shanghai"
)

// zone is the cloud's: it has no summer time.
func zone() *time.Location { return time.FixedZone(zoneName, 8*60*60) }

// Lines reads a page of the bill of a month, by resource and billable item: one call.
func Lines(ctx context.Context, caller api.Caller, req *driverv1.ListBillLinesRequest, now time.Time) (*driverv1.ListBillLinesResponse, error) {
	month, err := time.ParseInLocation("2006-01", req.GetPeriod(), zone())
	if err != nil {
		return nil, sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field("period"), sdk.Violation("period", "must be a month, such as 2026-11"))
	}
	params := api.Params{}.Set("BillingCycle", req.GetPeriod()).Bool("IsBillingItem", true).Set("Granularity", "MONTHLY").
		Int("MaxResults", api.PageSize(req.GetPageSize(), maxLines)).Set("NextToken", req.GetPageToken())
	var out struct {
		Data struct {
			NextToken string
			Items     []json.RawMessage
		}
	}
	if err := caller.Call(ctx, api.Billing, "DescribeInstanceBill", params, &out); err != nil {
		return nil, api.Error(err, "", "")
	}
	resp := &driverv1.ListBillLinesResponse{
		NextPageToken: out.Data.NextToken, Zone: zoneName,
		Final: !now.Before(month.AddDate(0, 1, closingDay-1)),
	}
	for _, raw := range out.Data.Items {
		line, err := toProtoLine(raw)
		if err != nil {
			return nil, sdk.NewError(apiv1.Reason_REASON_CLOUD_ERROR, sdk.Cause(err))
		}
		resp.Lines = append(resp.Lines, line)
	}
	return resp, nil
}
