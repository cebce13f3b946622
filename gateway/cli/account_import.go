package cli

import (
	"encoding/json"
	"errors"
	"maps"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/yunqiao/yunqiao/internal/cloudsfile"
)

// importAccountCommand makes an account of what a file says.
type importAccountCommand struct {
	ID         string   `arg:"" help:"Name of the new account."`
	Driver     string   `required:"" help:"Driver that the account is for." placeholder:"DRIVER"`
	CloudsYAML string   `name:"clouds-yaml" help:"A clouds.yaml file; secure.yaml beside it is read too." placeholder:"FILE" xor:"source"`
	Cloud      string   `help:"Which cloud of clouds.yaml; not needed if there is one only." placeholder:"NAME"`
	OpenRC     string   `name:"openrc" help:"An openrc file. What it would ask for is taken from the environment: OS_PASSWORD." placeholder:"FILE" xor:"source"`
	Region     string   `help:"Region, where the file has several or none." placeholder:"NAME"`
	CloudKind  string   `help:"What kind of cloud it is: ${enum}." enum:"private,public,dedicated" default:"private"`
	Setting    []string `help:"A further setting, or another than the file's; may be repeated." placeholder:"NAME=VALUE" sep:"none"`
}

// Run reads the file and creates the account at the gateway.
func (c importAccountCommand) Run(selected *kong.Context, env *environment) error {
	m, err := taggedMethod(selected)
	if err != nil {
		return err
	}
	var entry cloudsfile.Entry
	switch {
	case c.CloudsYAML != "":
		entry, err = cloudsfile.FromYAML(c.CloudsYAML, c.Cloud, c.Region)
	case c.OpenRC != "":
		entry, err = cloudsfile.FromOpenRC(c.OpenRC, env.getenv, c.Region)
	default:
		err = errors.New("give --clouds-yaml FILE or --openrc FILE")
	}
	if err != nil {
		return err
	}
	settings := maps.Clone(entry.Settings)
	for _, setting := range c.Setting {
		name, value, _ := strings.Cut(setting, "=")
		settings[name] = value
	}
	body, err := json.Marshal(map[string]any{
		"id": c.ID, "driver": c.Driver, "cloud_kind": "CLOUD_KIND_" + strings.ToUpper(c.CloudKind),
		"settings": settings, "credentials": entry.Credentials,
	})
	if err != nil {
		return err
	}
	r, err := encodeJSON(m, body)
	if err != nil {
		return err
	}
	return send(env, m, r)
}
