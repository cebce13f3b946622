package account

import (
	"context"
	"time"

	"google.golang.org/grpc"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/limit"
	accountv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/account/v1"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

// Account is one account as it stands now. It is never changed: a new state is a
// new value.
type Account struct {
	ID              string
	Driver          string
	Kind            accountv1.CloudKind
	Description     string
	Settings        map[string]string
	CredentialNames []string
	FromConfig      bool
	Disabled        bool // no call is let through
	CreatedAt       time.Time

	State       accountv1.AccountState
	Reason      apiv1.Reason // why it is not ready
	ObservedAt  time.Time    // zero: never opened
	Conn        grpc.ClientConnInterface
	Guard       *limit.Guard // what Conn goes through; nil: never opened
	RegionID    string
	Project     string
	Idempotency *driverv1.Idempotency
	methods     map[string]bool
	features    map[string]bool
	changes     map[string]bool
	priced      map[string]bool
	bills       bool
}

// Offers tells whether the account serves an rpc, by full name.
func (a *Account) Offers(method string) bool { return a.methods[method] }

// Has tells whether the account has a feature.
func (a *Account) Has(feature string) bool { return a.features[feature] }

// TellsChanges tells whether the driver names what changed of a resource type, so
// that it need not be listed whole.
func (a *Account) TellsChanges(resourceType string) bool { return a.changes[resourceType] }

// TellsPrice tells whether the cloud tells the price of a resource type.
func (a *Account) TellsPrice(resourceType string) bool { return a.priced[resourceType] }

// TellsBills tells whether the cloud tells what it charges for the account.
func (a *Account) TellsBills() bool { return a.bills }

// withInfo puts what the driver and the cloud told into a copy.
func (a *Account) withInfo(info *driverv1.GetInfoResponse, caps *driverv1.AccountCapabilities, at time.Time) *Account {
	next := *a
	next.State, next.Reason, next.ObservedAt = accountv1.AccountState_ACCOUNT_STATE_READY, 0, at
	next.RegionID, next.Project, next.Idempotency = caps.GetRegionId(), caps.GetCloudProject(), caps.GetIdempotency()
	next.methods = map[string]bool{}
	for _, name := range info.GetMethods() {
		next.methods[name] = true
	}
	for _, name := range caps.GetAbsentMethods() {
		delete(next.methods, name)
	}
	next.features = map[string]bool{}
	for _, feature := range info.GetFeatures() {
		next.features[feature.GetName()] = true
	}
	for _, name := range caps.GetAbsentFeatures() {
		delete(next.features, name)
	}
	next.changes = map[string]bool{}
	for _, resourceType := range caps.GetChangeTypes() {
		next.changes[resourceType] = true
	}
	next.bills, next.priced = caps.GetBillLines(), map[string]bool{}
	for _, resourceType := range caps.GetPricedTypes() {
		next.priced[resourceType] = true
	}
	return &next
}

// withRecord puts what is stored of the account into a copy, and keeps what is
// known of its cloud.
func (a *Account) withRecord(stored *Account) *Account {
	next := *a
	next.Driver, next.Kind, next.Description, next.Settings = stored.Driver, stored.Kind, stored.Description, stored.Settings
	next.CredentialNames, next.FromConfig, next.CreatedAt = stored.CredentialNames, stored.FromConfig, stored.CreatedAt
	next.Disabled = stored.Disabled
	if next.Disabled {
		return next.shut()
	}
	return &next
}

// shut puts that the account is disabled into a copy. Whoever holds its connection
// gets no further either.
func (a *Account) shut() *Account {
	next := *a
	next.State, next.Reason = accountv1.AccountState_ACCOUNT_STATE_DISABLED, apiv1.Reason_REASON_PRINCIPAL_DISABLED
	next.Conn = refusing{}
	return &next
}

// reopening puts that a disabled account is being opened again into a copy.
func (a *Account) reopening() *Account {
	if a == nil {
		return nil
	}
	next := *a
	next.State, next.Reason = accountv1.AccountState_ACCOUNT_STATE_OPENING, 0
	next.Conn = nil
	if next.Guard != nil {
		next.Conn = next.Guard
	}
	return &next
}

// refusing is the connection of a disabled account.
type refusing struct{}

// Invoke implements grpc.ClientConnInterface.
func (refusing) Invoke(context.Context, string, any, any, ...grpc.CallOption) error {
	return errDisabled()
}

// NewStream implements grpc.ClientConnInterface.
func (refusing) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, errDisabled()
}

func errDisabled() error {
	return sdk.NewError(apiv1.Reason_REASON_PRINCIPAL_DISABLED, sdk.Violation("account_id", "the account is disabled with its cloud tenant"))
}

// withFailure puts why the account cannot be used into a copy. What it could do
// before stays known, so that requests are still judged by it.
func (a *Account) withFailure(reason apiv1.Reason) *Account {
	next := *a
	next.Reason = reason
	next.State = accountv1.AccountState_ACCOUNT_STATE_UNREACHABLE
	if reason == apiv1.Reason_REASON_ACCOUNT_UNAUTHENTICATED {
		next.State = accountv1.AccountState_ACCOUNT_STATE_UNAUTHENTICATED
	}
	return &next
}
