// Command alibaba-sim runs the simulated Alibaba Cloud as a server of its own.
//
//	alibaba-sim --listen 127.0.0.1:8410 --tls 127.0.0.1:8411 --ca ca.pem
//
// Once both ports answer it prints one line of JSON with where they are and the
// account's key. It owns flags, listeners and the order of start and stop; the cloud
// itself is package sim.
package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/yunqiao/yunqiao/drivers/alibaba/sim"
)

// drainTime is how long calls in flight may take after the signal to end.
const drainTime = 5 * time.Second

type flags struct {
	Listen     string   `default:"127.0.0.1:8410" help:"Address for HTTP, and for HTTPS too; port 0 takes a free one."`
	TLS        string   `default:"127.0.0.1:8411" name:"tls" help:"Address for HTTPS alone; port 0 takes a free one."`
	CA         string   `name:"ca" help:"File to write the certificate to that clients must trust."`
	Accounts   string   `help:"JSON file: a list of accounts with UID, Name, AccessKeyID and AccessKeySecret."`
	Regions    []string `help:"Regions; the first is the default."`
	Faults     string   `help:"JSON file with the faults to start with, as at /sim/faults."`
	DelayMS    int      `default:"500" name:"delay-ms" help:"How long a change of state takes, in milliseconds."`
	Lenient    bool     `help:"Ignore parameters that the definitions do not have."`
	RequireTLS bool     `name:"require-tls" help:"Refuse plain HTTP for actions that are HTTPS only."`
}

// ready is the one line on standard output.
type ready struct {
	HTTP    string      `json:"http"`
	HTTPS   string      `json:"https"`
	CA      string      `json:"ca,omitempty"`
	Account sim.Account `json:"account"`
	Region  string      `json:"region"`
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var f flags
	parser, err := kong.New(&f, kong.Name("alibaba-sim"), kong.Description("A simulated Alibaba Cloud."), kong.Writers(stdout, stderr))
	if err == nil {
		_, err = parser.Parse(args)
	}
	if err == nil {
		err = serve(ctx, f, stdout, slog.New(slog.NewJSONHandler(stderr, nil)))
	}
	if err != nil {
		fmt.Fprintln(stderr, "alibaba-sim:", err)
		return 1
	}
	return 0
}

func (f flags) options(log *slog.Logger) (sim.Options, error) {
	opts := sim.Options{Log: log, Regions: f.Regions, Lenient: f.Lenient, RequireTLS: f.RequireTLS, Faults: sim.Faults{DelayMS: f.DelayMS}}
	for _, file := range []struct {
		name string
		into any
	}{{f.Accounts, &opts.Accounts}, {f.Faults, &opts.Faults}} {
		if file.name == "" {
			continue
		}
		text, err := os.ReadFile(file.name)
		if err != nil {
			return opts, err
		}
		if err := json.Unmarshal(text, file.into); err != nil {
			return opts, fmt.Errorf("%s: %w", file.name, err)
		}
	}
	return opts, nil
}

func serve(ctx context.Context, f flags, stdout io.Writer, log *slog.Logger) error {
	opts, err := f.options(log)
	if err != nil {
		return err
	}
	cloud, err := sim.New(opts)
	if err != nil {
		return err
	}
	authority, err := sim.NewAuthority(time.Now())
	if err != nil {
		return err
	}
	if f.CA != "" {
		if err := os.WriteFile(f.CA, authority.PEM(), 0o644); err != nil { //nolint:gosec // a certificate is public
			return err
		}
	}
	var config net.ListenConfig
	plain, err := config.Listen(ctx, "tcp", f.Listen)
	if err != nil {
		return err
	}
	secure, err := config.Listen(ctx, "tcp", f.TLS)
	if err != nil {
		return errors.Join(err, plain.Close())
	}
	line, err := json.Marshal(ready{"http://" + plain.Addr().String(), "https://" + secure.Addr().String(), f.CA, cloud.Accounts()[0], cloud.Regions()[0]})
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(stdout, string(line)); err != nil {
		return err
	}
	server := &http.Server{Handler: cloud, ReadHeaderTimeout: drainTime, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)}
	return untilDone(ctx, server, sim.Either(plain, authority.Config()), tls.NewListener(secure, authority.Config()))
}

// untilDone serves both ports until the context or one of them ends, then drains.
func untilDone(ctx context.Context, server *http.Server, listeners ...net.Listener) error {
	ended := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() { ended <- server.Serve(l) }()
	}
	var first error
	running := len(listeners)
	select {
	case <-ctx.Done():
	case first = <-ended:
		running--
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	err := errors.Join(first, server.Shutdown(drain))
	for range running {
		if e := <-ended; !errors.Is(e, http.ErrServerClosed) {
			err = errors.Join(err, e)
		}
	}
	return err
}
