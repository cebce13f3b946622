package cdn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// ErrUnsupported says that a network cannot do what was asked.
var ErrUnsupported = errors.New("the CDN does not support it")

// CDN controls the distribution of content. URLs are those that terminals play.
type CDN interface {
	// Name tells networks apart in states and logs.
	Name() string
	// Purge removes URLs from all caches (缓存清除). One that is not cached is success.
	Purge(ctx context.Context, urls []string) error
	// Prefetch brings URLs into the caches.
	Prefetch(ctx context.Context, urls []string) error
	// Locate tells on which nodes a URL is (分发位置定位).
	Locate(ctx context.Context, url string) ([]string, error)
	// Redirect sends requests of URLs elsewhere (请求重定向), until they are purged.
	Redirect(ctx context.Context, urls []string, to string) error
}

// HTTPCache is one or more caches, such as nginx or Varnish, that remove a URL at the
// request PURGE <path> with its host, and answer for it with 302 after the request
// REDIRECT <path> with its host and a Location (examples/programs/varnish.vcl). It is
// safe for concurrent use.
type HTTPCache struct {
	name   string
	nodes  []*url.URL
	client *http.Client
}

var _ CDN = (*HTTPCache)(nil)

// NewHTTPCache makes a CDN of caches by their addresses: "http://10.0.0.7:6081".
func NewHTTPCache(name string, nodes []string, client *http.Client) (*HTTPCache, error) {
	c := &HTTPCache{name: name, client: client}
	if c.client == nil {
		transport := &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: askedAtOnce, IdleConnTimeout: time.Minute}
		c.client = &http.Client{
			Timeout: 10 * time.Second, Transport: transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	for _, node := range nodes {
		u, err := url.Parse(node)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return nil, fmt.Errorf("cache %q is no http or https URL", node)
		}
		c.nodes = append(c.nodes, u)
	}
	if len(c.nodes) == 0 {
		return nil, errors.New("a CDN needs at least one cache")
	}
	return c, nil
}

// Name implements CDN.
func (c *HTTPCache) Name() string { return c.name }

// Purge implements CDN: every node must answer 200 to 299, 404, or 412, which nginx's
// purge modules say of what is not cached.
func (c *HTTPCache) Purge(ctx context.Context, urls []string) error {
	return c.each(ctx, urls, request{method: "PURGE"}, func(status int, _ http.Header) error {
		return unless(status/100 == 2 || status == http.StatusNotFound || status == http.StatusPreconditionFailed, status)
	})
}

// Prefetch implements CDN: every node fetches the URL once.
func (c *HTTPCache) Prefetch(ctx context.Context, urls []string) error {
	return c.each(ctx, urls, request{method: http.MethodGet}, func(status int, _ http.Header) error { return unless(status/100 == 2, status) })
}

// Locate implements CDN: the nodes that answer from what they have. They are asked for
// nothing else (only-if-cached, RFC 9111, 5.2.1.7); one that does not know this tells by
// X-Cache or Age.
func (c *HTTPCache) Locate(ctx context.Context, target string) ([]string, error) {
	has := make([]bool, len(c.nodes))
	var work errgroup.Group
	for i, node := range c.nodes {
		work.Go(func() error {
			status, header, err := c.send(ctx, node, target, request{method: http.MethodHead, name: "Cache-Control", value: "only-if-cached"})
			age := header.Get("Age")
			has[i] = err == nil && status != http.StatusGatewayTimeout && (strings.HasPrefix(strings.ToUpper(header.Get("X-Cache")), "HIT") || age != "" && age != "0")
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return nil, err
	}
	var found []string
	for i, node := range c.nodes {
		if has[i] {
			found = append(found, node.Host)
		}
	}
	return found, nil
}

// Redirect implements CDN: every node must answer as it will answer players. Nodes that
// know no such request make it ErrUnsupported, if nothing else fails.
func (c *HTTPCache) Redirect(ctx context.Context, urls []string, to string) error {
	return c.each(ctx, urls, request{method: "REDIRECT", name: "Location", value: to}, func(status int, header http.Header) error {
		switch {
		case status == http.StatusMethodNotAllowed || status == http.StatusNotImplemented:
			return fmt.Errorf("status %d: %w", status, ErrUnsupported)
		case status/100 != 3 || header.Get("Location") != to:
			return fmt.Errorf("status %d to %q", status, header.Get("Location"))
		}
		return nil
	})
}

func unless(good bool, status int) error {
	if good {
		return nil
	}
	return fmt.Errorf("status %d", status)
}

// request is what a node is asked about a URL, with one header field or none.
type request struct{ method, name, value string }

// send asks a node for a URL of its origin, and reads the answer to its end.
func (c *HTTPCache) send(ctx context.Context, node *url.URL, target string, ask request) (int, http.Header, error) {
	u, err := url.Parse(target)
	if err != nil || u.Host == "" {
		return 0, nil, fmt.Errorf("%q is no URL", target)
	}
	host := u.Host
	u.Scheme, u.Host, u.Fragment = node.Scheme, node.Host, ""
	request, err := http.NewRequestWithContext(ctx, ask.method, u.String(), nil)
	if err != nil {
		return 0, nil, err
	}
	request.Host = host
	request.Header["Idempotency-Key"] = nil // not sent: net/http may repeat it where a kept connection has ended
	if ask.name != "" {
		request.Header.Set(ask.name, ask.value)
	}
	response, err := c.client.Do(request)
	if err != nil {
		return 0, nil, fmt.Errorf("%s at %s: %w", ask.method, node.Host, err)
	}
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, response.Header, errors.Join(err, response.Body.Close())
}
