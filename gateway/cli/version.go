package cli

import (
	"fmt"
	"runtime/debug"
)

type versionCommand struct{}

// Run prints the version of this build.
func (versionCommand) Run(env *environment) error {
	_, err := fmt.Fprintln(env.stdout, version())
	return err
}

// release is set by the linker for a release.
var release = "development"

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return release
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return release + " (" + s.Value[:min(12, len(s.Value))] + ")"
		}
	}
	return release
}
