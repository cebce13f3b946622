package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"google.golang.org/grpc"

	"github.com/yunqiao/yunqiao/drivers/memory/memcloud"
)

// drainTime is how long calls in flight may take after the signal to end.
const drainTime = 5 * time.Second

type serveCommand struct {
	Listen string `default:"127.0.0.1:8400" help:"Address of the cloud's gRPC API; port 0 takes a free one."`
	Admin  string `default:"127.0.0.1:8401" help:"Address of the admin interface (HTTP, without authentication)."`
	Data   string `help:"File that keeps the cloud; without it nothing outlives the process."`
	Knobs  string `help:"JSON file with the knobs to start with."`
}

// addresses is the one line on standard output, once both ports answer.
type addresses struct {
	Listen string `json:"listen"`
	Admin  string `json:"admin"`
}

// Run serves until the context ends.
func (s *serveCommand) Run(ctx context.Context, std *streams) (err error) {
	opts := memcloud.Options{File: s.Data}
	if s.Knobs != "" {
		text, err := os.ReadFile(s.Knobs)
		if err != nil {
			return err
		}
		knobs, err := memcloud.ParseKnobs(text)
		if err != nil {
			return err
		}
		opts.Knobs = &knobs
	}
	cloud, err := memcloud.Open(opts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cloud.Close()) }()
	var config net.ListenConfig
	api, err := config.Listen(ctx, "tcp", s.Listen)
	if err != nil {
		return err
	}
	admin, err := config.Listen(ctx, "tcp", s.Admin)
	if err != nil {
		return errors.Join(err, api.Close())
	}
	line, err := json.Marshal(addresses{api.Addr().String(), admin.Addr().String()})
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(std.out, string(line)); err != nil {
		return err
	}
	return serve(ctx, memcloud.NewServer(cloud, std.log), api,
		&http.Server{Handler: memcloud.AdminHandler(cloud), ReadHeaderTimeout: drainTime}, admin)
}

// serve runs both servers until the context or one of them ends, then drains.
func serve(ctx context.Context, api *grpc.Server, apiListener net.Listener, admin *http.Server, adminListener net.Listener) error {
	ended := make(chan error, 2)
	go func() { ended <- api.Serve(apiListener) }()
	go func() { ended <- admin.Serve(adminListener) }()
	var first error
	running := 2
	select {
	case <-ctx.Done():
	case first = <-ended:
		running--
	}
	force := time.AfterFunc(drainTime, api.Stop)
	defer force.Stop()
	api.GracefulStop()
	err := errors.Join(first, admin.Close())
	for range running {
		if e := <-ended; !errors.Is(e, http.ErrServerClosed) {
			err = errors.Join(err, e)
		}
	}
	return err
}
