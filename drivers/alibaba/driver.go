package main

import (
	"cmp"
	"context"
	"log/slog"
	"slices"

	"google.golang.org/grpc"

	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/alarms"
	"github.com/yunqiao/yunqiao/drivers/alibaba/bill"
	"github.com/yunqiao/yunqiao/drivers/alibaba/compute"
	"github.com/yunqiao/yunqiao/drivers/alibaba/database"
	"github.com/yunqiao/yunqiao/drivers/alibaba/loadbalancer"
	"github.com/yunqiao/yunqiao/drivers/alibaba/metrics"
	"github.com/yunqiao/yunqiao/drivers/alibaba/network"
	"github.com/yunqiao/yunqiao/drivers/alibaba/security"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/alibaba/storage"
	"github.com/yunqiao/yunqiao/drivers/alibaba/tenant"
	"github.com/yunqiao/yunqiao/drivers/alibaba/vpn"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

const (
	driverName    = "alibaba"
	driverVersion = "0.1.0"
	providerName  = "Alibaba Cloud"

	// requestTimeoutSeconds is how long a request may still run at the cloud after
	// its caller is gone, and markerDelaySeconds how long its tag may be missing
	// from a look-up; for the creates that take no ClientToken.
	requestTimeoutSeconds = 30
	markerDelaySeconds    = 5
)

// driver serves cloud.driver.v1.DriverService.
type driver struct {
	driverv1.UnimplementedDriverServiceServer
	log      *slog.Logger
	accounts *session.Accounts
	options  session.Options
}

var _ sdk.Driver = (*driver)(nil)

func newDriver(log *slog.Logger) *driver { return &driver{log: log, accounts: &session.Accounts{}} }

// parts are the packages that serve resources.
func parts() []part {
	return []part{
		{compute.Register, compute.Features, compute.Attributes},
		{network.Register, network.Features, network.Attributes},
		{loadbalancer.Register, loadbalancer.Features, loadbalancer.Attributes},
		{vpn.Register, vpn.Features, vpn.Attributes},
		{database.Register, database.Features, database.Attributes},
		{security.Register, security.Features, security.Attributes},
		{storage.Register, storage.Features, storage.Attributes},
		{metrics.Register, metrics.Features, metrics.Attributes},
		{tenant.Register, tenant.Features, tenant.Attributes},
		{alarms.Register, alarms.Features, alarms.Attributes},
	}
}

// part is what a package of resources gives to the driver.
type part struct {
	register   func(grpc.ServiceRegistrar, *session.Accounts)
	features   func() []*driverv1.Feature
	attributes func() []*driverv1.AttributeDoc
}

// Register adds the resource services.
func (d *driver) Register(r grpc.ServiceRegistrar) {
	for _, p := range parts() {
		p.register(r, d.accounts)
	}
}

// GetInfo tells what the driver can do.
func (d *driver) GetInfo(context.Context, *driverv1.GetInfoRequest) (*driverv1.GetInfoResponse, error) {
	info := &driverv1.GetInfoResponse{
		Name:             driverName,
		Version:          driverVersion,
		Provider:         providerName,
		ContractVersions: []int32{1},
		Methods:          sdk.Methods(d.Register),
	}
	for _, p := range parts() {
		info.Features = slices.Concat(info.GetFeatures(), p.features())
		info.Attributes = slices.Concat(info.GetAttributes(), p.attributes())
	}
	return info, nil
}

// GetAccountSchema tells what an account is made of.
func (d *driver) GetAccountSchema(context.Context, *driverv1.GetAccountSchemaRequest) (*driverv1.GetAccountSchemaResponse, error) {
	return &driverv1.GetAccountSchemaResponse{Fields: session.Schema()}, nil
}

// OpenAccount proves the credentials.
func (d *driver) OpenAccount(ctx context.Context, req *driverv1.OpenAccountRequest) (*driverv1.OpenAccountResponse, error) {
	s, err := session.Open(ctx, req.GetSettings(), req.GetCredentials(), d.options)
	if err != nil {
		return nil, err
	}
	if old, replaced := d.accounts.Put(req.GetAccountId(), s); replaced {
		old.Close()
	}
	return &driverv1.OpenAccountResponse{Capabilities: capabilities(s)}, nil
}

// CloseAccount forgets an account.
func (d *driver) CloseAccount(_ context.Context, req *driverv1.CloseAccountRequest) (*driverv1.CloseAccountResponse, error) {
	if s, found := d.accounts.Remove(req.GetAccountId()); found {
		s.Close()
	}
	return &driverv1.CloseAccountResponse{}, nil
}

// Probe asks the cloud who we are.
func (d *driver) Probe(ctx context.Context, req *driverv1.ProbeRequest) (*driverv1.ProbeResponse, error) {
	s, err := d.accounts.Get(req.GetAccountId())
	if err != nil {
		return nil, err
	}
	if err := s.Probe(ctx); err != nil {
		return nil, err
	}
	d.tellThrottled(ctx, req.GetAccountId(), s)
	return &driverv1.ProbeResponse{Capabilities: capabilities(s)}, nil
}

// tellThrottled logs which actions the cloud has throttled since the last probe.
func (d *driver) tellThrottled(ctx context.Context, accountID string, s *session.Session) {
	for action, count := range s.Throttled() {
		d.log.LogAttrs(ctx, slog.LevelInfo, "the cloud throttles", slog.String("account_id", accountID), slog.String("action", action),
			slog.Int("calls", count.Calls), slog.Int("throttled", count.Throttled), slog.Int("repeats", count.Repeats))
	}
}

// ListBillLines reads the bill of a month.
func (d *driver) ListBillLines(ctx context.Context, req *driverv1.ListBillLinesRequest) (*driverv1.ListBillLinesResponse, error) {
	s, err := d.accounts.Get(req.GetAccountId())
	if err != nil {
		return nil, err
	}
	return bill.Lines(ctx, s, req, s.Now())
}

// QuotePrice asks what something would cost.
func (d *driver) QuotePrice(ctx context.Context, req *driverv1.QuotePriceRequest) (*driverv1.QuotePriceResponse, error) {
	s, err := d.accounts.Get(req.GetAccountId())
	if err != nil {
		return nil, err
	}
	return bill.Quote(ctx, s, req)
}

// capabilities tells that a repeat may be sent at once: nearly every create takes a
// ClientToken, and the others look for what they marked.
func capabilities(s *session.Session) *driverv1.AccountCapabilities {
	can := &driverv1.AccountCapabilities{
		RegionId:       s.Region,
		AbsentFeatures: slices.Concat(loadbalancer.Absent(s), tenant.Absent(s)),
		CloudProject:   cmp.Or(s.ResourceGroup, s.OwnerID),
		ChangeTypes:    changeTypes(),
		BillLines:      true,
		PricedTypes:    bill.PricedTypes(),
		Idempotency: &driverv1.Idempotency{
			NativeToken:           true,
			RequestTimeoutSeconds: requestTimeoutSeconds,
			MarkerDelaySeconds:    markerDelaySeconds,
		},
	}
	if s.ConfinedTo() != "" { // neither bills nor the record of what the whole account does are for it
		can.BillLines, can.ChangeTypes = false, nil
	}
	return can
}
