package referencecloud

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Project and Region of everything in the cloud.
const (
	Project = "2f1b0e4c5d6a47b8935d7c8e9fa0b1c2"
	Region  = "RegionOne"
)

// Cloud is a running cloud.
type Cloud struct {
	URL string

	mu      sync.Mutex
	without []string // service types that the catalogue lacks
	tables  map[string]*table
	calls   []string
}

// object is one resource as it goes over the wire.
type object map[string]any

// New starts a cloud that ends with the test. It lacks the services and extensions in
// without: "container", "fwaas_v2".
func New(t *testing.T, without ...string) *Cloud {
	t.Helper()
	c := &Cloud{without: without, tables: map[string]*table{}}
	server := httptest.NewServer(http.HandlerFunc(c.serve))
	t.Cleanup(server.Close)
	c.URL = server.URL
	return c
}

// Settings and Credentials open an account of the cloud.
func (c *Cloud) Settings() map[string]string {
	return map[string]string{"auth_url": c.URL + "/identity/v3", "username": "user", "project_name": "project"}
}

// Credentials are those of the only user.
func (c *Cloud) Credentials() map[string]string { return map[string]string{"password": "secret"} }

// Calls are the calls so far: "GET /network/v2.0/ports".
func (c *Cloud) Calls() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.calls)
}

func (c *Cloud) serve(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, r.Method+" "+r.URL.Path)
	w.Header().Set("X-Openstack-Request-Id", "req-"+newID())
	service, path, _ := strings.Cut(strings.Trim(r.URL.Path, "/"), "/")
	if service != "identity" && r.Header.Get("X-Auth-Token") == "" {
		reply(w, http.StatusUnauthorized, object{"error": object{"code": 401, "title": "Unauthorized"}})
		return
	}
	switch service {
	case "identity":
		c.identity(w, r, path)
	case "network":
		c.network(w, r, path)
	case "container":
		c.container(w, r, path)
	default:
		http.NotFound(w, r)
	}
}

func (c *Cloud) lacks(service string) bool { return slices.Contains(c.without, service) }

// identity gives a token to the one user, with the catalogue.
func (c *Cloud) identity(w http.ResponseWriter, r *http.Request, path string) {
	if path == "v3" {
		reply(w, http.StatusOK, object{"version": object{"id": "v3.14", "status": "stable"}})
		return
	}
	body := read(r)
	password := fmt.Sprint(dig(body, "auth", "identity", "password", "user", "password"))
	if path != "v3/auth/tokens" || password != "secret" {
		reply(w, http.StatusUnauthorized, object{"error": object{"code": 401, "title": "Unauthorized"}})
		return
	}
	catalog := []object{}
	for kind, path := range map[string]string{"network": "/network", "application-container": "/container"} {
		if !c.lacks(strings.TrimPrefix(kind, "application-")) {
			catalog = append(catalog, object{"type": kind, "name": kind, "endpoints": []object{{
				"interface": "public", "region": Region, "region_id": Region, "url": c.URL + path,
			}}})
		}
	}
	now := time.Now().UTC()
	w.Header().Set("X-Subject-Token", newID())
	reply(w, http.StatusCreated, object{"token": object{
		"issued_at": now.Format(time.RFC3339), "expires_at": now.Add(time.Hour).Format(time.RFC3339), "catalog": catalog,
		"project": object{"id": Project, "name": "project", "domain": object{"id": "default", "name": "Default"}},
		"user":    object{"id": newID(), "name": "user", "domain": object{"id": "default", "name": "Default"}},
		"roles":   []object{{"id": newID(), "name": "member"}},
	}})
}

func newID() string {
	raw := make([]byte, 16)
	_, _ = rand.Read(raw)
	raw[6], raw[8] = raw[6]&0x0f|0x40, raw[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", raw[:4], raw[4:6], raw[6:8], raw[8:10], raw[10:])
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if body != nil {
		_ = json.NewEncoder(w).Encode(body)
	}
}

func read(r *http.Request) object {
	var body object
	_ = json.NewDecoder(r.Body).Decode(&body)
	return body
}

// dig follows members of nested objects.
func dig(v any, path ...string) any {
	for _, name := range path {
		members, ok := v.(map[string]any)
		if o, isObject := v.(object); isObject {
			members, ok = o, true
		}
		if !ok {
			return nil
		}
		v = members[name]
	}
	return v
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

func texts(v any) []string {
	var out []string
	switch list := v.(type) {
	case []string:
		return slices.Clone(list)
	case []any:
		for _, item := range list {
			out = append(out, text(item))
		}
	}
	return out
}
