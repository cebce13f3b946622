package main

import (
	"context"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/compute"
	"github.com/yunqiao/yunqiao/drivers/openstack/container"
	"github.com/yunqiao/yunqiao/drivers/openstack/database"
	"github.com/yunqiao/yunqiao/drivers/openstack/firewall"
	"github.com/yunqiao/yunqiao/drivers/openstack/loadbalancer"
	"github.com/yunqiao/yunqiao/drivers/openstack/metrics"
	"github.com/yunqiao/yunqiao/drivers/openstack/network"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/openstack/storage"
	"github.com/yunqiao/yunqiao/drivers/openstack/tenant"
	"github.com/yunqiao/yunqiao/drivers/openstack/vpn"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

const (
	driverName    = "openstack"
	driverVersion = "0.1.0"
	providerName  = "OpenStack"

	// requestTimeoutSeconds is how long a request may still run at the cloud after
	// its caller is gone: the rpc_response_timeout of the services is 60 seconds,
	// and a creating call makes at most two such calls one after the other.
	requestTimeoutSeconds = 120
	// markerDelaySeconds is how long a new resource may be missing from a look-up
	// by its marker; the services look up in the same database that they wrote to.
	markerDelaySeconds = 2
)

// driver serves cloud.driver.v1.DriverService.
type driver struct {
	driverv1.UnimplementedDriverServiceServer
	accounts *sdk.Accounts[*session.Session]
}

var _ sdk.Driver = (*driver)(nil)

func newDriver() *driver {
	return &driver{accounts: &sdk.Accounts[*session.Session]{}}
}

// Register adds the resource services.
func (d *driver) Register(r grpc.ServiceRegistrar) {
	compute.Register(r, d.accounts)
	network.Register(r, d.accounts)
	loadbalancer.Register(r, d.accounts)
	vpn.Register(r, d.accounts)
	firewall.Register(r, d.accounts)
	container.Register(r, d.accounts)
	database.Register(r, d.accounts)
	storage.Register(r, d.accounts)
	metrics.Register(r, d.accounts)
	tenant.Register(r, d.accounts)
}

// GetInfo tells what the driver can do.
func (d *driver) GetInfo(context.Context, *driverv1.GetInfoRequest) (*driverv1.GetInfoResponse, error) {
	return &driverv1.GetInfoResponse{
		Name:             driverName,
		Version:          driverVersion,
		Provider:         providerName,
		ContractVersions: []int32{1},
		Methods:          sdk.Methods(d.Register),
		Features:         slices.Concat(compute.Features(), network.Features(), loadbalancer.Features(), vpn.Features(), firewall.Features(), container.Features(), database.Features(), storage.Features(), tenant.Features()),
		Attributes:       slices.Concat(compute.Attributes(), network.Attributes(), loadbalancer.Attributes(), database.Attributes(), storage.Attributes()),
	}, nil
}

// GetAccountSchema tells what an account is made of.
func (d *driver) GetAccountSchema(context.Context, *driverv1.GetAccountSchemaRequest) (*driverv1.GetAccountSchemaResponse, error) {
	return &driverv1.GetAccountSchemaResponse{Fields: session.Schema()}, nil
}

// OpenAccount authenticates and reads what the cloud offers.
func (d *driver) OpenAccount(ctx context.Context, req *driverv1.OpenAccountRequest) (*driverv1.OpenAccountResponse, error) {
	s, err := session.Open(ctx, req.GetSettings(), req.GetCredentials(), session.Options{})
	if err != nil {
		return nil, err
	}
	if old, replaced := d.accounts.Put(req.GetAccountId(), s); replaced {
		old.Close()
	}
	return &driverv1.OpenAccountResponse{Capabilities: d.capabilities(s)}, nil
}

// CloseAccount forgets an account.
func (d *driver) CloseAccount(_ context.Context, req *driverv1.CloseAccountRequest) (*driverv1.CloseAccountResponse, error) {
	if s, found := d.accounts.Remove(req.GetAccountId()); found {
		s.Close()
	}
	return &driverv1.CloseAccountResponse{}, nil
}

// Probe gets a new token, which proves the credentials and the cloud, and tries what
// they may do.
func (d *driver) Probe(ctx context.Context, req *driverv1.ProbeRequest) (*driverv1.ProbeResponse, error) {
	s, err := d.accounts.Get(req.GetAccountId())
	if err != nil {
		return nil, err
	}
	at, err := s.Probe(ctx)
	if err != nil {
		return nil, err
	}
	rights, err := s.MissingRights(ctx)
	if err != nil {
		return nil, err
	}
	resp := &driverv1.ProbeResponse{Capabilities: d.capabilities(s)}
	for _, r := range rights {
		resp.MissingRights = append(resp.MissingRights, &driverv1.MissingRight{Service: r.Service, Role: r.Role, Unreadable: r.Unreadable})
	}
	if !at.IsZero() {
		resp.CloudTime = timestamppb.New(at)
	}
	return resp, nil
}

func (d *driver) capabilities(s *session.Session) *driverv1.AccountCapabilities {
	methods := sdk.Methods(d.Register)
	return &driverv1.AccountCapabilities{
		AbsentMethods:  slices.DeleteFunc(methods, func(m string) bool { return offers(s, m) }),
		AbsentFeatures: slices.Concat(compute.AbsentFeatures(s), network.AbsentFeatures(s), loadbalancer.AbsentFeatures(s), vpn.AbsentFeatures(s), firewall.AbsentFeatures(s), container.AbsentFeatures(s), database.AbsentFeatures(s), storage.AbsentFeatures(s), tenant.AbsentFeatures(s)),
		RegionId:       s.Region,
		CloudProject:   s.ProjectID,
		ChangeTypes:    changeTypes(s),
		Idempotency: &driverv1.Idempotency{
			RequestTimeoutSeconds: requestTimeoutSeconds,
			MarkerDelaySeconds:    markerDelaySeconds,
		},
	}
}

// offers tells whether the account's cloud has the service behind an rpc.
func offers(s *session.Session, method string) bool {
	service, _, _ := strings.Cut(method, "/")
	switch service {
	case "cloud.compute.v1.RegionService":
		return true
	case "cloud.driver.v1.TenantService":
		return tenant.Offers(s)
	case "cloud.storage.v1.ImageService":
		return s.Image != nil
	case "cloud.network.v1.RouterService", "cloud.network.v1.PublicIpService":
		return s.Extensions["router"]
	case "cloud.network.v1.SecurityGroupService":
		return s.Extensions["security-group"]
	case "cloud.network.v1.LoadBalancerService":
		return s.LoadBalancer != nil
	case "cloud.compute.v1.ContainerService":
		return container.Offers(s)
	case "cloud.monitor.v1.MetricService":
		return metrics.Offers(s)
	case "cloud.security.v1.FirewallService", "cloud.security.v1.FirewallPolicyService", "cloud.security.v1.FirewallRuleService":
		return firewall.Offers(s)
	}
	switch {
	case strings.HasPrefix(service, "cloud.compute.v1."):
		return s.Compute != nil
	case strings.HasPrefix(service, "cloud.network.v1."):
		return s.Network != nil
	case strings.HasPrefix(service, "cloud.database.v1."):
		return database.Offers(s)
	case strings.HasPrefix(service, "cloud.security.v1."):
		return vpn.Offers(s, method)
	case strings.HasPrefix(service, "cloud.storage.v1."):
		return s.Volume != nil
	}
	return true
}
