package session

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/providers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/drivers/sdk/cache"
)

const (
	flavorTTL = 10 * time.Minute
	imageTTL  = 10 * time.Minute
	subnetTTL = time.Minute
	zoneTTL   = time.Hour
)

// optionalPatience bounds how long the opening of an account waits for a service
// without which it opens too.
const optionalPatience = 5 * time.Second

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
	// nil: not known, for the service did not answer.
	LoadBalancerProviders map[string]bool
	// ContainerAway tells that the container service did not answer, so that its
	// microversion is not known (WithContainers).
	ContainerAway bool

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

func (s *Session) discover(ctx context.Context, eo gophercloud.EndpointOpts) error {
	if err := s.readToken(&eo); err != nil {
		return err
	}
	s.Region = eo.Region
	for _, service := range []struct {
		client  **gophercloud.ServiceClient
		address address
	}{
		{&s.Compute, address{kind: "compute", version: "v2.1", inCatalog: true}},
		{&s.Network, address{kind: "network", version: "v2.0"}},
		{&s.Volume, address{kind: "block-storage", version: "v3", inCatalog: true, project: true}},
		{&s.Image, address{kind: "image", version: "v2"}},
		{&s.LoadBalancer, address{kind: "load-balancer", version: "v2.0"}},
		{&s.Container, address{kind: "application-container", version: "v1"}},
		{&s.Database, address{kind: "database", version: "v1.0", inCatalog: true, project: true}},
		{&s.Metric, address{kind: "metric", version: "v1"}},
	} {
		client, err := service.address.locate(s.provider, eo, s.ProjectID)
		if absent(err) {
			continue
		}
		if err != nil {
			return Error(err, "", "")
		}
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
		return silent(s.Network.Type, err)
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

// readLoadBalancerProviders finds the providers. None are known where the service does
// not answer; there are none where it only does not tell them.
func (s *Session) readLoadBalancerProviders(ctx context.Context) error {
	if s.LoadBalancer == nil {
		return nil
	}
	return s.optional(ctx, func(ctx context.Context) error {
		page, err := providers.List(s.LoadBalancer, nil).AllPages(ctx)
		if err != nil && !withholds(err) {
			return silent(s.LoadBalancer.Type, err)
		}
		s.LoadBalancerProviders = make(map[string]bool)
		if err != nil {
			return nil
		}
		list, err := providers.ExtractProviders(page)
		if err != nil {
			return fmt.Errorf("read load balancer providers: %w", err)
		}
		for _, p := range list {
			s.LoadBalancerProviders[p.Name] = true
		}
		return nil
	})
}

// optional asks a service that an account can do without: that it fails does not keep
// the account from opening.
func (s *Session) optional(ctx context.Context, ask func(context.Context) error) error {
	short, cancel := context.WithTimeout(ctx, optionalPatience)
	defer cancel()
	if err := ask(short); err != nil {
		return ctx.Err()
	}
	return nil
}

// absent tells whether the catalog has no such service in this region.
func absent(err error) bool {
	var noEndpoint *gophercloud.ErrEndpointNotFound
	var noService *gophercloud.ErrServiceNotFound
	return errors.As(err, &noEndpoint) || errors.As(err, &noService)
}
