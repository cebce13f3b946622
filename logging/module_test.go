package logging_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	"github.com/yunqiao/yunqiao/internal/inproc"
	"github.com/yunqiao/yunqiao/internal/seal"
	"github.com/yunqiao/yunqiao/logging"
	loggingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/logging/v1"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

const tenant = "0123456789abcdef0123456789abcdef"

// access lets one organization call.
type access struct{}

func (access) Caller(context.Context) logging.Caller {
	return logging.Caller{UserID: "u", TenantID: tenant}
}
func (access) Tenants(string) []string { return nil } // all: files are for people of the root

// rig is a running module.
type rig struct {
	*logging.Module
	submissions loggingv1.SubmissionServiceClient
	locations   loggingv1.LocationServiceClient
	entries     loggingv1.EntryServiceClient
	forwards    loggingv1.ForwardServiceClient
	stop        func()
}

func start(t testing.TB, store *db.Store, opts logging.Options) *rig {
	t.Helper()
	if err := store.Migrate(t.Context(), logging.Migrations()); err != nil {
		t.Fatal(err)
	}
	box, err := seal.New([]byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	m, err := logging.Open(t.Context(), slog.New(slog.DiscardHandler), store, box, access{}, opts)
	if err != nil {
		t.Fatal(err)
	}
	conn := inproc.New()
	m.Register(conn)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var work sync.WaitGroup
	work.Go(func() { _ = m.Run(ctx) })
	r := &rig{m, loggingv1.NewSubmissionServiceClient(conn), loggingv1.NewLocationServiceClient(conn), loggingv1.NewEntryServiceClient(conn), loggingv1.NewForwardServiceClient(conn), nil}
	r.stop = sync.OnceFunc(func() { cancel(); work.Wait() })
	t.Cleanup(r.stop)
	return r
}

func (r *rig) submission(t testing.TB, request *loggingv1.CreateSubmissionRequest) (id, token string) {
	t.Helper()
	request.Name = "s"
	answer, err := r.submissions.CreateSubmission(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	return answer.GetId(), answer.GetToken()
}

func push(t testing.TB, h http.Handler, token, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
	request.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, request)
	return w
}

func TestPush(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.Store) {
		r := start(t, store, logging.Options{})
		id, token := r.submission(t, &loggingv1.CreateSubmissionRequest{
			Method: loggingv1.SubmissionMethod_SUBMISSION_METHOD_HTTP, Format: loggingv1.LogFormat_LOG_FORMAT_JSON, AllowedSources: []string{"192.0.2.0/24"},
		})
		for name, tc := range map[string]struct {
			handler     http.Handler
			token, body string
			header      []string
			status      int
		}{
			"lines":          {r.Push(), token, "{\"msg\":\"推送一\"}\n{\"msg\":\"two\"}", nil, 200},
			"wrong token":    {r.Push(), "yql_x", "x", nil, 401},
			"no gzip":        {r.Push(), token, "x", []string{"Content-Encoding", "gzip"}, 400},
			"other encoding": {r.Push(), token, "x", []string{"Content-Encoding", "br"}, 415},
			"too large":      {r.Push(), token, strings.Repeat("x", 17<<20), nil, 413},
			"otlp": {r.PushOTLP(), token, `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"severityNumber":13,"body":{"stringValue":"o"}}]}]}]}`,
				[]string{"Content-Type", "application/json"}, 200},
			"otlp, broken": {r.PushOTLP(), token, `{`, []string{"Content-Type", "application/json"}, 400},
		} {
			if w := push(t, tc.handler, tc.token, tc.body, tc.header...); w.Code != tc.status {
				t.Errorf("%s: got %d %s, want %d", name, w.Code, w.Body, tc.status)
			}
		}
		for range 2 {
			if w := push(t, r.Push(), token, "{\"msg\":\"once\"}", "X-Record-Id", "b"); w.Code != 200 {
				t.Errorf("repeat: got %d", w.Code)
			}
		}
		found, err := r.entries.ListEntries(t.Context(), &loggingv1.ListEntriesRequest{SubmissionId: id})
		if err != nil || len(found.GetEntries()) != 4 {
			t.Errorf("got %d entries, %v, want 4", len(found.GetEntries()), err)
		}
		r.stop()
		r = start(t, store, logging.Options{}) // the token outlives the process
		if w := push(t, r.Push(), token, "{}"); w.Code != 200 {
			t.Errorf("after a restart: got %d", w.Code)
		}
		if _, err := r.submissions.UpdateSubmission(t.Context(), &loggingv1.UpdateSubmissionRequest{
			Id: id, AllowedSources: &loggingv1.SourceList{Values: []string{"10.0.0.0/8"}},
		}); err != nil {
			t.Fatal(err)
		}
		if w := push(t, r.Push(), token, "{}"); w.Code != 403 {
			t.Errorf("from elsewhere: got %d, want 403", w.Code)
		}
	})
}

func TestFilesSurviveARestart(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.Store) {
		dir := t.TempDir()
		path := filepath.Join(dir, "a.log")
		opts := logging.Options{FileRoots: []string{dir}}
		r := start(t, store, opts)
		id, _ := r.submission(t, &loggingv1.CreateSubmissionRequest{Method: loggingv1.SubmissionMethod_SUBMISSION_METHOD_FILE})
		if _, err := r.locations.CreateLocation(t.Context(), &loggingv1.CreateLocationRequest{Name: "x", SubmissionId: id, Address: "/etc/*"}); err == nil {
			t.Error("a path outside of the roots was allowed")
		}
		if _, err := r.locations.CreateLocation(t.Context(), &loggingv1.CreateLocationRequest{Name: "l", SubmissionId: id, Address: path}); err != nil {
			t.Fatal(err)
		}
		want := 0
		for round := range 2 {
			file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = file.WriteString(strings.Repeat("line\n", 10))
			_ = file.Close()
			want += 10
			got := 0
			for range 100 {
				found, err := r.entries.ListEntries(t.Context(), &loggingv1.ListEntriesRequest{PageSize: 500})
				if err != nil {
					t.Fatal(err)
				}
				if got = len(found.GetEntries()); got >= want {
					break
				}
				time.Sleep(50 * time.Millisecond)
			}
			if got != want {
				t.Errorf("round %d: got %d entries, want %d", round, got, want)
			}
			r.stop()
			r = start(t, store, opts)
		}
	})
}

func FuzzPush(f *testing.F) {
	r := start(f, dbtest.Open(f, dbtest.SQLite(f)), logging.Options{})
	_, token := r.submission(f, &loggingv1.CreateSubmissionRequest{Method: loggingv1.SubmissionMethod_SUBMISSION_METHOD_HTTP, Format: loggingv1.LogFormat_LOG_FORMAT_JSON})
	f.Add("{\"msg\":\"a\"}\n", true)
	f.Add("\x0a\x02\x12\x00", false)
	f.Fuzz(func(t *testing.T, body string, lines bool) {
		h, kind := r.PushOTLP(), "application/x-protobuf"
		if lines {
			h = r.Push()
		}
		if w := push(t, h, token, body, "Content-Type", kind); w.Code != 200 && w.Code != 400 {
			t.Errorf("got %d for %q", w.Code, body)
		}
	})
}
