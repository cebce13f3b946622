package session_test

import (
	"encoding/pem"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// hosts notes where calls go and answers who we are.
type hosts struct{ seen []string }

func (h *hosts) RoundTrip(req *http.Request) (*http.Response, error) {
	h.seen = append(h.seen, req.URL.Scheme+"://"+req.URL.Host)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"AccountId":"42"}`)), Request: req}, nil
}

func good() (settings, credentials map[string]string) {
	return map[string]string{"access_key_id": "LTAItest", "region": "cn-beijing"}, map[string]string{"access_key_secret": "secret"}
}

// TestEndpoints calls each kind of product where the settings say.
func TestEndpoints(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		settings map[string]string
		want     []string // of STS, ECS, WAF, RAM
	}{
		"the public ones of a region": {nil, []string{
			"https://sts.cn-beijing.aliyuncs.com", "https://ecs.cn-beijing.aliyuncs.com", "https://wafopenapi.cn-hangzhou.aliyuncs.com", "https://ram.aliyuncs.com",
		}},
		"of the international site": {map[string]string{"site": "international"}, []string{
			"https://sts.cn-beijing.aliyuncs.com", "https://ecs.cn-beijing.aliyuncs.com", "https://wafopenapi.ap-southeast-1.aliyuncs.com", "https://ram.aliyuncs.com",
		}},
		"one for all, but for one": {map[string]string{"endpoint": "cloud.example:8443", "endpoints": "ECS=ecs.example, ram=ram.example:1"}, []string{
			"https://cloud.example:8443", "https://ecs.example", "https://cloud.example:8443", "https://ram.example:1",
		}},
		"in the clear": {map[string]string{"scheme": "http"}, []string{
			"http://sts.cn-beijing.aliyuncs.com", "http://ecs.cn-beijing.aliyuncs.com", "http://wafopenapi.cn-hangzhou.aliyuncs.com", "http://ram.aliyuncs.com",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settings, credentials := good()
			maps.Copy(settings, tc.settings)
			seen := &hosts{}
			s, err := session.Open(t.Context(), settings, credentials, session.Options{Transport: seen})
			if err != nil || s.OwnerID != "42" {
				t.Fatalf("owner %v, %v", s, err)
			}
			for _, call := range []struct {
				product api.Product
				action  string
			}{{api.ECS, "DescribeRegions"}, {api.WAF, "DescribeInstance"}, {api.RAM, "ListUsers"}} {
				if err := s.Call(t.Context(), call.product, call.action, api.Params{}, nil); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(tc.want, seen.seen); diff != "" {
				t.Errorf("hosts (-want +got):\n%s", diff)
			}
		})
	}
}

// TestBadSettings names the setting and never shows a credential.
func TestBadSettings(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		change func(settings, credentials map[string]string)
		field  string
	}{
		"no key":             {func(s, _ map[string]string) { delete(s, "access_key_id") }, "access_key_id"},
		"no secret":          {func(_, c map[string]string) { delete(c, "access_key_secret") }, "access_key_secret"},
		"no region":          {func(s, _ map[string]string) { delete(s, "region") }, "region"},
		"a host as region":   {func(s, _ map[string]string) { s["region"] = "x.example/" }, "region"},
		"unknown site":       {func(s, _ map[string]string) { s["site"] = "mars" }, "site"},
		"unknown scheme":     {func(s, _ map[string]string) { s["scheme"] = "ftp" }, "scheme"},
		"an address as host": {func(s, _ map[string]string) { s["endpoint"] = "https://x" }, "endpoint"},
		"unknown product":    {func(s, _ map[string]string) { s["endpoints"] = "oss=x" }, "endpoints"},
		"no host":            {func(s, _ map[string]string) { s["endpoints"] = "ecs" }, "endpoints"},
		"a name as role":     {func(s, _ map[string]string) { s["role_arn"] = "admin" }, "role_arn"},
		"too short a role":   {func(s, _ map[string]string) { s["role_seconds"] = "60" }, "role_seconds"},
		"no such file":       {func(s, _ map[string]string) { s["ca_file"] = "/nowhere" }, "ca_file"},
		"no certificate":     {func(s, _ map[string]string) { s["ca_pem"] = "x" }, "ca_pem"},
		"two certificates":   {func(s, _ map[string]string) { s["ca_pem"], s["ca_file"] = "x", empty }, "ca_file"},
		"unknown balancers":  {func(s, _ map[string]string) { s["load_balancers"] = "nlb" }, "load_balancers"},
		"a secret in public": {func(s, _ map[string]string) { s["access_key_secret"] = "secret" }, "access_key_secret"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settings, credentials := good()
			tc.change(settings, credentials)
			_, err := session.Open(t.Context(), settings, credentials, session.Options{Transport: &hosts{}})
			if sdk.ReasonOf(err) != apiv1.Reason_REASON_PARAMETER_REJECTED || sdk.InfoOf(err)["field"] != tc.field {
				t.Errorf("got %v", err)
			}
			if strings.Contains(err.Error(), "LTAItest") || strings.Contains(sdk.FaultText(err), "LTAItest") {
				t.Errorf("a credential is in %v", err)
			}
		})
	}
}

// TestOwnAuthority trusts the certificates of ca_pem, and no others.
func TestOwnAuthority(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"AccountId":"7"}`) }))
	defer server.Close()
	settings, credentials := good()
	settings["endpoint"] = strings.TrimPrefix(server.URL, "https://")
	settings["ca_pem"] = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	s, err := session.Open(t.Context(), settings, credentials, session.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	delete(settings, "ca_pem")
	if _, err = session.Open(t.Context(), settings, credentials, session.Options{}); sdk.ReasonOf(err) != apiv1.Reason_REASON_CLOUD_UNAVAILABLE {
		t.Errorf("without its certificate: %v", err)
	}
}
