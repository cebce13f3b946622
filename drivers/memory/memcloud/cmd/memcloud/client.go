package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/yunqiao/yunqiao/drivers/memory/memcloud"
)

type dumpCommand struct {
	Admin string `xor:"from" required:"" help:"URL of a running cloud's admin interface."`
	File  string `xor:"from" required:"" help:"File of a cloud that is not running."`
}

// Run prints the records.
func (d *dumpCommand) Run(ctx context.Context, std *streams) error {
	if d.File == "" {
		return fetch(ctx, std.out, http.MethodGet, d.Admin, "/dump", nil)
	}
	records, err := memcloud.DumpFile(ctx, d.File)
	if err != nil {
		return err
	}
	e := json.NewEncoder(std.out)
	e.SetIndent("", "  ")
	return e.Encode(records)
}

type getKnobsCommand struct {
	Admin string `default:"http://127.0.0.1:8401" help:"URL of the admin interface."`
}

// Run prints the knobs.
func (g *getKnobsCommand) Run(ctx context.Context, std *streams) error {
	return fetch(ctx, std.out, http.MethodGet, g.Admin, "/knobs", nil)
}

type setKnobsCommand struct {
	File  string `arg:"" help:"JSON file with all knobs; what it leaves out gets its default."`
	Admin string `default:"http://127.0.0.1:8401" help:"URL of the admin interface."`
}

// Run replaces the knobs.
func (s *setKnobsCommand) Run(ctx context.Context, std *streams) error {
	text, err := os.ReadFile(s.File)
	if err != nil {
		return err
	}
	return fetch(ctx, std.out, http.MethodPut, s.Admin, "/knobs", text)
}

func fetch(ctx context.Context, out io.Writer, method, admin, path string, body []byte) error {
	if !strings.Contains(admin, "://") {
		admin = "http://" + admin
	}
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(admin, "/")+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(response.Body)
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s: %s", method, path, response.Status, bytes.TrimSpace(text))
	}
	_, err = out.Write(text)
	return err
}
