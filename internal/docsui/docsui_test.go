package docsui_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/yunqiao/yunqiao/internal/docsui"
)

func get(t *testing.T, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	recorder := httptest.NewRecorder()
	docsui.Handler().ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), method, path, nil))
	return recorder
}

func TestHandler(t *testing.T) {
	for name, tc := range map[string]struct {
		method, path string
		status       int
		contentType  string
		contains     string
	}{
		"page":         {"GET", "/docs/", 200, "text/html", `<script src="app.js" defer>`},
		"script":       {"GET", "/docs/app.js", 200, "text/javascript", "/openapi.json"},
		"style":        {"GET", "/docs/style.css", 200, "text/css", "grid"},
		"without end":  {"GET", "/docs", 301, "text/html", "/docs/"},
		"absent":       {"GET", "/docs/none", 404, "text/plain", "404"},
		"outside":      {"GET", "/docs/../docsui.go", 404, "text/plain", "404"},
		"wrong method": {"POST", "/docs/", 405, "text/plain", "Not Allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			got := get(t, tc.method, tc.path)
			if got.Code != tc.status {
				t.Errorf("got status %d, want %d", got.Code, tc.status)
			}
			if kind := got.Header().Get("Content-Type"); !strings.HasPrefix(kind, tc.contentType) {
				t.Errorf("got content type %q, want %q", kind, tc.contentType)
			}
			if !strings.Contains(got.Body.String(), tc.contains) {
				t.Errorf("the body lacks %q", tc.contains)
			}
		})
	}
}

// TestNothingIsFetchedElsewhere keeps the pages usable without Internet, and
// free of what the policy that is sent would block.
func TestNothingIsFetchedElsewhere(t *testing.T) {
	foreign := regexp.MustCompile(`(?i)https?://|//cdn|@import|\burl\(`)
	inline := regexp.MustCompile(`(?i)<script>|<style|\sstyle=|\son[a-z]+="|innerHTML|eval\(`)
	for _, path := range []string{"/docs/", "/docs/app.js", "/docs/style.css"} {
		response := get(t, http.MethodGet, path)
		body := response.Body.String()
		if match := foreign.FindString(body); match != "" {
			t.Errorf("%s: got %q", path, match)
		}
		if match := inline.FindString(body); match != "" {
			t.Errorf("%s: got %q", path, match)
		}
		if !strings.Contains(response.Header().Get("Content-Security-Policy"), "script-src 'self'") {
			t.Errorf("%s: got policy %q", path, response.Header().Get("Content-Security-Policy"))
		}
	}
}
