package app

import (
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite testdata/raw_routes.txt")

// TestRawRoutes lists all routes that are no rpc, with their permissions, so that a
// new one is looked at, and test/tenants calls it in the name of others.
func TestRawRoutes(t *testing.T) {
	const file = "testdata/raw_routes.txt"
	gateway := started(t, func(*Config) {})
	var lines []string
	for _, r := range gateway.rawRoutes(newMetrics()) {
		line := r.Method + " " + r.Pattern + " " + r.Permission
		switch {
		case r.Public:
			line += "public"
		case r.Stream:
			line += " stream"
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	got := strings.Join(lines, "\n") + "\n"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("raw routes differ from %s; look at them, then run with -update\ngot\n%s", file, got)
	}
}

// TestMetricsAreForOperators: who is elsewhere says who he is, and a tenant is
// refused wherever he is.
func TestMetricsAreForOperators(t *testing.T) {
	gateway := started(t, func(*Config) {})
	served := gateway.forOperators(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for name, tc := range map[string]struct {
		from, token string
		want        int
	}{
		"this machine":                   {"127.0.0.1:4000", "", http.StatusOK},
		"this machine, IPv6":             {"[::1]:4000", "", http.StatusOK},
		"this machine, a wrong token":    {"127.0.0.1:4000", "yq_wrong", http.StatusUnauthorized},
		"another machine":                {"192.0.2.1:4000", "", http.StatusUnauthorized},
		"another machine, administrator": {"192.0.2.1:4000", gateway.FirstToken, http.StatusOK},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
		r.RemoteAddr = tc.from
		if tc.token != "" {
			r.Header.Set("Authorization", "Bearer "+tc.token)
		}
		w := httptest.NewRecorder()
		served.ServeHTTP(w, r)
		if w.Code != tc.want {
			t.Errorf("%s: got %d %s, want %d", name, w.Code, w.Body, tc.want)
		}
	}
}
