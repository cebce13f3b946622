package cli

import (
	"github.com/alecthomas/kong"

	"github.com/yunqiao/yunqiao/gateway/app"
)

// programsCommands need no gateway: they are the kit for the developers of content
// platforms.
type programsCommands struct {
	app.ProgramsCommands
}

// AfterApply gives the kit's commands their environment.
func (programsCommands) AfterApply(ctx *kong.Context) error {
	return ctx.BindToProvider(func(env *environment) (*app.ProgramsEnvironment, error) {
		return &app.ProgramsEnvironment{Context: env.ctx, Stdin: env.stdin, Stdout: env.stdout, Stderr: env.stderr}, nil
	})
}
