package cloudsfile

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Entry is an account as a file describes it.
type Entry struct {
	Settings    map[string]string
	Credentials map[string]string // secret: never shown or logged
}

// meanings are what the keys of clouds.yaml say of an account, those below "auth"
// included; openrc has the same keys in its own spelling. Keys that are not here say
// nothing of an account.
var meanings = map[string]string{
	"auth_url": "auth_url", "username": "username", "project_name": "project_name", "tenant_name": "project_name",
	"project_id": "project_id", "tenant_id": "project_id",
	"user_domain_name": "user_domain_name", "project_domain_name": "project_domain_name",
	"application_credential_id": "application_credential_id", "region_name": "region", "interface": "interface",
}

var secrets = []string{"password", "application_credential_secret"}

// refusals are keys that change who is authenticated, or how, in a way that an account
// cannot say.
var refusals = map[string]string{
	"token": "a token that expires", "user_id": "a user by id", "system_scope": "a scope of the whole system",
	"domain_id": "a scope of a domain", "domain_name": "a scope of a domain",
	"application_credential_name": "an application credential by name", "cert": "a client certificate", "passcode": "a one-time code",
	"trust_id": "a trust",
}

// entryOf sorts what a file says. dir is where relative files are looked for.
func entryOf(values map[string]string, dir string) (Entry, error) {
	e := Entry{Settings: map[string]string{}, Credentials: map[string]string{}}
	var problems []error
	for _, key := range slices.Sorted(maps.Keys(values)) {
		value := values[key]
		name, known := meanings[key]
		switch {
		case value == "":
		case known:
			e.Settings[name] = strings.TrimSuffix(value, "URL")
		case slices.Contains(secrets, key):
			e.Credentials[key] = value
		case key == "user_domain_id" || key == "project_domain_id":
			// The one domain whose id everybody knows has the driver's default name.
			if value != "default" {
				problems = append(problems, fmt.Errorf("%s is %q: give the domain by its name", key, value))
			}
		case key == "cacert":
			text, err := os.ReadFile(relative(dir, value))
			if err != nil {
				problems = append(problems, fmt.Errorf("read the file of %s: %w", key, err))
			}
			e.Settings["ca_pem"] = string(text)
		case key == "verify" && (strings.EqualFold(value, "false") || value == "0"):
			e.Settings["insecure"] = "true"
		case key == "auth_type" && !slices.Contains([]string{"password", "v3password", "v3applicationcredential"}, value):
			problems = append(problems, fmt.Errorf("auth_type %q is not for accounts: a password or an application credential is", value))
		case refusals[key] != "":
			problems = append(problems, fmt.Errorf("%s: an account cannot have %s", key, refusals[key]))
		}
	}
	if e.Settings["auth_url"] == "" {
		problems = append(problems, errors.New("auth_url is missing"))
	}
	if e.Settings["project_id"] != "" {
		delete(e.Settings, "project_name")
		delete(e.Settings, "project_domain_name")
	}
	if e.Settings["application_credential_id"] != "" {
		for _, name := range []string{"username", "user_domain_name", "project_name", "project_id", "project_domain_name"} {
			delete(e.Settings, name)
		}
	}
	return e, errors.Join(problems...)
}

func relative(dir, file string) string {
	if rest, home := strings.CutPrefix(file, "~/"); home {
		if base, err := os.UserHomeDir(); err == nil {
			return filepath.Join(base, rest)
		}
	}
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(dir, file)
}
