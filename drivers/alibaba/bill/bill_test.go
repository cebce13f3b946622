package bill_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/bill"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// answer is a cloud that says always the same.
type answer struct {
	body string
	code string // of its refusal, if it refuses
	sent api.Params
}

func (a *answer) Call(_ context.Context, _ api.Product, _ string, params api.Params, out any) error {
	a.sent = params
	if a.code != "" {
		return &api.Fault{Code: a.code, Status: http.StatusBadRequest}
	}
	return json.Unmarshal([]byte(a.body), out)
}

// TestLines keeps amounts to the last digit, however they are written.
func TestLines(t *testing.T) {
	t.Parallel()
	cloud := &answer{body: `{"Data":{"NextToken":"n","Items":[
		{"InstanceID":"i-1","Item":"PayAsYouGoBill","ProductName":"云服务器ECS","BillingItem":"Cloud_server","PretaxGrossAmount":0.123456789012345678,
			"AfterDiscountAmount":1.5e-05,"Currency":"CNY","Usage":"3600","UsageUnit":"秒"},
		{"InstanceID":"cn-hangzhou;x","Item":"Refund","PretaxGrossAmount":-10.1,"InvoiceDiscount":-0.2,"Currency":"CNY"}]}}`}
	req := &driverv1.ListBillLinesRequest{Period: "2026-10", PageSize: 500, PageToken: "p"}
	resp, err := bill.Lines(t.Context(), cloud, req, time.Date(2026, 11, 3, 16, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	want := &driverv1.ListBillLinesResponse{NextPageToken: "n", Zone: "Asia/Shanghai", Final: true, Lines: []*driverv1.BillLine{
		{
			ResourceId: "i-1", ResourceType: "compute.vm", Product: "云服务器ECS", Item: "Cloud_server", Category: driverv1.BillCategory_BILL_CATEGORY_USAGE,
			ListCost: "0.123456789012345678", Cost: "0.000015", Currency: "CNY", Quantity: "3600", Unit: "秒",
		},
		{Category: driverv1.BillCategory_BILL_CATEGORY_REFUND, ListCost: "-10.1", Cost: "-9.9", Currency: "CNY"},
	}}
	if diff := cmp.Diff(want, resp, protocmp.Transform(), protocmp.IgnoreFields(&driverv1.BillLine{}, "id", "raw")); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(api.Params{
		"BillingCycle": "2026-10", "IsBillingItem": "true", "Granularity": "MONTHLY", "MaxResults": "300", "NextToken": "p",
	}, cloud.sent); diff != "" {
		t.Errorf("call (-want +got):\n%s", diff)
	}
	early, err := bill.Lines(t.Context(), cloud, req, time.Date(2026, 11, 3, 15, 59, 0, 0, time.UTC))
	if err != nil || early.GetFinal() {
		t.Errorf("before the fourth: final %v, %v", early.GetFinal(), err)
	}
	if first := resp.GetLines()[0]; first.GetId() != early.GetLines()[0].GetId() || first.GetId() == resp.GetLines()[1].GetId() || !json.Valid([]byte(first.GetRaw())) {
		t.Errorf("ids %s, %s; raw %s", first.GetId(), resp.GetLines()[1].GetId(), first.GetRaw())
	}
}

// TestIDs tells lines apart that differ in the amount alone, unless it is one of usage,
// which grows until the month has ended.
func TestIDs(t *testing.T) {
	t.Parallel()
	for kind, distinct := range map[string]int{"PayAsYouGoBill": 1, "Refund": 3, "SubscriptionOrder": 3, "Adjustment": 3} {
		cloud := &answer{body: strings.ReplaceAll(`{"Data":{"Items":[{"InstanceID":"i-1","Item":"KIND","PretaxGrossAmount":-10,"AfterDiscountAmount":-9},
			{"InstanceID":"i-1","Item":"KIND","PretaxGrossAmount":-10,"AfterDiscountAmount":-8},{"InstanceID":"i-1","Item":"KIND","PretaxGrossAmount":-11,"AfterDiscountAmount":-9},
			{"InstanceID":"i-1","Item":"KIND","PretaxGrossAmount":-11,"AfterDiscountAmount":-9,"Usage":"1"}]}}`, "KIND", kind)}
		resp, err := bill.Lines(t.Context(), cloud, &driverv1.ListBillLinesRequest{Period: "2026-10"}, time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC))
		if err != nil {
			t.Fatal(err)
		}
		ids := map[string]bool{}
		for _, line := range resp.GetLines() {
			ids[line.GetId()] = true
		}
		if len(ids) != distinct {
			t.Errorf("%s: %d ids, want %d", kind, len(ids), distinct)
		}
	}
}

// TestQuotesNameWhatIsNotSold shows which member of the spec a refusal is about.
func TestQuotesNameWhatIsNotSold(t *testing.T) {
	t.Parallel()
	req := &driverv1.QuotePriceRequest{ResourceType: "compute.vm", Spec: map[string]string{"flavor_id": "ecs.no"}}
	for code, tc := range map[string]struct {
		reason apiv1.Reason
		field  string
	}{
		"InvalidInstanceType.ValueNotSupported":     {apiv1.Reason_REASON_PARAMETER_REJECTED, "spec.flavor_id"},
		"InvalidInstanceType.NotSupported":          {apiv1.Reason_REASON_PARAMETER_REJECTED, "spec.flavor_id"},
		"InstanceType.Offline":                      {apiv1.Reason_REASON_OUT_OF_STOCK, ""},
		"InvalidDataDiskCategory.ValueNotSupported": {apiv1.Reason_REASON_PARAMETER_REJECTED, "spec.disk_type_id"},
		"InvalidDataDiskSize.ValueNotSupported":     {apiv1.Reason_REASON_PARAMETER_REJECTED, "spec.size_gib"},
		"Invalid.ZoneId":                            {apiv1.Reason_REASON_PARAMETER_REJECTED, "spec.zone_id"},
		"PriceNotFound":                             {apiv1.Reason_REASON_NOT_FOUND, "spec"},
		"Throttling":                                {apiv1.Reason_REASON_THROTTLED, ""},
	} {
		_, err := bill.Quote(t.Context(), &answer{code: code}, req)
		if sdk.ReasonOf(err) != tc.reason || sdk.InfoOf(err)["field"] != tc.field {
			t.Errorf("%s: %v of %q, want %v of %q", code, sdk.ReasonOf(err), sdk.InfoOf(err)["field"], tc.reason, tc.field)
		}
	}
}

func TestQuote(t *testing.T) {
	t.Parallel()
	const body = `{"PriceInfo":{"Price":{"Currency":"CNY","OriginalPrice":300.5,"TradePrice":255.1,"DetailInfos":{"DetailInfo":[
		{"Resource":"instanceType","OriginalPrice":280.25,"TradePrice":240},{"Resource":"systemDisk","OriginalPrice":20.25,"TradePrice":15.1}]}}}}`
	for name, tc := range map[string]struct {
		req    *driverv1.QuotePriceRequest
		sent   api.Params
		want   *driverv1.QuotePriceResponse
		reason apiv1.Reason
		field  string
	}{
		"a VM for three months, without its disk": {
			req:  &driverv1.QuotePriceRequest{ResourceType: "compute.vm", Spec: map[string]string{"flavor_id": "ecs.g7.large"}, Months: 3},
			sent: api.Params{"ResourceType": "instance", "InstanceType": "ecs.g7.large", "PriceUnit": "Month", "Period": "3"},
			want: &driverv1.QuotePriceResponse{ListPrice: "280.25", Price: "240", Unit: "term", Currency: "CNY"},
		},
		"a disk for an hour": {
			req:  &driverv1.QuotePriceRequest{ResourceType: "storage.disk", Spec: map[string]string{"disk_type_id": "cloud_essd.PL1", "size_gib": "100"}},
			sent: api.Params{"ResourceType": "disk", "DataDisk.1.Category": "cloud_essd", "DataDisk.1.PerformanceLevel": "PL1", "DataDisk.1.Size": "100", "PriceUnit": "Hour"},
			want: &driverv1.QuotePriceResponse{ListPrice: "300.5", Price: "255.1", Unit: "hour", Currency: "CNY"},
		},
		"no flavor": {
			req: &driverv1.QuotePriceRequest{ResourceType: "compute.vm"}, reason: apiv1.Reason_REASON_PARAMETER_REJECTED, field: "spec.flavor_id",
		},
		"another type": {req: &driverv1.QuotePriceRequest{ResourceType: "network.vip"}, reason: apiv1.Reason_REASON_UNSUPPORTED_METHOD},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud := &answer{body: body}
			got, err := bill.Quote(t.Context(), cloud, tc.req)
			if sdk.ReasonOf(err) != tc.reason || sdk.InfoOf(err)["field"] != tc.field {
				t.Fatalf("got %v", err)
			}
			if diff := cmp.Diff(tc.want, got, protocmp.Transform()); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.sent, cloud.sent); diff != "" {
				t.Errorf("call (-want +got):\n%s", diff)
			}
		})
	}
}
