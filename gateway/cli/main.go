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

// environment is what commands get beside their flags.
type environment struct {
	ctx    context.Context
	getenv func(string) string
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	flags  clientFlags
}

// Main runs one command line and returns the exit status: 0 done, 1 failed, 2
// wrong usage.
func Main(args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	env := &environment{ctx: ctx, getenv: getenv, stdin: stdin, stdout: stdout, stderr: stderr}
	line := &commands{}
	exited := -1
	parser, err := kong.New(line,
		kong.Name("yunqiao"),
		kong.Description("Yunqiao (云桥): one cloud API over every cloud.\n\nStart with `yunqiao serve`; the other commands call a gateway that runs."),
		kong.UsageOnError(), kong.Writers(stdout, stderr), kong.Exit(func(code int) { exited = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}), kong.Help(help),
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
	env.flags = line.clientFlags
	if err := command.Run(env); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(stderr, "yunqiao:", err)
		return 1
	}
	return 0
}
