package harness

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// envPrograms names a folder with programs that are built already, laid out as
// "make build" does.
const envPrograms = "YUNQIAO_BIN"

// programs are the paths in the folder and the packages that they are built of.
var programs = map[string]string{
	"yunqiao":           "./gateway",
	"memcloud":          "./drivers/memory/memcloud/cmd/memcloud",
	"drivers/memory":    "./drivers/memory",
	"drivers/openstack": "./drivers/openstack",
	"drivers/alibaba":   "./drivers/alibaba",
}

// Programs is a folder of built programs.
type Programs struct {
	dir   string
	built bool // here, so that Remove may take it away
}

// Build builds all programs in the module whose root is given, or takes those
// that YUNQIAO_BIN names.
func Build(moduleRoot string) (*Programs, error) {
	if dir := os.Getenv(envPrograms); dir != "" {
		absolute, err := filepath.Abs(dir)
		return &Programs{dir: absolute}, err
	}
	dir, err := os.MkdirTemp("", "yunqiao-e2e-")
	if err != nil {
		return nil, err
	}
	p := &Programs{dir: dir, built: true}
	for name, pkg := range programs {
		build := exec.Command("go", "build", "-o", filepath.Join(dir, filepath.FromSlash(name)), pkg)
		build.Dir = moduleRoot
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return nil, errors.Join(fmt.Errorf("build %s: %w\n%s", pkg, err, out), p.Remove())
		}
	}
	return p, nil
}

// Dir is the folder, laid out as "make build" does.
func (p *Programs) Dir() string { return p.dir }

// Remove takes away what Build made.
func (p *Programs) Remove() error {
	if !p.built {
		return nil
	}
	return os.RemoveAll(p.dir)
}

func (p *Programs) path(name string) string { return filepath.Join(p.dir, filepath.FromSlash(name)) }
