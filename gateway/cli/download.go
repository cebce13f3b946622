package cli

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/alecthomas/kong"
)

// pathTag is the tag of a command that names the path of the file that it fetches.
const pathTag = "path"

// downloadCommand writes what a path answers into a file, as it comes.
type downloadCommand struct {
	File   string   `arg:"" help:"File to write, which must not be there; - is standard output."`
	Fields []string `arg:"" optional:"" name:"key=value" sep:"none" help:"Parameters, as of the path's document."`
}

// Run fetches the file. What was cut off is not left behind under the name.
func (d downloadCommand) Run(selected *kong.Context, env *environment) (err error) {
	query := url.Values{}
	for _, field := range d.Fields {
		name, value, ok := strings.Cut(field, "=")
		if !ok {
			return fmt.Errorf("%q is no key=value", field)
		}
		query.Add(name, value)
	}
	c := newClient(env.flags, env.getenv)
	if err = c.identify(env); err != nil {
		return err
	}
	path := selected.Selected().Tag.Get(pathTag)
	response, err := c.send(env.ctx, http.MethodGet, path, query, nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		_, err := c.read(path, response)
		return err
	}
	if d.File == "-" {
		_, err := io.Copy(env.stdout, response.Body)
		return err
	}
	file, err := os.OpenFile(d.File, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, response.Body)
	if closing := file.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return fmt.Errorf("the file was cut off: %w", errors.Join(err, os.Remove(d.File)))
	}
	return nil
}
