package app

import (
	"context"

	"google.golang.org/grpc"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/account"
	"github.com/yunqiao/yunqiao/gateway/pipeline"
	"github.com/yunqiao/yunqiao/internal/rowid"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

// billingProviders asks clouds what they charge, for billing.
type billingProviders struct{ registry *account.Registry }

// WithBills implements billing.Providers.
func (b billingProviders) WithBills() []string {
	var ids []string
	for _, a := range b.registry.All() {
		if a.TellsBills() {
			ids = append(ids, a.ID)
		}
	}
	return ids
}

// ListBillLines implements billing.Providers.
func (b billingProviders) ListBillLines(ctx context.Context, request *driverv1.ListBillLinesRequest) (*driverv1.ListBillLinesResponse, error) {
	a, err := b.registry.Get(request.GetAccountId())
	if err != nil {
		return nil, err
	}
	if !a.TellsBills() {
		return nil, sdk.NewError(apiv1.Reason_REASON_UNSUPPORTED_METHOD, sdk.Violation("account_id", "its cloud does not tell its bill"))
	}
	answer := &driverv1.ListBillLinesResponse{}
	return answer, ask(ctx, a.Conn, a.ID, driverv1.DriverService_ListBillLines_FullMethodName, request, answer)
}

// QuotePrice implements billing.Providers.
func (b billingProviders) QuotePrice(ctx context.Context, request *driverv1.QuotePriceRequest) (*driverv1.QuotePriceResponse, error) {
	a, err := b.registry.Get(request.GetAccountId())
	if err != nil {
		return nil, err
	}
	if !a.TellsPrice(request.GetResourceType()) {
		return nil, sdk.NewError(apiv1.Reason_REASON_UNSUPPORTED_METHOD, sdk.Violation("resource_type", "the account's cloud does not tell its price"))
	}
	answer := &driverv1.QuotePriceResponse{}
	return answer, ask(ctx, a.Conn, a.ID, driverv1.DriverService_QuotePrice_FullMethodName, request, answer)
}

// ask calls a driver under the request id of the call that is served, or under a new one.
func ask(ctx context.Context, conn grpc.ClientConnInterface, accountID, method string, request, answer any) error {
	id := rowid.New()
	if call := pipeline.CallFrom(ctx); call != nil {
		id = call.RequestID
	}
	return conn.Invoke(sdk.WithCall(ctx, sdk.Call{RequestID: id, AccountID: accountID, Attempt: 1}), method, request, answer)
}
