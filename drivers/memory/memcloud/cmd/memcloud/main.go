package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

type commands struct {
	Serve serveCommand `cmd:"" help:"Run the cloud."`
	Dump  dumpCommand  `cmd:"" help:"Print all records as JSON."`
	Knobs struct {
		Get getKnobsCommand `cmd:"" help:"Print the knobs."`
		Set setKnobsCommand `cmd:"" help:"Replace the knobs."`
	} `cmd:"" help:"Read or change how the cloud behaves."`
}

// streams is where commands write.
type streams struct {
	out io.Writer
	log *slog.Logger
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var cli commands
	parser, err := kong.New(&cli, kong.Name("memcloud"), kong.Description("A simulated cloud."),
		kong.Writers(stdout, stderr), kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(&streams{stdout, slog.New(slog.NewJSONHandler(stderr, nil))}))
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	command, err := parser.Parse(args)
	if err == nil {
		err = command.Run()
	}
	if err != nil {
		fmt.Fprintln(stderr, "memcloud:", err)
		return 1
	}
	return 0
}
