package terraform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/drivers/alibaba/definitions"
)

// tape is what a provider asked and was answered, in the order in which the cloud
// answered.
type tape struct {
	mu    sync.Mutex
	began time.Time
	calls []recorded
}

// recorded is one call. Its answer lacks what is empty or of one call only.
type recorded struct {
	At     int64             `json:"at"`               // milliseconds after the first
	Call   string            `json:"call"`             // version and action
	Method string            `json:"method,omitempty"` // if not POST
	Query  map[string]string `json:"query,omitempty"`
	Form   map[string]string `json:"form,omitempty"`
	Status int               `json:"status,omitempty"` // if not 200
	Answer map[string]any    `json:"answer"`
}

// record sees the calls of a cloud, one at a time.
func (p *tape) record(cloud http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		p.mu.Lock()
		defer p.mu.Unlock()
		at := time.Now()
		if p.began.IsZero() {
			p.began = at
		}
		seen := httptest.NewRecorder()
		cloud.ServeHTTP(seen, r)
		call := newRecorded(r, body, seen)
		call.At = at.Sub(p.began).Milliseconds()
		p.calls = append(p.calls, call)
		for name, values := range seen.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(seen.Code)
		_, _ = w.Write(seen.Body.Bytes()) // the provider has gone
	})
}

func newRecorded(r *http.Request, body []byte, seen *httptest.ResponseRecorder) recorded {
	out := recorded{Method: r.Method, Status: seen.Code, Answer: essence(seen.Body.Bytes())}
	query := r.URL.Query()
	form, err := url.ParseQuery(string(body))
	if err != nil {
		form = nil // the cloud has refused it
	}
	out.Call = query.Get("Version") + form.Get("Version") + " " + query.Get("Action") + form.Get("Action")
	out.Query, out.Form = business(query), business(form)
	if r.Method == http.MethodPost {
		out.Method = ""
	}
	if out.Status == http.StatusOK {
		out.Status = 0
	}
	return out
}

// business are the parameters that are not of the protocol, nor of one call only.
func business(values url.Values) map[string]string {
	out := map[string]string{}
	for name := range values {
		if values.Get(name) != "" && name != "ClientToken" && (name == "RegionId" || !definitions.IsCommon(name)) {
			out[name] = values.Get(name)
		}
	}
	return out
}

// asks is the same for equal calls.
func (r *recorded) asks() string { return fmt.Sprint(r.Call, r.Query, r.Form) }

// essence decodes an answer without what is empty, and without the request's own.
func essence(body []byte) map[string]any {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var out map[string]any
	if d.Decode(&out) != nil {
		return map[string]any{"not JSON": string(body)}
	}
	for _, name := range []string{"RequestId", "HostId", "Message", "Recommend"} {
		delete(out, name)
	}
	return full(out).(map[string]any)
}

// full leaves out members that are empty.
func full(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, member := range v {
			if member = full(member); !hollow(member) {
				out[name] = member
			}
		}
		return out
	case []any:
		for i, item := range v {
			v[i] = full(item)
		}
	}
	return v
}

func hollow(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case bool:
		return !v
	case json.Number:
		return v == "0"
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return false
}

// waits are the calls that only look whether something has come to be.
func waits(call string) bool {
	_, action, _ := strings.Cut(call, " ")
	for _, verb := range []string{"Describe", "List", "Get"} {
		if strings.HasPrefix(action, verb) {
			return true
		}
	}
	return false
}

// shortened leaves of each run of reads only the last of equal ones, as how often the
// provider looked depends on the machine; and none that were answered as before.
func shortened(calls []recorded) []recorded {
	var out []recorded
	answered := map[string]map[string]any{}
	for i, r := range calls {
		before, asked := answered[r.asks()]
		if waits(r.Call) && (askedAgain(calls[i+1:], r) || asked && reflect.DeepEqual(before, r.Answer)) {
			continue
		}
		answered[r.asks()] = r.Answer
		out = append(out, r)
	}
	return out
}

// askedAgain tells whether the same read follows before the next write.
func askedAgain(after []recorded, r recorded) bool {
	for _, next := range after {
		if !waits(next.Call) {
			return false
		}
		if next.asks() == r.asks() {
			return true
		}
	}
	return false
}

func tapeFile(stack string) string { return filepath.Join("testdata", stack, "recording.jsonl") }

func (p *tape) write(t *testing.T, stack string) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	for _, r := range shortened(p.calls) {
		if err := e.Encode(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(tapeFile(stack), text.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
