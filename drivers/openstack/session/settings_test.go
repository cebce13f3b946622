package session

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/sdk"
)

func TestReadSettings(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "clouds.yaml")
	if err := os.WriteFile(file, []byte(`clouds:
  one:
    auth: {auth_url: "https://one:5000/v3", username: u, password: p, project_name: pr, user_domain_name: D, project_domain_name: D}
    region_name: R
    interface: internal
`), 0o600); err != nil {
		t.Fatal(err)
	}
	user := map[string]string{"auth_url": "https://c:5000/v3", "username": "u", "project_name": "pr"}
	with := func(base map[string]string, more ...string) map[string]string {
		out := map[string]string{}
		for k, v := range base {
			out[k] = v
		}
		for i := 0; i+1 < len(more); i += 2 {
			out[more[i]] = more[i+1]
		}
		return out
	}
	password := map[string]string{"password": "secret-word"}
	for name, tc := range map[string]struct {
		settings, credentials map[string]string
		bad                   string // the field that the error names
		check                 func(target) bool
	}{
		"user and project": {user, password, "", func(g target) bool {
			return g.auth.Username == "u" && g.auth.DomainName == "Default" && g.auth.Scope.ProjectName == "pr" && g.auth.Scope.DomainName == "Default" && g.auth.AllowReauth
		}},
		"project by id": {with(user, "project_name", "", "project_id", "77"), password, "", func(g target) bool { return g.auth.Scope.ProjectID == "77" }},
		"application credential": {map[string]string{"auth_url": "https://c/v3", "application_credential_id": "a"}, map[string]string{"application_credential_secret": "s"}, "",
			func(g target) bool {
				return g.auth.ApplicationCredentialID == "a" && g.auth.Scope == nil && g.auth.Username == ""
			}},
		"clouds.yaml": {map[string]string{"cloud": "one", "clouds_file": file}, nil, "", func(g target) bool {
			return g.auth.IdentityEndpoint == "https://one:5000/v3" && g.auth.Password == "p" && g.eo.Region == "R" && g.eo.Availability == "internal"
		}},
		"clouds.yaml, other project": {map[string]string{"cloud": "one", "clouds_file": file, "project_id": "77", "region": "S"}, nil, "",
			func(g target) bool {
				return g.auth.Scope.ProjectID == "77" && g.auth.TenantName == "" && g.eo.Region == "S"
			}},
		"rate":                  {with(user, "requests_per_second", "2.5"), password, "", func(g target) bool { return g.rate != nil }},
		"no rate":               {user, password, "", func(g target) bool { return g.rate == nil }},
		"public subnets":        {with(user, "public_subnets", "true"), password, "", func(g target) bool { return g.publicSubnets }},
		"no public subnets":     {user, password, "", func(g target) bool { return !g.publicSubnets }},
		"perhaps public":        {with(user, "public_subnets", "perhaps"), password, "public_subnets", nil},
		"rate of nothing":       {with(user, "requests_per_second", "0"), password, "requests_per_second", nil},
		"no address":            {with(user, "auth_url", ""), password, "auth_url", nil},
		"no user":               {with(user, "username", ""), password, "username", nil},
		"no password":           {user, nil, "password", nil},
		"no project":            {with(user, "project_name", ""), password, "project_name", nil},
		"two projects":          {with(user, "project_id", "77"), password, "project_id", nil},
		"no secret":             {map[string]string{"auth_url": "x", "application_credential_id": "a"}, nil, "application_credential_secret", nil},
		"wrong interface":       {with(user, "interface", "secret"), password, "interface", nil},
		"wrong switch":          {with(user, "insecure", "maybe"), password, "insecure", nil},
		"no certificate":        {with(user, "ca_pem", "-----"), password, "ca_pem", nil},
		"no certificate file":   {with(user, "ca_file", "/nowhere"), password, "ca_file", nil},
		"no such cloud":         {map[string]string{"cloud": "two", "clouds_file": file}, nil, "cloud", nil},
		"no such setting":       {with(user, "auth_uri", "x"), password, "auth_uri", nil},
		"password as a setting": {with(user, "password", "secret-word"), password, "password", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := readSettings(tc.settings, tc.credentials)
			if tc.bad == "" {
				if err != nil || !tc.check(got) {
					t.Errorf("got %+v, %v", got.auth.Scope, err)
				}
				return
			}
			if sdk.ReasonOf(err) != apiv1.Reason_REASON_PARAMETER_REJECTED || !strings.Contains(err.Error(), "field="+tc.bad) {
				t.Errorf("got %v, want one that names %s", err, tc.bad)
			}
			if strings.Contains(err.Error(), "secret-word") {
				t.Errorf("a secret is in %v", err)
			}
		})
	}
}
