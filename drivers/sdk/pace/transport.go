package pace

import (
	"io"
	"net/http"
	"strconv"
	"time"
)

// Transport carries HTTP requests to a cloud that says when it may be asked
// again: 429 and 503 with Retry-After are repeated after that time, but a POST
// after 429 only, for a proxy also answers 503 for what it has handed on: the
// caller looks for its marker first. Any other answer is the caller's.
type Transport struct {
	Base  http.RoundTripper
	Retry Retry // MinWait and Unavailable do not count here
}

// RoundTrip implements http.RoundTripper. Errors: those of Base and Limiter.Wait.
func (t Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	req = req.Clone(ctx)
	for attempt := 1; ; attempt++ {
		if err := t.Retry.Limiter.Wait(ctx); err != nil {
			return nil, err
		}
		resp, err := t.Base.RoundTrip(req)
		if err != nil || !repeatable(req.Method, resp.StatusCode) {
			return resp, err
		}
		wait := RetryAfter(resp.Header)
		t.Retry.Limiter.Hold(wait)
		if attempt >= t.Retry.attempts() || !t.Retry.fits(ctx, wait) || !rewind(req) {
			return resp, nil
		}
		drain(resp.Body)
		if err := Pause(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// repeatable tells whether a status proves that the request may be sent again.
func repeatable(method string, status int) bool {
	switch status {
	case http.StatusTooManyRequests:
		return true
	case http.StatusServiceUnavailable:
		return method != http.MethodPost
	default:
		return false
	}
}

// RetryAfter reads the header Retry-After, in seconds or as a date; 0: absent,
// unreadable or gone.
func RetryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(v); err == nil {
		return max(0, time.Duration(seconds)*time.Second)
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(0, time.Until(at))
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
