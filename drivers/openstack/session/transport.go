package session

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/yunqiao/yunqiao/drivers/sdk"
)

const (
	// maxAttempts bounds how often one HTTP request is sent.
	maxAttempts = 4
	// maxRetryWait bounds one wait that the cloud asks for; longer ones are the caller's.
	maxRetryWait = 20 * time.Second
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

// newHTTPClient makes a client that never follows a redirect, for a redirect
// would hand the token to another host.
func newHTTPClient(base http.RoundTripper) http.Client {
	return http.Client{
		Transport:     transport{base: base},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// transport forwards the request id, records the cloud's own, and repeats a
// request when the cloud says that it may be repeated later (429, 503 with
// Retry-After) and the deadline leaves time for it. A POST is not repeated after
// 503, which a proxy also answers for what it has handed on: the caller looks
// for its marker first.
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
	for attempt := 1; ; attempt++ {
		resp, err := t.base.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		recordRequestID(ctx, resp.Header)
		wait, ok := retryWait(ctx, req.Method, resp)
		if !ok || attempt == maxAttempts || !rewind(req) {
			return resp, nil
		}
		drain(resp.Body)
		if err := pause(ctx, wait); err != nil {
			return nil, err
		}
	}
}

func recordRequestID(ctx context.Context, h http.Header) {
	for _, name := range []string{"X-Openstack-Request-Id", "X-Compute-Request-Id"} {
		if id := h.Get(name); id != "" {
			sdk.AddProviderRequestID(ctx, id)
			return
		}
	}
}

// retryWait tells how long to wait before the same request may be sent again.
func retryWait(ctx context.Context, method string, resp *http.Response) (time.Duration, bool) {
	switch resp.StatusCode {
	case http.StatusTooManyRequests:
	case http.StatusServiceUnavailable:
		if method == http.MethodPost {
			return 0, false
		}
	default:
		return 0, false
	}
	wait := retryAfter(resp.Header)
	if wait <= 0 || wait > maxRetryWait {
		return 0, false
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait {
		return 0, false
	}
	return wait, true
}

// retryAfter reads the header Retry-After, in seconds or as a date; 0: absent.
func retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(v); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return time.Until(at)
	}
	return 0
}

// rewind makes the body readable again; false if it cannot be.
func rewind(req *http.Request) bool {
	if req.Body == nil || req.Body == http.NoBody {
		return true
	}
	if req.GetBody == nil {
		return false
	}
	body, err := req.GetBody()
	if err != nil {
		return false
	}
	req.Body = body
	return true
}

func drain(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, 64<<10)
	_ = body.Close()
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
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
