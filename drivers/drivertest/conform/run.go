package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/yunqiao/yunqiao/drivers/drivertest"
)

const usage = `Shows whether a driver holds what it declares.

    conform [flags] PROGRAM [ARGUMENTS]
    conform [flags] --address HOST:PORT [--tls-ca FILE --tls-cert FILE --tls-key FILE]
    conform --document REPORT.json [REPORT.json...]

The exit status is 0 only if nothing failed and every declared rpc was reached,
1 otherwise, 2 after wrong usage.

Flags:
`

// set collects name=value flags.
type set map[string]string

// String implements flag.Value.
func (s set) String() string { return "" }

// Set implements flag.Value.
func (s set) Set(text string) error {
	name, value, ok := strings.Cut(text, "=")
	if !ok {
		return errors.New("must be NAME=VALUE")
	}
	s[name] = value
	return nil
}

// line is the command line.
type line struct {
	config, report, address, output string
	untested                        bool
	resources                       string
	tls                             tlsFiles
	settings, values                set
	environment, document           bool
}

func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	l := line{settings: set{}, values: set{}}
	flags := flag.NewFlagSet("conform", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, usage)
		flags.PrintDefaults()
	}
	flags.StringVar(&l.config, "config", "", "JSON `file` with settings, credentials, values and the limits of the run")
	flags.Var(l.settings, "setting", "setting of the account, `NAME=VALUE`; repeatable, over those of the file")
	flags.Var(l.values, "value", "what to use of the cloud, `NAME=ID`: image, flavor, other_flavor, external_network, zone, other_zone; repeatable")
	flags.StringVar(&l.resources, "resources", "", "resource `types` to limit the run to, with those that they need: network.network,network.subnet")
	flags.StringVar(&l.report, "report", "text", "`format`: text, json or junit")
	flags.StringVar(&l.output, "output", "", "`file` for the report; default: the standard output")
	flags.StringVar(&l.address, "address", "", "`host:port` of a driver that runs")
	flags.StringVar(&l.tls.ca, "tls-ca", "", "`file` of the authority of the driver's certificate")
	flags.StringVar(&l.tls.cert, "tls-cert", "", "`file` of the gateway's certificate")
	flags.StringVar(&l.tls.key, "tls-key", "", "`file` of its key")
	flags.BoolVar(&l.untested, "allow-untested", false, "hold with declared rpcs that were not reached")
	flags.BoolVar(&l.environment, "inherit-env", false, "give the driver this program's environment, as no gateway would")
	flags.BoolVar(&l.document, "document", false, "print JSON reports as one document")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	check := l.check
	if l.document {
		check = printDocument
	}
	holds, err := check(ctx, flags.Args(), stdout)
	switch {
	case errors.Is(err, errUsage):
		fmt.Fprintln(stderr, "conform:", err)
		return 2
	case err != nil:
		fmt.Fprintln(stderr, "conform:", err)
		return 1
	case !holds:
		return 1
	default:
		return 0
	}
}

var errUsage = errors.New("give a program or --address, not both")

func (l *line) check(ctx context.Context, program []string, stdout io.Writer) (holds bool, err error) {
	if (len(program) > 0) == (l.address != "") {
		return false, errUsage
	}
	options, err := l.options()
	if err != nil {
		return false, err
	}
	target, closeTarget, err := l.target(program)
	if err != nil {
		return false, err
	}
	defer closeTarget()
	report, err := drivertest.Check(ctx, target, options)
	if err != nil {
		return false, err
	}
	holds = report.Holds() || l.untested && report.Count(drivertest.Failed) == 0
	if l.output == "" {
		return holds, report.Write(stdout, l.report)
	}
	var told bytes.Buffer
	if err := report.Write(&told, l.report); err != nil {
		return false, err
	}
	return holds, os.WriteFile(l.output, told.Bytes(), 0o644)
}

func (l *line) options() (drivertest.Options, error) {
	var options drivertest.Options
	if l.config != "" {
		content, err := os.ReadFile(l.config)
		if err != nil {
			return options, err
		}
		decoder := json.NewDecoder(bytes.NewReader(content))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&options); err != nil {
			return options, fmt.Errorf("%s: %w", l.config, err)
		}
	}
	options.Settings = over(options.Settings, l.settings)
	options.Values = over(options.Values, l.values)
	if l.resources != "" {
		options.Resources = strings.Split(l.resources, ",")
	}
	return options, nil
}

func over(below, above map[string]string) map[string]string {
	all := map[string]string{}
	for _, from := range []map[string]string{below, above} {
		for k, v := range from {
			all[k] = v
		}
	}
	return all
}
