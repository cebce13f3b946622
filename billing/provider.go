package billing

import (
	"context"

	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

// Providers asks clouds what they charge. Both calls fail with UNSUPPORTED_METHOD
// where an account's cloud does not tell, and with ACCOUNT_NOT_FOUND.
type Providers interface {
	// WithBills are the ids of the accounts whose clouds tell their bills.
	WithBills() []string
	ListBillLines(ctx context.Context, request *driverv1.ListBillLinesRequest) (*driverv1.ListBillLinesResponse, error)
	QuotePrice(ctx context.Context, request *driverv1.QuotePriceRequest) (*driverv1.QuotePriceResponse, error)
}
