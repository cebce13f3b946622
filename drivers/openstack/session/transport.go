package session

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/drivers/sdk/pace"
)

// newBase makes the pooled transport of one account. Each account has its own,
// so that a slow cloud uses up none but its own connections.
func newBase(config *tls.Config) *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dialer.DialContext,
		TLSClientConfig:       config,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: 120 * time.Second,
		ExpectContinueTimeout: time.Second,
		IdleConnTimeout:       60 * time.Second,
		MaxIdleConnsPerHost:   16,
		MaxConnsPerHost:       64,
		ForceAttemptHTTP2:     true,
	}
}

// newHTTPClient makes a client that repeats what the cloud allows to repeat and
// asks it no faster than limiter, which may be nil. It never follows a redirect,
// for that would hand the token to another host.
func newHTTPClient(base http.RoundTripper, limiter *pace.Limiter) http.Client {
	return http.Client{
		Transport:     transport{base: pace.Transport{Base: recorder{base}, Retry: pace.Retry{Limiter: limiter}}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// transport forwards the request id and the trace.
type transport struct {
	base http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	req = req.Clone(ctx)
	call := sdk.CallFrom(ctx)
	if call.RequestID != "" {
		req.Header.Set("X-Openstack-Request-Id", globalRequestID(call.RequestID))
	}
	if call.Traceparent != "" {
		req.Header.Set("Traceparent", call.Traceparent)
	}
	return t.base.RoundTrip(req)
}

// recorder tells the gateway the cloud's own ids of all requests that are sent.
type recorder struct {
	base http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (r recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := r.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"X-Openstack-Request-Id", "X-Compute-Request-Id"} {
		if id := resp.Header.Get(name); id != "" {
			sdk.AddProviderRequestID(req.Context(), id)
			break
		}
	}
	return resp, nil
}

// globalRequestID makes the id that the cloud's services log beside their own:
// "req-" and a UUID, the only form that they accept. A request id that is a UUID
// keeps its digits; any other is hashed.
func globalRequestID(requestID string) string {
	digits := strings.ToLower(strings.ReplaceAll(requestID, "-", ""))
	if raw, err := hex.DecodeString(digits); err != nil || len(raw) != 16 {
		sum := sha256.Sum256([]byte(requestID))
		digits = hex.EncodeToString(sum[:16])
	}
	return "req-" + digits[:8] + "-" + digits[8:12] + "-" + digits[12:16] + "-" + digits[16:20] + "-" + digits[20:]
}
