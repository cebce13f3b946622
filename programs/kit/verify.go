package kit

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/yunqiao/yunqiao/programs/gyt345"
)

// verdict keeps why the receiver refused.
type verdict struct {
	*Memory
	err error
}

// Settle implements gyt345.Settler.
func (v *verdict) Settle(ctx context.Context, r *gyt345.Received) error {
	v.err = v.Memory.Settle(ctx, r)
	return v.err
}

// Refused implements gyt345.Settler.
func (v *verdict) Refused(_ context.Context, r *gyt345.Received) { v.err = r.Verdict }

// nowhere is a response that nobody reads.
type nowhere struct{ header http.Header }

func (n nowhere) Header() http.Header         { return n.header }
func (n nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (n nowhere) WriteHeader(int)             {}

func verifyRequest(ctx context.Context, group Group, u *url.URL, body string, on gyt345.Interface) (*Found, error) {
	millis, err := strconv.ParseInt(u.Query().Get("ts"), 10, 64)
	if err != nil {
		return nil, errors.New("the address has no ts")
	}
	if millis < 1e11 {
		millis *= 1000
	}
	var found *Found
	memory, err := NewMemory([]Group{group}, func(_ context.Context, r *gyt345.Received) error {
		f := describe(r)
		found = &f
		return nil
	})
	if err != nil {
		return nil, err
	}
	v := &verdict{Memory: memory}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader([]byte(body)))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	now := func() time.Time { return time.UnixMilli(millis) }
	receiver := gyt345.NewReceiver(slog.New(slog.DiscardHandler), v, v, now)
	receiver.Handler(on, strings.TrimSuffix(u.EscapedPath(), "?")).ServeHTTP(nowhere{http.Header{}}, request)
	return found, v.err
}
