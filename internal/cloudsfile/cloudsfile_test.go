package cloudsfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

const several = `
clouds:
  plain:
    auth:
      auth_url: https://cloud.example:5000/v3
      username: li
      password: "@secret"
      project_name: news
      user_domain_name: Staff
      project_domain_id: default
    region_name: RegionTwo
    interface: public
    identity_api_version: 3
    cacert: ca.pem
  split:
    auth: {auth_url: http://x/v3, username: li, project_id: 12345}
    regions: [One, {name: Two}]
    verify: false
  robot:
    auth_type: v3applicationcredential
    auth: {auth_url: http://x/v3, application_credential_id: abc, application_credential_secret: def, project_name: left out}
  federated:
    auth_type: v3oidcpassword
    auth: {auth_url: http://x/v3, token: t}
  far:
    profile: vendor
`

func TestFromYAML(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := write(t, dir, "clouds.yaml", several)
	write(t, dir, "secure.yaml", "clouds: {split: {auth: {password: kept apart}}}")
	write(t, dir, "ca.pem", "PEM")
	for name, tc := range map[string]struct {
		cloud, region string
		want          Entry
	}{
		"all said": {"plain", "", Entry{
			Settings: map[string]string{
				"auth_url": "https://cloud.example:5000/v3", "username": "li", "project_name": "news", "user_domain_name": "Staff",
				"region": "RegionTwo", "interface": "public", "ca_pem": "PEM",
			},
			Credentials: map[string]string{"password": "@secret"},
		}},
		"secrets apart, a region chosen": {"split", "Two", Entry{
			Settings:    map[string]string{"auth_url": "http://x/v3", "username": "li", "project_id": "12345", "region": "Two", "insecure": "true"},
			Credentials: map[string]string{"password": "kept apart"},
		}},
		"application credential": {"robot", "", Entry{
			Settings:    map[string]string{"auth_url": "http://x/v3", "application_credential_id": "abc"},
			Credentials: map[string]string{"application_credential_secret": "def"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := FromYAML(file, tc.cloud, tc.region)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestRefusedYAML(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := write(t, dir, "clouds.yaml", several)
	broken := write(t, dir, "broken.yaml", "clouds: [password: hunter2")
	for name, tc := range map[string]struct{ file, cloud, region, want string }{
		"no such cloud":    {file, "nope", "", "it has: far, federated, plain, robot, split"},
		"no such file":     {filepath.Join(dir, "absent"), "plain", "", "no such file"},
		"no such CA file":  {file, "plain", "", "cacert"},
		"federation":       {file, "federated", "", "v3oidcpassword"},
		"which region":     {file, "split", "", "One, Two"},
		"no such region":   {file, "split", "Three", "One, Two"},
		"profile":          {file, "far", "", "vendor"},
		"not a YAML file":  {broken, "plain", "", "not a YAML file"},
		"one cloud of two": {file, "", "", `no cloud ""`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := FromYAML(tc.file, tc.cloud, tc.region)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want it to say %q", err, tc.want)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error tells a secret: %v", err)
			}
		})
	}
}

// asDownloaded is what the dashboard gives.
const asDownloaded = `#!/usr/bin/env bash
export OS_AUTH_URL=https://cloud.example:5000/v3
export OS_PROJECT_ID=2f1b0e4c
export OS_PROJECT_NAME="news"
export OS_USER_DOMAIN_NAME="Staff"
if [ -z "$OS_USER_DOMAIN_NAME" ]; then unset OS_USER_DOMAIN_NAME; fi
export OS_PROJECT_DOMAIN_ID="default"
unset OS_TENANT_ID
export OS_USERNAME='li'
echo "Please enter your password: "
read -sr OS_PASSWORD_INPUT
export OS_PASSWORD=$OS_PASSWORD_INPUT
export OS_REGION_NAME="RegionOne"
export OS_ENDPOINT_TYPE=publicURL
export OS_INTERFACE=public
export OS_IDENTITY_API_VERSION=3
`

func TestFromOpenRC(t *testing.T) {
	t.Parallel()
	file := write(t, t.TempDir(), "openrc.sh", asDownloaded)
	typed := func(name string) string { return map[string]string{"OS_PASSWORD": "typed in"}[name] }
	got, err := FromOpenRC(file, typed, "")
	if err != nil {
		t.Fatal(err)
	}
	want := Entry{
		Settings: map[string]string{
			"auth_url": "https://cloud.example:5000/v3", "username": "li", "project_id": "2f1b0e4c", "user_domain_name": "Staff",
			"region": "RegionOne", "interface": "public",
		},
		Credentials: map[string]string{"password": "typed in"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if _, err := FromOpenRC(file, func(string) string { return "" }, ""); err == nil || !strings.Contains(err.Error(), "OS_PASSWORD") {
		t.Errorf("without a password: %v", err)
	}
}
