package outward_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/internal/outward"
)

func TestControl(t *testing.T) {
	for address, public := range map[string]bool{
		"127.0.0.1:80": false, "[::1]:80": false, "10.1.2.3:80": false, "192.168.0.1:80": false, "169.254.169.254:80": false,
		"[::ffff:10.0.0.1]:80": false, "0.0.0.0:80": false, "224.0.0.1:80": false, "8.8.8.8:443": true, "[2001:4860:4860::8888]:443": true,
	} {
		if err := (outward.Policy{Setting: "x.private"}).Control("tcp", address, nil); (err == nil) != public {
			t.Errorf("%s: got %v", address, err)
		}
		if err := (outward.Policy{Private: true}).Control("tcp", address, nil); err != nil {
			t.Errorf("%s, private allowed: got %v", address, err)
		}
	}
}

func TestClient(t *testing.T) {
	elsewhere := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		elsewhere = elsewhere || r.URL.Path == "/elsewhere"
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	}))
	defer server.Close()
	for private, want := range map[bool]string{true: "", false: "x.private is off"} {
		client := outward.Policy{Private: private, Setting: "x.private"}.Client(time.Minute, nil)
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if want != "" {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %q", err, want)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		client.CloseIdleConnections()
		if response.StatusCode != http.StatusFound || elsewhere {
			t.Errorf("got %s, followed: %v", response.Status, elsewhere)
		}
	}
}
