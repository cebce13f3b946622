package logging_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/db/dbtest"
	"github.com/yunqiao/yunqiao/logging"
	loggingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/logging/v1"
)

// eventually asks until something is so; the machine may be slow.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for range 1200 {
		if is() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("it did not come to this: %s", what)
}

// messages are those of all entries of the caller, the newest first.
func (r *rig) messages(t testing.TB) []string {
	t.Helper()
	var out []string
	for token := ""; ; {
		found, err := r.entries.ListEntries(t.Context(), &loggingv1.ListEntriesRequest{PageSize: 500, PageToken: token})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range found.GetEntries() {
			out = append(out, e.GetMessage())
		}
		if token = found.GetNextPageToken(); token == "" {
			return out
		}
	}
}

// sink is a store of others that takes what is posted, after it has failed for a while.
type sink struct {
	mu      sync.Mutex
	failing bool
	tokens  map[string]bool
	lines   map[string]int // messages
}

func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failing {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	s.tokens[r.Header.Get("Authorization")] = true
	switch r.URL.Path {
	case "/vl/insert/jsonline":
		if r.URL.Query().Get("_stream_fields") == "" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		for scanner := bufio.NewScanner(r.Body); scanner.Scan(); {
			var line map[string]string
			if json.Unmarshal(scanner.Bytes(), &line) == nil && line["_time"] != "" && line["id"] != "" {
				s.lines[line["_msg"]]++
			}
		}
	case "/loki/api/v1/push":
		var message struct {
			Streams []struct {
				Stream map[string]string
				Values [][2]string
			}
		}
		body, _ := io.ReadAll(r.Body)
		if json.Unmarshal(body, &message) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		for _, stream := range message.Streams {
			for _, value := range stream.Values {
				var line map[string]string
				if json.Unmarshal([]byte(value[1]), &line) == nil && stream.Stream["tenant_id"] == tenant {
					s.lines[line["message"]]++
				}
			}
		}
		w.WriteHeader(http.StatusNoContent)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// TestForward sends on to stores of all kinds; the one for OTLP is another of ours.
func TestForward(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.Store) {
		other := start(t, dbtest.Open(t, dbtest.SQLite(t)), logging.Options{})
		_, otherToken := other.submission(t, &loggingv1.CreateSubmissionRequest{Method: loggingv1.SubmissionMethod_SUBMISSION_METHOD_HTTP})
		s := &sink{failing: true, tokens: map[string]bool{}, lines: map[string]int{}}
		mux := http.NewServeMux()
		mux.Handle("/", s)
		mux.Handle("/otlp/v1/logs", other.PushOTLP())
		server := httptest.NewServer(mux)
		t.Cleanup(server.Close)
		t.Cleanup(server.CloseClientConnections)

		opts := logging.Options{PullPrivate: true}
		r := start(t, store, opts)
		_, token := r.submission(t, &loggingv1.CreateSubmissionRequest{Method: loggingv1.SubmissionMethod_SUBMISSION_METHOD_HTTP, Format: loggingv1.LogFormat_LOG_FORMAT_JSON})
		send := func(from, to int) {
			t.Helper()
			var body strings.Builder
			for i := from; i < to; i++ {
				fmt.Fprintf(&body, `{"msg":"行 %d","level":"%s","process":"app"}`+"\n", i, []string{"info", "debug"}[i%2])
			}
			if w := push(t, r.Push(), token, body.String()); w.Code != http.StatusOK {
				t.Fatalf("push: %d %s", w.Code, w.Body)
			}
		}
		send(0, 10) // before: not sent on
		for kind, request := range map[loggingv1.ForwardKind]*loggingv1.CreateForwardRequest{
			loggingv1.ForwardKind_FORWARD_KIND_VICTORIALOGS: {Address: server.URL + "/vl", Token: "vl-token"},
			loggingv1.ForwardKind_FORWARD_KIND_LOKI:         {Address: server.URL, MinLevel: loggingv1.LogLevel_LOG_LEVEL_INFO},
			loggingv1.ForwardKind_FORWARD_KIND_OTLP:         {Address: server.URL + "/otlp", Token: otherToken},
		} {
			request.Name, request.Kind = "f", kind
			if _, err := r.forwards.CreateForward(t.Context(), request); err != nil {
				t.Fatal(err)
			}
		}
		send(10, 1500)
		eventually(t, "failures are shown", func() bool {
			list, err := r.forwards.ListForwards(t.Context(), &loggingv1.ListForwardsRequest{})
			if err != nil {
				t.Fatal(err)
			}
			failing := 0
			for _, f := range list.GetForwards() {
				if f.GetFailureCount() > 0 && f.GetLastError() == "the store answered 503 Service Unavailable" {
					failing++
				}
			}
			return failing == 2
		})
		r.stop()
		s.mu.Lock()
		s.failing = false
		s.mu.Unlock()
		r = start(t, store, opts) // what waits outlives the process
		eventually(t, "all is sent on", func() bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			return len(s.lines) == 1490
		})
		eventually(t, "another of ours has all", func() bool { // what was on its way at the restart may come twice
			different := map[string]bool{}
			for _, m := range other.messages(t) {
				different[m] = true
			}
			return len(different) == 1490
		})
		s.mu.Lock()
		for i := 10; i < 1500; i++ { // Loki wants no level below info
			if n, want := s.lines[fmt.Sprintf("行 %d", i)], 2-i%2; n < want || i%2 == 1 && n > 2 {
				t.Errorf("line %d came %d times, want %d", i, n, want)
			}
		}
		if !s.tokens["Bearer vl-token"] {
			t.Errorf("tokens: got %v", s.tokens)
		}
		s.mu.Unlock()
		found, err := other.entries.ListEntries(t.Context(), &loggingv1.ListEntriesRequest{PageSize: 1})
		if e := found.GetEntries(); err != nil || e[0].GetProcessName() != "app" || e[0].GetLevel() != loggingv1.LogLevel_LOG_LEVEL_DEBUG || e[0].GetAttributes()["id"] == "" {
			t.Errorf("got %v, %v", e, err)
		}
		list, err := r.forwards.ListForwards(t.Context(), &loggingv1.ListForwardsRequest{})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range list.GetForwards() {
			off := false
			if _, err := r.forwards.UpdateForward(t.Context(), &loggingv1.UpdateForwardRequest{Id: f.GetId(), Enabled: &off}); err != nil {
				t.Error(err)
			}
			if _, err := r.forwards.DeleteForward(t.Context(), &loggingv1.DeleteForwardRequest{Id: f.GetId()}); err != nil {
				t.Error(err)
			}
		}
		var waiting int64
		if err := store.Read.Table("logging_forwarding").Count(&waiting).Error; err != nil || waiting != 0 {
			t.Errorf("%d entries wait for nobody, %v", waiting, err)
		}
	})
}

// TestTailIsResumed has a reader come back after it was cut off.
func TestTailIsResumed(t *testing.T) {
	r := start(t, dbtest.Open(t, dbtest.SQLite(t)), logging.Options{})
	_, token := r.submission(t, &loggingv1.CreateSubmissionRequest{Method: loggingv1.SubmissionMethod_SUBMISSION_METHOD_HTTP, Format: loggingv1.LogFormat_LOG_FORMAT_JSON})
	server := httptest.NewServer(r.Tail())
	defer server.Close()
	send := func(body string) {
		t.Helper()
		if w := push(t, r.Push(), token, body); w.Code != http.StatusOK {
			t.Fatalf("push: %d %s", w.Code, w.Body)
		}
	}
	listen := func(last string) (*http.Response, *bufio.Scanner) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		if last != "" {
			request.Header.Set("Last-Event-ID", last)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		return response, bufio.NewScanner(response.Body)
	}
	next := func(events *bufio.Scanner) (id, message string) {
		t.Helper()
		for events.Scan() {
			if text, ok := strings.CutPrefix(events.Text(), "id: "); ok {
				id = text
			}
			if data, ok := strings.CutPrefix(events.Text(), "data: "); ok {
				var e struct{ Message string }
				if err := json.Unmarshal([]byte(data), &e); err != nil {
					t.Fatal(err)
				}
				return id, e.Message
			}
		}
		t.Fatal("the stream ended")
		return "", ""
	}
	response, events := listen("")
	send(`{"msg":"one"}`)
	last, message := next(events)
	response.Body.Close()
	if message != "one" {
		t.Fatalf("got %q", message)
	}
	send(`{"msg":"two"}`)
	send(fmt.Sprintf(`{"msg":"late","time":"%s"}`, time.Now().Add(-5*time.Minute).Format(time.RFC3339)))
	response, events = listen(last)
	defer response.Body.Close()
	for _, want := range []string{"two", "late"} {
		if _, message = next(events); message != want {
			t.Errorf("got %q, want %q", message, want)
		}
	}
	send(`{"msg":"live"}`)
	if _, message = next(events); message != "live" {
		t.Errorf("got %q", message)
	}
	if response, _ := listen("nonsense"); response.StatusCode != http.StatusBadRequest {
		t.Errorf("an id of others: got %s", response.Status)
	} else {
		response.Body.Close()
	}
}
