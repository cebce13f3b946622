package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/yunqiao/yunqiao/gateway/driverhost"
)

type driverManifestCommand struct {
	Path    string `arg:"" help:"The driver: a program, or a folder that holds nothing else." type:"existingpath"`
	Program string `help:"Of a folder: the program in it; default: the file that is called as the folder is."`
	Verify  bool   `help:"Hold the files against the manifest that is there, instead of writing one."`
}

// Help implements kong.HelpProvider.
func (driverManifestCommand) Help() string {
	return `Starts the driver to ask what it is, and writes its manifest: beside a program
as NAME.manifest.json, into a folder as manifest.json. The gateway verifies all files
of a driver that has a manifest before each start.

    yunqiao driver manifest build/drivers/acme
    yunqiao driver manifest --verify build/drivers/acme`
}

// Run writes or verifies.
func (c *driverManifestCommand) Run(env *environment) error {
	dir, program, manifest, files, err := c.files()
	if err != nil {
		return err
	}
	if c.Verify {
		m, err := driverhost.ReadManifest(manifest)
		if err != nil {
			return err
		}
		if err := m.Verify(manifest); err != nil {
			return err
		}
		_, err = fmt.Fprintf(env.stdout, "%s %s: %d files are as %s says\n", m.Name, m.Version, len(m.Files), manifest)
		return err
	}
	path, err := filepath.Abs(filepath.Join(dir, program))
	if err != nil {
		return err
	}
	var log bytes.Buffer
	host := driverhost.New(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn})), driverhost.Options{})
	defer host.Close()
	if err := host.Start(env.ctx, driverhost.Spec{Name: "driver", Path: path}); err != nil {
		return err
	}
	driver, _ := host.Driver("driver")
	m, err := driverhost.NewManifest(driver.Info(), driver.Schema(), dir, program, files)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(manifest, append(text, '\n'), 0o644); err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.stdout, "%s %s: %s, %d files\n", m.Name, m.Version, manifest, len(m.Files))
	return err
}

// files tells what belongs to the driver and where its manifest lies.
func (c *driverManifestCommand) files() (dir, program, manifest string, files []string, err error) {
	info, err := os.Stat(c.Path)
	if err != nil {
		return "", "", "", nil, err
	}
	if !info.IsDir() {
		dir, program = filepath.Split(c.Path)
		return dir, program, c.Path + driverhost.ManifestSuffix, []string{program}, nil
	}
	program = c.Program
	if program == "" {
		program = filepath.Base(filepath.Clean(c.Path))
	}
	manifest = filepath.Join(c.Path, driverhost.ManifestFile)
	err = filepath.WalkDir(c.Path, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path == manifest {
			return err
		}
		name, err := filepath.Rel(c.Path, path)
		files = append(files, filepath.ToSlash(name))
		return err
	})
	return c.Path, program, manifest, files, err
}
