package session

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"time"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	storagev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/drivers/sdk/cache"
)

// How long what the cloud offers is held: stock changes within minutes.
const (
	offerTTL = 10 * time.Minute
	zoneTTL  = time.Hour
)

// Options tunes Open. The zero value is ready for production.
type Options struct {
	// Now is the clock of credentials and caches; nil: time.Now.
	Now func() time.Time
	// Transport carries the HTTP requests; nil: a pool of the session's own.
	Transport http.RoundTripper
}

// Session is one open account. It is safe for concurrent use.
type Session struct {
	api.Caller

	// Region of the account: "cn-hangzhou".
	Region string
	// Site is which of the cloud's two sites the account was opened at.
	Site api.Site
	// ResourceGroup is where everything is made and listed; empty: the default
	// one, and lists show all.
	ResourceGroup string
	// Zonal tells that ALB and NLB are used beside CLB.
	Zonal bool
	// OwnerID is the number of the cloud account that the credentials belong to.
	OwnerID string
	// Principal is who the credentials are: "acs:ram::1234:user/yunqiao".
	Principal string
	// Flavors holds all flavors under key "" (compute package).
	Flavors *cache.Cache[[]*computev1.Flavor]
	// Zones holds all zones under key "" (compute package).
	Zones *cache.Cache[[]*computev1.Zone]
	// DiskTypes holds all disk types under key "" (storage package).
	DiskTypes *cache.Cache[[]*storagev1.DiskType]
	// Now is the clock.
	Now func() time.Time

	client    *api.Client
	endpoints api.Endpoints
	transport http.RoundTripper
	closeIdle func()
}

// Open reads the settings and proves the credentials. Errors: PARAMETER_REJECTED
// naming the setting, ACCOUNT_UNAUTHENTICATED, CLOUD_UNAVAILABLE.
func Open(ctx context.Context, settings, credentials map[string]string, opts Options) (*Session, error) {
	t, err := readSettings(settings, credentials)
	if err != nil {
		return nil, err
	}
	s := newSession(t, opts)
	if s.OwnerID, s.Principal, err = s.identify(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func newSession(t target, opts Options) *Session {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	closeIdle := func() {}
	if opts.Transport == nil {
		base := newTransport(t.tls)
		opts.Transport, closeIdle = base, base.CloseIdleConnections
	}
	credentials := api.Static(t.credential)
	if t.role.ARN != "" {
		sts := api.NewClient(t.endpoints, credentials, opts.Transport)
		credentials = api.AssumeRole(sts, t.role, opts.Now)
	}
	client := api.NewClient(t.endpoints, credentials, opts.Transport)
	var caller api.Caller = client
	if t.resourceGroup != "" {
		caller = inGroup{client, t.resourceGroup}
	}
	return &Session{
		Caller: caller, client: client, endpoints: t.endpoints, transport: opts.Transport, closeIdle: closeIdle, Now: opts.Now,
		Region: t.endpoints.Region, Site: t.endpoints.Site, ResourceGroup: t.resourceGroup, Zonal: t.zonal,
		Flavors:   cache.New[[]*computev1.Flavor](offerTTL, opts.Now),
		Zones:     cache.New[[]*computev1.Zone](zoneTTL, opts.Now),
		DiskTypes: cache.New[[]*storagev1.DiskType](offerTTL, opts.Now),
	}
}

// Close gives idle connections back. Calls in flight end by themselves.
func (s *Session) Close() { s.closeIdle() }

// Probe proves the credentials. Errors as Open.
func (s *Session) Probe(ctx context.Context) error {
	_, _, err := s.identify(ctx)
	return err
}

// Throttled tells how often each action was called that the cloud has throttled
// since Throttled was called last, by "Product.Action".
func (s *Session) Throttled() map[string]api.Count { return s.client.TakeThrottled() }

// identify asks who we are, which needs no permission.
func (s *Session) identify(ctx context.Context) (ownerID, principal string, err error) {
	var out struct{ AccountId, Arn string }
	if err := s.Call(ctx, api.STS, "GetCallerIdentity", api.Params{}, &out); err != nil {
		return "", "", identityError(err)
	}
	return out.AccountId, out.Arn, nil
}

// identityError reads the refusals of a log-in: whatever is said to be missing or
// forbidden is the key or the role.
func identityError(err error) error {
	switch api.Reason(err) {
	case apiv1.Reason_REASON_NOT_FOUND, apiv1.Reason_REASON_CLOUD_PERMISSION_DENIED:
		return api.As(apiv1.Reason_REASON_ACCOUNT_UNAUTHENTICATED, err, "", "")
	}
	return api.Error(err, "", "")
}

// newTransport makes the pool of connections of one account. Each account has its
// own, so that a slow cloud uses up none but its own connections.
func newTransport(config *tls.Config) *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dialer.DialContext,
		TLSClientConfig:       config,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: 60 * time.Second,
		IdleConnTimeout:       60 * time.Second,
		MaxIdleConnsPerHost:   32,
		MaxConnsPerHost:       64,
		ForceAttemptHTTP2:     true,
	}
}

// Accounts are the open accounts of the driver.
type Accounts = sdk.Accounts[*Session]
