package session

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/providers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
	"github.com/gophercloud/gophercloud/v2/openstack/utils"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/drivers/sdk/cache"
)

// Microversions: the newest whose behaviour the driver knows, and the lowest
// with which it works at all. Between them features are left out (AtLeast).
const (
	computeNewest = 90 // 2.90: host name at create
	computeLowest = 53 // 2.53: Pike, server tags at create (2.52)
	volumeNewest  = 66 // 3.66: snapshot of a volume in use without force
	volumeLowest  = 0
)

const (
	flavorTTL = 10 * time.Minute
	imageTTL  = 10 * time.Minute
	subnetTTL = time.Minute
	zoneTTL   = time.Hour
)

// Options tunes Open. The zero value is ready for production.
type Options struct {
	// Now is the clock of the caches; nil: time.Now.
	Now func() time.Time
	// Transport carries the HTTP requests; nil: a pool of the session's own.
	Transport http.RoundTripper
}

// Session is one open account. Its clients carry the token, renew it once when
// it is refused, and have their microversions set.
type Session struct {
	// Service clients; nil where the catalog has no such service. Rpcs that need
	// one begin with Require.
	Compute, Network, Volume, Image, LoadBalancer, Container, Database, Metric *gophercloud.ServiceClient

	// Region as the catalog names it.
	Region string
	// ProjectID and ProjectName are the project of the token.
	ProjectID, ProjectName string
	// Regions are all regions of the catalog, sorted.
	Regions []string
	// Extensions are the aliases of the network service's extensions: "router", "vpnaas".
	Extensions map[string]bool
	// PublicSubnets tells that the account allows subnets with public address ranges.
	PublicSubnets bool
	// LoadBalancerProviders are the load balancer service's providers: "amphora", "ovn".
	LoadBalancerProviders map[string]bool

	// Flavors holds all flavors under key "" (compute package).
	Flavors *cache.Cache[[]flavors.Flavor]
	// Images holds images by id.
	Images *cache.Cache[*images.Image]
	// BootImages holds the images of boot volumes by the volumes' ids (compute package).
	BootImages *cache.Cache[string]
	// NetworkSubnets holds the subnets of a network by the network's id.
	NetworkSubnets *cache.Cache[[]subnets.Subnet]
	// Subnets holds subnets by id.
	Subnets *cache.Cache[*subnets.Subnet]
	// Zones holds the availability zones of all services under key "" (compute package).
	Zones *cache.Cache[[]Zone]
	// Now is the clock.
	Now func() time.Time

	provider  *gophercloud.ProviderClient
	closeIdle func()
}

// Zone is an availability zone with the services that know it by this name.
type Zone struct {
	Name      string
	Available bool
	Services  []string // "compute", "storage", "network"
}

// Open authenticates and reads what the cloud offers: its catalog,
// microversions and network extensions. Errors: PARAMETER_REJECTED naming the
// setting, ACCOUNT_UNAUTHENTICATED, CLOUD_UNAVAILABLE.
func Open(ctx context.Context, settings, credentials map[string]string, opts Options) (*Session, error) {
	t, err := readSettings(settings, credentials)
	if err != nil {
		return nil, err
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	provider, err := openstack.NewClient(t.auth.IdentityEndpoint)
	if err != nil {
		return nil, rejected(settingAuthURL, "is not an address")
	}
	closeIdle := func() {}
	if opts.Transport == nil {
		base := newBase(t.tls)
		opts.Transport, closeIdle = base, base.CloseIdleConnections
	}
	provider.HTTPClient = newHTTPClient(opts.Transport, t.rate)
	provider.UserAgent.Prepend("yunqiao")
	if err := openstack.Authenticate(ctx, provider, t.auth); err != nil {
		closeIdle()
		return nil, authError(err)
	}
	s := &Session{
		Flavors:        cache.New[[]flavors.Flavor](flavorTTL, opts.Now),
		Images:         cache.New[*images.Image](imageTTL, opts.Now),
		BootImages:     cache.New[string](imageTTL, opts.Now),
		NetworkSubnets: cache.New[[]subnets.Subnet](subnetTTL, opts.Now),
		Subnets:        cache.New[*subnets.Subnet](subnetTTL, opts.Now),
		Zones:          cache.New[[]Zone](zoneTTL, opts.Now),
		Now:            opts.Now,
		PublicSubnets:  t.publicSubnets,
		provider:       provider,
		closeIdle:      closeIdle,
	}
	if err := s.discover(ctx, t.eo); err != nil {
		closeIdle()
		return nil, err
	}
	return s, nil
}

// Close gives idle connections back. Calls in flight end by themselves.
func (s *Session) Close() { s.closeIdle() }

// Probe proves the credentials by getting a new token with them, and returns
// when the cloud says it issued it. Errors as Open.
func (s *Session) Probe(ctx context.Context) (time.Time, error) {
	if err := s.provider.Reauthenticate(ctx, ""); err != nil {
		return time.Time{}, authError(err)
	}
	var token struct {
		IssuedAt time.Time `json:"issued_at"`
	}
	if r, ok := s.provider.GetAuthResult().(tokens.CreateResult); ok {
		if err := r.ExtractIntoStructPtr(&token, "token"); err != nil {
			return time.Time{}, fmt.Errorf("read token: %w", err)
		}
	}
	return token.IssuedAt, nil
}

// Require refuses with UNSUPPORTED_METHOD when the cloud has no such service.
func Require(client *gophercloud.ServiceClient) error {
	if client == nil {
		return sdk.NewError(apiv1.Reason_REASON_UNSUPPORTED_METHOD)
	}
	return nil
}

// AtLeast tells whether the client's negotiated microversion has this minor number.
func AtLeast(client *gophercloud.ServiceClient, minor int) bool {
	if client == nil {
		return false
	}
	_, digits, _ := strings.Cut(client.Microversion, ".")
	n, err := strconv.Atoi(digits)
	return err == nil && n >= minor
}

func (s *Session) discover(ctx context.Context, eo gophercloud.EndpointOpts) error {
	if err := s.readToken(&eo); err != nil {
		return err
	}
	s.Region = eo.Region
	for _, service := range []struct {
		client  **gophercloud.ServiceClient
		make    func(*gophercloud.ProviderClient, gophercloud.EndpointOpts) (*gophercloud.ServiceClient, error)
		address address
	}{
		{&s.Compute, openstack.NewComputeV2, address{version: "v2.1", inCatalog: true}},
		{&s.Network, openstack.NewNetworkV2, address{version: "v2.0"}},
		{&s.Volume, openstack.NewBlockStorageV3, address{version: "v3", inCatalog: true, project: true}},
		{&s.Image, openstack.NewImageV2, address{version: "v2"}},
		{&s.LoadBalancer, openstack.NewLoadBalancerV2, address{version: "v2.0"}},
		{&s.Container, openstack.NewContainerV1, address{version: "v1"}},
		{&s.Database, openstack.NewDBV1, address{version: "v1.0", inCatalog: true, project: true}},
		{&s.Metric, newMetricV1, address{version: "v1"}},
	} {
		client, err := service.make(s.provider, eo)
		if absent(err) {
			continue
		}
		if err != nil {
			return Error(err, "", "")
		}
		service.address.setAddress(client, s.ProjectID)
		*service.client = client
	}
	if err := negotiate(ctx, s.Compute, "2", computeLowest, computeNewest); err != nil {
		return err
	}
	if err := negotiate(ctx, s.Volume, "3", volumeLowest, volumeNewest); err != nil {
		return err
	}
	if err := s.negotiateContainers(ctx); err != nil {
		return err
	}
	if err := s.readExtensions(ctx); err != nil {
		return err
	}
	return s.readLoadBalancerProviders(ctx)
}

// readToken takes project and region from the token and its catalog.
func (s *Session) readToken(eo *gophercloud.EndpointOpts) error {
	r, ok := s.provider.GetAuthResult().(tokens.CreateResult)
	if !ok {
		return rejected(settingAuthURL, "only version 3 of the identity service is spoken")
	}
	project, err := r.ExtractProject()
	if err != nil {
		return fmt.Errorf("read project of token: %w", err)
	}
	if project == nil {
		return rejected(settingProjectName, "the credentials do not name a project")
	}
	s.ProjectID, s.ProjectName = project.ID, project.Name
	catalog, err := r.ExtractServiceCatalog()
	if err != nil {
		return fmt.Errorf("read catalog of token: %w", err)
	}
	regions := make(map[string]bool)
	for _, service := range catalog.Entries {
		for _, endpoint := range service.Endpoints {
			regions[endpoint.Region] = true
			regions[endpoint.RegionID] = true
		}
	}
	delete(regions, "")
	s.Regions = slices.Sorted(maps.Keys(regions))
	if eo.Region == "" && len(s.Regions) > 0 {
		eo.Region = s.Regions[0]
	}
	if !regions[eo.Region] {
		return rejected(settingRegion, "the catalog has no such region")
	}
	return nil
}

func (s *Session) readExtensions(ctx context.Context) error {
	s.Extensions = make(map[string]bool)
	if s.Network == nil {
		return nil
	}
	page, err := extensions.List(s.Network).AllPages(ctx)
	if err != nil {
		return Error(err, "", "")
	}
	list, err := extensions.ExtractExtensions(page)
	if err != nil {
		return fmt.Errorf("read network extensions: %w", err)
	}
	for _, e := range list {
		s.Extensions[e.Alias] = true
	}
	return nil
}

// readLoadBalancerProviders finds the providers. None are known where the service
// does not tell them: the account shall open even if that one service is ill.
func (s *Session) readLoadBalancerProviders(ctx context.Context) error {
	s.LoadBalancerProviders = make(map[string]bool)
	if s.LoadBalancer == nil {
		return nil
	}
	page, err := providers.List(s.LoadBalancer, nil).AllPages(ctx)
	if err != nil {
		return ctx.Err()
	}
	list, err := providers.ExtractProviders(page)
	if err != nil {
		return fmt.Errorf("read load balancer providers: %w", err)
	}
	for _, p := range list {
		s.LoadBalancerProviders[p.Name] = true
	}
	return nil
}

// negotiate sets the newest microversion that both sides know.
func negotiate(ctx context.Context, client *gophercloud.ServiceClient, major string, lowest, newest int) error {
	if client == nil {
		return nil
	}
	base, err := utils.BaseVersionedEndpoint(client.Endpoint)
	if err != nil {
		return fmt.Errorf("read address of %s service: %w", client.Type, err)
	}
	versions, err := utils.GetServiceVersions(ctx, client.ProviderClient, gophercloud.NormalizeURL(base), true)
	if err != nil {
		return Error(err, "", "")
	}
	offered := 0
	for _, v := range versions {
		if strconv.Itoa(v.MaxMajor) == major {
			offered = max(offered, v.MaxMinor)
		}
	}
	if offered < lowest {
		return sdk.NewError(apiv1.Reason_REASON_UNSUPPORTED_FEATURE,
			sdk.Feature(client.Type+".microversion."+major+"."+strconv.Itoa(lowest)))
	}
	client.Microversion = major + "." + strconv.Itoa(min(offered, newest))
	return nil
}

// absent tells whether the catalog has no such service in this region.
func absent(err error) bool {
	var noEndpoint *gophercloud.ErrEndpointNotFound
	var noService *gophercloud.ErrServiceNotFound
	return errors.As(err, &noEndpoint) || errors.As(err, &noService)
}
