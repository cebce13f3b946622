package gyt345_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/yunqiao/yunqiao/programs/gyt345"
)

const somewhere = "/p?groupId=nobody&nonce=0123456789abcdef&ts=1767225609137&sign=x"

// strangers is a store without partners. It keeps what was refused.
type strangers struct {
	accepting
	asked   bool
	refused *gyt345.Received
}

func (s *strangers) Peer(context.Context, string, gyt345.Origin) (*gyt345.Peer, error) {
	s.asked = true
	return nil, gyt345.ErrUnknownPeer
}

func (s *strangers) Refused(_ context.Context, r *gyt345.Received) { s.refused = r }

// connection keeps the deadline of what is read from it.
type connection struct {
	*httptest.ResponseRecorder
	deadline time.Time
}

func (c *connection) SetReadDeadline(at time.Time) error { c.deadline = at; return nil }

func (s *strangers) post(t *testing.T, target string, body io.Reader, length int64) *connection {
	t.Helper()
	receiver := gyt345.NewReceiver(slog.New(slog.DiscardHandler), s, s, time.Now)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, target, body)
	r.ContentLength = length
	r.Header.Set("Content-Type", "application/json")
	w := &connection{ResponseRecorder: httptest.NewRecorder()}
	receiver.Handler(gyt345.InterfaceSeries, "/p").ServeHTTP(w, r)
	return w
}

// TestOrderOfAnswers: the body is read after the caller was looked for, but what is
// wrong with its size is answered first, as chapter 7 of the profile has it.
func TestOrderOfAnswers(t *testing.T) {
	large := strings.Repeat("x", gyt345.DefaultMaxBody+10)
	for name, tc := range map[string]struct {
		target string
		body   io.Reader
		want   string // part of the answer
		size   int    // of the body, as it was read
	}{
		"stranger":             {somewhere, strings.NewReader("{}"), "Forbidden", 2},
		"stranger, long":       {somewhere, strings.NewReader(large[:100_000]), "Forbidden", 100_000},
		"stranger, too large":  {somewhere, strings.NewReader(large), `\"body\"`, gyt345.DefaultMaxBody + 1},
		"stranger, cut off":    {somewhere, io.MultiReader(strings.NewReader("{"), iotest.ErrReader(io.ErrUnexpectedEOF)), `\"body\"`, 1},
		"no nonce":             {"/p?groupId=nobody", strings.NewReader("{}"), `\"nonce\"`, 2},
		"no nonce, too large":  {"/p?groupId=nobody", strings.NewReader(large), `\"body\"`, gyt345.DefaultMaxBody + 1},
		"twice, and no length": {somewhere + "&x=1&x=2", strings.NewReader("{}"), `\"x\"`, 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := &strangers{}
			var whole bytes.Buffer
			w := s.post(t, tc.target, io.TeeReader(tc.body, &whole), -1)
			if !strings.Contains(w.Body.String(), tc.want) {
				t.Errorf("got %d %s, want %s", w.Code, w.Body, tc.want)
			}
			if w.deadline.IsZero() || time.Until(w.deadline) > 10*time.Second {
				t.Errorf("the body has time until %s", w.deadline)
			}
			in := s.refused
			if in.Cut == nil || in.Cut.Size != tc.size || in.Cut.Digest != gyt345.SM3(whole.Bytes()) {
				t.Fatalf("%d bytes were read: got %+v", whole.Len(), in.Cut)
			}
			if len(in.Body) != min(tc.size, 4096) || !bytes.HasPrefix(whole.Bytes(), in.Body) {
				t.Errorf("kept %d bytes of %d", len(in.Body), whole.Len())
			}
		})
	}
}

// TestCallerComesBeforeTheBody: who is refused for his groupId has been looked for
// before his first byte is read.
func TestCallerComesBeforeTheBody(t *testing.T) {
	s := &strangers{}
	early := false
	s.post(t, somewhere, readFunc(func([]byte) (int, error) {
		early = early || !s.asked
		return 0, io.EOF
	}), -1)
	if early || !s.asked {
		t.Errorf("read before the caller was looked for: %v, looked for: %v", early, s.asked)
	}
}

type readFunc func(p []byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

// partner is known, with no key.
type partner struct{ strangers }

func (*partner) Peer(context.Context, string, gyt345.Origin) (*gyt345.Peer, error) {
	return &gyt345.Peer{}, nil
}

// TestClaimedLengthTakesNoMemory: room is made for what comes, not for what is said to come.
func TestClaimedLengthTakesNoMemory(t *testing.T) {
	receiver := gyt345.NewReceiver(slog.New(slog.DiscardHandler), &partner{}, &partner{}, time.Now)
	handler := receiver.Handler(gyt345.InterfaceSeries, "/p")
	const requests = 50
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range requests {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, somewhere, strings.NewReader("{"))
		r.ContentLength = gyt345.DefaultMaxBody
		r.Header.Set("Content-Type", "application/json")
		handler.ServeHTTP(httptest.NewRecorder(), r)
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / requests; each > 200<<10 {
		t.Errorf("a request of one byte took %d KiB", each>>10)
	}
}
