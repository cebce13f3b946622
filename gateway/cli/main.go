package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// commands is the whole command line.
type commands struct {
	Serve   serveCommand   `cmd:"" help:"Run the gateway until it is interrupted."`
	Routes  routesCommand  `cmd:"" help:"List every HTTP route with its rpc, permission and rows of GY/T 355."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

// environment is what commands get beside their flags.
type environment struct {
	ctx    context.Context
	getenv func(string) string
	stdout io.Writer
	stderr io.Writer
}

// Main runs one command line and returns the exit status: 0 done, 1 failed, 2
// wrong usage.
func Main(args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	env := &environment{ctx, getenv, stdout, stderr}
	exited := -1
	parser, err := kong.New(&commands{},
		kong.Name("yunqiao"),
		kong.Description("Yunqiao (云桥): one cloud API over every cloud.\n\nStart with `yunqiao serve`."),
		kong.UsageOnError(), kong.Writers(stdout, stderr), kong.Exit(func(code int) { exited = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		fmt.Fprintln(stderr, "yunqiao:", err)
		return 2
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if exited >= 0 { // help was asked for and printed
		return exited
	}
	if err != nil {
		fmt.Fprintln(stderr, "yunqiao:", err)
		return 2
	}
	if err := command.Run(env); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(stderr, "yunqiao:", err)
		return 1
	}
	return 0
}
