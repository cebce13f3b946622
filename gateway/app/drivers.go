package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/yunqiao/yunqiao/gateway/driverhost"
)

// DriverConfig is one driver to run: a program, or what a manifest says.
type DriverConfig struct {
	Name     string   `yaml:"name"`
	Path     string   `yaml:"path"`
	Manifest string   `yaml:"manifest"`
	Args     []string `yaml:"args"`
	SHA256   string   `yaml:"sha256"`
}

// DriverLimitsConfig bounds each driver's process; 0 sets no limit.
type DriverLimitsConfig struct {
	MemoryMiB int    `yaml:"memory_mib"`
	OpenFiles int    `yaml:"open_files"`
	Processes int    `yaml:"processes"` // threads and children; with cgroup only
	Cgroup    string `yaml:"cgroup"`    // folder of cgroup v2 in which each driver gets a group
}

// defaultDriverLimits are far above what a driver of a hundred accounts needs.
func defaultDriverLimits() DriverLimitsConfig {
	return DriverLimitsConfig{MemoryMiB: 4096, OpenFiles: 65536}
}

func (l DriverLimitsConfig) limits() driverhost.Limits {
	return driverhost.Limits{MemoryMiB: l.MemoryMiB, OpenFiles: l.OpenFiles, Processes: l.Processes, CgroupDir: l.Cgroup}
}

func (l DriverLimitsConfig) validate(bad report) {
	for key, value := range map[string]int{"memory_mib": l.MemoryMiB, "open_files": l.OpenFiles, "processes": l.Processes} {
		if value < 0 {
			bad("driver_limits."+key, "%d is negative; 0 sets no limit", value)
		}
	}
	if l.MemoryMiB != 0 && l.MemoryMiB < 64 {
		bad("driver_limits.memory_mib", "%d is below 64, with which no driver starts", l.MemoryMiB)
	}
	if l.Processes != 0 && l.Cgroup == "" {
		bad("driver_limits.processes", "needs driver_limits.cgroup")
	}
}

// driverSpecs are the configured drivers, or all in the drivers' folder: programs
// with or without a manifest beside them, and folders with a manifest in them.
func driverSpecs(ctx context.Context, log *slog.Logger, config *Config) ([]driverhost.Spec, error) {
	var specs []driverhost.Spec
	for _, d := range config.Drivers {
		specs = append(specs, driverhost.Spec{Name: d.Name, Path: d.Path, Manifest: d.Manifest, Args: d.Args, SHA256: d.SHA256})
	}
	if len(specs) > 0 {
		return specs, nil
	}
	dir := config.Dir
	if dir == "" {
		program, err := os.Executable()
		if err != nil {
			return nil, err
		}
		dir = filepath.Join(filepath.Dir(program), "drivers")
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no folder %s with drivers; build them (make build) or set driver_dir", dir)
	}
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		spec := driverhost.Spec{Name: entry.Name(), Path: filepath.Join(dir, entry.Name())}
		info, err := entry.Info()
		switch {
		case err != nil:
			continue
		case info.IsDir():
			spec.Manifest = filepath.Join(spec.Path, driverhost.ManifestFile)
		case info.Mode().IsRegular() && info.Mode()&0o111 != 0:
			spec.Manifest = spec.Path + driverhost.ManifestSuffix
		default:
			continue
		}
		if _, err := os.Stat(spec.Manifest); err != nil {
			if info.IsDir() {
				continue
			}
			spec.Manifest = ""
			log.LogAttrs(ctx, slog.LevelWarn, "driver has no manifest", slog.String("driver", spec.Name), slog.String("path", spec.Path))
		}
		specs = append(specs, spec)
	}
	return specs, nil
}
