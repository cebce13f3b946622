package cli

import (
	"bytes"
	"embed"
	"fmt"
	"go/format"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"
)

//go:embed skeleton
var skeleton embed.FS

var driverNameForm = regexp.MustCompile(`^[a-z][a-z0-9-]{1,30}[a-z0-9]$`)

type driverNewCommand struct {
	Name   string `arg:"" help:"Name of the driver: lower case letters, digits, hyphens. The folder of this name must not exist."`
	Source string `help:"Folder of Yunqiao's sources, where the SDK and the contract are." type:"existingdir" default:"."`
	Module string `help:"Path of the Go module; default: example.com/NAME."`
}

// Help implements kong.HelpProvider.
func (driverNewCommand) Help() string {
	return `Writes a driver that keeps networks in memory, as a place to begin:

    yunqiao driver new acme --source .
    cd acme && go mod tidy && go build -o acme .
    conform ./acme

docs/drivers.md goes on from there.`
}

// Run writes the folder.
func (c *driverNewCommand) Run(env *environment) error {
	if !driverNameForm.MatchString(c.Name) {
		return fmt.Errorf("name %q must have 3 to 32 lower case letters, digits and hyphens, a letter first", c.Name)
	}
	for _, part := range []string{"drivers/sdk/go.mod", "plugin-proto/go.mod"} {
		if _, err := os.Stat(filepath.Join(c.Source, part)); err != nil {
			return fmt.Errorf("--source %s is not the sources of Yunqiao: %w", c.Source, err)
		}
	}
	if c.Module == "" {
		c.Module = "example.com/" + c.Name
	}
	if err := os.Mkdir(c.Name, 0o755); err != nil {
		return err
	}
	files, err := skeleton.ReadDir("skeleton")
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := c.write(file.Name()); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(env.stdout, "%s is written. Next: cd %s && go mod tidy && go build .\n", c.Name, c.Name)
	return err
}

func (c *driverNewCommand) write(name string) error {
	page, err := template.ParseFS(skeleton, "skeleton/"+name)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := page.Execute(&text, c); err != nil {
		return err
	}
	target, content := strings.TrimSuffix(name, ".tmpl"), text.Bytes()
	if strings.HasSuffix(target, ".go") {
		if content, err = format.Source(content); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return os.WriteFile(filepath.Join(c.Name, target), content, 0o644)
}
